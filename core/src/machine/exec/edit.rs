//! The changes of single metadata blocks that operations consist of.

use super::handle::{Access, Taken};
use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::{DataMode, FreeBeforeCommit};
use crate::fs::block_map::{self, DIRECT, DOUBLE_SLOT, INDIRECT_SLOT};
use crate::fs::{self, DiskInode, Name, bitmap, dir};
use crate::machine::frame::{Edit, FreshAt, ReadAt};
use crate::machine::{Component, IndexBlock, Inode};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, Ino, PageIndex, WORDS_PER_LINE, Word};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Where the words are that an edit changes.
pub(super) enum Target {
    /// A buffer of the device.
    Buffer(BlockNr, Access),
    /// A page of a directory: ext2 keeps directories in their own mapping (IDX-4).
    DirectoryPage(Ino, PageIndex),
    /// No words: the journal or the allocator.
    None,
}

/// What an edit does to the words of a block.
pub(super) enum Change {
    /// Replaces a line.
    Line { at: usize, line: [Word; WORDS_PER_LINE] },
    /// Marks a block used in the bitmap.
    SetBit(u64),
    /// Marks a block free.
    ClearBit(u64),
    /// Fills with zeros.
    Zero,
    /// Sets a pointer of a block of pointers.
    Pointer { slot: usize, to: Option<BlockNr> },
    /// Adds a directory entry.
    Add { name: Name, ino: Ino },
    /// Removes one.
    Remove(Name),
}

impl Change {
    pub(super) fn apply(self, words: &mut [Word]) {
        match self {
            Self::Line { at, line } => words[at..][..line.len()].copy_from_slice(&line),
            Self::SetBit(bit) => bitmap::set_used(words, bit),
            Self::ClearBit(bit) => bitmap::set_free(words, bit),
            Self::Zero => words.fill(Word::ZERO),
            Self::Pointer { slot, to } => block_map::set_pointer(words, slot, to),
            Self::Add { name, ino } => {
                dir::insert(words, &name, ino).expect("the plan has looked for room");
            }
            Self::Remove(name) => {
                dir::remove(words, &name).expect("the plan has looked the name up");
            }
        }
    }
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Makes the last one of these changes and takes it off, unless something else has to come first.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn edit(
        &mut self,
        id: ThreadId,
        edits: &mut Vec<Edit>,
        report: &mut impl Report,
    ) -> Outcome {
        let edit = edits.last().expect("the caller has looked");
        match self.target(edit)? {
            Target::None => {
                if let Edit::Forget(block) = edit {
                    self.ext4_forget(*block, report)?;
                }
            }
            Target::Buffer(block, _) if self.uses_fresh_page(report)? => {
                let edit = Box::new(edits.pop().expect("looked at above"));
                return Ok(Flow::Calls(Frame::FreshPageIo { block, edit, at: FreshAt::Read }));
            }
            Target::Buffer(block, access) => match self.take_buffer(id, block, access, report)? {
                Taken::Yes => {
                    let change = self.change_of(edit);
                    self.modify_buffer(id, block, edit, |words| change.apply(words), report)?;
                    self.freed_by(edit, report)?;
                }
                Taken::Calls(callee) => return Ok(Flow::Calls(callee)),
                Taken::Sleeps => return Ok(Flow::Acted),
            },
            Target::DirectoryPage(dir, index) if !self.has_uptodate_page(dir, index) => {
                let callee = Frame::Ext2GetPage { dir, index, at: ReadAt::Lookup };
                return Ok(Flow::Calls(callee));
            }
            Target::DirectoryPage(ino, index) => {
                self.edit_directory_page(ino, index, edit, report);
            }
        }
        edits.pop();
        Ok(Flow::Acted)
    }

    /// The first block that has to be read before an edit can tell where it goes.
    pub(super) fn target(&self, edit: &Edit) -> Result<Target, Refusal> {
        let mounted = self.mounted.as_ref().expect("operations need a file system");
        Ok(match edit {
            Edit::Inode(ino) => {
                let slot = self.inode(*ino).slot.expect("an inode in use has a slot");
                Target::Buffer(mounted.layout.slot_of(slot).0, Access::Write)
            }
            Edit::ClearInode { slot, .. } => {
                Target::Buffer(mounted.layout.slot_of(*slot).0, Access::Write)
            }
            Edit::Use(block) | Edit::Free { block, .. } => {
                Target::Buffer(mounted.layout.bit_of(*block).0, Access::Write)
            }
            Edit::Forget(_) => Target::None,
            Edit::Zero(block) => Target::Buffer(*block, Access::Create),
            Edit::ZeroPage { dir, index } => Target::DirectoryPage(*dir, *index),
            Edit::Pointer { at, .. } => Target::Buffer(*at, Access::Write),
            Edit::AddEntry { dir, .. } => self.directory_target(*dir, |words| {
                words.chunks_exact(dir::WORDS_PER_ENTRY).any(|entry| entry[0] == Word::ZERO)
            }),
            Edit::RemoveEntry { dir, name } => {
                self.directory_target(*dir, |words| dir::find(words, name).is_some())
            }
        })
    }

    /// The block of a directory that satisfies `wanted`; the plan has looked that there is one, or
    /// made it.
    fn directory_target(&self, ino: Ino, wanted: impl Fn(&[Word]) -> bool) -> Target {
        let blocks = self.inode(ino).blocks();
        for (index, block) in blocks {
            let words = self.directory_words(ino, index, block);
            // A block that is not in memory yet is the fresh one, or one to read and look again.
            if words.is_none_or(&wanted) {
                return if self.journal.is_some() {
                    Target::Buffer(block, Access::Write)
                } else {
                    Target::DirectoryPage(ino, index)
                };
            }
        }
        unreachable!("the plan has looked for room and for the name");
    }

    fn has_uptodate_page(&self, ino: Ino, index: PageIndex) -> bool {
        self.inode(ino).mapping.find_get_page(index).is_some_and(|page| page.uptodate)
    }

    /// The cached words of a directory's block.
    pub(super) fn directory_words(
        &self,
        ino: Ino,
        index: PageIndex,
        block: BlockNr,
    ) -> Option<&[Word]> {
        if self.journal.is_some() {
            return self.buffer_words(block);
        }
        let page = self.inode(ino).mapping.find_get_page(index)?;
        page.uptodate.then_some(&page.words)
    }

    /// What an edit does to the words of its block.
    pub(super) fn change_of(&self, edit: &Edit) -> Change {
        let mounted = self.mounted.as_ref().expect("operations need a file system");
        let layout = mounted.layout;
        match edit {
            Edit::Inode(ino) => {
                let inode = self.inode(*ino);
                let slot = inode.slot.expect("an inode in use has a slot");
                let line = disk_inode(inode, &layout).encode();
                Change::Line { at: layout.slot_of(slot).1 * line.len(), line }
            }
            Edit::ClearInode { slot, .. } => {
                let line = [Word::ZERO; WORDS_PER_LINE];
                Change::Line { at: layout.slot_of(*slot).1 * line.len(), line }
            }
            Edit::Use(block) => Change::SetBit(layout.bit_of(*block).1),
            Edit::Free { block, .. } => Change::ClearBit(layout.bit_of(*block).1),
            Edit::Zero(_) | Edit::ZeroPage { .. } => Change::Zero,
            Edit::Pointer { slot, to, .. } => Change::Pointer { slot: *slot, to: *to },
            Edit::AddEntry { name, ino, .. } => Change::Add { name: *name, ino: *ino },
            Edit::RemoveEntry { name, .. } => Change::Remove(*name),
            Edit::Forget(_) => unreachable!("it changes no words"),
        }
    }

    /// Models `fs/ext2/dir.c ext2_add_link, ext2_delete_entry` (4.5): the page is dirty like file
    /// data.
    fn edit_directory_page(
        &mut self,
        ino: Ino,
        index: PageIndex,
        edit: &Edit,
        report: &mut impl Report,
    ) {
        let mapping = MappingId::File(ino);
        let change = self.change_of(edit);
        let inode = self.inode_mut(ino);
        inode.dirty_pages = true;
        let page = inode.mapping.page_mut(index).expect("the plan has read it");
        change.apply(&mut page.words);
        page.dirty = true;
        inode.mapping.i_pages.tag_set(index, Tag::Dirty);
        report.rule(RuleId::IDX_4);
        report.changed(Component::Inode(ino));
        report.changed(Component::Page(mapping, index));
        Self::slot_changed(mapping, index, report);
        let block = self.block_of(mapping, index).expect("a directory has no hole");
        report.event(|| Event::MetadataChanged { block, edit: edit.clone(), tid: None });
    }

    /// A block whose bit was cleared is the allocator's again, now or later.
    pub(super) fn freed_by(
        &mut self,
        edit: &Edit,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        match edit {
            Edit::Free { block, data } => self.free_block(*block, *data, report),
            _ => Ok(()),
        }
    }

    /// Gives a freed block back to the allocator: at the end of the commit that frees it, or at
    /// once. Models REUSE-6: `fs/ext4/mballoc.c ext4_free_blocks` (4.5).
    fn free_block(
        &mut self,
        block: BlockNr,
        data: bool,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let what_if = self.semantics.free_before_commit()? == FreeBeforeCommit::Yes;
        let unordered = data && self.semantics.data_mode()? == DataMode::Writeback;
        let waits = self.journal.is_some() && !what_if && !unordered;
        if waits && self.obeys(RuleId::REUSE_6, report) {
            let running = self.journal_mut().running.as_mut().expect("a handle is open");
            running.freed.push(block);
            report.changed(Component::Journal);
        } else {
            self.return_block(block, report);
        }
        Ok(())
    }

    /// The allocator may give the block out from now on.
    pub(super) fn return_block(&mut self, block: BlockNr, report: &mut impl Report) {
        self.mounted.as_mut().expect("operations need a file system").give_back(block);
        report.changed(Component::Allocator);
    }
}

/// The inode as the table holds it.
pub(super) fn disk_inode<const FAN: usize>(inode: &Inode<FAN>, layout: &fs::Layout) -> DiskInode {
    let mut disk = DiskInode::new(inode.ino, inode.kind, inode.links);
    disk.size = inode.pages * layout.block_bytes();
    for (page, block) in inode.blocks().take_while(|(page, _)| page.0 < DIRECT as u64) {
        disk.pointers[page.0 as usize] = Some(block);
    }
    disk.pointers[INDIRECT_SLOT] = inode.index_block(IndexBlock::Indirect);
    disk.pointers[DOUBLE_SLOT] = inode.index_block(IndexBlock::Double);
    disk
}
