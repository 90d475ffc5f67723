//! The rows and columns of the stage.

use super::blocks::{is_comparable, is_used, owners};
use super::journal::{self, Rings};
use super::used::Used;
use super::{Cell, Column, Content, Line, LineState, METADATA, Row, RowKind};
use crate::address_space::MappingId;
use crate::buffer_head::Bh;
use crate::check::persistence_domain;
use crate::entry::EntryKind;
use crate::machine::{Component, Machine, Pte, PteTarget, VmaId};
use crate::medium::{PersistenceDomain, SimMedium};
use crate::narrate::{contents, mapping_name};
use crate::path::Path;
use crate::units::{BlockNr, LineNr, PageIndex, Word};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What the builder of a matrix looks at: one moment of a path, and what its step changed.
pub(super) struct Moment<'a, const FAN: usize> {
    pub(super) path: &'a Path<FAN>,
    pub(super) step: usize,
    /// The components that the step changed, and that do differ.
    pub(super) changed: &'a [Component],
    /// What is ever in use on the path.
    pub(super) used: &'a Used,
}

impl<'a, const FAN: usize> Moment<'a, FAN> {
    pub(super) fn machine(&self) -> &'a Machine<SimMedium, FAN> {
        &self.path.moment(self.step).machine
    }

    /// The state before the step; the state itself at the start.
    fn before(&self) -> &'a Machine<SimMedium, FAN> {
        &self.path.moment(self.step.saturating_sub(1)).machine
    }

    /// The moment before the step; the moment itself at the start.
    pub(super) fn earlier(&self) -> Self {
        Self { step: self.step.saturating_sub(1), changed: &[], ..*self }
    }

    /// The blocks that have a column.
    pub(super) fn columns(&self) -> impl Iterator<Item = BlockNr> + use<'a, FAN> {
        self.used.columns.iter().copied()
    }

    pub(super) fn has_changed(&self, component: Component) -> bool {
        self.changed.contains(&component)
    }

    /// `v2`, or one chip per line that tells versions apart.
    pub(super) fn chips(&self, block: BlockNr, words: &[Word]) -> Vec<String> {
        let numbers = self.path.version_numbers(block, words, self.step);
        numbers.into_iter().map(|number| format!("v{number}")).collect()
    }

    /// The newest content's chip, if `words` are other bytes.
    fn differs_from(&self, block: BlockNr, words: &[Word]) -> Option<String> {
        let newest = self.path.newest_content(block, self.step);
        if newest == words {
            return None;
        }
        Some(self.chips(block, &newest).join(" / "))
    }
}

pub(super) fn columns<const FAN: usize>(now: &Moment<'_, FAN>, rows: &[Row]) -> Vec<Column> {
    let column = |(at, block): (usize, BlockNr)| Column {
        label: block.to_string(),
        block: block.0,
        used: now.used.blocks.contains(&block),
        changed: rows.iter().any(|row| row.cells[at].changed),
    };
    now.columns().enumerate().map(column).collect()
}

/// The rows from the program down to the log, and the number of the first below the waterline.
/// Mappings and transactions that hold nothing on the whole path have none.
pub(super) fn rows<const FAN: usize>(now: &Moment<'_, FAN>, rings: Rings<'_>) -> (Vec<Row>, usize) {
    let machine = now.machine();
    let mut rows = alloc::vec![owners(now)];
    let vmas = (0u8..).zip(&machine.vmas).map(|(n, _)| page_table(now, VmaId(n)));
    rows.extend(vmas);
    rows.extend(now.used.mappings.iter().map(|mapping| mapping_row(now, *mapping)));
    rows.extend(journal::transactions(now));
    let cache = rows.len();
    rows.extend([cpu_cache(now), write_queue(now), medium(now)]);
    rows.extend(journal::log_row(now, rings));
    let below = match persistence_domain(machine) {
        PersistenceDomain::WriteQueue => cache + 1,
        PersistenceDomain::Caches => cache,
    };
    (rows, below)
}

pub(super) fn row<const FAN: usize>(
    now: &Moment<'_, FAN>,
    head: (RowKind, &str, &str, &str),
    cell: impl Fn(BlockNr) -> Cell,
) -> Row {
    let (kind, id, title, subtitle) = head;
    Row {
        id: id.to_string(),
        kind,
        title: title.to_string(),
        subtitle: subtitle.to_string(),
        cells: now.columns().map(cell).collect(),
    }
}

pub(super) fn empty() -> Cell {
    Cell { content: Content::Empty, changed: false, differs_from: None, words: String::new() }
}

fn page_table<const FAN: usize>(now: &Moment<'_, FAN>, id: VmaId) -> Row {
    let machine = now.machine();
    let vma = &machine.vmas[usize::from(id.0)];
    let thread = &machine.threads[usize::from(vma.thread.0)].program.name;
    let earlier = &machine.vmas[..usize::from(id.0)];
    let same =
        earlier.iter().filter(|other| (other.thread, other.mapping) == (vma.thread, vma.mapping));
    let again = match same.count() {
        0 => String::new(),
        n => format!("-{}", n + 1),
    };
    let of = match vma.mapping {
        MappingId::File(ino) => ino.0.to_string(),
        MappingId::Bdev => "device".to_string(),
    };
    let row_id = format!("pte-{thread}-{of}{again}");
    let subtitle = format!("PTEs for {}", mapping_name(machine, vma.mapping));
    row(now, (RowKind::PageTable, &row_id, thread, &subtitle), |block| {
        let shows =
            |(index, pte): &(PageIndex, Pte)| machine.pte_block(vma, *index, *pte) == Some(block);
        let Some((index, pte)) = vma.ptes().find(shows) else {
            return empty();
        };
        let mode = if pte.writable { "writable" } else { "read-only" };
        Cell {
            content: Content::Pte { index: index.0, writable: pte.writable },
            changed: now.has_changed(Component::Pte(id, index)),
            differs_from: None,
            words: match pte.target {
                PteTarget::Block(_) => format!("PTE of page {index}, {mode}"),
                PteTarget::Page => format!("PTE of page {index}, to the page, {mode}"),
            },
        }
    })
}

fn mapping_row<const FAN: usize>(now: &Moment<'_, FAN>, mapping: MappingId) -> Row {
    let machine = now.machine();
    let (id, title, subtitle) = mapping_head(machine, mapping);
    let kind = match mapping {
        MappingId::File(_) => RowKind::FileMapping,
        MappingId::Bdev => RowKind::DeviceMapping,
    };
    row(now, (kind, &id, &title, &subtitle), |block| {
        let index = match mapping {
            MappingId::Bdev => PageIndex(block.0),
            MappingId::File(ino) => match machine.owner_of(block) {
                Some((inode, index)) if inode.ino == ino => index,
                _ => return empty(),
            },
        };
        item_cell(now, mapping, index, block)
    })
}

/// Id, title and subtitle of a mapping's row.
pub(super) fn mapping_head<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    mapping: MappingId,
) -> (String, String, String) {
    match mapping {
        MappingId::File(ino) => {
            let name = machine.file_name(ino);
            (format!("file-{}", ino.0), format!("file {name}"), format!("{ino} · i_pages"))
        }
        MappingId::Bdev => ("device".into(), "device".into(), "bdev inode · i_pages".into()),
    }
}

fn item_cell<const FAN: usize>(
    now: &Moment<'_, FAN>,
    mapping: MappingId,
    index: PageIndex,
    block: BlockNr,
) -> Cell {
    let changed = now.has_changed(Component::Slot(mapping, index))
        || now.has_changed(Component::Page(mapping, index));
    let Some(space) = now.machine().mapping_if(mapping) else { return empty() };
    let Some(entry) = space.i_pages.lookup(index) else {
        return Cell { changed, ..empty() };
    };
    let tags = space.i_pages.tags(index);
    match entry.kind() {
        EntryKind::Page(_) => {
            let page = space.find_get_page(index).expect("the slot holds a page");
            let uptodate = page.uptodate;
            let chips = if uptodate { now.chips(block, &page.words) } else { Vec::new() };
            let comparable = uptodate && is_comparable(now, block);
            let differs_from = now.differs_from(block, &page.words).filter(|_| comparable);
            let flags: Vec<String> = page.flags().into_iter().map(String::from).collect();
            let older = differs_from.as_ref().map(|v| format!(", differs from {v}"));
            let words = format!(
                "page {index}, {}, tags {tags}, {}{}{}",
                if uptodate { chips.join(" / ") } else { "no content yet".to_string() },
                if flags.is_empty() { "no flags".to_string() } else { flags.join(" ") },
                page.buffers.iter().map(|bh| format!(", bh {bh}")).collect::<String>(),
                older.unwrap_or_default()
            );
            let buffer = page.buffers.iter().flat_map(|bh| bh.flags()).filter_map(letter).collect();
            let (index, tags) = (index.0, tags.to_string());
            let content = Content::Page { index, chips, tags, flags, buffer };
            Cell { content, changed, differs_from, words }
        }
        EntryKind::Dax(dax) => {
            let word = format!("{:#x}", now.machine().entry_word(dax));
            let lock = if dax.locked { ", locked" } else { "" };
            Cell {
                words: format!("DAX entry {word} at page {index}, tags {tags}{lock}"),
                content: Content::Entry {
                    index: index.0,
                    word,
                    tags: tags.to_string(),
                    locked: dax.locked,
                },
                changed,
                differs_from: None,
            }
        }
    }
}

/// The letter that stands for a flag of a buffer head; those that nearly every buffer has have none.
const fn letter(flag: Bh) -> Option<char> {
    match flag {
        Bh::Dirty => Some('D'),
        Bh::JbdDirty => Some('J'),
        Bh::Freed => Some('F'),
        Bh::Revoked => Some('R'),
        Bh::Shadow => Some('S'),
        Bh::Uptodate | Bh::Mapped | Bh::Req | Bh::New | Bh::RevokeValid => None,
    }
}

fn lines_cell(lines: Vec<Line>, chips: Vec<String>, differs_from: Option<String>) -> Cell {
    let lines = if METADATA && lines.len() > LINES { in_runs(&lines) } else { lines };
    let (mut words, mut next) = (Vec::new(), 0);
    for line in &lines {
        let first = next;
        next += line.count;
        if line.state != LineState::Free {
            let marks: String = line.marks.iter().map(|mark| format!(" {mark}")).collect();
            let which = match line.count {
                1 => format!("line {first}"),
                _ => format!("lines {first}-{}", next - 1),
            };
            words.push(format!("{which} {} {}{marks}", line.state.letter(), line.label));
        }
    }
    if !chips.is_empty() {
        words.insert(0, chips.join(" / "));
    }
    if let Some(version) = &differs_from {
        words.push(format!("differs from {version}"));
    }
    let changed = lines.iter().any(|line| line.changed);
    let words = words.join(", ");
    Cell { content: Content::Lines { lines, chips }, changed, differs_from, words }
}

/// A cell of more lines than this draws neighbours that are alike as one.
const LINES: usize = 8;
/// So many different labels are told of such a run.
const LABELS: usize = 4;

/// Joins neighbours that differ in nothing but what is on them.
fn in_runs(lines: &[Line]) -> Vec<Line> {
    let alike = |a: &Line, b: &Line| {
        (a.state, a.versions, &a.marks, a.changed) == (b.state, b.versions, &b.marks, b.changed)
    };
    let run = |run: &[Line]| {
        let mut labels: Vec<&str> = run.iter().map(|line| line.label.as_str()).collect();
        labels.dedup();
        labels.retain(|label| !label.is_empty());
        let more = if labels.len() > LABELS { " …" } else { "" };
        labels.truncate(LABELS);
        Line { count: run.len(), label: labels.join(" ") + more, ..run[0].clone() }
    };
    lines.chunk_by(alike).map(run).collect()
}

fn no_line() -> Line {
    let label = String::new();
    Line { count: 1, state: LineState::Free, label, versions: 1, marks: Vec::new(), changed: false }
}

pub(super) fn lines_of<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    block: BlockNr,
) -> impl Iterator<Item = LineNr> {
    let first = machine.geometry.first_line(block).0;
    (first..first + machine.geometry.lines_per_block).map(LineNr)
}

fn cpu_cache<const FAN: usize>(now: &Moment<'_, FAN>) -> Row {
    let machine = now.machine();
    let survives = caches_survive(now);
    let subtitle = if survives { "safe, not on the medium yet" } else { "lines not safe yet" };
    let head = (RowKind::CpuCache, "cache", "CPU cache", subtitle);
    row(now, head, |block| {
        let line = |line: LineNr| {
            if !machine.medium.is_dirty(line) {
                let changed =
                    now.has_changed(Component::Line(line)) && now.before().medium.is_dirty(line);
                return Line { changed, ..no_line() };
            }
            let pending = machine.medium.pending(line).iter();
            let mut marks: Vec<String> = pending.map(|mark| format!("wb {}", mark.cpu)).collect();
            if machine.medium.stores(line).iter().any(|store| store.nt) {
                marks.push("nt".to_string());
            }
            Line {
                count: 1,
                state: if survives { LineState::Queued } else { LineState::Volatile },
                label: contents(machine, line, &machine.medium.latest(line)),
                versions: machine.medium.window_len(line),
                marks,
                changed: now.has_changed(Component::Line(line)),
            }
        };
        let lines: Vec<Line> = lines_of(machine, block).map(line).collect();
        let dirty = lines.iter().any(|line| line.state != LineState::Free);
        let chips = if dirty { now.chips(block, &machine.load_block(block)) } else { Vec::new() };
        lines_cell(lines, chips, None)
    })
}

/// Whether the step made a newer version of the line safe: it is in the write-pending queue now.
fn crossed<const FAN: usize>(now: &Moment<'_, FAN>, line: LineNr) -> bool {
    now.before().medium.guaranteed(line) != now.machine().medium.guaranteed(line)
}

fn write_queue<const FAN: usize>(now: &Moment<'_, FAN>) -> Row {
    let machine = now.machine();
    let head = (RowKind::WriteQueue, "wpq", "WPQ", "came in this step");
    row(now, head, |block| {
        let line = |line: LineNr| {
            if !crossed(now, line) {
                return no_line();
            }
            let label = contents(machine, line, &machine.medium.guaranteed(line));
            Line { state: LineState::Queued, label, changed: true, ..no_line() }
        };
        lines_cell(lines_of(machine, block).map(line).collect(), Vec::new(), None)
    })
}

fn medium<const FAN: usize>(now: &Moment<'_, FAN>) -> Row {
    let head = (RowKind::Medium, "medium", "medium", "what is really there");
    row(now, head, |block| {
        let machine = now.machine();
        let mut content = Vec::new();
        let lines = lines_of(machine, block)
            .map(|line| {
                // A line that is still in the queue has not reached the medium.
                let source = if crossed(now, line) { now.before() } else { machine };
                let words = source.medium.guaranteed(line);
                content.extend_from_slice(&words);
                let here = broken_promise(now, line);
                let state = match (here, words.iter().all(|word| *word == Word::ZERO)) {
                    (true, _) => LineState::Wrong,
                    (false, true) => LineState::Free,
                    (false, false) => LineState::Persistent,
                };
                let arrived = now.step > 1 && {
                    let earlier = &now.path.moment(now.step - 2).machine.medium;
                    let before = &now.before().medium;
                    !crossed(now, line) && earlier.guaranteed(line) != before.guaranteed(line)
                };
                let label = contents(machine, line, &words);
                Line { state, label, changed: arrived, ..no_line() }
            })
            .collect();
        let known = is_used(now, block) || now.used.rewritten.contains(&block);
        let chips = if known { now.chips(block, &content) } else { Vec::new() };
        let comparable = known && is_comparable(now, block);
        let differs_from = now.differs_from(block, &content).filter(|_| comparable);
        lines_cell(lines, chips, differs_from)
    })
}

/// Whether the platform keeps the CPU caches.
pub(super) fn caches_survive<const FAN: usize>(now: &Moment<'_, FAN>) -> bool {
    persistence_domain(now.machine()) == PersistenceDomain::Caches
}

/// Whether a power cut now could leave a line older than what was promised to survive.
fn broken_promise<const FAN: usize>(now: &Moment<'_, FAN>, line: LineNr) -> bool {
    let machine = now.machine();
    if caches_survive(now) {
        return false;
    }
    let safe = machine.medium.guaranteed(line);
    let judge = &now.path.moment(now.step).judge;
    judge
        .promised_places(machine)
        .any(|(_, word, keeps)| word.line() == line && !keeps(safe[word.in_line()]))
}
