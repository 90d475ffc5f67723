//! Writes to the log, and of single buffers to their home.

use super::{Event, Flow, Machine, Outcome, Report, ThreadId};
use crate::address_space::{AddressSpace, MappingId};
use crate::buffer_head::{Bh, BufferHead};
use crate::jbd::journal::Journal;
use crate::machine::Component;
use crate::machine::frame::{BioAt, LogBio, LogWrite};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, Cpu, PageIndex, Tid, Word};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Writes a block of the log. Persistent memory copies it with non-temporal stores; to 4.7 it
    /// fences after each copy and has no cache to flush, from 4.8 flush and FUA are the fences
    /// (DAX-22). A log block is not written atomically (CPU-8).
    pub(super) fn submit_log_bio(
        &mut self,
        id: ThreadId,
        bio: &LogBio,
        at: &mut BioAt,
        report: &mut impl Report,
    ) -> Outcome {
        let cpu = self.cpu(id);
        let cached = self.has_write_cache()?;
        match *at {
            BioAt::Preflush if bio.preflush && cached => {
                report.rule(RuleId::JBD_2_11);
                let lines = if self.obeys(RuleId::DAX_22, report) {
                    self.flush_device(cpu, report)
                } else {
                    0
                };
                report.event(|| Event::DeviceFlushed { cpu, fenced: true, lines });
                *at = BioAt::Write;
                Ok(Flow::Acted)
            }
            BioAt::Preflush | BioAt::Write => {
                let torn = self.obeys(RuleId::CPU_8, report);
                let (block, what) = (self.journal_ref().layout.device_block(bio.at), bio.what);
                self.copy_to_log(bio, block);
                self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
                // The superblock is written whole: one step, durable.
                let fenced = !cached || what == LogWrite::Superblock || !torn;
                if fenced {
                    self.flush_device(cpu, report);
                }
                let (tid, log_block) = (bio.tid, bio.at);
                report.event(|| Event::LogWritten { what, tid, at: log_block, block, fenced });
                if bio.fua && cached && what != LogWrite::Superblock {
                    *at = BioAt::Fua;
                    return Ok(Flow::Acted);
                }
                Ok(Flow::ActedAndReturned)
            }
            BioAt::Fua => {
                let lines = self.flush_device(cpu, report);
                report.rule(RuleId::DAX_22);
                report.event(|| Event::DeviceFlushed { cpu, fenced: true, lines });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// The driver's copy. A buffer is copied from its page: nobody modifies it before `Shadow` is
    /// clear again (JBD-5).
    fn copy_to_log(&mut self, bio: &LogBio, block: BlockNr) {
        let at = self.geometry.first_word(block);
        match (&bio.words, bio.what) {
            (Some(words), _) => self.medium.store_nt(Cpu::DEVICE, at, words),
            (None, LogWrite::Copy(home)) => {
                let journal = self.journal.as_ref().expect("its commit is under way");
                let words = words_to_log(journal, &self.bdev.mapping, home);
                self.medium.store_nt(Cpu::DEVICE, at, words);
            }
            (None, what) => unreachable!("{what:?} has words of its own"),
        }
    }

    /// Writes one dirty buffer home: clears its dirty bit, then copies it. The page's own flags stay
    /// for the flusher to find nothing. Models `fs/buffer.c write_dirty_buffer` (4.5).
    pub(super) fn write_dirty_buffer(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Outcome {
        let cpu = self.cpu(id);
        let fenced = !self.has_write_cache()?;
        let start = |bh: &mut BufferHead, _: &mut [Word]| {
            bh.clear(Bh::Dirty);
            bh.set(Bh::Req);
        };
        self.with_buffer(block, start, report);
        let (mapping, index) = (MappingId::Bdev, PageIndex(block.0));
        let page = self.bdev.mapping.held_page(index).expect("a buffer that is held stays");
        self.medium.store_nt(Cpu::DEVICE, self.geometry.first_word(block), &page.words);
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        if fenced {
            self.flush_device(cpu, report);
        }
        report.event(|| {
            let page = self.bdev.mapping.held_page(index).expect("a buffer that is held stays");
            Event::BlockWritten { mapping, index, block, words: page.words.clone(), fenced }
        });
        Ok(Flow::ActedAndReturned)
    }

    /// A write of a log block by the committing transaction.
    pub(super) fn log_bio(
        &mut self,
        what: LogWrite,
        tid: Tid,
        words: impl Into<Option<Vec<Word>>>,
    ) -> LogBio {
        let at = self.journal_mut().next_log_block();
        LogBio {
            what,
            tid,
            at,
            words: words.into().map(Vec::into_boxed_slice),
            preflush: false,
            fua: false,
        }
    }
}

/// What of a buffer goes to the log: its frozen copy, if it has one, or what it holds.
pub(super) fn words_to_log<'a, const FAN: usize>(
    journal: &'a Journal,
    mapping: &'a AddressSpace<FAN>,
    home: BlockNr,
) -> &'a [Word] {
    let head = journal.head_of(home).expect("it is being logged");
    match &head.frozen {
        Some(frozen) => frozen,
        None => &mapping.held_page(PageIndex(home.0)).expect("a buffer that is held stays").words,
    }
}
