//! Recovery of random logs against the plain meaning of their transactions, and of damaged logs
//! that mean nothing.

use crate::journal::{Transaction, apply, block_mut, blocks, write_log, write_superblock};
use daxscope_core::config::Geometry;
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::format::{MAGIC, Superblock, commit_block, revoke_block};
use daxscope_core::jbd::recover::{BadDescriptor, Recovery, RecoveryStep, Skip, recover_image};
use daxscope_core::units::{BlockNr, LogBlockNr, Tid, Word};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: usize = 32;

/// A log on a device of TEACHING geometry, and what it means.
#[derive(Clone, Debug)]
struct Log {
    layout: LogLayout,
    start: LogBlockNr,
    first: Tid,
    committed: Vec<Transaction>,
    /// The blocks from `start` on, with an unfinished transaction at the end.
    blocks: Vec<Vec<Word>>,
    /// Where the ring is not overwritten yet, blocks of older rounds are left.
    stale: bool,
}

impl Log {
    fn image(&self) -> Vec<Word> {
        let mut image = vec![Word::label("OLD").unwrap(); 32 * WORDS];
        if self.stale {
            let older = |back: u32| commit_block(WORDS, Tid(self.first.0.wrapping_sub(1 + back)));
            let older: Vec<_> = (0..self.layout.len).map(older).collect();
            write_log(&mut image, &self.layout, self.start, &older);
        }
        write_log(&mut image, &self.layout, self.start, &self.blocks);
        write_superblock(&mut image, &self.layout, self.first, Some(self.start));
        image
    }

    /// What recovery must make of the image.
    fn recovered(&self) -> Vec<Word> {
        let mut image = self.image();
        apply(&mut image, &self.layout, &self.committed);
        let next = self.first.0.wrapping_add(self.committed.len() as u32 + 1);
        write_superblock(&mut image, &self.layout, Tid(next), None);
        image
    }
}

fn home() -> impl Strategy<Value = BlockNr> {
    prop_oneof![0..3u64, 4..16u64].prop_map(BlockNr)
}

fn contents() -> impl Strategy<Value = Vec<Word>> {
    (any::<u64>(), any::<bool>()).prop_map(|(value, like_a_journal_block)| {
        let mut words: Vec<_> = (0..WORDS as u64).map(|n| Word::number(value ^ n)).collect();
        if like_a_journal_block {
            words[0].0[..4].copy_from_slice(&MAGIC.to_be_bytes());
        }
        words
    })
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let logged = proptest::collection::btree_map(home(), contents(), 0..6);
    let revoked = proptest::collection::btree_set(home(), 0..3);
    (logged, revoked).prop_map(|(logged, revoked)| Transaction {
        logged: logged.into_iter().collect(),
        revoked: revoked.into_iter().collect(),
    })
}

prop_compose! {
    fn log()(
        len in 4..=16u32,
        start in 0..16u32,
        first in prop_oneof![1..9u32, u32::MAX - 2..=u32::MAX],
        mut transactions in proptest::collection::vec(transaction(), 1..6),
        stale in any::<bool>(),
    ) -> Log {
        let layout = LogLayout { len, ..LogLayout::of(&Geometry::TEACHING) };
        let (mut log, mut tid, mut committed) = (vec![], Tid(first), 0);
        for transaction in &transactions {
            let blocks = blocks(WORDS, tid, transaction);
            let room = len as usize - log.len();
            let fits = blocks.len() <= room;
            log.extend(blocks.into_iter().take(room));
            if !fits {
                break;
            }
            committed += 1;
            tid = tid.next();
        }
        transactions.truncate(committed);
        let start = LogBlockNr(start % len + 1);
        Log { layout, start, first: Tid(first), committed: transactions, blocks: log, stale }
    }
}

fn recover(image: &mut [Word], layout: &LogLayout) -> Result<(), String> {
    recover_image(image, layout, BadDescriptor::Fails, &mut |_| true).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn recovery_leaves_what_the_committed_transactions_mean(log in log()) {
        let mut image = log.image();
        recover(&mut image, &log.layout).unwrap();
        prop_assert!(image == log.recovered());
        recover(&mut image, &log.layout).unwrap();
        prop_assert!(image == log.recovered(), "once recovered, always recovered");
    }

    #[test]
    fn a_log_without_its_last_blocks_is_a_log_without_its_last_transactions(
        log in log(),
        keep in 0..16usize,
    ) {
        let mut short = log;
        short.blocks.truncate(keep);
        let (mut blocks_so_far, mut tid) = (0, short.first);
        let whole = short.committed.iter().take_while(|transaction| {
            blocks_so_far += blocks(WORDS, tid, transaction).len();
            tid = tid.next();
            blocks_so_far <= keep
        });
        let whole = whole.count();
        short.committed.truncate(whole);
        let mut image = short.image();
        recover(&mut image, &short.layout).unwrap();
        prop_assert!(image == short.recovered(), "{whole} transactions");
    }

    #[test]
    fn a_recovery_that_was_cut_anywhere_can_be_repeated(log in log(), seed in any::<u64>()) {
        let mut random = Random(seed);
        let mut image = log.image();
        let superblock = Superblock { sequence: log.first, start: Some(log.start) };
        let mut recovery = Recovery::begin(&superblock, log.layout, BadDescriptor::Fails).unwrap();
        while !recovery.is_over() {
            let mut read = |nr| block_mut(&mut image, &log.layout, nr).to_vec().into();
            if let RecoveryStep::Replayed { home, words, .. } = recovery.step(&mut read, &mut |_| true) {
                // Of what has not been flushed, a power cut keeps any words.
                let block = block_mut(&mut image, &log.layout, home);
                let kept = random.next();
                for (n, word) in words.into_iter().enumerate().filter(|(n, _)| kept >> n & 1 == 1) {
                    block[n] = word;
                }
            }
        }
        recover(&mut image, &log.layout).unwrap();
        prop_assert!(image == log.recovered());
    }
}

/// SplitMix64: the same numbers on every host.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A transaction of blocks that may be anywhere, the journal and beyond the device included.
fn any_transaction(random: &mut Random) -> Transaction {
    let block = |random: &mut Random| BlockNr(random.below(36));
    let logged: BTreeMap<_, _> = (0..random.below(5))
        .map(|_| {
            let mut words = vec![Word::number(random.next()); WORDS];
            if random.below(3) == 0 {
                words[0].0[..4].copy_from_slice(&MAGIC.to_be_bytes());
            }
            (block(random), words)
        })
        .collect();
    let revoked = (0..random.below(3)).map(|_| block(random)).collect();
    Transaction { logged: logged.into_iter().collect(), revoked }
}

/// An image whose journal is anything: sound blocks in any order, some damaged, some garbage.
fn any_image(random: &mut Random, layout: &LogLayout) -> Vec<Word> {
    let mut image = vec![Word::label("OLD").unwrap(); 32 * WORDS];
    let start = LogBlockNr(1 + random.below(layout.len.into()) as u32);
    let (mut at, mut tid) = (start, Tid(5));
    for _ in 0..random.below(12) {
        for block in blocks(WORDS, tid, &any_transaction(random)) {
            block_mut(&mut image, layout, layout.device_block(at)).copy_from_slice(&block);
            at = layout.advance(at, 1);
        }
        // Now and then the next one belongs to the same transaction, or to one further on.
        tid = Tid(tid.0 + [0, 1, 1, 1, 1, 1, 2][random.below(7) as usize]);
    }
    if random.below(8) == 0 {
        let again = vec![revoke_block(WORDS, Tid(5), &[BlockNr(9)]); layout.len as usize];
        write_log(&mut image, layout, start, &again);
    }
    write_superblock(&mut image, layout, Tid(5), (random.below(20) > 0).then_some(start));
    damage(random, layout, &mut image);
    image
}

/// Changes up to three of the journal's blocks: bits, the end of a block, all of it.
fn damage(random: &mut Random, layout: &LogLayout, image: &mut [Word]) {
    for _ in 0..random.below(4) {
        let at = LogBlockNr(random.below(u64::from(layout.len) + 1) as u32);
        let kind = random.below(4);
        let block = block_mut(image, layout, layout.device_block(at));
        let mut flip = |within: u64| {
            let word = &mut block[random.below(within) as usize];
            word.0[random.below(8) as usize] ^= 1 << random.below(8);
        };
        match kind {
            0 => flip(4),
            1 => flip(32),
            2 => block[random.below(32) as usize..].fill(Word::ZERO),
            _ => block.fill_with(|| Word::number(random.next())),
        }
    }
}

/// Which kind of step it is, so that the test knows that it has come across all of them.
fn kind(step: &RecoveryStep) -> &'static str {
    match step {
        RecoveryStep::Scanned { .. } => "scanned",
        RecoveryStep::ScanEnded { .. } => "scan ended",
        RecoveryStep::Revoked { .. } => "revoked",
        RecoveryStep::RevokeEnded { .. } => "revoke ended",
        RecoveryStep::Replayed { .. } => "replayed",
        RecoveryStep::Skipped { why: Skip::Revoked { .. }, .. } => "skipped: revoked",
        RecoveryStep::Skipped { why: Skip::BadChecksum, .. } => "skipped: bad checksum",
        RecoveryStep::Skipped { why: Skip::NoHome, .. } => "skipped: no home",
        RecoveryStep::Done { .. } => "done",
        RecoveryStep::Failed { .. } => "failed",
    }
}

#[test]
fn no_damage_makes_it_panic_or_run_on_or_write_where_no_home_is() {
    const SEED: u64 = 0x6a62_6432;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut kinds = BTreeSet::new();
    for case in 0..20_000 {
        let len = 4 + random.below(13) as u32;
        let layout = LogLayout { len, ..LogLayout::of(&Geometry::TEACHING) };
        let image = any_image(&mut random, &layout);
        let waits = case % 2 == 0;
        let mode = if waits { BadDescriptor::WaitsForCommit } else { BadDescriptor::Fails };
        check_steps(&image, &layout, mode, &mut kinds);
        let mut recovered = image.clone();
        let result = recover_image(&mut recovered, &layout, mode, &mut |_| true);
        for nr in (0..32).map(BlockNr).filter(|nr| !layout.is_home(*nr)) {
            let marked_clean = nr == layout.superblock && result.is_ok();
            let (before, after) = (&mut image.clone(), &mut recovered);
            let same = block_mut(before, &layout, nr) == block_mut(after, &layout, nr);
            assert!(same || marked_clean, "case {case}: {nr}");
        }
    }
    let all = ["scanned", "scan ended", "revoked", "revoke ended", "replayed", "done", "failed"];
    let skipped = ["skipped: revoked", "skipped: bad checksum", "skipped: no home"];
    assert_eq!(kinds, all.into_iter().chain(skipped).collect());
}

fn check_steps(
    image: &[Word],
    layout: &LogLayout,
    mode: BadDescriptor,
    kinds: &mut BTreeSet<&'static str>,
) {
    let mut image = image.to_vec();
    let superblock = block_mut(&mut image, layout, layout.superblock);
    let Ok(superblock) = Superblock::decode(superblock, layout) else { return };
    let Some(mut recovery) = Recovery::begin(&superblock, *layout, mode) else { return };
    let mut steps = 0;
    while !recovery.is_over() {
        let mut read = |nr| block_mut(&mut image, layout, nr).to_vec().into();
        let step = recovery.step(&mut read, &mut |_| true);
        kinds.insert(kind(&step));
        if let RecoveryStep::Replayed { home, .. } = step {
            assert!(layout.is_home(home), "{home}");
        }
        steps += 1;
        assert!(steps <= 3 * (layout.len + 1) + 1, "a round per pass, its end, and the last step");
    }
}
