//! What of the matrix is in use anywhere along a path: the rest is folded away or not drawn, so that
//! the stage stands still while one steps.

use crate::address_space::MappingId;
use crate::jbd::journal::Journal;
use crate::machine::frame::LogWrite;
use crate::machine::{Event, Machine, Op};
use crate::medium::SimMedium;
use crate::path::Path;
use crate::sorted;
use crate::units::BlockNr;
use alloc::vec::Vec;

/// See the module.
#[derive(Default)]
pub(super) struct Used {
    /// Blocks that something touches, sorted.
    pub(super) blocks: Vec<BlockNr>,
    /// Sorted: blocks of which there are several versions.
    pub(super) rewritten: Vec<BlockNr>,
    /// Mappings that hold something, sorted.
    pub(super) mappings: Vec<MappingId>,
    /// There is a journal, or the allocator is at work: metadata moves.
    pub(super) metadata: bool,
    /// A running transaction holds blocks.
    pub(super) running: bool,
    /// A committing one does.
    pub(super) committing: bool,
    /// A checkpoint list does.
    pub(super) checkpoint: bool,
    /// Copies went to the log.
    pub(super) logged: bool,
}

impl Used {
    pub(super) fn of<const FAN: usize>(path: &Path<FAN>) -> Self {
        let mut used = Self::default();
        let last = path.len() - 1;
        let first = &path.moment(0).machine;
        used.metadata = first.log.is_some() || first.mounted.is_none();
        for step in 0..=last {
            let moment = path.moment(step);
            used.add(&moment.machine);
            used.metadata |= moment.machine.mounted != first.mounted;
            let events = moment.step.iter().flat_map(|(_, step)| &step.events);
            let copies =
                |event: &Event| matches!(event, Event::LogWritten { what: LogWrite::Copy(_), .. });
            used.logged |= events.into_iter().any(copies);
        }
        used.rewritten = path.rewritten(last).collect();
        used.touch(used.rewritten.clone());
        let ops = first.threads.iter().flat_map(|thread| &thread.program.ops);
        used.touch(ops.into_iter().filter_map(|op| match op {
            Op::RawRead { index } => Some(BlockNr(index.0)),
            Op::RawLoad { at } | Op::RawStore { at, .. } | Op::RawWrite { at, .. } => {
                Some(at.block)
            }
            _ => None,
        }));
        used
    }

    fn touch(&mut self, blocks: impl IntoIterator<Item = BlockNr>) {
        blocks.into_iter().for_each(|block| sorted::insert(&mut self.blocks, block));
    }

    fn add<const FAN: usize>(&mut self, machine: &Machine<SimMedium, FAN>) {
        for mapping in machine.mappings() {
            let mut items = machine.mapping(mapping).i_pages.iter(..).peekable();
            if items.peek().is_some() {
                sorted::insert(&mut self.mappings, mapping);
            }
            self.touch(items.filter_map(|(index, _)| machine.block_of(mapping, index)));
        }
        for vma in &machine.vmas {
            let ptes = vma.ptes();
            self.touch(ptes.filter_map(|(at, pte)| machine.pte_block(vma, at, pte)));
        }
        let lines = machine.medium.dirty_lines();
        self.touch(lines.map(|line| machine.geometry.block_of(line)));
        if let Some(journal) = &machine.journal {
            self.add_journal(journal);
        }
    }

    fn add_journal(&mut self, journal: &Journal) {
        for transaction in journal.running.iter().chain(&journal.committing) {
            self.touch(transaction.freed.iter().copied());
            self.touch(transaction.revoked.iter().copied());
        }
        for (_, head) in journal.heads() {
            let running = journal.running_tid();
            self.running |=
                head.next.is_some() || head.transaction.is_some_and(|t| Some(t) == running);
            let committing = journal.committing_tid();
            self.committing |= head.transaction.is_some_and(|t| Some(t) == committing);
            self.checkpoint |= head.checkpoint.is_some();
        }
    }
}
