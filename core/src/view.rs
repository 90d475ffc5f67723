//! One moment of a path as plain structs: what the page draws, the terminal prints and the tests
//! compare. Strings and numbers with public fields; nothing here decides anything, and nothing the
//! machine does not hold is in it.
//!
//! The matrix: **each physical block is a column, each place where its bytes can live is a row**,
//! from the program down to the medium, with a waterline: everything above it is lost in a power
//! cut.

mod blocks;
mod journal;
mod matrix;
mod outline;
mod scene;
pub mod text;
mod trees;
mod used;

pub use outline::{Outline, outline};
pub use scene::{brief, scene};

use alloc::string::String;
use alloc::vec::Vec;

/// A build without the ext-like file system has neither metadata that moves nor a journal to show.
const METADATA: bool = crate::EXT4;

/// One moment of a path, ready to draw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scene {
    /// The step that led here; 0 is the initial state.
    pub step: usize,
    /// What that step did.
    pub caption: Caption,
    /// The columns of the matrix: the blocks outside the log ring, in order; of a large device those
    /// that matter on this path.
    pub columns: Vec<Column>,
    /// The rows, from the program down to the medium.
    pub rows: Vec<Row>,
    /// Where the rows that a power cut loses end.
    pub waterline: Waterline,
    /// The log ring, in the order of the device; empty without a journal. Of a long one, what is far from
    /// the step stands in one item.
    pub log: Vec<LogBlock>,
    /// The transactions that the journal knows, the running one first.
    pub transactions: Vec<Detail>,
    /// What is known of each block, in the order of the columns; empty where no metadata moves.
    pub blocks: Vec<Detail>,
    /// The block that was touched last; empty if none was, or where `blocks` is.
    pub touched: String,
    /// The trees of all mappings, the files' first.
    pub trees: Vec<Tree>,
    /// The threads with their stacks, in the scenario's order.
    pub threads: Vec<Thread>,
    /// The named invariants.
    pub invariants: Vec<Invariant>,
    /// What a power cut could leave now.
    pub crash: CrashNow,
    /// What this step changed; empty at step 0.
    pub changed: Vec<Change>,
    /// What could be done next, in the order that links count.
    pub enabled: Vec<EnabledAction>,
}

/// A step in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caption {
    /// One sentence, at most 25 words, and at most 8 more for a verdict change.
    pub sentence: String,
    /// Who acted; empty at step 0.
    pub actor: String,
    /// The innermost kernel function that acted; empty in user mode and for the hardware.
    pub function: String,
    /// One line per cited rule, those of the function that acted first.
    pub sources: Vec<Source>,
    /// The verdict words that showed in this step.
    pub verdicts: Vec<String>,
    /// Why one would stop here (UI-603), if there is a reason: `verdict`, `invariant`, `crash`,
    /// `mismatch`, `promise`, `end`.
    pub event: Option<String>,
}

/// A cited rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// `DAX-12.6d`.
    pub rule: String,
    /// The kernel function or functions.
    pub function: String,
    /// The file.
    pub file: String,
    /// The kernel versions.
    pub versions: String,
    /// Evidence marks.
    pub evidence: String,
    /// The rule in one line.
    pub line: String,
}

/// A column of the matrix: one block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// `b9`.
    pub label: String,
    /// The block's number.
    pub block: u64,
    /// Whether anything touches it anywhere on the path, so that the others can fold away.
    pub used: bool,
    /// Whether this step changed something in it.
    pub changed: bool,
}

/// Which place a row stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowKind {
    /// Who owns the block.
    Owner,
    /// The page-table entries of a user mapping.
    PageTable,
    /// A file's mapping.
    FileMapping,
    /// The block device's mapping.
    DeviceMapping,
    /// What the running, the committing or the checkpointing transactions hold.
    Transaction,
    /// The CPU caches: versions that no fence has made safe yet.
    CpuCache,
    /// The write-pending queue: what came there in this very step.
    WriteQueue,
    /// The medium.
    Medium,
    /// The copies in the log, each in the column of its home.
    Log,
}

/// A row of the matrix: one place where bytes can live.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// A stable id for links, focus and tests: `owner`, `file-11`, `pte-writer-11`, `device`,
    /// `running`, `committing`, `checkpoint`, `cache`, `wpq`, `medium`, `log`.
    pub id: String,
    /// Which place.
    pub kind: RowKind,
    /// `file a`.
    pub title: String,
    /// `inode 11 · i_pages`.
    pub subtitle: String,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// A cell of the matrix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// What is there.
    pub content: Content,
    /// Whether this step changed it.
    pub changed: bool,
    /// `≠ v3`: the version that the newest content has, if this copy is older.
    pub differs_from: Option<String>,
    /// The cell in words, for the text twin and for assistive technology; empty if nothing is here.
    pub words: String,
}

/// What a cell holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Who owns the block.
    Owner {
        /// Who claims it in memory; `free` if nobody does.
        names: Vec<String>,
        /// Who believes otherwise: `bitmap: used`, `kept for T2`.
        doubts: Vec<String>,
    },
    /// Page-table entries that map the block.
    Pte {
        /// Page index in the file.
        index: u64,
        /// Whether a store needs no fault.
        writable: bool,
    },
    /// A page: a copy of the block in DRAM. Drawn as a square.
    Page {
        /// Page index in the mapping.
        index: u64,
        /// Version chips: one, or several when the page is between versions.
        chips: Vec<String>,
        /// `D·T`.
        tags: String,
        /// Page flags in words, for instance `Uptodate`, `Dirty`.
        flags: Vec<String>,
        /// The telling flags of its buffer head: D Dirty, J JBDDirty, F Freed, R Revoked, S Shadow.
        buffer: String,
    },
    /// A DAX entry: no copy, a note where to flush. Drawn as a diamond.
    Entry {
        /// Page index in the mapping.
        index: u64,
        /// The word in the slot, hexadecimal.
        word: String,
        /// `D··`.
        tags: String,
        /// The entry lock.
        locked: bool,
    },
    /// Remarks: lists of a transaction, copies in the log.
    Notes(Vec<Note>),
    /// The block's lines.
    Lines {
        /// One per line, in order.
        lines: Vec<Line>,
        /// Version chips of the block in this place; empty where nothing is here.
        chips: Vec<String>,
    },
}

/// A remark in a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// `Metadata`, `frozen`, `T5 @b17`.
    pub text: String,
    /// Version chips, if there is a copy.
    pub chips: Vec<String>,
    /// How safe a copy in the log is; `Free` where it is none.
    pub state: LineState,
    /// Why recovery would not write this copy home: `revoked by T6`, `no commit block`; empty if it
    /// would.
    pub idle: String,
    /// Whether that is for good: the block is revoked.
    pub revoked: bool,
}

/// A block of the log ring.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogBlock {
    /// `b17`.
    pub label: String,
    /// What it holds: `D`, `C`, `R b9`, `b9` for a copy, `?`; empty for nothing.
    pub holds: String,
    /// The block that it holds a copy of, `b9`; empty for others.
    pub home: String,
    /// The transaction it belongs to, `T5`; empty if it cannot be told.
    pub transaction: String,
    /// Version chips of a copy.
    pub chips: Vec<String>,
    /// How safe it is; `Free` where nothing is.
    pub state: LineState,
    /// Whether the log still needs it; otherwise it is old and may be written over.
    pub live: bool,
    /// Whether the log begins here.
    pub tail: bool,
    /// Whether the next block goes here.
    pub head: bool,
    /// Whether this step changed it.
    pub changed: bool,
    /// All of it in words.
    pub words: String,
}

/// Something in full: a table of facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Detail {
    /// `b9`, `T5 running`.
    pub title: String,
    /// What is known.
    pub facts: Vec<Fact>,
}

/// A fact: a name and what is so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// `buffer head`, `BJ_Metadata`.
    pub name: &'static str,
    /// In words.
    pub says: String,
    /// Whether this step changed it.
    pub changed: bool,
}

/// How safe a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineState {
    /// Nothing in this place.
    Free,
    /// Letter V: only in a CPU cache.
    Volatile,
    /// Letter Q: below the waterline, not on the medium yet. Under ADR only in the step that makes
    /// it safe; where the caches survive, as long as it is in one.
    Queued,
    /// Letter P: on the medium.
    Persistent,
    /// Letter `!`: older than what was promised to survive.
    Wrong,
}

impl LineState {
    /// The letter drawn and read: empty, `V`, `Q`, `P`, `!`.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Free => "",
            Self::Volatile => "V",
            Self::Queued => "Q",
            Self::Persistent => "P",
            Self::Wrong => "!",
        }
    }
}

/// A 64-byte line in one place. In blocks of many lines, neighbours that are alike are one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// How many neighbours this stands for, itself included.
    pub count: usize,
    /// How safe it is.
    pub state: LineState,
    /// The line's words as labels: the distinct ones that are not zero, joined by spaces.
    pub label: String,
    /// In the CPU cache: how many versions a power cut may choose from, 1 if there is no choice.
    pub versions: u64,
    /// Marks in words: `wb cpu0` (write back issued, not fenced), `nt`.
    pub marks: Vec<String>,
    /// Whether this step changed it.
    pub changed: bool,
}

/// Where the power cut's line runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waterline {
    /// The number of the first row below it.
    pub below_row: usize,
    /// `a power cut loses everything above this line · ADR`.
    pub text: String,
}

/// The tree of a mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// `file a`, `device`.
    pub title: String,
    /// The row of the matrix it belongs to.
    pub row: String,
    /// Levels of nodes; 0 if an item sits directly in the root.
    pub height: u32,
    /// Slots of a node.
    pub fan_out: u64,
    /// The root's tag bits.
    pub root_tags: String,
    /// `nrpages`.
    pub nrpages: u64,
    /// `nrexceptional`.
    pub nrexceptional: u64,
    /// S_DAX of the inode.
    pub s_dax: bool,
    /// What the root points to.
    pub root: Slot,
}

/// A slot of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Its number in the node; 0 for the root's.
    pub offset: u64,
    /// `D··`: the tag bits for this slot.
    pub tags: String,
    /// What it holds.
    pub item: Item,
    /// Whether this step changed it.
    pub changed: bool,
}

/// What a slot of a tree holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// Nothing.
    Empty,
    /// A node of the next level.
    Node {
        /// The smallest page index below it.
        first: u64,
        /// The largest.
        last: u64,
        /// Its slots: `fan_out` of them.
        slots: Vec<Slot>,
    },
    /// A page.
    Page {
        /// Page index.
        index: u64,
        /// The block it is a copy of, `b9`; empty if none.
        block: String,
        /// Version chips.
        chips: Vec<String>,
        /// Page flags in words.
        flags: Vec<String>,
    },
    /// A DAX entry.
    Entry {
        /// Page index.
        index: u64,
        /// The block, `b10`; empty while the entry is.
        block: String,
        /// The word, hexadecimal.
        word: String,
        /// The entry lock.
        locked: bool,
    },
}

/// A thread and its stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// `cpu0`.
    pub cpu: String,
    /// The program, one line per operation: `fsync(a)`.
    pub program: Vec<String>,
    /// The operation it is in or comes to next; the number of operations when it is done.
    pub position: usize,
    /// The kernel stack, outermost first; empty in user mode.
    pub frames: Vec<FrameLine>,
    /// What it sleeps on, in words.
    pub waits: Option<String>,
    /// Whether it acted in this step.
    pub acted: bool,
}

/// One frame of a kernel stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameLine {
    /// The kernel function.
    pub function: String,
    /// Its locals in words: `page 3, b10`.
    pub locals: String,
    /// Whether this is the frame that acts next.
    pub top: bool,
}

/// Whether an invariant holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// ✓
    Yes,
    /// ✗
    No,
    /// ◌ it says nothing in this epoch or this state.
    NotMeaningful,
}

/// A named invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invariant {
    /// `INV-TAG`.
    pub id: String,
    /// Its one-line meaning.
    pub meaning: String,
    /// Now.
    pub holds: Holds,
    /// The step since which it has been broken.
    pub broken_since: Option<usize>,
    /// What breaks it, in words.
    pub detail: String,
}

/// What a power cut could leave now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashNow {
    /// The exact number of images, decimal.
    pub images: String,
    /// `(2)(2) = 4`.
    pub formula: String,
    /// One sentence.
    pub sentence: String,
    /// The examined images by class, `ok` last; `sentence` says so if they are not all.
    pub classes: Vec<CrashClass>,
}

/// Images with the same verdict after recovery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashClass {
    /// The verdict word.
    pub verdict: String,
    /// The invariant it breaks; empty if no named one.
    pub invariant: String,
    /// How many images.
    pub count: u64,
    /// The example with the fewest lost lines, in words.
    pub example: String,
    /// Its number, by which a power cut chooses it.
    pub number: u32,
}

/// One line of the step's difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Where: `file a page 3`, `b10 line 0`.
    pub place: String,
    /// Before the step.
    pub before: String,
    /// After it.
    pub after: String,
}

/// An action that is possible now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnabledAction {
    /// Who would act.
    pub actor: String,
    /// What it would do next, in words: `fsync(a): dax_writeback_one`.
    pub what: String,
    /// Whether the lecture's script does this next.
    pub scripted: bool,
}
