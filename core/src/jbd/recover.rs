//! Recovery of the log after a crash, one observable action at a time (JBD-9).
//!
//! Three passes over the log, from where the journal superblock says: SCAN finds the last
//! transaction with a valid commit block, REVOKE collects which transaction last revoked each
//! block, REPLAY copies every logged block home unless it was revoked since. A [`Recovery`] is
//! where this has come to. It reads through its caller and writes nothing: [`RecoveryStep::Replayed`]
//! hands out what has to go home, and in the kernel that is a dirty buffer of the device's mapping
//! and not yet the medium. So the same steps serve a machine and an image.
//!
//! Nothing in the log is trusted. Every pass ends after one round of the ring at the latest, and a
//! block outside the device or inside the journal is no home (jbd2 does not check the latter).
//!
//! Models JBD-6, JBD-8, JBD-9: fs/jbd2/recovery.c `do_one_pass`, 4.5 to 6.12. Omits: read-ahead,
//! I/O errors, `checksum v1`, asynchronous commit, fast commit, times in commit blocks.

mod image;
mod step;

pub use image::{Replay, Replays, Summary, recover_image, replays};
pub use step::{End, Found, RecoveryStep, Skip};

use super::LogLayout;
use super::format::{
    BlockType, Control, DescriptorTag, NotControl, Superblock, copy_checksum, count_tags, decode,
    decode_accepted, unescape,
};
use crate::rules::RuleId;
use crate::units::{BlockNr, LogBlockNr, Tid, Word};
use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

/// What SCAN makes of a descriptor block whose checksum is wrong, as a power cut in the middle of
/// a block leaves it (CPU-8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BadDescriptor {
    /// Recovery fails, and with it the mount: to 5.9.
    Fails,
    /// Recovery fails only if it comes to a commit block of that transaction; else the log simply
    /// ends before it. From 5.10.
    WaitsForCommit,
}

/// How the caller's blocks are read: current contents of a block of the device. Most of what is read
/// is only looked at, so whoever has it need not copy it.
pub type Read<'a, 'w> = &'a mut dyn FnMut(BlockNr) -> Cow<'w, [Word]>;

/// Cites a rule and says whether to obey it: always, unless a test has planted a fault there.
pub type Obeys<'a> = &'a mut dyn FnMut(RuleId) -> bool;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Pass {
    Scan,
    Revoke,
    Replay,
    /// Done or failed.
    Over,
}

/// A recovery under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Recovery {
    layout: LogLayout,
    bad_descriptor: BadDescriptor,
    /// Where the log begins, and with which transaction.
    start: LogBlockNr,
    first: Tid,
    pass: Pass,
    /// The next block of the log, and the transaction that is expected there.
    at: LogBlockNr,
    tid: Tid,
    /// Blocks of the log behind this pass.
    passed: u32,
    /// SCAN: a descriptor block of `tid` had a wrong checksum.
    suspect: bool,
    /// Found by SCAN: blocks up to and with the last valid commit block, and the first transaction
    /// without one.
    valid: u32,
    end: Tid,
    /// Found by REVOKE, by block: the last transaction that revoked it.
    revoked: Vec<(BlockNr, Tid)>,
    /// REPLAY: tags of the current descriptor block, the next one last.
    tags: Vec<DescriptorTag>,
    /// Logged blocks that could not be replayed and should have been.
    damaged: u32,
}

impl Recovery {
    /// Begins the recovery of a log; `None` if it is clean. The running transaction of a clean log
    /// has the number after the superblock's.
    ///
    /// # Panics
    /// If the superblock's start is not in the ring; [`Superblock::decode`] has refused that.
    #[must_use]
    pub fn begin(
        superblock: &Superblock,
        layout: LogLayout,
        bad_descriptor: BadDescriptor,
    ) -> Option<Self> {
        let start = superblock.start?;
        assert!((1..=layout.len).contains(&start.0), "{start} is not in the log ring");
        Some(Self {
            layout,
            bad_descriptor,
            start,
            first: superblock.sequence,
            pass: Pass::Scan,
            at: start,
            tid: superblock.sequence,
            passed: 0,
            suspect: false,
            valid: 0,
            end: superblock.sequence,
            revoked: vec![],
            tags: vec![],
            damaged: 0,
        })
    }

    /// Whether the last step was [`RecoveryStep::Done`] or [`RecoveryStep::Failed`].
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.pass == Pass::Over
    }

    /// Does the next observable action.
    ///
    /// # Panics
    /// If the recovery is over.
    pub fn step(&mut self, read: Read<'_, '_>, obeys: Obeys<'_>) -> RecoveryStep {
        match self.pass {
            Pass::Scan => self.scan(read, obeys),
            Pass::Revoke => self.revoke(read, obeys),
            Pass::Replay => self.replay(read, obeys),
            Pass::Over => panic!("a recovery that is over has no next step"),
        }
    }

    /// PASS_SCAN: looks at one control block.
    fn scan(&mut self, read: Read<'_, '_>, obeys: Obeys<'_>) -> RecoveryStep {
        let (at, tid) = (self.layout.device_block(self.at), self.tid);
        let stops_at_strangers = obeys(RuleId::JBD_9_1);
        if self.passed >= self.layout.len {
            return self.end_scan(End::WentAround);
        }
        let block = read(at);
        let mut control = decode(&block, tid);
        if let Err(NotControl::OtherTid(_)) = control
            && !stops_at_strangers
        {
            control = self.follow(&block);
        }
        let found = match control {
            Ok(Control::Descriptor(tags)) => {
                obeys(RuleId::JBD_8_3);
                Found::Descriptor { copies: tags.len() as u32 }
            }
            Err(NotControl::BadChecksum(BlockType::Descriptor)) => {
                let fails = obeys(RuleId::JBD_8_3);
                if fails && self.bad_descriptor == BadDescriptor::Fails {
                    return self.fail(at, NotControl::BadChecksum(BlockType::Descriptor));
                }
                self.suspect = fails;
                Found::BadDescriptor { copies: count_tags(&block) }
            }
            // Only REVOKE looks inside, and only if the transaction turns out to be committed.
            Ok(Control::Revoke(_))
            | Err(NotControl::BadChecksum(BlockType::Revoke) | NotControl::BadCount(_)) => {
                Found::Revoke
            }
            Ok(Control::Commit) | Err(NotControl::BadChecksum(BlockType::Commit)) => {
                if self.suspect {
                    obeys(RuleId::JBD_8_3);
                    return self.fail(at, NotControl::BadChecksum(BlockType::Descriptor));
                }
                if obeys(RuleId::JBD_8_2)
                    && let Err(why) = control
                {
                    return self.end_scan(End::Block(why));
                }
                Found::Commit
            }
            Err(why) => return self.end_scan(End::Block(why)),
        };
        let tid = self.tid;
        self.pass_by(1 + found.copies());
        if found == Found::Commit {
            self.tid = tid.next();
            (self.end, self.valid) = (self.tid, self.passed);
        }
        RecoveryStep::Scanned { at, tid, found }
    }

    fn end_scan(&mut self, why: End) -> RecoveryStep {
        let at = self.layout.device_block(self.at);
        self.begin_pass(Pass::Revoke);
        RecoveryStep::ScanEnded { at, end: self.end, why }
    }

    /// PASS_REVOKE: takes in one revoke block; the blocks before it say nothing to this pass.
    fn revoke(&mut self, read: Read<'_, '_>, obeys: Obeys<'_>) -> RecoveryStep {
        let collects = obeys(RuleId::JBD_9_2);
        while self.passed < self.valid {
            let (at, tid, control) = match self.committed(read) {
                Ok(found) => found,
                Err((at, why)) => return self.fail(at, why),
            };
            match control {
                Control::Descriptor(tags) => self.pass_by(tags.len() as u32),
                Control::Commit => {}
                Control::Revoke(blocks) => {
                    if collects {
                        blocks.iter().for_each(|block| self.set_revoke(*block, tid));
                    }
                    return RecoveryStep::Revoked { at, tid, blocks };
                }
            }
        }
        self.begin_pass(Pass::Replay);
        RecoveryStep::RevokeEnded { revoked: self.revoked.len() as u32 }
    }

    /// Models: fs/jbd2/revoke.c `jbd2_journal_set_revoke`, 4.5.
    fn set_revoke(&mut self, block: BlockNr, tid: Tid) {
        match self.revoked.binary_search_by_key(&block, |(block, _)| *block) {
            Ok(found) if tid.is_after(self.revoked[found].1) => self.revoked[found].1 = tid,
            Ok(_) => {}
            Err(place) => self.revoked.insert(place, (block, tid)),
        }
    }

    /// PASS_REPLAY: one logged block goes home or is skipped.
    fn replay(&mut self, read: Read<'_, '_>, obeys: Obeys<'_>) -> RecoveryStep {
        while self.tags.is_empty() && self.passed < self.valid {
            match self.committed(read) {
                Ok((_, _, Control::Descriptor(tags))) => {
                    self.tags = tags;
                    self.tags.reverse();
                }
                Ok(_) => {}
                Err((at, why)) => return self.fail(at, why),
            }
        }
        match self.tags.pop() {
            Some(tag) => self.replay_one(&tag, read, obeys),
            None => self.finish(obeys),
        }
    }

    fn replay_one(
        &mut self,
        tag: &DescriptorTag,
        read: Read<'_, '_>,
        obeys: Obeys<'_>,
    ) -> RecoveryStep {
        let (home, from, tid) = (tag.home, self.layout.device_block(self.at), self.tid);
        self.pass_by(1);
        let skipped = |why| RecoveryStep::Skipped { home, from, tid, why };
        let respects_revokes = obeys(RuleId::JBD_9_3);
        if let Some(by) = self.revoked_by(home)
            && !tid.is_after(by)
            && respects_revokes
        {
            return skipped(Skip::Revoked { by });
        }
        let mut words = read(from);
        if obeys(RuleId::JBD_8_1) && copy_checksum(tid, &words) != tag.checksum {
            self.damaged += 1;
            return skipped(Skip::BadChecksum);
        }
        if !self.layout.is_home(home) {
            self.damaged += 1;
            return skipped(Skip::NoHome);
        }
        if tag.escaped && obeys(RuleId::JBD_6) {
            unescape(words.to_mut());
        }
        RecoveryStep::Replayed { home, from, tid, words: words.into_owned() }
    }

    /// Models: fs/jbd2/revoke.c `jbd2_journal_test_revoke`, 4.5.
    fn revoked_by(&self, block: BlockNr) -> Option<Tid> {
        let found = self.revoked.binary_search_by_key(&block, |(block, _)| *block).ok()?;
        Some(self.revoked[found].1)
    }

    fn finish(&mut self, obeys: Obeys<'_>) -> RecoveryStep {
        self.pass = Pass::Over;
        // Past the end by one, so that no block of the transaction that was cut off can be taken
        // for one of the next.
        let next = if obeys(RuleId::JBD_9_4) { self.end.next() } else { self.end };
        RecoveryStep::Done { next, damaged: self.damaged }
    }

    fn fail(&mut self, at: BlockNr, why: NotControl) -> RecoveryStep {
        self.pass = Pass::Over;
        RecoveryStep::Failed { at, tid: self.tid, why }
    }

    fn begin_pass(&mut self, pass: Pass) {
        (self.pass, self.at, self.tid, self.passed) = (pass, self.start, self.first, 0);
    }

    fn pass_by(&mut self, blocks: u32) {
        self.at = self.layout.advance(self.at, blocks);
        self.passed = self.passed.saturating_add(blocks);
    }

    /// The next control block of the part that SCAN has accepted, with its block and transaction;
    /// the pass is then behind it. A commit block needs no second check of its checksum.
    fn committed(
        &mut self,
        read: Read<'_, '_>,
    ) -> Result<(BlockNr, Tid, Control), (BlockNr, NotControl)> {
        let at = self.layout.device_block(self.at);
        let block = read(at);
        let mut control = decode_accepted(&block, self.tid);
        if let Err(NotControl::OtherTid(tid)) = control {
            // SCAN did not stop at strangers.
            self.tid = tid;
            control = decode_accepted(&block, tid);
        }
        let control = control.map_err(|why| (at, why))?;
        let tid = self.tid;
        self.pass_by(1);
        if control == Control::Commit {
            self.tid = tid.next();
        }
        Ok((at, tid, control))
    }

    /// Takes the block for one of its own transaction: only where SCAN did not stop at strangers.
    fn follow(&mut self, block: &[Word]) -> Result<Control, NotControl> {
        if let Err(NotControl::OtherTid(tid)) = decode(block, self.tid) {
            self.tid = tid;
        }
        decode(block, self.tid)
    }
}
