//! Loads and stores through a DAX mapping, and the faults behind them.

use super::{Event, Flow, Frame, Machine, MappingWord, Outcome, Pte, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::DirtyClearedByFlush;
use crate::entry::{DaxEntry, Entry};
use crate::machine::frame::{FaultAt, InsertAt, MkwriteAt, Site, WpAt};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, PageIndex, Word, WordAddr};

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// A load (`store` is `None`) or a store. `true` if the PTE allowed it, `false` if it faulted
    /// into the kernel, to be retried.
    pub(super) fn access(
        &mut self,
        id: ThreadId,
        at: MappingWord,
        store: Option<Word>,
        report: &mut impl Report,
    ) -> bool {
        let vma =
            self.vma_of(id, at.mapping).expect("Setup::check demands an mmap before the access");
        let pte = self.vmas[usize::from(vma.0)].pte(at.index);
        match (pte, store) {
            (Some(pte), None) => self.load(at, pte.block, report),
            (Some(pte), Some(value)) if pte.writable => {
                self.store(id, at, pte.block, value, report);
            }
            _ => {
                let site = Site { vma, mapping: at.mapping, index: at.index };
                let frame = Frame::HandleMmFault { site, write: store.is_some(), called: false };
                report.event(|| Event::Entered(frame.function()));
                self.thread_mut(id).stack.push(frame);
                return false;
            }
        }
        self.thread_mut(id).position += 1;
        true
    }

    fn load(&mut self, at: MappingWord, block: BlockNr, report: &mut impl Report) {
        report.rule(RuleId::CPU_1);
        let value = self.medium.load_word(self.word_addr(block, at.word));
        report.event(|| Event::Loaded { at, value });
    }

    fn store(
        &mut self,
        id: ThreadId,
        at: MappingWord,
        block: BlockNr,
        value: Word,
        report: &mut impl Report,
    ) {
        let addr = self.word_addr(block, at.word);
        let cpu = self.cpu(id);
        if self.obeys(RuleId::CPU_1, report) {
            self.medium.store_word(cpu, addr, value);
        }
        report.changed(Component::Line(addr.line()));
        report.event(|| Event::Stored { at, value, line: addr.line() });
    }

    fn word_addr(&self, block: BlockNr, word: u16) -> WordAddr {
        WordAddr(self.geometry.first_word(block).0 + u64::from(word))
    }

    /// Which handler: no PTE yet, or a store through a read-only one. The access is retried after.
    pub(super) fn handle_mm_fault(&self, site: Site, write: bool, called: bool) -> Flow {
        if called {
            return Flow::Returned;
        }
        let present = self.vmas[usize::from(site.vma.0)].pte(site.index).is_some();
        let callee = if present {
            Frame::WpPfnShared { site, at: WpAt::Mkwrite }
        } else {
            Frame::DaxFault { site, write, at: FaultAt::Lookup }
        };
        Flow::Calls(Frame::HandleMmFault { site, write, called: true }, callee)
    }

    pub(super) fn dax_fault(
        &mut self,
        id: ThreadId,
        site: Site,
        write: bool,
        at: FaultAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::DaxFault { site, write, at };
        match at {
            FaultAt::Lookup => {
                let block = self.block_of(site.mapping, site.index);
                // Planted: the check is the wrong way round.
                let beyond = block.is_none() == self.obeys(RuleId::DAX_6, report);
                let Some(block) = block.filter(|_| !beyond) else {
                    report.event(|| Event::Sigbus { mapping: site.mapping, index: site.index });
                    return Ok(Flow::Killed);
                };
                let locked = self.has_entry_lock()?;
                if locked {
                    self.take_lock(self.cpu(id), report)?;
                    if self.waits_for_entry(id, site.mapping, site.index, report) {
                        return Ok(Flow::Acted(frame(FaultAt::Lookup)));
                    }
                    self.grab_mapping_entry(site.mapping, site.index, report);
                }
                let Site { mapping, index, .. } = site;
                report.rule(RuleId::IDX_1);
                report.event(|| Event::FaultMapped { mapping, index, block, write, locked });
                Ok(Flow::Acted(frame(FaultAt::Insert)))
            }
            FaultAt::Insert => {
                let callee = Frame::DaxInsertMapping { site, write, at: InsertAt::Entry };
                Ok(Flow::Calls(frame(FaultAt::Unlock), callee))
            }
            FaultAt::Unlock if self.has_entry_lock()? => {
                self.take_lock(self.cpu(id), report)?;
                let Site { mapping, index, .. } = site;
                self.unlock_entry(mapping, index, report);
                report.event(|| Event::EntryUnlocked { mapping, index });
                Ok(Flow::ActedAndReturned)
            }
            FaultAt::Unlock => Ok(Flow::Returned),
        }
    }

    /// Locks the entry; on an empty slot inserts an empty locked one. Models DAX-16:
    /// `fs/dax.c grab_mapping_entry` (4.7).
    fn grab_mapping_entry(&mut self, id: MappingId, index: PageIndex, report: &mut impl Report) {
        let obeyed = self.obeys(RuleId::DAX_16_1, report);
        let counted = self.obeys(RuleId::IDX_7, report);
        let mapping = self.mapping_mut(id);
        match mapping.dax_entry(index) {
            Some(entry) => {
                let locked = Entry::dax(DaxEntry { locked: obeyed, ..entry });
                mapping.i_pages.replace(index, locked);
            }
            None => {
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
        at: InsertAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        let block = self.block_of(mapping, index).expect("the fault looked it up");
        match at {
            InsertAt::Entry => {
                self.take_lock(self.cpu(id), report)?;
                self.dax_radix_entry(mapping, index, block, write, report)?;
                Ok(Flow::Acted(Frame::DaxInsertMapping { site, write, at: InsertAt::Pte }))
            }
            InsertAt::Pte => {
                // The mapping asks for write notification, so even a write fault gets a read-only
                // PTE: the first store calls pfn_mkwrite.
                self.take_lock(self.cpu(id), report)?;
                let writable = !self.obeys(RuleId::DAX_8, report);
                self.vmas[usize::from(vma.0)].set_pte(index, Pte { block, writable });
                report.changed(Component::Pte(vma, index));
                report.event(|| Event::PteInstalled { mapping, index, block, writable });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// Puts the entry into the tree, dirty after a write fault. Up to 4.6 the inode is marked dirty
    /// even by a read fault. Models DAX-7, DAX-10, TREE-16:
    /// `fs/dax.c dax_radix_entry` (4.5), `dax_insert_mapping_entry` (4.7).
    fn dax_radix_entry(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        block: BlockNr,
        dirty: bool,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let locked = self.has_entry_lock()?;
        if dirty || !locked {
            self.mark_inode_dirty(mapping, report);
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
        Ok(())
    }

    pub(super) fn wp_pfn_shared(
        &mut self,
        id: ThreadId,
        site: Site,
        at: WpAt,
        report: &mut impl Report,
    ) -> Outcome {
        match at {
            WpAt::Mkwrite => {
                let callee = Frame::DaxPfnMkwrite { site, at: MkwriteAt::Tag };
                Ok(Flow::Calls(Frame::WpPfnShared { site, at: WpAt::Reuse }, callee))
            }
            WpAt::Reuse if self.pte_under_entry_lock()? => Ok(Flow::Returned),
            WpAt::Reuse => {
                self.take_lock(self.cpu(id), report)?;
                report.rule(RuleId::DAX_9);
                self.make_writable(site, report);
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    fn make_writable(&mut self, site: Site, report: &mut impl Report) {
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
        at: MkwriteAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { mapping, index, .. } = site;
        match at {
            MkwriteAt::Tag => {
                self.take_lock(self.cpu(id), report)?;
                let Some(entry) = self.mapping(mapping).dax_entry(index) else {
                    report.event(|| Event::EntryGone { mapping, index });
                    return Ok(Flow::ActedAndReturned);
                };
                if self.waits_for_entry(id, mapping, index, report) {
                    return Ok(Flow::Acted(Frame::DaxPfnMkwrite { site, at }));
                }
                self.mark_inode_dirty(mapping, report);
                if self.obeys(RuleId::DAX_9, report) {
                    self.mapping_mut(mapping).i_pages.tag_set(index, Tag::Dirty);
                }
                let under_lock = self.pte_under_entry_lock()?;
                let locked = under_lock && self.obeys(RuleId::DAX_19, report);
                if locked {
                    let locked = Entry::dax(DaxEntry { locked: true, ..entry });
                    self.mapping_mut(mapping).i_pages.replace(index, locked);
                }
                Self::slot_changed(mapping, index, report);
                report.event(|| Event::EntryDirtied { mapping, index, locked });
                if under_lock {
                    return Ok(Flow::Acted(Frame::DaxPfnMkwrite { site, at: MkwriteAt::Pte }));
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
                Ok(Flow::Acted(Frame::DaxPfnMkwrite { site, at: MkwriteAt::Unlock }))
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
    fn mark_inode_dirty(&mut self, mapping: MappingId, report: &mut impl Report) {
        let obeyed = self.obeys(RuleId::DAX_10, report);
        if let MappingId::File(ino) = mapping {
            self.inode_mut(ino).dirty_pages |= obeyed;
            report.changed(Component::Inode(ino));
        }
    }

    /// If the entry is locked, the thread queues up and sleeps. Models DAX-16: `fs/dax.c
    /// get_unlocked_mapping_entry` (4.7).
    pub(super) fn waits_for_entry(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> bool {
        let locked = self.mapping(mapping).dax_entry(index).is_some_and(|entry| entry.locked);
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
    /// If the entry is not locked, as the kernel's VM_BUG_ON does: only its holder unlocks it.
    pub(super) fn unlock_entry(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        Self::slot_changed(mapping, index, report);
        if !self.obeys(RuleId::DAX_16_3, report) {
            return;
        }
        let space = self.mapping_mut(mapping);
        let entry = space.dax_entry(index).expect("a locked entry stays in the tree");
        assert!(entry.locked, "{mapping:?} page {index}: unlocking an entry that nobody locked");
        space.i_pages.replace(index, Entry::dax(DaxEntry { locked: false, ..entry }));
        self.wake_one(Wait::Entry(mapping, index), report);
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
