//! What an operation changes: the plan of its edits.

use super::op::Planned;
use super::{Event, Flow, Frame, Machine, Outcome, Report, ThreadId};
use crate::address_space::MappingId;
use crate::fs::block_map::{self, Path};
use crate::fs::{Kind, Name, ROOT, dir};
use crate::machine::frame::{BreadAt, Edit, FsOp, OpAt, ReadAt};
use crate::machine::{Component, Errno, IndexBlock, Inode};
use crate::medium::Medium;
use crate::sorted;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn plan(&mut self, op: &FsOp, at: &mut OpAt, report: &mut impl Report) -> Outcome {
        let planned = match op {
            FsOp::MapBlocks { ino, index } => self.plan_map(*ino, *index),
            FsOp::Create { ino, name, directory, dax } => {
                self.plan_create(*ino, name, *directory, *dax)
            }
            FsOp::Unlink { name } => self.plan_unlink(name),
            FsOp::Rename { from, to } => self.plan_rename(from, to),
            FsOp::Truncate { ino, pages } => {
                let edits = self.plan_unmap(*ino, PageIndex(*pages), u64::MAX);
                self.inode_mut(*ino).pages = *pages;
                Planned::Edits(edits)
            }
            FsOp::PunchHole { ino, first, count } => {
                Planned::Edits(self.plan_unmap(*ino, *first, *count))
            }
            FsOp::CollapseRange { ino, first, count } => self.plan_collapse(*ino, *first, *count),
        };
        self.report_leaving(op, report);
        self.inodes.iter().for_each(|inode| report.changed(Component::Inode(inode.ino)));
        report.changed(Component::Allocator);
        if op.names() {
            report.changed(Component::Inodes);
            self.known.iter().for_each(|file| {
                report.changed(Component::Inode(file.ino));
                report.changed(Component::Counters(MappingId::File(file.ino)));
            });
        }
        *at = match planned {
            Planned::Calls(callee) => return Ok(Flow::Calls(callee)),
            Planned::Edits(mut edits) => {
                edits.reverse();
                self.before_edits(edits)?
            }
            Planned::NewBlock(block, mut edits) => {
                edits.reverse();
                OpAt::NewBlock { block, edits, zero: false }
            }
            Planned::Fails(error) => OpAt::Stop(Err(error)),
        };
        Ok(Flow::GoesOn)
    }

    /// The judge has to know which pages an operation takes away.
    fn report_leaving(&self, op: &FsOp, report: &mut impl Report) {
        let Some((first, count)) = op.leaving() else { return };
        let collapsed = matches!(op, FsOp::CollapseRange { .. });
        let count = match op {
            FsOp::CollapseRange { count, .. } => *count,
            _ => count,
        };
        let ino = op.file().expect("pages leave a file");
        report.event(|| Event::PagesLeft { ino, first, count, collapsed });
    }

    fn allocate(&mut self) -> Option<BlockNr> {
        self.mounted.as_mut().expect("operations need a file system").allocate()
    }

    /// A block for a page: bitmap, pointer, and blocks of pointers where they are missing.
    fn plan_map(&mut self, ino: Ino, index: PageIndex) -> Planned {
        let mounted = self.mounted.as_ref().expect("operations need a file system");
        let (layout, free) = (mounted.layout, mounted.free_blocks());
        let Some(path) = block_map::path(index, &layout) else {
            return Planned::Fails(Errno::Efbig);
        };
        if self.inode(ino).block(index).is_some() {
            // Somebody else was faster.
            return Planned::Edits(Vec::new());
        }
        if free < 3 && free <= self.missing(ino, path) {
            return Planned::Fails(Errno::Enospc);
        }
        let mut edits = Vec::new();
        let block = self.allocate().expect("counted above");
        edits.push(Edit::Use(block));
        match path {
            Path::Direct(_) => {}
            Path::Indirect(slot) => {
                let at = self.index_block(ino, IndexBlock::Indirect, None, &mut edits);
                edits.push(Edit::Pointer { at, slot, to: Some(block) });
            }
            Path::Double(outer, inner) => {
                let double = self.index_block(ino, IndexBlock::Double, None, &mut edits);
                let leaf = IndexBlock::Leaf(u32::try_from(outer).expect("a slot of a block"));
                let at = self.index_block(ino, leaf, Some((double, outer)), &mut edits);
                edits.push(Edit::Pointer { at, slot: inner, to: Some(block) });
            }
        }
        edits.push(Edit::Inode(ino));
        let inode = self.inode_mut(ino);
        inode.pages = inode.pages.max(index.0 + 1);
        Planned::NewBlock(block, edits)
    }

    /// Blocks of pointers that the way to a page lacks.
    fn missing(&self, ino: Ino, path: Path) -> u64 {
        let lacks = |which| u64::from(self.inode(ino).index_block(which).is_none());
        match path {
            Path::Direct(_) => 0,
            Path::Indirect(_) => lacks(IndexBlock::Indirect),
            Path::Double(outer, _) => {
                lacks(IndexBlock::Double) + lacks(IndexBlock::Leaf(outer as u32))
            }
        }
    }

    /// A block of pointers, made if it is missing; `parent` names it.
    fn index_block(
        &mut self,
        ino: Ino,
        which: IndexBlock,
        parent: Option<(BlockNr, usize)>,
        edits: &mut Vec<Edit>,
    ) -> BlockNr {
        if let Some(block) = self.inode(ino).index_block(which) {
            return block;
        }
        let block = self.allocate().expect("the caller has counted");
        edits.extend([Edit::Use(block), Edit::Zero(block)]);
        if let Some((at, slot)) = parent {
            edits.push(Edit::Pointer { at, slot, to: Some(block) });
        }
        self.inode_mut(ino).set_index_block(which, Some(block));
        block
    }

    /// Makes pages of a file holes. The inode first, then what it no longer names.
    fn plan_unmap(&mut self, ino: Ino, first: PageIndex, count: u64) -> Vec<Edit> {
        let layout = self.mounted.as_ref().expect("operations need a file system").layout;
        let end = first.0.saturating_add(count);
        let inode = self.inode_mut(ino);
        let data = inode.kind == Kind::File;
        let gone: Vec<_> =
            inode.blocks().filter(|(page, _)| (first.0..end).contains(&page.0)).collect();
        let mut edits = alloc::vec![Edit::Inode(ino)];
        for (page, _) in &gone {
            inode.unmap(*page);
        }
        for (page, _) in &gone {
            let pointer = match block_map::path(*page, &layout).expect("it had a block") {
                Path::Direct(_) => None,
                Path::Indirect(slot) => Some((IndexBlock::Indirect, slot)),
                Path::Double(outer, inner) => Some((IndexBlock::Leaf(outer as u32), inner)),
            };
            if let Some((which, slot)) = pointer
                && still_used(inode, which, &layout)
            {
                let at = inode.index_block(which).expect("it led to a page");
                edits.push(Edit::Pointer { at, slot, to: None });
            }
        }
        let dead: Vec<_> =
            inode.index_blocks().filter(|(which, _)| !still_used(inode, *which, &layout)).collect();
        for (which, block) in dead {
            inode.set_index_block(which, None);
            if let IndexBlock::Leaf(outer) = which
                && still_used(inode, IndexBlock::Double, &layout)
            {
                let at = inode.index_block(IndexBlock::Double).expect("it named the leaf");
                edits.push(Edit::Pointer { at, slot: outer as usize, to: None });
            }
            edits.extend([Edit::Forget(block), Edit::Free { block, data: false }]);
        }
        for (_, block) in gone {
            if !data {
                edits.push(Edit::Forget(block));
            }
            edits.push(Edit::Free { block, data });
        }
        edits
    }

    /// Takes pages out; the pages after them move down. There must be some: what reaches the end is
    /// a truncate. The pointers of a file without blocks of pointers only: its inode says it all.
    /// Models `fs/ext4/extents.c ext4_collapse_range` (4.5).
    fn plan_collapse(&mut self, ino: Ino, first: PageIndex, count: u64) -> Planned {
        let inode = self.inode(ino);
        let direct = inode.index_blocks().next().is_none();
        if !direct || first.0.saturating_add(count) >= inode.pages {
            return Planned::Fails(Errno::Einval);
        }
        let edits = self.plan_unmap(ino, first, count);
        let inode = self.inode_mut(ino);
        let later: Vec<_> = inode.blocks().filter(|(page, _)| page.0 >= first.0 + count).collect();
        for (page, _) in &later {
            inode.unmap(*page);
        }
        for (page, block) in later {
            inode.map(PageIndex(page.0 - count), block);
        }
        inode.pages -= count;
        Planned::Edits(edits)
    }

    /// The first block of the root directory that is not in memory, as a call that reads it.
    fn directory_to_read(&self) -> Option<Frame> {
        let root = self.inode(ROOT);
        let missing = root
            .blocks()
            .find(|(index, block)| self.directory_words(ROOT, *index, *block).is_none());
        missing.map(|(index, block)| {
            if self.journal.is_some() {
                return Frame::SbBread { block, at: BreadAt::Getblk };
            }
            Frame::Ext2GetPage { dir: ROOT, index, at: ReadAt::Lookup }
        })
    }

    /// The inode that a name in the root directory names; all of it is in memory.
    fn lookup(&self, name: &Name) -> Option<Ino> {
        let blocks = self.inode(ROOT).blocks();
        let mut words = blocks.filter_map(|(page, block)| self.directory_words(ROOT, page, block));
        words.find_map(|words| dir::find(words, name)).map(|entry| entry.ino)
    }

    fn plan_create(&mut self, ino: Ino, name: &Name, directory: bool, dax: bool) -> Planned {
        if self.inode_if(ROOT).is_none() {
            return Planned::Fails(Errno::Enoent);
        }
        if let Some(callee) = self.directory_to_read() {
            return Planned::Calls(callee);
        }
        if self.lookup(name).is_some() || self.inode_if(ino).is_some() {
            return Planned::Fails(Errno::Eexist);
        }
        let full = self.directory_is_full();
        let mounted = self.mounted.as_mut().expect("operations need a file system");
        let new_blocks = u64::from(full) + u64::from(directory);
        if mounted.free_blocks() < new_blocks {
            return Planned::Fails(Errno::Enospc);
        }
        let Some(slot) = mounted.take_slot(ino) else {
            return Planned::Fails(Errno::Enospc);
        };
        let kind = if directory { Kind::Directory } else { Kind::File };
        let mut edits = Vec::new();
        if full {
            let page = PageIndex(self.inode(ROOT).pages);
            self.extend_directory(ROOT, page, &mut edits);
            edits.push(Edit::Inode(ROOT));
        }
        let text = alloc::format!("{name}");
        self.inodes.push(Inode::new(ino, &text, kind, dax).in_slot(slot));
        sorted::sort_by_key(&mut self.inodes, |inode| inode.ino);
        if directory {
            self.extend_directory(ino, PageIndex(0), &mut edits);
        }
        edits.push(Edit::Inode(ino));
        edits.push(Edit::AddEntry { dir: ROOT, name: *name, ino });
        Planned::Edits(edits)
    }

    fn directory_is_full(&self) -> bool {
        let mut blocks = self.inode(ROOT).blocks();
        !blocks.any(|(page, block)| {
            let words = self.directory_words(ROOT, page, block).expect("read before");
            words.chunks_exact(dir::WORDS_PER_ENTRY).any(|entry| entry[0] == Word::ZERO)
        })
    }

    fn extend_directory(&mut self, ino: Ino, page: PageIndex, edits: &mut Vec<Edit>) {
        let block = self.allocate().expect("the caller has counted");
        let inode = self.inode_mut(ino);
        inode.map(page, block);
        inode.pages = page.0 + 1;
        edits.push(Edit::Use(block));
        edits.push(if self.journal.is_some() {
            Edit::Zero(block)
        } else {
            Edit::ZeroPage { dir: ino, index: page }
        });
    }

    fn plan_unlink(&mut self, name: &Name) -> Planned {
        if let Some(callee) = self.directory_to_read() {
            return Planned::Calls(callee);
        }
        let Some(ino) = self.lookup(name) else {
            return Planned::Fails(Errno::Enoent);
        };
        let mut edits = alloc::vec![Edit::RemoveEntry { dir: ROOT, name: *name }];
        self.drop_link(ino, &mut edits);
        Planned::Edits(edits)
    }

    /// One name less; with the last one the file goes.
    fn drop_link(&mut self, ino: Ino, edits: &mut Vec<Edit>) {
        let inode = self.inode_mut(ino);
        inode.links -= 1;
        if inode.links > 0 {
            edits.push(Edit::Inode(ino));
            return;
        }
        let unmapped = self.plan_unmap(ino, PageIndex(0), u64::MAX);
        edits.extend(unmapped.into_iter().filter(|edit| *edit != Edit::Inode(ino)));
        let inode = self.inode_mut(ino);
        inode.pages = 0;
        let slot = inode.slot.take().expect("an inode in use has a slot");
        let mounted = self.mounted.as_mut().expect("operations need a file system");
        mounted.set_slot(slot, None);
        sorted::insert(&mut mounted.orphans, ino);
        edits.push(Edit::ClearInode { slot, ino });
    }

    fn plan_rename(&mut self, from: &Name, to: &Name) -> Planned {
        if let Some(callee) = self.directory_to_read() {
            return Planned::Calls(callee);
        }
        let Some(ino) = self.lookup(from) else {
            return Planned::Fails(Errno::Enoent);
        };
        let mut edits = Vec::new();
        if let Some(victim) = self.lookup(to) {
            if victim == ino {
                return Planned::Edits(edits);
            }
            edits.push(Edit::RemoveEntry { dir: ROOT, name: *to });
            edits.push(Edit::RemoveEntry { dir: ROOT, name: *from });
            edits.push(Edit::AddEntry { dir: ROOT, name: *to, ino });
            self.drop_link(victim, &mut edits);
        } else {
            edits.push(Edit::RemoveEntry { dir: ROOT, name: *from });
            edits.push(Edit::AddEntry { dir: ROOT, name: *to, ino });
        }
        self.inode_mut(ino).name = alloc::format!("{to}");
        Planned::Edits(edits)
    }

    /// The page of a directory without a journal, found or made. Models `fs/ext2/dir.c
    /// ext2_get_page` (4.5): ext2 keeps directories in their own mapping.
    pub(super) fn ext2_get_page(
        &mut self,
        id: ThreadId,
        (dir, index): (Ino, PageIndex),
        at: &mut ReadAt,
        report: &mut impl Report,
    ) -> Outcome {
        let mapping = MappingId::File(dir);
        match *at {
            ReadAt::Lookup => {
                match self.mapping(mapping).find_get_page(index).map(|p| p.uptodate) {
                    Some(true) => Ok(Flow::Returned),
                    Some(false) if !self.lock_page(id, mapping, index, report) => Ok(Flow::Acted),
                    Some(false) => {
                        *at = ReadAt::ReadPage;
                        Ok(Flow::GoesOn)
                    }
                    None => {
                        self.take_lock(self.cpu(id), report)?;
                        let added = self.add_page(mapping, index, report);
                        added.expect("looked up above; a directory has no DAX entries");
                        *at = ReadAt::ReadPage;
                        Ok(Flow::Acted)
                    }
                }
            }
            ReadAt::ReadPage | ReadAt::Copy => {
                report.rule(crate::rules::RuleId::IDX_4);
                self.read_page(mapping, index, report);
                self.unlock_page(mapping, index, report);
                Ok(Flow::ActedAndReturned)
            }
        }
    }
}

/// Whether a page of the file is still found through a block of pointers.
fn still_used<const FAN: usize>(
    inode: &Inode<FAN>,
    which: IndexBlock,
    layout: &crate::fs::Layout,
) -> bool {
    inode.blocks().any(|(page, _)| match (block_map::path(page, layout), which) {
        (Some(Path::Indirect(_)), IndexBlock::Indirect) => true,
        (Some(Path::Double(..)), IndexBlock::Double) => true,
        (Some(Path::Double(outer, _)), IndexBlock::Leaf(leaf)) => outer == leaf as usize,
        _ => false,
    })
}
