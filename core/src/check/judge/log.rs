//! The write-ahead rule: which home writes and log blocks it allows.

use crate::address_space::MappingId;
use crate::jbd::format::Superblock;
use crate::jbd::journal::Journal;
use crate::machine::frame::LogWrite;
use crate::machine::{Event, Machine, Step};
use crate::medium::{Medium, SimMedium};
use crate::units::{BlockNr, LogBlockNr, Tid, Word};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// What the judge remembers of the log and of writes to homes, so that it can tell whether a power
/// cut finds an image in the log or at home.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct LogTrail {
    /// Whose block stands where in the log, by place.
    writers: Vec<(LogBlockNr, Tid)>,
    /// Log blocks that were written and are not safe yet.
    pending: Vec<(Tid, BlockNr)>,
    /// The newest transaction whose commit block was written.
    committed: Option<Tid>,
    /// Home blocks that hold what a transaction has changed whose log is not safe.
    stolen: Vec<(BlockNr, Tid)>,
    /// Blocks that are in the log and not home, and the transaction that logged them last; a freed
    /// one is waited for until the transaction that freed it is durable.
    waiting: Vec<(BlockNr, Tid, Option<Tid>)>,
    /// Blocks that were freed, and by which transaction, until it is durable. Its predecessor may
    /// still be committing then, and hands the block to its checkpoint list only afterwards.
    freed: Vec<(BlockNr, Tid)>,
    /// Home blocks that were written and are not safe yet, with the transaction that logged them.
    homes: Vec<(BlockNr, Tid)>,
    /// Log blocks that were written over while a transaction in them was needed.
    reused: Vec<(LogBlockNr, Tid)>,
    /// Blocks of files that hold what was written for a former owner.
    late: Vec<BlockNr>,
}

impl LogTrail {
    pub(super) fn observe<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        step: &Step,
        after: &Machine<SimMedium, FAN>,
    ) {
        for event in &step.events {
            match event {
                Event::LogWritten { what, tid, at, block, .. } if *what != LogWrite::Superblock => {
                    self.log_written(before, *at, *tid);
                    self.pending.push((*tid, *block));
                    if *what == LogWrite::Commit {
                        self.committed = Some(*tid);
                    }
                }
                // Edited in place: the hardware may write it back from now on.
                Event::MetadataChanged { block, tid: Some(tid), .. }
                    if before.load_block(*block) != after.load_block(*block) =>
                {
                    self.stolen.push((*block, *tid));
                }
                Event::BlockWritten { mapping, block, .. } => {
                    self.block_written(before, *mapping, *block, after);
                }
                Event::BufferReleased { block, tid, to_checkpoint: true, .. } => {
                    let freed = |(of, by): &&(BlockNr, Tid)| of == block && by.is_after(*tid);
                    let freed_by = self.freed.iter().find(freed).map(|(_, by)| *by);
                    self.waiting.retain(|(of, ..)| of != block);
                    self.waiting.push((*block, *tid, freed_by));
                }
                Event::Forgot { block, .. } => {
                    let by = after.journal.as_ref().and_then(Journal::running_tid);
                    let freed = self.waiting.iter_mut().filter(|(of, ..)| of == block);
                    freed.for_each(|(.., freed_by)| *freed_by = by);
                    self.freed.extend(by.map(|by| (*block, by)));
                }
                _ => {}
            }
        }
        let is_safe = |block: &BlockNr| {
            let lines = after.lines_of(*block);
            after.medium.dirty_lines_in(lines) == 0
        };
        self.pending.retain(|(_, block)| !is_safe(block));
        self.homes.retain(|(block, _)| !is_safe(block));
        let mut stolen = core::mem::take(&mut self.stolen);
        stolen.retain(|(_, tid)| !self.is_durable(*tid));
        self.stolen = stolen;
        let mut waiting = core::mem::take(&mut self.waiting);
        waiting.retain(|(.., freed_by)| !freed_by.is_some_and(|tid| self.is_durable(tid)));
        self.waiting = waiting;
        let mut freed = core::mem::take(&mut self.freed);
        freed.retain(|(_, by)| !self.is_durable(*by));
        self.freed = freed;
        if !self.reused.is_empty() {
            let first = first_needed(after);
            self.reused.retain(|(_, tid)| first.is_some_and(|first| !first.is_after(*tid)));
        }
        if !self.late.is_empty() {
            self.late.retain(|block| after.owner_of(*block).is_some());
        }
    }

    fn log_written<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        at: LogBlockNr,
        tid: Tid,
    ) {
        let place = match self.writers.binary_search_by_key(&at, |(at, _)| *at) {
            Ok(place) => place,
            Err(place) => {
                self.writers.insert(place, (at, tid));
                return;
            }
        };
        let older = core::mem::replace(&mut self.writers[place].1, tid);
        let needed = first_needed(before).is_some_and(|first| !first.is_after(older));
        if needed && older != tid {
            self.reused.push((at, older));
        }
    }

    fn block_written<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        mapping: MappingId,
        block: BlockNr,
        after: &Machine<SimMedium, FAN>,
    ) {
        self.late.retain(|late| *late != block);
        self.waiting.retain(|(of, ..)| *of != block);
        let owner = after.owner_of(block).filter(|(inode, _)| inode.kind == crate::fs::Kind::File);
        if owner.is_some_and(|(inode, _)| mapping != MappingId::File(inode.ino)) {
            self.late.push(block);
        }
        let head = before.journal.as_ref().and_then(|journal| journal.head_of(block));
        let Some(head) = head.filter(|_| mapping == MappingId::Bdev) else { return };
        let Some(tid) = head.next.or(head.transaction).or(head.checkpoint) else { return };
        self.homes.push((block, tid));
        if !self.is_durable(tid) {
            self.stolen.push((block, tid));
        }
    }

    /// Whether a power cut cannot take a transaction's log any more: its commit block and all before
    /// it are safe.
    fn is_durable(&self, tid: Tid) -> bool {
        let committed = self.committed.is_some_and(|committed| !tid.is_after(committed));
        committed && !self.pending.iter().any(|(of, _)| *of == tid)
    }

    /// INV-WAL: no home holds what a transaction has changed whose commit record is not durable.
    ///
    /// # Errors
    /// The first home that does.
    pub fn write_ahead(&self) -> Result<(), String> {
        let stolen = self.stolen.first();
        stolen.map_or(Ok(()), |(block, tid)| {
            Err(format!("{block} is home with what {tid} has not made durable in the log"))
        })
    }

    /// INV-TAIL: what the log does not hold any more is safe at home, and what it is needed for is
    /// in it.
    ///
    /// # Errors
    /// The first block that a power cut may lose.
    pub fn tail<const FAN: usize>(&self, machine: &Machine<SimMedium, FAN>) -> Result<(), String> {
        if let Some((at, tid)) = self.reused.first() {
            return Err(format!("{at} was written over, and {tid} is needed"));
        }
        let Some(first) = first_needed(machine) else { return Ok(()) };
        let unlogged = |tid: &Tid| first.is_after(*tid);
        if let Some((block, tid)) = self.homes.iter().find(|(_, tid)| unlogged(tid)) {
            return Err(format!("{block} of {tid} is not safe at home, and its log is given up"));
        }
        let mut lost = self.waiting.iter().filter(|(_, tid, _)| unlogged(tid));
        lost.next().map_or(Ok(()), |(block, tid, _)| {
            Err(format!("{block} of {tid} is not home, and its log is given up"))
        })
    }

    /// INV-REUSE: no block of a file holds what was written for a former owner.
    ///
    /// # Errors
    /// The first block that does.
    pub fn reuse(&self) -> Result<(), String> {
        let late = self.late.first();
        late.map_or(Ok(()), |block| Err(format!("{block} was written for a former owner")))
    }
}

/// The first transaction that a recovery would look for: what the journal superblock says that a
/// power cut leaves. After the last one, if it says that the log is clean.
fn first_needed<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> Option<Tid> {
    let log = machine.log?;
    let mut words = vec![Word::ZERO; machine.words_per_block()];
    let lines = machine.lines_of(log.superblock).lines();
    for (line, into) in lines.zip(words.chunks_mut(crate::units::WORDS_PER_LINE)) {
        into.copy_from_slice(&machine.medium.guaranteed(line));
    }
    let superblock = Superblock::decode(&words, &log).ok()?;
    Some(match superblock.start {
        Some(_) => superblock.sequence,
        None => superblock.sequence.next(),
    })
}
