//! Loads and stores through a DAX mapping, and the faults behind them.

use super::{Event, Flow, Frame, Machine, MappingWord, Outcome, Pte, Refusal, Report, ThreadId};
use crate::EXT4;
use crate::address_space::MappingId;
use crate::config::DirtyClearedByFlush;
use crate::entry::{DaxEntry, Entry};
use crate::machine::frame::{
    FaultAt, InsertAt, MkwriteAt, PageFaultAt, Site, SyncFileAt, SyncMode, WpAt, WpPageAt,
    WritebackControl,
};
use crate::machine::{Component, PteTarget, Wait};
use crate::medium::{LineRange, Medium};
use crate::radix_tree::SlotMut;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, PageIndex, Word, WordAddr};

/// What an instruction does through a PTE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// Reads a word.
    Load,
    /// Writes a word.
    Store(Word),
    /// Begins to write the word's line back; for the PTE it is a read.
    Clwb,
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// One instruction. `true` if the PTE allowed it, `false` if it faulted into the kernel, to be
    /// retried.
    pub(super) fn access(
        &mut self,
        id: ThreadId,
        at: MappingWord,
        access: Access,
        report: &mut impl Report,
    ) -> bool {
        let Some(vma) = self.vma_of(id, at.mapping) else {
            // Its mmap has failed.
            report.event(|| Event::NotMapped { at });
            self.thread_mut(id).killed = true;
            return true;
        };
        let pte = self.vmas[usize::from(vma.0)].pte(at.index);
        match (pte, access) {
            (Some(pte), Access::Load) => self.load(at, pte.target, report),
            (Some(pte), Access::Clwb) => self.clwb(id, at, pte.target, report),
            (Some(pte), Access::Store(value)) if pte.writable => {
                self.store(id, at, pte.target, value, report);
            }
            _ => {
                let site = Site { vma, mapping: at.mapping, index: at.index };
                let write = matches!(access, Access::Store(_));
                let frame = Frame::HandleMmFault { site, write, called: false };
                report.event(|| Event::Entered(frame.function()));
                self.thread_mut(id).stack.push(frame);
                return false;
            }
        }
        self.thread_mut(id).position += 1;
        true
    }

    fn load(&mut self, at: MappingWord, from: PteTarget, report: &mut impl Report) {
        report.rule(RuleId::CPU_1);
        let value = match from {
            PteTarget::Block(block) => self.medium.load_word(self.word_addr(block, at.word)),
            PteTarget::Page => {
                let page = self.mapping(at.mapping).find_get_page(at.index);
                page.expect("a mapped page stays").words[usize::from(at.word)]
            }
        };
        report.event(|| Event::Loaded { at, value });
    }

    fn store(
        &mut self,
        id: ThreadId,
        at: MappingWord,
        to: PteTarget,
        value: Word,
        report: &mut impl Report,
    ) {
        let obeyed = self.obeys(RuleId::CPU_1, report);
        let line = match to {
            PteTarget::Block(block) => {
                let addr = self.word_addr(block, at.word);
                let cpu = self.cpu(id);
                if obeyed {
                    self.medium.store_word(cpu, addr, value);
                }
                report.changed(Component::Line(addr.line()));
                Some(addr.line())
            }
            PteTarget::Page => {
                let page = self.mapping_mut(at.mapping).page_mut(at.index);
                let words = &mut page.expect("a mapped page stays").words;
                words[usize::from(at.word)] = value;
                report.changed(Component::Page(at.mapping, at.index));
                None
            }
        };
        report.event(|| Event::Stored { at, value, line });
    }

    /// Only a line of persistent memory has anything to gain by it.
    fn clwb(&mut self, id: ThreadId, at: MappingWord, from: PteTarget, report: &mut impl Report) {
        let line = match from {
            PteTarget::Block(block) => {
                let (cpu, line) = (self.cpu(id), self.word_addr(block, at.word).line());
                if self.obeys(RuleId::CPU_4, report) {
                    self.medium.write_back(cpu, LineRange::one(line));
                }
                report.changed(Component::Line(line));
                Some(line)
            }
            PteTarget::Page => None,
        };
        report.event(|| Event::LineWrittenBack { at, line });
    }

    /// The program's own fence.
    pub(super) fn sfence(&mut self, id: ThreadId, report: &mut impl Report) {
        let cpu = self.cpu(id);
        let lines = self.fence(cpu, report);
        report.event(|| Event::UserFenced { cpu, lines });
        self.thread_mut(id).position += 1;
    }

    fn word_addr(&self, block: BlockNr, word: u16) -> WordAddr {
        WordAddr(self.geometry.first_word(block).0 + u64::from(word))
    }

    /// Which handler: no PTE yet, or a store through a read-only one. The access is retried after.
    pub(super) fn handle_mm_fault(&self, site: Site, write: bool, called: &mut bool) -> Flow {
        if *called {
            return Flow::Returned;
        }
        let vma = &self.vmas[usize::from(site.vma.0)];
        let callee = match (vma.dax, vma.pte(site.index).is_some()) {
            (true, true)
                if vma.pte(site.index).is_some_and(|pte| pte.target == PteTarget::Page) =>
            {
                Frame::DaxFault { site, write, at: FaultAt::Lookup }
            }
            (true, true) => Frame::WpPfnShared { site, at: WpAt::Mkwrite },
            (true, false) => Frame::DaxFault { site, write, at: FaultAt::Lookup },
            (false, true) => Frame::WpPageShared { site, at: WpPageAt::Mkwrite },
            (false, false) => Frame::FilemapFault { site, write, at: PageFaultAt::Lookup },
        };
        *called = true;
        Flow::Calls(callee)
    }

    pub(super) fn dax_fault(
        &mut self,
        id: ThreadId,
        site: Site,
        write: bool,
        at: &mut FaultAt,
        report: &mut impl Report,
    ) -> Outcome {
        let plain = matches!(at, FaultAt::Lookup | FaultAt::Insert | FaultAt::Unlock);
        match *at {
            _ if !EXT4 && !plain => Err(Refusal::NotBuilt("faults with pages and with MAP_SYNC")),
            FaultAt::Lookup => {
                let Site { mapping, index, .. } = site;
                if self.waits_for_operation(id, mapping, report) {
                    return Ok(Flow::Acted);
                }
                // Planted: the check is the wrong way round.
                let beyond =
                    (index.0 >= self.pages_of(mapping)) == self.obeys(RuleId::DAX_6, report);
                if beyond || self.take_error(id).is_some() {
                    report.event(|| Event::Sigbus { mapping, index });
                    return Ok(Flow::Killed);
                }
                let Some(block) = self.block_of(mapping, index) else {
                    return if EXT4 {
                        Ok(self.fault_in_hole(site, write, at))
                    } else {
                        Err(Refusal::NotBuilt("faults in holes"))
                    };
                };
                let found = self.mapping(mapping).find_get_page(index).is_some();
                if found && !self.lock_page(id, mapping, index, report) {
                    return Ok(Flow::Acted);
                }
                let locked = self.has_entry_lock()? && !found;
                if locked {
                    self.take_lock(self.cpu(id), report)?;
                    if self.waits_for_entry(id, mapping, index, report) {
                        return Ok(Flow::Acted);
                    }
                    self.grab_mapping_entry(mapping, index, report);
                }
                let identity = mapping == MappingId::Bdev;
                report.rule(if identity { RuleId::IDX_2 } else { RuleId::IDX_1 });
                report.event(|| Event::FaultMapped { mapping, index, block, write, locked });
                *at = if found { FaultAt::Page } else { FaultAt::Insert };
                Ok(Flow::Acted)
            }
            FaultAt::Page if EXT4 => {
                self.delete_page_for_fault(id, site, report)?;
                *at = FaultAt::Insert;
                Ok(Flow::Acted)
            }
            FaultAt::Insert if EXT4 && self.needs_dsync(site, write, report) => {
                let callee = Frame::DaxInsertMapping { site, write, at: InsertAt::SyncEntry };
                *at = FaultAt::UnlockForSync;
                Ok(Flow::Calls(callee))
            }
            FaultAt::Insert => {
                let callee = Frame::DaxInsertMapping { site, write, at: InsertAt::Entry };
                *at = FaultAt::Unlock;
                Ok(Flow::Calls(callee))
            }
            FaultAt::UnlockForSync if EXT4 && !self.has_entry_lock()? => {
                *at = FaultAt::Sync;
                Ok(Flow::GoesOn)
            }
            FaultAt::UnlockForSync if EXT4 => {
                self.take_lock(self.cpu(id), report)?;
                let Site { mapping, index, .. } = site;
                self.unlock_entry(mapping, index, report);
                report.event(|| Event::EntryUnlocked { mapping, index });
                *at = FaultAt::Sync;
                Ok(Flow::Acted)
            }
            FaultAt::Sync if EXT4 => {
                *at = FaultAt::Finish;
                let ino = site.mapping.ino().expect("only files are mapped with MAP_SYNC");
                let (datasync, at) = (true, SyncFileAt::Write);
                let wbc = WritebackControl::whole(SyncMode::All);
                Ok(Flow::Calls(Frame::Ext4SyncFile { ino, wbc, datasync, at }))
            }
            FaultAt::Finish if EXT4 => self.dax_finish_sync_fault(id, site, report),
            FaultAt::Unlock if self.has_entry_lock()? => {
                self.take_lock(self.cpu(id), report)?;
                let Site { mapping, index, .. } = site;
                self.unlock_entry(mapping, index, report);
                report.event(|| Event::EntryUnlocked { mapping, index });
                Ok(Flow::ActedAndReturned)
            }
            _ => Ok(Flow::Returned),
        }
    }

    /// Takes the page that the fault has found and locked out of the cache, as if it were the clean
    /// page of a hole; its PTEs go first. With the entry lock a locked entry replaces it. Models
    /// DAX-6 step 6, MIX-3: `fs/dax.c __dax_fault` (4.5).
    fn delete_page_for_fault(
        &mut self,
        id: ThreadId,
        site: Site,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let Site { mapping, index, .. } = site;
        self.take_lock(self.cpu(id), report)?;
        let page = self.mapping(mapping).find_get_page(index).expect("the fault holds its lock");
        let dirty = page.dirty;
        if self.obeys(RuleId::DAX_6_6, report) {
            self.unmap_mapping_range(mapping, index.0..index.0 + 1, report);
            let page = self.mapping_mut(mapping).delete_page(index);
            self.mapping_mut(mapping).nrpages -= 1;
            if mapping == MappingId::Bdev {
                self.keep_if_held(index, page);
            }
            report.changed(Component::Counters(mapping));
            Self::slot_changed(mapping, index, report);
        }
        self.unlock_page(mapping, index, report);
        if self.has_entry_lock()? {
            self.grab_mapping_entry(mapping, index, report);
        }
        report.event(|| Event::PageDeletedByFault { mapping, index, dirty });
        Ok(())
    }

    /// Locks the entry; on an empty slot inserts an empty locked one. Models DAX-16:
    /// `fs/dax.c grab_mapping_entry` (4.7).
    fn grab_mapping_entry(&mut self, id: MappingId, index: PageIndex, report: &mut impl Report) {
        let obeyed = self.obeys(RuleId::DAX_16_1, report);
        let counted = self.obeys(RuleId::IDX_7, report);
        let mapping = self.mapping_mut(id);
        match mapping.i_pages.lookup_slot(index) {
            Some(mut slot) if slot.item().is_exceptional() => {
                slot.replace(slot.item().with_lock(obeyed));
            }
            _ => {
                let empty = DaxEntry { block: BlockNr(0), locked: obeyed, empty: true };
                mapping.i_pages.insert(index, Entry::dax(empty)).expect("the slot was empty");
                mapping.nrexceptional += u64::from(counted);
                report.changed(Component::Counters(id));
            }
        }
        Self::slot_changed(id, index, report);
    }

    pub(super) fn dax_insert_mapping(
        &mut self,
        id: ThreadId,
        site: Site,
        write: bool,
        at: &mut InsertAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        let block = self.block_of(mapping, index).expect("the fault looked it up");
        match *at {
            InsertAt::Entry | InsertAt::SyncEntry => {
                self.take_lock(self.cpu(id), report)?;
                let synchronous = *at == InsertAt::SyncEntry;
                let write = write && !synchronous;
                if !self.dax_radix_entry(mapping, index, block, write, report)? {
                    report.event(|| Event::EntryRefused { mapping, index });
                    return Ok(Flow::Killed);
                }
                if synchronous {
                    return Ok(Flow::ActedAndReturned);
                }
                *at = InsertAt::Pte;
                Ok(Flow::Acted)
            }
            // pfn_mkwrite of the device is its fault handler: the PTE is there already.
            InsertAt::Pte if self.vmas[usize::from(vma.0)].pte(index).is_some() => {
                Ok(Flow::Returned)
            }
            InsertAt::Pte => {
                // The mapping asks for write notification, so even a write fault gets a read-only
                // PTE: the first store calls pfn_mkwrite.
                self.take_lock(self.cpu(id), report)?;
                let writable = !self.obeys(RuleId::DAX_8, report);
                let pte = Pte { target: PteTarget::Block(block), writable };
                self.vmas[usize::from(vma.0)].set_pte(index, pte);
                report.changed(Component::Pte(vma, index));
                report.event(|| Event::PteInstalled { mapping, index, pte });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// Puts the entry into the tree, dirty after a write fault; `false` if a page is in the way.
    /// Up to 4.6 the inode is marked dirty even by a read fault. Models DAX-7, DAX-10, TREE-16:
    /// `fs/dax.c dax_radix_entry` (4.5), `dax_insert_mapping_entry` (4.7).
    fn dax_radix_entry(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        block: BlockNr,
        dirty: bool,
        report: &mut impl Report,
    ) -> Result<bool, Refusal> {
        let locked = self.has_entry_lock()?;
        if dirty || !locked {
            self.mark_inode_dirty(mapping, report);
        }
        if self.mapping(mapping).find_get_page(index).is_some() {
            return Ok(false);
        }
        let kept = if self.obeys(RuleId::TREE_16, report) { block } else { BlockNr(block.0 + 1) };
        let dax = DaxEntry { block: kept, locked, empty: false };
        let present = self.mapping(mapping).i_pages.lookup(index).is_some();
        if self.obeys(RuleId::DAX_7, report) {
            if present {
                self.mapping_mut(mapping).i_pages.replace(index, Entry::dax(dax));
            } else {
                let counted = self.obeys(RuleId::IDX_7, report);
                report.rule(RuleId::TREE_4);
                let space = self.mapping_mut(mapping);
                space.i_pages.insert(index, Entry::dax(dax)).expect("the slot was empty");
                space.nrexceptional += u64::from(counted);
                report.changed(Component::Counters(mapping));
            }
            if dirty {
                self.mapping_mut(mapping).i_pages.tag_set(index, Tag::Dirty);
            }
        }
        Self::slot_changed(mapping, index, report);
        let layout = self.semantics.entry_layout()?;
        let word = layout.pack(dax, self.semantics.entry_payload()?);
        report.event(|| Event::EntryInserted { mapping, index, block: kept, word, dirty });
        Ok(true)
    }

    pub(super) fn wp_pfn_shared(
        &mut self,
        id: ThreadId,
        site: Site,
        at: &mut WpAt,
        report: &mut impl Report,
    ) -> Outcome {
        match *at {
            WpAt::Mkwrite => {
                // The device's pfn_mkwrite is its fault handler. No kernel that has the entry lock maps
                // the raw device by DAX; a what-if does there as for a file.
                let is_fault = site.mapping == MappingId::Bdev && !self.has_entry_lock()?;
                let callee = match is_fault {
                    true => Frame::DaxFault { site, write: true, at: FaultAt::Lookup },
                    false => Frame::DaxPfnMkwrite { site, at: MkwriteAt::Tag },
                };
                *at = WpAt::Reuse;
                Ok(Flow::Calls(callee))
            }
            // Made writable under the entry lock, or gone meanwhile: then the access faults again.
            WpAt::Reuse
                if self.pte_under_entry_lock()?
                    || self.vmas[usize::from(site.vma.0)].pte(site.index).is_none() =>
            {
                Ok(Flow::Returned)
            }
            WpAt::Reuse => {
                self.take_lock(self.cpu(id), report)?;
                report.rule(RuleId::DAX_9);
                self.make_writable(site, report);
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    pub(super) fn make_writable(&mut self, site: Site, report: &mut impl Report) {
        let Site { vma, mapping, index } = site;
        let vma_struct = &mut self.vmas[usize::from(vma.0)];
        let pte = vma_struct.pte(index).expect("a read-only PTE faulted");
        vma_struct.set_pte(index, Pte { writable: true, ..pte });
        report.changed(Component::Pte(vma, index));
        report.event(|| Event::PteMadeWritable { mapping, index });
    }

    /// From 4.10 `pfn_mkwrite` makes the PTE writable itself, while it holds the entry lock
    /// (DAX-19); before, its caller does so afterwards.
    fn pte_under_entry_lock(&self) -> Result<bool, Refusal> {
        let clears = self.semantics.dirty_cleared_by_flush()? == DirtyClearedByFlush::Protected;
        Ok(clears && self.has_entry_lock()?)
    }

    pub(super) fn dax_pfn_mkwrite(
        &mut self,
        id: ThreadId,
        site: Site,
        at: &mut MkwriteAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { mapping, index, .. } = site;
        match *at {
            MkwriteAt::Tag => {
                self.take_lock(self.cpu(id), report)?;
                let Some(entry) = self.mapping(mapping).dax_entry(index) else {
                    report.event(|| Event::EntryGone { mapping, index });
                    return Ok(Flow::ActedAndReturned);
                };
                if self.waits_for_entry(id, mapping, index, report) {
                    return Ok(Flow::Acted);
                }
                self.mark_inode_dirty(mapping, report);
                if self.obeys(RuleId::DAX_9, report) {
                    self.mapping_mut(mapping).i_pages.tag_set(index, Tag::Dirty);
                }
                let under_lock = self.pte_under_entry_lock()?;
                let locked = under_lock && self.obeys(RuleId::DAX_19, report);
                if locked {
                    let entry = Entry::dax(entry).with_lock(true);
                    self.mapping_mut(mapping).i_pages.replace(index, entry);
                }
                Self::slot_changed(mapping, index, report);
                report.event(|| Event::EntryDirtied { mapping, index, locked });
                if under_lock {
                    *at = MkwriteAt::Pte;
                    return Ok(Flow::Acted);
                }
                self.put_unlocked_entry(mapping, index, report);
                Ok(Flow::ActedAndReturned)
            }
            MkwriteAt::Pte => {
                self.take_lock(self.cpu(id), report)?;
                self.make_writable(site, report);
                // Planted: nobody holds the lock, so nobody gives it back.
                if !self.obeys(RuleId::DAX_19, report) {
                    return Ok(Flow::ActedAndReturned);
                }
                *at = MkwriteAt::Unlock;
                Ok(Flow::Acted)
            }
            MkwriteAt::Unlock => {
                self.take_lock(self.cpu(id), report)?;
                self.unlock_entry(mapping, index, report);
                report.event(|| Event::EntryUnlocked { mapping, index });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// The device's inode is dirty while its tree has a DIRTY tag; nothing else is kept of it.
    /// Models DAX-10: `__mark_inode_dirty(I_DIRTY_PAGES)`.
    pub(super) fn mark_inode_dirty(&mut self, mapping: MappingId, report: &mut impl Report) {
        let obeyed = self.obeys(RuleId::DAX_10, report);
        if let MappingId::File(ino) = mapping {
            self.inode_mut(ino).dirty_pages |= obeyed;
            report.changed(Component::Inode(ino));
        }
    }

    /// If the entry is locked, the thread queues up and sleeps. Models DAX-16: `fs/dax.c
    /// get_unlocked_mapping_entry` (4.7).
    #[inline]
    pub(super) fn waits_for_entry(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> bool {
        let locked = self.mapping(mapping).i_pages.lookup(index).is_some_and(Entry::is_locked);
        if !locked || !self.obeys(RuleId::DAX_16_2, report) {
            return false;
        }
        self.sleep(id, Wait::Entry(mapping, index), report);
        true
    }

    /// Clears the lock bit and wakes one waiter. Models DAX-16: `fs/dax.c
    /// put_locked_mapping_entry` (4.7).
    ///
    /// # Panics
    /// See [`Self::unlock`].
    pub(super) fn unlock_entry(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        Self::slot_changed(mapping, index, report);
        if self.obeys(RuleId::DAX_16_3, report) {
            Self::unlock(self.mapping_mut(mapping).i_pages.lookup_slot(index));
            self.wake_one(Wait::Entry(mapping, index), report);
        }
    }

    /// Clears the lock bit of the entry in a slot.
    ///
    /// # Panics
    /// If the entry is not locked, as the kernel's VM_BUG_ON does: only its holder unlocks it.
    #[inline]
    pub(super) fn unlock(slot: Option<SlotMut<'_, FAN>>) {
        let mut slot = slot.expect("a locked entry stays in the tree");
        let entry = slot.item();
        assert!(entry.is_locked(), "unlocking an entry that nobody locked: {entry:?}");
        slot.replace(entry.with_lock(false));
    }

    /// Leaves an entry that was waited for and not locked: who sleeps next is woken in turn, for
    /// the wake-up was meant for one. Models DAX-16: `fs/dax.c put_unlocked_mapping_entry` (4.7).
    pub(super) fn put_unlocked_entry(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        self.wake_one(Wait::Entry(mapping, index), report);
    }
}
