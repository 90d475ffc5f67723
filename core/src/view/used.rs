//! What of the matrix is in use anywhere along a path: the rest is folded away or not drawn, so that
//! the stage stands still while one steps.

use super::METADATA;
use crate::address_space::MappingId;
use crate::fs::Layout;
use crate::jbd::journal::Journal;
use crate::machine::frame::LogWrite;
use crate::machine::{Event, Inode, Machine, Op};
use crate::medium::SimMedium;
use crate::path::Path;
use crate::sorted;
use crate::units::BlockNr;
use alloc::vec::Vec;

/// Columns of the matrix, unless more blocks are touched.
const COLUMNS: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) struct Used {
    /// Blocks that something touches, sorted.
    pub(super) blocks: Vec<BlockNr>,
    /// Blocks that have a column, sorted: see [`Used::columns`].
    pub(super) columns: Vec<BlockNr>,
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
        used.columns = used.columns(path);
        used
    }

    /// All blocks outside the log ring of a device that has few. Of a larger one those that something
    /// touches, the fixed metadata, and of what files own as much as there is room for.
    fn columns<const FAN: usize>(&self, path: &Path<FAN>) -> Vec<BlockNr> {
        let last = &path.last().machine;
        let end = last.geometry.first_log_block();
        if !METADATA || end.0 <= COLUMNS as u64 {
            return (0..end.0).map(BlockNr).collect();
        }
        let mut columns: Vec<_> = self.blocks.iter().copied().filter(|at| *at < end).collect();
        let fixed = 0..Layout::of(&last.geometry).first_pool_block().0;
        fixed.map(BlockNr).for_each(|at| sorted::insert(&mut columns, at));
        let pointers = last.inodes.iter().flat_map(Inode::index_blocks).map(|(_, at)| at);
        let pages = last.inodes.iter().flat_map(Inode::blocks).map(|(_, at)| at);
        for block in pointers.chain(pages) {
            if columns.len() >= COLUMNS {
                break;
            }
            sorted::insert(&mut columns, block);
        }
        columns
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
