//! A lecture, checked and resolved: every name is a core type, every variant is complete.

use crate::landmark::{AnyOf, Landmark};
use daxscope_core::address_space::MappingId;
use daxscope_core::check::{Invariant, Verdict};
use daxscope_core::config::{Epoch, Geometry};
use daxscope_core::fs::Kind;
use daxscope_core::machine::{FileSetup, FileWord, Op, Program, System, ThreadId};
use daxscope_core::rules::RuleId;
use daxscope_core::units::{BlockNr, Ino, LineNr, PageIndex, Word};

/// How a lecture relates to what kernels did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Released kernels behave like this.
    Real,
    /// It follows from the source, but nobody is known to have seen it.
    Hypothetical,
    /// No kernel ever was like this: it shows why.
    Counterfactual,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Real, Self::Hypothetical, Self::Counterfactual];

    /// Its word in lecture files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Hypothetical => "hypothetical",
            Self::Counterfactual => "counterfactual",
        }
    }

    /// The status of that word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// On what an expected verdict rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Read in source, a mail or a commit message.
    Read,
    /// Concluded from what was read.
    Inferred,
    /// Derived from the rules, with the reason written before the run.
    Derived,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 3] = [Self::Read, Self::Inferred, Self::Derived];

    /// Its word in lecture files and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Inferred => "inferred",
            Self::Derived => "derived",
        }
    }

    /// The basis of that word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.name() == name)
    }
}

/// A mail, commit or document that a lecture rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Where: `M4`, `commit 9973c98ecfda`.
    pub reference: String,
    /// What it says, in our words.
    pub says: String,
}

/// One lecture file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lecture {
    /// The name under which the file was read.
    pub file: String,
    /// `S01` to `S99`.
    pub id: String,
    /// Kebab case; part of every link, so never renamed.
    pub slug: String,
    /// The question that it asks.
    pub question: String,
    /// What it teaches, in a few sentences.
    pub teaches: String,
    /// How it relates to what kernels did.
    pub status: Status,
    /// The rules it rests on.
    pub rules: Vec<RuleId>,
    /// Claims of the seed mail that it is about: `C14`.
    pub claims: Vec<String>,
    /// Mails and commits.
    pub sources: Vec<Source>,
    /// The sizes of its machine.
    pub geometry: Geometry,
    /// The epoch shown first.
    pub epoch: Epoch,
    /// The epochs it has expectations for, oldest first.
    pub epochs: Vec<Epoch>,
    /// At least one; the first is shown first.
    pub variants: Vec<Variant>,
}

impl Lecture {
    /// The variant of that name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl Lecture {
    /// Whether its first variant needs more than the core has without its feature `ext4`. The page's first part has the
    /// others; where another variant needs more, it says so when that is run.
    #[must_use]
    pub fn needs_ext4(&self) -> bool {
        self.variants[0].needs_ext4()
    }
}

impl Variant {
    /// Whether it needs more than the core has without its feature `ext4`: a journal, a disk, names, allocation, a mount,
    /// writes to the raw device.
    #[must_use]
    pub fn needs_ext4(&self) -> bool {
        let file = |file: &FileSetup| file.kind == Kind::Directory || file.absent;
        let mut ops = self.programs.iter().flat_map(|program| &program.ops);
        self.system != System::PLAIN
            || self.files.iter().any(file)
            || self.schedule.iter().any(|it| matches!(it, Segment::PowerCut { .. }))
            || ops.any(|op| needs_more(op, &self.files))
    }
}

/// Whether an operation is more than one on a file whose blocks are there already, by DAX or by pages, or a read of the
/// raw device.
fn needs_more(op: &Op, files: &[FileSetup]) -> bool {
    let file = |ino: Ino| files.iter().find(|file| file.ino == ino);
    let is_dax = |ino| file(ino).is_some_and(|file| file.dax);
    let in_hole = |at: &FileWord| {
        let page = usize::try_from(at.index.0).unwrap_or(usize::MAX);
        file(at.ino).is_some_and(|file| file.blocks.get(page).copied().flatten().is_none())
    };
    match op {
        Op::Write { at, .. } => in_hole(at) || is_dax(at.ino),
        Op::Store { at, .. } => in_hole(at),
        Op::Mmap { ino } => !is_dax(*ino),
        Op::Load { .. }
        | Op::Read { .. }
        | Op::RawRead { .. }
        | Op::Fsync { .. }
        | Op::Sync
        | Op::PeriodicWriteback
        | Op::InvalidateBdev => false,
        _ => true,
    }
}

/// One complete run of a lecture: what the file's base says, overridden by the variant's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    /// Kebab case; `base` where the file does not say.
    pub name: String,
    /// For people.
    pub title: String,
    /// How it relates to what kernels did.
    pub status: Status,
    /// Switches set against the epoch's preset: name and value.
    pub sets: Vec<(String, String)>,
    /// The file system.
    pub system: System,
    /// The files.
    pub files: Vec<FileSetup>,
    /// What the medium holds at the start.
    pub contents: Vec<(BlockNr, Vec<Word>)>,
    /// The threads.
    pub programs: Vec<Program>,
    /// Who acts, in order.
    pub schedule: Vec<Segment>,
    /// The moments at which a power cut is judged.
    pub cuts: Vec<Cut>,
    /// The author's sentences.
    pub sentences: Vec<Sentence>,
    /// Prediction questions.
    pub predictions: Vec<Prediction>,
    /// What must come out: every declared epoch is in exactly one.
    pub expects: Vec<Expect>,
}

impl Variant {
    /// What must come out in an epoch; `None` if the lecture does not declare it.
    #[must_use]
    pub fn expect(&self, epoch: Epoch) -> Option<&Expect> {
        self.expects.iter().find(|expect| expect.epochs.contains(&epoch))
    }

    /// The number of the thread of that name.
    #[must_use]
    pub fn thread(&self, name: &str) -> Option<ThreadId> {
        let found = self.programs.iter().position(|program| program.name == name)?;
        u8::try_from(found).ok().map(ThreadId)
    }
}

/// A stretch of the schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Segment {
    /// A thread runs until the step that shows a landmark, that step included.
    Run {
        /// Which thread.
        thread: ThreadId,
        /// Until when.
        until: AnyOf,
    },
    /// The hardware writes a line back.
    Evict {
        /// The line.
        line: LineNr,
        /// The line as the file names it: `b10.0`.
        place: String,
    },
    /// The power fails.
    PowerCut {
        /// What survives.
        survivor: Survivor,
    },
    /// The disk completes the oldest write of a block out of a mapping.
    Complete {
        /// The block.
        block: BlockNr,
        /// Whose page it writes.
        mapping: MappingId,
        /// Both as the file names them: `b9 of device`.
        place: String,
    },
}

/// Which of the images of a power cut survives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Survivor {
    /// The one in which nothing is lost.
    NothingLost,
    /// The one in which every line that may lose something loses all of it.
    AllLost,
    /// The example of a class: of this verdict, the one that loses the fewest lines.
    Class(Verdict),
    /// The one in which each of these lines keeps so many of the stores that it may lose, and every
    /// other line keeps all of them.
    Kept(Vec<(LineNr, u32)>),
}

impl Survivor {
    /// Its word in lecture files; lines have none.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Kept(_) => "some-lost",
            Self::NothingLost => "nothing-lost",
            Self::AllLost => "all-lost",
            Self::Class(verdict) => verdict.word(),
        }
    }

    /// The survivor of that word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "nothing-lost" => Some(Self::NothingLost),
            "all-lost" => Some(Self::AllLost),
            _ => Verdict::from_word(word).map(Self::Class),
        }
    }
}

/// A moment of a run, found by what happened and not by its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// What happened in the step that led there.
    pub at: AnyOf,
    /// Only steps of this thread count.
    pub thread: Option<ThreadId>,
    /// The how manieth such step, from 1.
    pub nth: u32,
    /// The last such step instead.
    pub last: bool,
}

/// A moment at which a power cut is judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Its name in expectations.
    pub name: String,
    /// When.
    pub moment: Moment,
}

/// A sentence of the author's own, shown beside the core's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sentence {
    /// When.
    pub moment: Moment,
    /// Only in these epochs; empty: in all.
    pub epochs: Vec<Epoch>,
    /// Only if the step showed this verdict.
    pub verdict: Option<Verdict>,
    /// At most 25 words.
    pub text: String,
}

/// A question to answer before a step is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prediction {
    /// The step that answers it; the question comes before it.
    pub moment: Moment,
    /// Only in these epochs; empty: in all.
    pub epochs: Vec<Epoch>,
    /// The question.
    pub ask: String,
    /// What decides it: the right answer is computed, never typed in.
    pub about: About,
    /// The answers to choose from, two or more; the right one is among them.
    pub answers: Vec<String>,
}

/// What a prediction is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    /// What the read or load of the step returns: the labels of its words.
    Read,
    /// How many images a power cut may leave after the step.
    Images,
    /// Whether a landmark comes in that step or later: `yes` or `no`.
    Shows(Landmark),
}

impl About {
    /// Its words in lecture files, in two like a landmark's.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        match self {
            Self::Read => ("read", ""),
            Self::Images => ("images", ""),
            Self::Shows(landmark) => landmark.parts(),
        }
    }

    /// The subject of those words.
    pub(crate) fn from_parts(kind: &str, name: &str) -> Result<Self, String> {
        match (kind, name) {
            ("read", "") => Ok(Self::Read),
            ("images", "") => Ok(Self::Images),
            _ => Landmark::from_parts(kind, name).map(Self::Shows),
        }
    }
}

/// A question with the answer that the run gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked<'a> {
    /// The question.
    pub prediction: &'a Prediction,
    /// The number of the right answer, from 0.
    pub right: usize,
}

/// What must come out in some epochs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expect {
    /// Where it holds.
    pub epochs: Vec<Epoch>,
    /// The distinct verdicts in order; `ok` only when alone.
    pub verdicts: Vec<Verdict>,
    /// The invariants that are broken at some moment: exactly these.
    pub breaks: Vec<Invariant>,
    /// On what it rests.
    pub basis: Basis,
    /// Of a derived one: from rule ids to the outcome. Else empty, or a remark.
    pub because: String,
    /// What each thread's reads and loads return, in order.
    pub reads: Vec<(ThreadId, Vec<String>)>,
    /// How many images a power cut may leave, by name of the cut.
    pub images: Vec<(String, u64)>,
    /// The tags at the end.
    pub tags: Vec<TagExpect>,
    /// How many steps show a landmark.
    pub counts: Vec<(Landmark, u64)>,
    /// The landmarks and cuts that do not occur in these epochs: exactly these.
    pub unreachable: Vec<String>,
}

impl Expect {
    /// The last verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdicts.last().copied().unwrap_or(Verdict::Ok)
    }
}

/// The tags that an item of a file's tree has at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagExpect {
    /// The number of the file.
    pub file: usize,
    /// The page.
    pub page: PageIndex,
    /// `D`, `DT`; empty for none.
    pub tags: String,
}
