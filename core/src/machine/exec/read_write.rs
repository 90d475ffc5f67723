//! write(2) and read(2): through the page cache of the file or of the device, or past it.

use super::{Call, Errno, Event, Flow, Frame, Machine, Outcome, Report, ThreadId};
use crate::EXT4;
use crate::address_space::{InsertError, MappingId};
use crate::buffer_head::Bh;
use crate::entry::DaxEntry;
use crate::machine::frame::{FsOp, OpAt, ReadAt, SysReadAt, WriteAt, WriteJob};
use crate::machine::{Component, Direct};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, PageIndex, Word};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn generic_perform_write(
        &mut self,
        id: ThreadId,
        job: &mut WriteJob,
        at: &mut WriteAt,
        report: &mut impl Report,
    ) -> Outcome {
        let (mapping, index) = (job.mapping, job.index);
        match *at {
            WriteAt::Grab => {
                report.rule(RuleId::IDX_4);
                if self.mapping(mapping).find_get_page(index).is_none() {
                    self.take_lock(self.cpu(id), report)?;
                    *at = WriteAt::ReadBlock;
                    return Ok(match self.add_page(mapping, index, report) {
                        Ok(()) => Flow::Acted,
                        // No page can be had: pagecache_get_page gives none.
                        Err(_) => Self::call_fails(Call::Write, mapping, Errno::Enomem, report),
                    });
                }
                if !self.lock_page(id, mapping, index, report) {
                    return Ok(Flow::Acted);
                }
                *at = WriteAt::ReadBlock;
                Ok(Flow::GoesOn)
            }
            WriteAt::ReadBlock => {
                *at = WriteAt::Map;
                let whole = job.words.len() == self.words_per_block();
                let page = self.mapping(mapping).find_get_page(index);
                if whole || page.is_some_and(|page| page.uptodate) {
                    return Ok(Flow::GoesOn);
                }
                report.rule(RuleId::IDX_4);
                self.read_page(mapping, index, report);
                Ok(Flow::Acted)
            }
            WriteAt::Map => self.write_map(job, at, report),
            WriteAt::Copy => {
                report.rule(RuleId::IDX_4);
                let space = self.mapping_mut(mapping);
                let page = space.page_mut(index).expect("grabbed in this call");
                page.words[usize::from(job.word)..][..job.words.len()].copy_from_slice(&job.words);
                page.uptodate = true;
                report.changed(Component::Page(mapping, index));
                let word = job.word;
                report.event(|| Event::PageWritten {
                    mapping,
                    index,
                    word,
                    words: job.words.to_vec(),
                });
                *at = WriteAt::Dirty;
                Ok(Flow::Acted)
            }
            WriteAt::Dirty => {
                self.take_lock(self.cpu(id), report)?;
                self.set_page_dirty(mapping, index, report);
                self.unlock_page(mapping, index, report);
                report.event(|| Event::PageDirtied { mapping, index });
                match job.handle {
                    None if job.o_direct => Ok(Flow::ActedAndReturned),
                    None => Ok(Self::write_returns(mapping, report)),
                    Some(_) => {
                        *at = WriteAt::Stop;
                        Ok(Flow::Acted)
                    }
                }
            }
            WriteAt::Stop => match job.handle.take() {
                Some(credits) => Ok(Flow::Calls(Frame::Jbd2JournalStop { credits })),
                None if job.o_direct => Ok(Flow::Returned),
                None => Ok(Self::write_returns(mapping, report)),
            },
        }
    }

    /// Gives a page over a hole a block. The handle stays open until the page is dirty, so that no
    /// commit can come between block and data (JBD-3).
    fn write_map(
        &mut self,
        job: &mut WriteJob,
        at: &mut WriteAt,
        report: &mut impl Report,
    ) -> Outcome {
        let (mapping, index) = (job.mapping, job.index);
        let MappingId::File(ino) = mapping else {
            *at = WriteAt::Copy;
            return Ok(Flow::GoesOn);
        };
        if self.block_of(mapping, index).is_some() {
            *at = WriteAt::Copy;
            return Ok(Flow::GoesOn);
        }
        if job.handle.is_some() || self.mounted.as_ref().is_none_or(|m| m.free_blocks() == 0) {
            self.unlock_page(mapping, index, report);
            return Ok(Self::call_fails(Call::Write, mapping, Errno::Enospc, report));
        }
        let op = FsOp::MapBlocks { ino, index };
        job.handle = self.journal.is_some().then(|| self.credits(&op));
        Ok(Flow::Calls(Frame::Ext4Op { op: Box::new(op), at: OpAt::Lock }))
    }

    /// PG_dirty, the DIRTY tag and the inode. Models TREE-11: `fs/buffer.c __set_page_dirty` (4.5).
    pub(super) fn set_page_dirty(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        if self.obeys(RuleId::TREE_11_1, report) {
            let space = self.mapping_mut(mapping);
            let page = space.page_mut(index).expect("its caller has it locked");
            page.dirty = true;
            // `__set_page_dirty_buffers`: all of them, whoever owns them (ALIAS-5).
            page.buffers.iter_mut().for_each(|bh| bh.set(Bh::Dirty));
            space.i_pages.tag_set(index, Tag::Dirty);
            if let MappingId::File(ino) = mapping {
                self.inode_mut(ino).dirty_pages = true;
            }
        }
        if let MappingId::File(ino) = mapping {
            report.changed(Component::Inode(ino));
        }
        report.changed(Component::Page(mapping, index));
        Self::slot_changed(mapping, index, report);
    }

    /// Inserts a fresh page, locked and not uptodate. Models TREE-4, TREE-14, IDX-7: `mm/filemap.c
    /// add_to_page_cache_lru` (4.5).
    ///
    /// # Errors
    /// What `insert_page` says; nothing is changed then.
    pub(super) fn add_page(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Result<(), InsertError> {
        let words = self.geometry.words_per_block();
        let inserted = self.obeys(RuleId::TREE_4, report);
        let counted = self.obeys(RuleId::IDX_7, report);
        let mut s_dax = self.is_s_dax(mapping);
        if self.mapping(mapping).dax_entry(index).is_some() {
            // Planted: the two cases are mixed up.
            s_dax ^= !self.obeys(RuleId::TREE_14, report);
        }
        let space = self.mapping_mut(mapping);
        let mut replaced = None;
        if inserted {
            replaced = space.insert_page(index, words, s_dax)?;
            space.page_mut(index).expect("inserted just now").locked = true;
            space.nrpages += u64::from(counted);
        }
        Self::slot_changed(mapping, index, report);
        report.changed(Component::Counters(mapping));
        report.changed(Component::Page(mapping, index));
        report.event(|| Event::PageInserted { mapping, index });
        if let Some(DaxEntry { block, .. }) = replaced {
            report.event(|| Event::EntryTakenForShadow { mapping, index, block });
        }
        Ok(())
    }

    /// Fills a page from its block, through the driver: on persistent memory a copy. A page over a
    /// hole reads as zeros.
    pub(super) fn read_page(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        let mut block = self.block_of(mapping, index);
        if mapping == MappingId::Bdev && !self.obeys(RuleId::IDX_2, report) {
            block = block.map(|block| BlockNr(block.0 + 1));
        }
        let words = match block {
            Some(block) => self.load_block(block),
            None => vec![Word::ZERO; self.words_per_block()],
        };
        if let Some(page) = self.mapping_mut(mapping).page_mut(index) {
            page.words = words;
            page.uptodate = true;
            page.buffers.iter_mut().for_each(|bh| bh.set(Bh::Uptodate));
        }
        report.changed(Component::Page(mapping, index));
        report.event(|| Event::PageRead { mapping, index, block });
    }

    /// The page cache, or past it: DAX files, and the device while its inode is S_DAX (MIX-2).
    pub(super) fn sys_read(
        &mut self,
        id: ThreadId,
        (mapping, index): (MappingId, PageIndex),
        at: &mut SysReadAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(Self::call_fails(Call::Read, mapping, error, report));
        }
        if *at == SysReadAt::WrittenBack {
            if EXT4 && mapping != MappingId::Bdev {
                return self.dax_do_io(mapping, index, Direct::File, report);
            }
            report.rule(RuleId::MIX_2);
            let callee = Frame::DaxDoIo { mapping, index, why: Direct::DaxBdev };
            *at = SysReadAt::Reads;
            return Ok(Flow::Calls(callee));
        }
        let direct = match mapping {
            MappingId::File(ino) if self.inode(ino).dax => Some(Direct::DaxFile),
            MappingId::File(_) => (EXT4 && *at == SysReadAt::Direct).then_some(Direct::File),
            MappingId::Bdev if self.bdev.dax => {
                self.obeys(RuleId::MIX_2, report).then_some(Direct::DaxBdev)
            }
            MappingId::Bdev => None,
        };
        let callee = match direct {
            // What the mapping holds of the range goes out first.
            Some(Direct::File) if EXT4 && !self.obeys(RuleId::IDX_4_1, report) => {
                return self.dax_do_io(mapping, index, Direct::File, report);
            }
            Some(Direct::DaxBdev | Direct::File) => {
                *at = SysReadAt::WrittenBack;
                return Ok(Flow::Calls(Frame::write_and_wait(mapping, index)));
            }
            Some(why) => Frame::DaxDoIo { mapping, index, why },
            None => Frame::GenericFileReadIter { mapping, index, at: ReadAt::Lookup },
        };
        *at = SysReadAt::Reads;
        Ok(Flow::Calls(callee))
    }

    pub(super) fn generic_file_read_iter(
        &mut self,
        id: ThreadId,
        (mapping, index): (MappingId, PageIndex),
        at: &mut ReadAt,
        report: &mut impl Report,
    ) -> Outcome {
        match *at {
            ReadAt::Lookup => {
                if !self.obeys(RuleId::IDX_1, report)
                    && let Some(words) = self.alias_of(mapping, index)
                {
                    // Planted: the lookup consults the other mapping of the block.
                    return Ok(self.read_returns(mapping, index, words, true, report));
                }
                match self.mapping(mapping).find_get_page(index).map(|page| page.uptodate) {
                    None => {
                        self.take_lock(self.cpu(id), report)?;
                        *at = ReadAt::ReadPage;
                        Ok(match self.add_page(mapping, index, report) {
                            Ok(()) => Flow::Acted,
                            Err(_) => Self::call_fails(Call::Read, mapping, Errno::Einval, report),
                        })
                    }
                    Some(true) => {
                        *at = ReadAt::Copy;
                        Ok(Flow::GoesOn)
                    }
                    // Somebody else is reading it in or writing to it.
                    Some(false) if !self.lock_page(id, mapping, index, report) => Ok(Flow::Acted),
                    Some(false) => {
                        *at = ReadAt::ReadPage;
                        Ok(Flow::GoesOn)
                    }
                }
            }
            ReadAt::ReadPage => {
                report.rule(RuleId::IDX_1);
                self.read_page(mapping, index, report);
                self.unlock_page(mapping, index, report);
                *at = ReadAt::Copy;
                Ok(Flow::Acted)
            }
            ReadAt::Copy => {
                let cached = self.obeys(RuleId::IDX_4, report);
                let Some(page) = self.mapping(mapping).find_get_page(index) else {
                    // Taken away between the two steps: as if this read came later.
                    *at = ReadAt::Lookup;
                    return Ok(Flow::GoesOn);
                };
                let mut words = page.words.clone();
                if !cached {
                    words.fill(Word::ZERO);
                }
                Ok(self.read_returns(mapping, index, words, true, report))
            }
        }
    }

    /// Models DAX-1: a copy from persistent memory to the user, zeros from a hole; of a file without
    /// S_DAX the driver copies (`__blockdev_direct_IO`, `fs/direct-io.c`). Omits, for a file, the write-back of
    /// the range first, which up to 4.6 also flushes its DAX entries.
    pub(super) fn dax_do_io(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        why: Direct,
        report: &mut impl Report,
    ) -> Outcome {
        let copied = why == Direct::File || self.obeys(RuleId::DAX_1, report);
        match why {
            Direct::DaxBdev => report.rule(RuleId::MIX_2),
            Direct::File => report.rule(RuleId::IDX_4_1),
            Direct::DaxFile => {}
        }
        let hole = || vec![Word::ZERO; self.words_per_block()];
        let mut words = self.block_of(mapping, index).map_or_else(hole, |b| self.load_block(b));
        if !copied {
            words.fill(Word::ZERO);
        }
        Ok(self.read_returns(mapping, index, words, false, report))
    }

    fn read_returns(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        words: Vec<Word>,
        cached: bool,
        report: &mut impl Report,
    ) -> Flow {
        let block = self.block_of(mapping, index);
        report.event(|| Event::ReadReturned { mapping, index, block, words, cached });
        report.event(|| Event::CallReturned { call: Call::Read, ino: None, result: Ok(()) });
        Flow::CallDone
    }

    /// A write(2) returns.
    pub(super) fn write_returns(mapping: MappingId, report: &mut impl Report) -> Flow {
        report.rule(RuleId::IDX_4);
        let call = Call::Write;
        report.event(|| Event::CallReturned { call, ino: mapping.ino(), result: Ok(()) });
        Flow::CallDone
    }

    /// The call returns an error; it has acted.
    pub(super) fn call_fails(
        call: Call,
        mapping: MappingId,
        error: Errno,
        report: &mut impl Report,
    ) -> Flow {
        report.event(|| Event::CallReturned { call, ino: mapping.ino(), result: Err(error) });
        Flow::CallDone
    }

    /// The uptodate page of the *other* mapping that holds the same block.
    fn alias_of(&self, mapping: MappingId, index: PageIndex) -> Option<Vec<Word>> {
        let block = self.block_of(mapping, index)?;
        let page = match mapping {
            MappingId::File(_) => self.bdev.mapping.find_get_page(PageIndex(block.0)),
            MappingId::Bdev => {
                let (inode, page) = self.owner_of(block)?;
                inode.mapping.find_get_page(page)
            }
        };
        page.filter(|page| page.uptodate).map(|page| page.words.clone())
    }
}
