//! The named invariants, checked after every step. Whole-structure walks: never in a benchmark.

use super::Judge;
use crate::address_space::MappingId;
use crate::config::{DirtyClearedByFlush, Platform};
use crate::crash;
use crate::machine::{Machine, Vma};
use crate::medium::{Medium, PersistenceDomain, SimMedium};
use crate::tag::Tag;
use crate::units::{LineNr, Word, WordAddr};
use alloc::format;
use alloc::string::{String, ToString};

/// A named invariant of the reference (12.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Invariant {
    /// A tag bit is set exactly where some slot below has the tag.
    Tag,
    /// The counters equal what a walk finds.
    Cnt,
    /// Every DAX reader sees the last store.
    Coh,
    /// To 4.9: stored through a mapping means tagged DIRTY.
    D45,
    /// A clean entry or page has no writable PTE.
    D410,
    /// What was promised survives every power cut.
    Fsync,
    /// Nothing goes home before its transaction is durable in the log.
    Wal,
    /// The log is given up only for what is safe at home.
    Tail,
    /// Recovery that begins anew comes to the same result.
    Rec,
    /// No write for a former owner lands on a block.
    Reuse,
}

/// Whether an invariant holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not: why, in words.
    No(String),
    /// It says nothing in this state or under these semantics.
    NotMeaningful,
}

impl Invariant {
    /// All of them, in the order in which they are shown.
    pub const ALL: &'static [Self] = &[
        Self::Tag,
        Self::Cnt,
        Self::Coh,
        Self::D45,
        Self::D410,
        Self::Fsync,
        Self::Wal,
        Self::Tail,
        Self::Rec,
        Self::Reuse,
    ];

    /// `INV-TAG`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Tag => "INV-TAG",
            Self::Cnt => "INV-CNT",
            Self::Coh => "INV-COH",
            Self::D45 => "INV-D45",
            Self::D410 => "INV-D410",
            Self::Fsync => "INV-FSYNC",
            Self::Wal => "INV-WAL",
            Self::Tail => "INV-TAIL",
            Self::Rec => "INV-REC",
            Self::Reuse => "INV-REUSE",
        }
    }

    /// One line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Tag => "tree tags summarise their leaves",
            Self::Cnt => "nrpages and nrexceptional match the tree",
            Self::Coh => "every DAX reader sees the last store",
            Self::D45 => "stored through a mapping means tagged DIRTY",
            Self::D410 => "a clean entry or page has no writable PTE",
            Self::Fsync => "what fsync promised survives a power cut",
            Self::Wal => "nothing goes home before its commit record",
            Self::Tail => "the log is given up only for what is safe at home",
            Self::Rec => "a second recovery changes nothing",
            Self::Reuse => "no write for a former owner lands",
        }
    }

    /// Whether it holds in this state.
    #[must_use]
    pub fn check<const FAN: usize>(
        self,
        machine: &Machine<SimMedium, FAN>,
        judge: &Judge,
    ) -> Holds {
        match self {
            Self::Tag => from(trees(machine)),
            Self::Cnt => from(counters(machine)),
            Self::Coh => from(coherence(machine, judge)),
            Self::D45 => match machine.semantics.dirty_cleared_by_flush() {
                Ok(DirtyClearedByFlush::No) => from(stored_is_dirty(machine, judge)),
                _ => Holds::NotMeaningful,
            },
            Self::D410 if !any_writable_pte(machine) => Holds::NotMeaningful,
            Self::D410 => from(clean_is_protected(machine)),
            Self::Fsync if !judge.has_promised() => Holds::NotMeaningful,
            Self::Fsync => from(promises_survive(machine, judge)),
            _ if !self.is_about(machine, judge) => Holds::NotMeaningful,
            Self::Wal => from(judge.log().write_ahead()),
            Self::Tail => from(judge.log().tail(machine)),
            Self::Rec => from(crash::recovers_twice_the_same(machine)),
            Self::Reuse => from(judge.log().reuse()),
        }
    }

    /// Whether it says anything of such a file system: there is a journal; or for INV-REUSE, some
    /// block has changed its owner.
    #[must_use]
    pub fn is_about<M, const FAN: usize>(self, machine: &Machine<M, FAN>, judge: &Judge) -> bool {
        match self {
            Self::Wal | Self::Tail | Self::Rec => machine.log.is_some(),
            Self::Reuse => judge.has_seen_reuse(),
            _ => true,
        }
    }
}

/// Which stores survive a power cut on the platform of this machine. The platform is always
/// modelled; a value that is not would be refused by `Semantics::set`.
#[must_use]
pub fn persistence_domain<M, const FAN: usize>(machine: &Machine<M, FAN>) -> PersistenceDomain {
    match machine.semantics.platform() {
        Ok(Platform::Adr) | Err(_) => PersistenceDomain::WriteQueue,
        Ok(Platform::Eadr | Platform::PanicOnly) => PersistenceDomain::Caches,
    }
}

fn from(result: Result<(), String>) -> Holds {
    match result {
        Ok(()) => Holds::Yes,
        Err(why) => Holds::No(why),
    }
}

fn name<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>, mapping: MappingId) -> String {
    match mapping {
        MappingId::File(ino) => format!("file {}", machine.file_name(ino)),
        MappingId::Bdev => "device".to_string(),
    }
}

fn bare_name<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>, mapping: MappingId) -> &str {
    match mapping {
        MappingId::File(ino) => machine.file_name(ino),
        MappingId::Bdev => "device",
    }
}

/// Whether INV-TAG and INV-CNT hold: what every operation on a mapping leaves behind it.
pub(super) fn structure_holds<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>) -> bool {
    trees(machine).is_ok() && counters(machine).is_ok()
}

fn trees<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>) -> Result<(), String> {
    machine.mappings().try_for_each(|mapping| {
        let checked = machine.mapping(mapping).i_pages.check();
        checked.map_err(|why| format!("{}: {why}", name(machine, mapping)))
    })
}

fn counters<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>) -> Result<(), String> {
    machine.mappings().try_for_each(|mapping| {
        let space = machine.mapping(mapping);
        let exceptional = |entry: &crate::entry::Entry| entry.is_exceptional();
        let entries = space.i_pages.iter(..).filter(|(_, entry)| exceptional(entry)).count();
        let pages = space.i_pages.iter(..).count() - entries;
        let counted = (space.nrpages, space.nrexceptional);
        if counted == (pages as u64, entries as u64) {
            return Ok(());
        }
        let name = name(machine, mapping);
        Err(format!("{name}: counts {counted:?}, the tree holds {pages} and {entries}"))
    })
}

fn coherence<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    judge: &Judge,
) -> Result<(), String> {
    for (at, newest) in judge.newest_in_memory() {
        let Some(block) = machine.block_of(at.mapping, at.index) else { continue };
        let first = machine.geometry.first_word(block).0;
        let seen = machine.medium.load_word(WordAddr(first + u64::from(at.word)));
        if seen != newest {
            return Err(format!("{at} reads {seen}, the last store was {newest}"));
        }
    }
    Ok(())
}

fn stored_is_dirty<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    judge: &Judge,
) -> Result<(), String> {
    for (mapping, index) in judge.mapped_stores() {
        let Some(space) = machine.mapping_if(mapping) else { continue };
        let dirty = space.i_pages.tag_get(index, Tag::Dirty) && space.dax_entry(index).is_some();
        if !dirty {
            let name = bare_name(machine, mapping);
            return Err(format!("{name} page {index} was stored to and is not DIRTY"));
        }
    }
    Ok(())
}

fn any_writable_pte<M: Medium, const FAN: usize>(machine: &Machine<M, FAN>) -> bool {
    machine.vmas.iter().flat_map(Vma::ptes).any(|(_, pte)| pte.writable)
}

fn clean_is_protected<M: Medium, const FAN: usize>(
    machine: &Machine<M, FAN>,
) -> Result<(), String> {
    for vma in &machine.vmas {
        let Some(space) = machine.mapping_if(vma.mapping) else { continue };
        let writable = vma.ptes().filter(|(_, pte)| pte.writable);
        for (index, _) in writable {
            if !space.i_pages.tag_get(index, Tag::Dirty) {
                let name = bare_name(machine, vma.mapping);
                return Err(format!("{name} page {index} is clean, its PTE is writable"));
            }
        }
    }
    Ok(())
}

fn promises_survive<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    judge: &Judge,
) -> Result<(), String> {
    let domain = persistence_domain(machine);
    for (at, word, keeps) in judge.promised_places(machine) {
        let survives = |words: [Word; 8]| keeps(words[word.in_line()]);
        let lost = match domain {
            PersistenceDomain::WriteQueue => !versions_keep(machine, word.line(), survives),
            PersistenceDomain::Caches => !survives(machine.medium.latest(word.line())),
        };
        if lost {
            let name = bare_name(machine, at.mapping);
            return Err(format!("{name} page {} word {} may be lost", at.index, at.word));
        }
    }
    Ok(())
}

fn versions_keep<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    line: LineNr,
    survives: impl Fn([Word; 8]) -> bool,
) -> bool {
    machine.medium.versions(line).all(survives)
}
