//! One sentence per step: the caption, the live region's text, the print and the test's message.
//! At most 25 words, and at most 8 more when a verdict shows.

mod contents;
mod ext4;

pub use contents::contents;

use crate::EXT4;
use crate::address_space::MappingId;
use crate::check::{Verdict, persistence_domain};
use crate::machine::{Actor, Call, Event, Machine, MappingWord, PteTarget, Skip, Step, ThreadId};
use crate::medium::{LineRange, Medium, PersistenceDomain};
use crate::tag::Tag;
use crate::units::{PageIndex, WORDS_PER_LINE, Word};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The sentence for the start of a path.
pub const START: &str = "Nothing has happened yet. Step forward to begin.";

/// The sentence for a step that led to `machine`.
#[must_use]
pub fn narrate<M: Medium, const FAN: usize>(
    machine: &Machine<M, FAN>,
    step: &Step,
    verdicts: &[Verdict],
) -> String {
    let domain = persistence_domain(machine);
    let caches_survive = domain == PersistenceDomain::Caches;
    let teller = Teller { machine, who: actor_name(machine, step.actor), caches_survive };
    let mut sentence = match step.main_event() {
        Some(event) => teller.tell(event),
        None => format!("{} goes on.", teller.who),
    };
    for event in &step.events {
        if let Event::Wakes { thread } = event {
            sentence.push_str(&format!(" {} wakes.", teller.thread(*thread)));
        }
    }
    if verdicts.is_empty() {
        return sentence;
    }
    let words: Vec<_> = verdicts.iter().map(Verdict::to_string).collect();
    sentence.push_str(&format!(" Verdict: {}.", words.join(", ")));
    sentence
}

/// The name of an actor: the thread's, or `hardware`.
#[must_use]
pub fn actor_name<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>, actor: Actor) -> String {
    match actor {
        Actor::Thread(thread) => machine.threads[usize::from(thread.0)].program.name.clone(),
        Actor::Hardware => "hardware".to_string(),
    }
}

/// `file a` or `the device`.
#[must_use]
pub fn mapping_name<M: Medium, const FAN: usize>(
    machine: &Machine<M, FAN>,
    mapping: MappingId,
) -> String {
    match mapping {
        MappingId::File(ino) => format!("file {}", machine.file_name(ino)),
        MappingId::Bdev => "the device".to_string(),
    }
}

/// The distinct words that are not zero, in order, as labels; `zeros` if there are none.
#[must_use]
pub fn labels(words: &[Word]) -> String {
    let mut distinct: Vec<Word> = Vec::new();
    for word in words {
        if *word != Word::ZERO && !distinct.contains(word) {
            distinct.push(*word);
        }
    }
    match distinct.as_slice() {
        [] => "zeros".to_string(),
        [only] => only.to_string(),
        [first, .., last] if distinct.len() > 4 => format!("{first} … {last}"),
        some => some.iter().map(Word::to_string).collect::<Vec<_>>().join(" "),
    }
}

struct Teller<'a, M, const FAN: usize> {
    machine: &'a Machine<M, FAN>,
    who: String,
    /// Whether what is in a CPU cache is safe already.
    caches_survive: bool,
}

/// `1 page`, `3 pages`, `2 copies`.
fn plural(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {what}s"),
    }
}

/// The first few of a list in words, and how many more there are.
fn listed(items: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 4;
    let all: Vec<String> = items.collect();
    match all.len().checked_sub(SHOWN) {
        None | Some(0) => all.join(", "),
        Some(more) => format!("{} and {more} more", all[..SHOWN].join(", ")),
    }
}

impl<M: Medium, const FAN: usize> Teller<'_, M, FAN> {
    fn tell(&self, event: &Event) -> String {
        if let Event::CallReturned { result: Err(_), .. } = event {
            return self.tell_failure(event).expect("it tells of every failure");
        }
        self.tell_user(event)
            .or_else(|| self.tell_page(event))
            .or_else(|| self.tell_fault(event))
            .or_else(|| self.tell_flush(event))
            .or_else(|| self.tell_ext4(event))
            .unwrap_or_else(|| format!("{} goes on.", self.who))
    }

    /// `page 3 of file a` or `b5 of the device`: what a PTE or an entry stands for.
    fn page(&self, mapping: MappingId, index: PageIndex) -> String {
        match mapping {
            MappingId::File(_) => self.slot(mapping, index),
            MappingId::Bdev => format!("b{index} of the device"),
        }
    }

    /// `page 0 of file a` or `b9`, in the mapping of whoever is asked.
    fn slot(&self, mapping: MappingId, index: PageIndex) -> String {
        match mapping {
            MappingId::File(ino) => {
                format!("page {index} of file {}", self.machine.file_name(ino))
            }
            MappingId::Bdev if self.machine.bdev.small_blocks => {
                format!("b{index} (half of page {} of the device)", index.0 / 2)
            }
            MappingId::Bdev => format!("page {index} of the device (b{index})"),
        }
    }

    fn word(&self, at: MappingWord) -> String {
        let line = usize::from(at.word) / WORDS_PER_LINE;
        format!("line {line} of {}", self.page(at.mapping, at.index))
    }

    fn thread(&self, thread: ThreadId) -> &str {
        &self.machine.threads[usize::from(thread.0)].program.name
    }

    /// What a fence has done.
    fn completed(&self, lines: u64) -> String {
        let lines = match lines {
            0 => return "it had nothing to complete".to_string(),
            1 => "1 line is".to_string(),
            n => format!("{n} lines are"),
        };
        let place = if self.caches_survive { "on the medium" } else { "safe" };
        format!("{lines} {place} now")
    }

    /// What user programs and system calls do, and the hardware.
    fn tell_user(&self, event: &Event) -> Option<String> {
        let who = &self.who;
        Some(match event {
            Event::Mmapped { mapping } => {
                let name = mapping_name(self.machine, *mapping);
                format!("{who} maps {name}. There is no PTE yet: the first access will fault.")
            }
            Event::Loaded { at, value } => {
                format!("{who} loads {} and sees {value}.", self.word(*at))
            }
            Event::Stored { at, value, line } => {
                let place = self.word(*at);
                let Some(line) = line else {
                    return Some(format!(
                        "{who} stores {value} to {place}, in its page. The medium does not know."
                    ));
                };
                let block = self.machine.geometry.block_of(*line);
                let in_cache = self.machine.medium.dirty_lines_in(LineRange::one(*line)) > 0;
                match (in_cache, self.caches_survive) {
                    (true, false) => format!(
                        "{who} stores {value} to {place}. It is in a CPU cache line of {block}, not safe yet."
                    ),
                    (true, true) => format!(
                        "{who} stores {value} to {place}. It is in a CPU cache line of {block}, and caches survive."
                    ),
                    (false, _) => {
                        format!("{who} stores {value} to {place}, which holds it already.")
                    }
                }
            }
            Event::LineWrittenBack { at, line: Some(_) } if EXT4 => {
                let place = self.word(*at);
                format!(
                    "{who} issues clwb for the line of {place}. Its own next sfence completes it."
                )
            }
            Event::LineWrittenBack { at, line: None } if EXT4 => {
                format!(
                    "{who} issues clwb for {}, which is in a page: the medium gets nothing.",
                    self.word(*at)
                )
            }
            Event::UserFenced { cpu, lines } if EXT4 => {
                format!("{who} issues sfence on {cpu}: {}.", self.completed(*lines))
            }
            Event::CallReturned { call: Call::Fsync, ino: Some(ino), .. } => {
                let name = self.machine.file_name(*ino);
                format!(
                    "fsync({name}) returns to {who}: every store to {name} before the call is promised to survive."
                )
            }
            Event::CallReturned { call, result: Err(error), .. } => {
                format!(
                    "{} fails for {who} with {}: nothing is promised.",
                    call.name(),
                    error.name()
                )
            }
            Event::CallReturned { call: Call::Fsync, ino: None, .. } => {
                format!(
                    "fsync of the device returns to {who}: every raw store before the call is promised to survive."
                )
            }
            Event::CallReturned { call: Call::Msync, ino: Some(ino), .. } => {
                let name = self.machine.file_name(*ino);
                format!(
                    "msync returns to {who}: every store to those pages of {name} before the call is promised to survive."
                )
            }
            Event::CallReturned { call: Call::Sync, .. } => {
                format!(
                    "sync returns to {who}: everything stored before it is promised to survive."
                )
            }
            Event::CallReturned { call: Call::PeriodicWriteback, .. } => {
                format!("{who} is through with periodic writeback. Nobody was promised anything.")
            }
            Event::CallReturned { call, .. } => format!("{} returns to {who}.", call.name()),
            Event::ReadReturned { mapping: MappingId::Bdev, index, words, cached, .. } => {
                let from =
                    if *cached { "the device's own page" } else { "the medium, past every page" };
                format!(
                    "{who} reads b{index} from the raw device: {}, out of {from}.",
                    labels(words)
                )
            }
            Event::ReadReturned { mapping, index, words, cached, .. } => {
                let from = if *cached { "its page" } else { "the persistent memory itself" };
                format!(
                    "{who} reads {}: {}, out of {from}.",
                    self.page(*mapping, *index),
                    labels(words)
                )
            }
            Event::Evicted { line, block } => {
                let number = line.0 - self.machine.geometry.first_line(*block).0;
                let safe = if self.caches_survive { "on the medium" } else { "safe" };
                format!(
                    "The hardware evicts line {number} of {block} on its own: its newest version is {safe} now."
                )
            }
            _ => return None,
        })
    }

    /// The page cache and the block device.
    fn tell_page(&self, event: &Event) -> Option<String> {
        let who = &self.who;
        Some(match event {
            Event::PageInserted { mapping, index } => {
                let tree = mapping_name(self.machine, *mapping);
                format!("{who} adds an empty page at index {index} to the tree of {tree}.")
            }
            Event::PagesDropped { mapping, indices } if indices.is_empty() => {
                let tree = mapping_name(self.machine, *mapping);
                format!("{who} invalidates {tree}: there is no clean page to drop.")
            }
            Event::PagesDropped { mapping, indices } => {
                let tree = mapping_name(self.machine, *mapping);
                let pages = match mapping {
                    MappingId::Bdev => {
                        let blocks = listed(indices.iter().map(|index| format!("b{index}")));
                        format!("the clean page of {blocks}")
                    }
                    MappingId::File(_) => {
                        format!("clean page {}", listed(indices.iter().map(ToString::to_string)))
                    }
                };
                format!("{who} invalidates {tree}: it drops {pages}.")
            }
            Event::EntryInvalidated { mapping, index, dirty, dropped } => {
                let entry = format!("the entry of {}", self.page(*mapping, *index));
                match (dropped, dirty) {
                    (true, true) => format!(
                        "{who} invalidates {entry}, and with it the record that it is dirty."
                    ),
                    (true, false) => format!("{who} invalidates {entry}, which is clean: it goes."),
                    (false, _) => format!("{who} invalidates {entry}: it is dirty and stays."),
                }
            }
            Event::PageRead { mapping, index, block: Some(block) } => {
                format!(
                    "The driver copies {block} from the medium into {}.",
                    self.slot(*mapping, *index)
                )
            }
            Event::PageRead { mapping, index, block: None } => {
                format!("{} is a hole: its page is filled with zeros.", self.slot(*mapping, *index))
            }
            Event::PageWritten { mapping, index, words, .. } => format!(
                "{who} copies {} into {}. The medium does not know.",
                labels(words),
                self.slot(*mapping, *index)
            ),
            Event::DirectWritten { mapping, index, words, fenced, .. } if EXT4 => {
                let page = self.page(*mapping, *index);
                let fence = if *fenced { "and fences" } else { "without a fence" };
                format!(
                    "{who} copies {} straight to {page} with non-temporal stores, {fence}.",
                    labels(words)
                )
            }
            Event::WroteNothing { mapping, index } if EXT4 => {
                format!(
                    "{} is busy and cannot be dropped: the direct write stores nothing and returns 0 bytes.",
                    self.slot(*mapping, *index)
                )
            }
            Event::PageDirtied { mapping, index } => {
                let slot = self.slot(*mapping, *index);
                format!("{who} marks {slot} dirty: PG_dirty and the DIRTY tag are set.")
            }
            Event::PageCleanedForIo { mapping, index, protected } => {
                let slot = self.slot(*mapping, *index);
                let ptes = match protected {
                    0 => String::new(),
                    1 => " 1 PTE is write-protected.".to_string(),
                    n => format!(" {n} PTEs are write-protected."),
                };
                format!(
                    "{who} prepares {slot} for I/O: PG_dirty is cleared, the DIRTY tag stays.{ptes}"
                )
            }
            Event::WritebackStarted { mapping, index, dirtied_again } => {
                let slot = self.slot(*mapping, *index);
                let cleared = if *dirtied_again {
                    "TOWRITE is cleared; DIRTY stays, the page was dirtied again"
                } else {
                    "DIRTY and TOWRITE are cleared"
                };
                format!("{who} puts {slot} under writeback: WRITEBACK is set, {cleared}.")
            }
            Event::WritebackEnded { mapping, index } => {
                format!(
                    "The write has completed: WRITEBACK is cleared on {}.",
                    self.slot(*mapping, *index)
                )
            }
            Event::BlockWritten { mapping, index, block, fenced, .. } => {
                let slot = self.slot(*mapping, *index);
                if self.machine.disk {
                    return Some(format!(
                        "The disk writes what it was given of {slot} to {block}."
                    ));
                }
                let how = if *fenced { "and fences" } else { "without a fence" };
                format!("The pmem driver copies {slot} to {block} with non-temporal stores {how}.")
            }
            Event::InodeWritten { ino, still_dirty } => {
                let name = self.machine.file_name(*ino);
                let state =
                    if *still_dirty { "still dirty: its tree has DIRTY tags" } else { "clean" };
                format!("{who} is through with the inode of file {name}; it is {state}.")
            }
            _ => return None,
        })
    }

    /// Faults and PTEs.
    fn tell_fault(&self, event: &Event) -> Option<String> {
        let who = &self.who;
        Some(match event {
            Event::FaultMapped { mapping, index, block, write, locked } => {
                let kind = if *write { "write" } else { "read" };
                let lock = if *locked { " The entry is locked." } else { "" };
                format!(
                    "{who} takes a {kind} fault on {}: the file system says {block}.{lock}",
                    self.page(*mapping, *index)
                )
            }
            Event::Sigbus { mapping, index } => {
                format!(
                    "{} lies beyond the end of the file: {who} is killed by SIGBUS.",
                    self.page(*mapping, *index)
                )
            }
            Event::EntryInserted { mapping, index, block, word, dirty } => {
                let tag = if *dirty { "tagged DIRTY" } else { "clean" };
                let page = self.page(*mapping, *index);
                let tree = if *mapping == MappingId::Bdev { "its" } else { "the file's" };
                format!(
                    "The DAX entry for {page}, {word:#x} for {block}, goes into {tree} tree, {tag}."
                )
            }
            Event::EntryDirtied { mapping, index, locked } => {
                let lock = if *locked { " and locked" } else { "" };
                format!(
                    "pfn_mkwrite: the entry of {} is tagged DIRTY{lock}, before its PTE becomes writable.",
                    self.page(*mapping, *index)
                )
            }
            Event::EntryGone { mapping, index } => {
                format!(
                    "pfn_mkwrite finds no entry at {}: {who} will retry.",
                    self.page(*mapping, *index)
                )
            }
            Event::PageDeletedByFault { mapping, index, dirty } if EXT4 => {
                let slot = self.slot(*mapping, *index);
                let warns = if *dirty { " The kernel warns: it was dirty." } else { "" };
                format!("The DAX fault takes {slot} for a hole page: unmapped and deleted.{warns}")
            }
            Event::EntryRefused { mapping, index } if EXT4 => {
                format!(
                    "A page has come to {}, the DAX entry has no place: {who} is killed by SIGBUS.",
                    self.slot(*mapping, *index)
                )
            }
            Event::EntryTakenForShadow { mapping, index, .. } if EXT4 => {
                format!(
                    "The DAX entry of {} is taken for a shadow and replaced by an empty page.",
                    self.page(*mapping, *index)
                )
            }
            Event::Sleeps { wait } => {
                format!("{who} cannot go on and sleeps on {}.", self.machine.wait_name(*wait))
            }
            Event::EntryUnlocked { mapping, index } => {
                format!("The entry of {} is unlocked.", self.page(*mapping, *index))
            }
            Event::PteInstalled { mapping, index, pte } => {
                let mode = if pte.writable { "writable" } else { "read-only" };
                let PteTarget::Block(block) = pte.target else {
                    let slot = self.slot(*mapping, *index);
                    return Some(format!("A {mode} PTE of {who} now leads to {slot}."));
                };
                format!(
                    "A {mode} PTE now maps {} straight to {block}.",
                    self.page(*mapping, *index)
                )
            }
            Event::PteMadeWritable { mapping, index } => {
                format!(
                    "The PTE of {} becomes writable: later stores need no fault.",
                    self.page(*mapping, *index)
                )
            }
            _ => return None,
        })
    }

    /// The flush: tags, write-backs, fences.
    fn tell_flush(&self, event: &Event) -> Option<String> {
        let who = &self.who;
        Some(match event {
            Event::TaggedForWriteback { mapping, count: 0 } => {
                let tree = mapping_name(self.machine, *mapping);
                let tags = &self.machine.mapping(*mapping).i_pages;
                let left = tags.tagged(Tag::Towrite)
                    && tags.iter_tagged(.., Tag::Towrite).next().is_none();
                let left = if left { " The bits that it set on its way down stay." } else { "" };
                format!("{who} looks for DIRTY in {tree}: nothing to tag.{left}")
            }
            Event::TaggedForWriteback { mapping, count } => {
                let tree = mapping_name(self.machine, *mapping);
                let items =
                    if *count == 1 { "1 item".to_string() } else { format!("{count} items") };
                format!(
                    "{who} copies DIRTY to TOWRITE in {tree}: {items}. The set to write is fixed."
                )
            }
            Event::LookedUp { mapping, tag, found } if found.is_empty() => {
                let tree = mapping_name(self.machine, *mapping);
                format!("{who} finds nothing tagged {} in {tree}.", tag.name())
            }
            Event::LookedUp { mapping, tag, found } => {
                let pages: Vec<_> = found.iter().map(PageIndex::to_string).collect();
                let tree = mapping_name(self.machine, *mapping);
                format!("{who} finds {} in {tree} at index {}.", tag.name(), pages.join(", "))
            }
            Event::EntryChecked { mapping, index, skip: None } => {
                format!(
                    "{who} checks the entry of {} under the tree lock: same entry, still TOWRITE.",
                    self.page(*mapping, *index)
                )
            }
            Event::EntryChecked { mapping, index, skip: Some(Skip::EntryChanged) } => {
                format!("{who} skips {}: the entry has changed.", self.page(*mapping, *index))
            }
            Event::EntryChecked { mapping, index, skip: Some(Skip::NotTowrite) } => {
                format!(
                    "{who} skips {}: TOWRITE is gone, another fsync took it.",
                    self.page(*mapping, *index)
                )
            }
            Event::EntryLockedForFlush { mapping, index, locked: false } => {
                format!(
                    "{who} clears TOWRITE of {} at once, without a lock.",
                    self.page(*mapping, *index)
                )
            }
            Event::EntryLockedForFlush { mapping, index, locked: true } => {
                format!(
                    "{who} locks the entry of {} and clears TOWRITE at once.",
                    self.page(*mapping, *index)
                )
            }
            Event::PtesProtected { mapping, index, count } => {
                let ptes = if *count == 1 { "1 PTE".to_string() } else { format!("{count} PTEs") };
                format!(
                    "{who} write-protects {} ({ptes}): the next store must fault again.",
                    self.page(*mapping, *index)
                )
            }
            Event::BlockWrittenBack { block, dirty_lines, .. } => {
                let lines = if *dirty_lines == 1 {
                    "1 line is".to_string()
                } else {
                    format!("{dirty_lines} lines are")
                };
                let worth = if self.caches_survive {
                    "The caches survive anyway."
                } else {
                    "Posted, not guaranteed before a fence."
                };
                format!("{who} issues clwb on each line of {block}; {lines} dirty. {worth}")
            }
            Event::TowriteCleared { mapping, index } => {
                format!(
                    "{who} clears TOWRITE of {}. DIRTY stays: every later fsync flushes it again.",
                    self.page(*mapping, *index)
                )
            }
            Event::DirtyCleared { mapping, index, locked } => {
                let page = self.page(*mapping, *index);
                let unlocks = if *locked { "unlocks the entry and " } else { "" };
                format!("{who} {unlocks}clears DIRTY of {page}: it is clean again.")
            }
            Event::PageInTheWay { mapping, index } => {
                format!(
                    "{who} finds {} where it expects a DAX entry: the kernel warns, EIO.",
                    self.slot(*mapping, *index)
                )
            }
            Event::Oops { function } => {
                format!("{function} has no block device to ask: the kernel oopses and kills {who}.")
            }
            Event::Fenced { cpu, lines } => {
                let done = self.completed(*lines);
                format!("{who} fences at the end of the flush, for {cpu}: {done}.")
            }
            Event::DeviceFlushed { fenced: false, .. } => {
                format!(
                    "{who} flushes the device; pmem claims no write cache, so the request completes at once."
                )
            }
            Event::DeviceFlushed { cpu, fenced: true, lines } => {
                let done = self.completed(*lines);
                if self.machine.disk {
                    return Some(format!("{who} has the disk empty its cache: {done}."));
                }
                format!("{who} flushes the device; the driver fences, for {cpu}: {done}.")
            }
            Event::LockFenced { cpu, lines } => {
                let done = self.completed(*lines);
                format!("Taking the lock is a fence for {cpu}: {done}.")
            }
            _ => return None,
        })
    }
}
