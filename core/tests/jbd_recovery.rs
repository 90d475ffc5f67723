//! Recovery of logs that a simple writer has written, in steps and as whole images.

use crate::journal::{Transaction, apply, block_mut, blocks, write_log, write_superblock};
use daxscope_core::config::Geometry;
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::format::{MAGIC, NotControl, Superblock};
use daxscope_core::jbd::recover::{
    BadDescriptor, End, Found, Recovery, RecoveryStep, Skip, Summary, recover_image,
};
use daxscope_core::rules::RuleId;
use daxscope_core::units::{BlockNr, LogBlockNr, Tid, Word};

const START: LogBlockNr = LogBlockNr(1);
const T5: Tid = Tid(5);

fn layout() -> LogLayout {
    LogLayout::of(&Geometry::TEACHING)
}

fn filled(label: &str) -> Vec<Word> {
    vec![Word::label(label).unwrap(); 32]
}

/// A block that looks like a journal block.
fn with_magic() -> Vec<Word> {
    let mut block = filled("MAGIC");
    block[0].0[..4].copy_from_slice(&MAGIC.to_be_bytes());
    block
}

fn logs(logged: &[(u64, Vec<Word>)]) -> Transaction {
    let logged = logged.iter().map(|(home, words)| (BlockNr(*home), words.clone())).collect();
    Transaction { logged, revoked: vec![] }
}

fn revokes(revoked: &[u64]) -> Transaction {
    Transaction { logged: vec![], revoked: revoked.iter().map(|home| BlockNr(*home)).collect() }
}

/// An image full of `OLD` with this log, from T5 on.
fn image_with(layout: &LogLayout, start: LogBlockNr, transactions: &[Transaction]) -> Vec<Word> {
    let words = layout.words_per_block as usize;
    let mut image = vec![Word::label("OLD").unwrap(); words * layout.device_blocks as usize];
    let mut tid = T5;
    let mut log = vec![];
    for transaction in transactions {
        log.extend(blocks(words, tid, transaction));
        tid = tid.next();
    }
    write_log(&mut image, layout, start, &log);
    write_superblock(&mut image, layout, T5, Some(start));
    image
}

fn recover(image: &mut [Word], layout: &LogLayout) -> Result<Summary, String> {
    recover_image(image, layout, BadDescriptor::Fails, &mut |_| true)
}

fn superblock(image: &mut [Word], layout: &LogLayout) -> Superblock {
    Superblock::decode(block_mut(image, layout, layout.superblock), layout).unwrap()
}

/// All steps of a recovery that writes nothing, and the rules that each cited.
fn steps(image: &mut [Word], layout: &LogLayout) -> Vec<(RecoveryStep, Vec<RuleId>)> {
    let superblock = superblock(image, layout);
    let mut recovery = Recovery::begin(&superblock, *layout, BadDescriptor::Fails).unwrap();
    let mut steps = vec![];
    while !recovery.is_over() {
        let mut cited = vec![];
        let mut cite = |rule| {
            cited.push(rule);
            true
        };
        let mut read = |nr| block_mut(image, layout, nr).to_vec().into();
        let step = recovery.step(&mut read, &mut cite);
        steps.push((step, cited));
    }
    steps
}

#[test]
fn each_step_is_one_action_and_cites_the_rules_it_came_to() {
    use RuleId as R;
    let (x, magic) = (filled("X"), with_magic());
    let transactions =
        [logs(&[(9, x.clone()), (10, magic.clone())]), revokes(&[9]), logs(&[(9, filled("Y"))])];
    let mut image = image_with(&layout(), START, &transactions);
    // The third transaction is not committed: its descriptor and copy are in b22 and b23.
    block_mut(&mut image, &layout(), BlockNr(24)).fill(Word::ZERO);
    let [t5, t6, t7] = [5, 6, 7].map(Tid);
    let [b9, b10] = [9, 10].map(BlockNr);
    let scanned = |at, tid, found| RecoveryStep::Scanned { at: BlockNr(at), tid, found };
    let descriptor = |copies| Found::Descriptor { copies };
    let expected = [
        (scanned(16, t5, descriptor(2)), vec![R::JBD_9_1, R::JBD_8_3]),
        (scanned(19, t5, Found::Commit), vec![R::JBD_9_1, R::JBD_8_2]),
        (scanned(20, t6, Found::Revoke), vec![R::JBD_9_1]),
        (scanned(21, t6, Found::Commit), vec![R::JBD_9_1, R::JBD_8_2]),
        (scanned(22, t7, descriptor(1)), vec![R::JBD_9_1, R::JBD_8_3]),
        (
            RecoveryStep::ScanEnded {
                at: BlockNr(24),
                end: t7,
                why: End::Block(NotControl::NoMagic),
            },
            vec![R::JBD_9_1],
        ),
        (RecoveryStep::Revoked { at: BlockNr(20), tid: t6, blocks: vec![b9] }, vec![R::JBD_9_2]),
        (RecoveryStep::RevokeEnded { revoked: 1 }, vec![R::JBD_9_2]),
        (
            RecoveryStep::Skipped {
                home: b9,
                from: BlockNr(17),
                tid: t5,
                why: Skip::Revoked { by: t6 },
            },
            vec![R::JBD_9_3],
        ),
        (
            RecoveryStep::Replayed { home: b10, from: BlockNr(18), tid: t5, words: magic },
            vec![R::JBD_9_3, R::JBD_8_1, R::JBD_6],
        ),
        (RecoveryStep::Done { next: Tid(8), damaged: 0 }, vec![R::JBD_9_4]),
    ];
    assert_eq!(steps(&mut image, &layout()), expected);
}

#[test]
fn a_clean_log_needs_no_recovery() {
    let mut image = image_with(&layout(), START, &[logs(&[(9, filled("X"))])]);
    write_superblock(&mut image, &layout(), T5, None);
    let before = image.clone();
    let summary = recover(&mut image, &layout()).unwrap();
    assert_eq!(summary, Summary { replayed: vec![], skipped: vec![], next: Tid(6) });
    assert!(image == before);
}

#[test]
fn recovery_marks_the_log_clean_behind_its_end() {
    let mut image = image_with(&layout(), START, &[logs(&[(9, filled("X"))])]);
    let summary = recover(&mut image, &layout()).unwrap();
    assert_eq!(summary.replayed, [(BlockNr(9), T5)]);
    assert_eq!(*block_mut(&mut image, &layout(), BlockNr(9)), filled("X"));
    let after = superblock(&mut image, &layout());
    assert_eq!(after, Superblock { sequence: Tid(7), start: None });
}

#[test]
fn a_revoke_covers_its_own_transaction_and_older_ones_but_not_newer_ones() {
    for (transactions, expected) in [
        (vec![logs(&[(9, filled("X"))]), revokes(&[9])], "OLD"),
        (vec![revokes(&[9]), logs(&[(9, filled("X"))])], "X"),
        (vec![Transaction { revoked: vec![BlockNr(9)], ..logs(&[(9, filled("X"))]) }], "OLD"),
        (vec![logs(&[(9, filled("X"))]), revokes(&[9]), logs(&[(9, filled("Y"))])], "Y"),
        (vec![revokes(&[9]), logs(&[(9, filled("X"))]), revokes(&[8, 9])], "OLD"),
    ] {
        let mut image = image_with(&layout(), START, &transactions);
        recover(&mut image, &layout()).unwrap();
        let found = block_mut(&mut image, &layout(), BlockNr(9));
        assert_eq!(*found, filled(expected), "{transactions:?}");
    }
}

#[test]
fn a_log_may_wrap_around_anywhere_and_fill_the_ring() {
    for len in 4..=16 {
        let layout = LogLayout { len, ..layout() };
        let homes = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
        let copies = homes.len().min(len as usize - 2);
        let mut fills =
            logs(&homes[..copies].iter().map(|nr| (*nr, filled("X"))).collect::<Vec<_>>());
        if len == 16 {
            fills.revoked.push(BlockNr(14));
        }
        assert_eq!(blocks(32, T5, &fills).len(), len as usize);
        for start in 1..=len {
            let mut image = image_with(&layout, LogBlockNr(start), &[fills.clone()]);
            let mut expected = image.clone();
            apply(&mut expected, &layout, &[fills.clone()]);
            write_superblock(&mut expected, &layout, Tid(7), None);
            recover(&mut image, &layout).unwrap();
            assert!(image == expected, "{len} blocks, from {start}");
        }
    }
}

/// The image with one byte of a block changed.
fn damaged(image: &[Word], block: u64, byte: usize) -> Vec<Word> {
    let mut image = image.to_vec();
    block_mut(&mut image, &layout(), BlockNr(block))[byte / 8].0[byte % 8] ^= 0x10;
    image
}

#[test]
fn a_torn_commit_block_ends_the_log_before_its_transaction() {
    let good =
        image_with(&layout(), START, &[logs(&[(9, filled("X"))]), logs(&[(9, filled("Y"))])]);
    for (commit_block, expected, next) in [(18, "OLD", 6), (21, "X", 7)] {
        for byte in [0x10, 0x13, 0x30, 0xff] {
            let mut image = damaged(&good, commit_block, byte);
            let summary = recover(&mut image, &layout()).unwrap();
            assert_eq!(*block_mut(&mut image, &layout(), BlockNr(9)), filled(expected));
            assert_eq!(summary.next, Tid(next));
        }
    }
}

#[test]
fn a_torn_descriptor_block_fails_the_recovery_to_5_9() {
    let good =
        image_with(&layout(), START, &[logs(&[(9, filled("X"))]), logs(&[(9, filled("Y"))])]);
    let mut image = damaged(&good, 19, 0xff);
    let before = image.clone();
    let why = recover(&mut image, &layout()).unwrap_err();
    assert_eq!(why, "b19 of the log, T6: bad checksum of a descriptor block");
    assert!(image == before, "not even T5 is replayed");
}

#[test]
fn a_torn_descriptor_block_ends_the_log_from_5_10_unless_its_transaction_is_committed() {
    let good =
        image_with(&layout(), START, &[logs(&[(9, filled("X"))]), logs(&[(9, filled("Y"))])]);
    let mut image = damaged(&good, 19, 0xff);
    let recover = |image: &mut [Word]| {
        recover_image(image, &layout(), BadDescriptor::WaitsForCommit, &mut |_| true)
    };
    let why = recover(&mut image).unwrap_err();
    assert_eq!(why, "b21 of the log, T6: bad checksum of a descriptor block");
    block_mut(&mut image, &layout(), BlockNr(21)).fill(Word::ZERO);
    let summary = recover(&mut image).unwrap();
    assert_eq!(summary.replayed, [(BlockNr(9), T5)]);
    assert_eq!(summary.next, Tid(7));
}

#[test]
fn a_torn_revoke_block_fails_the_recovery_if_its_transaction_is_committed() {
    let good = image_with(&layout(), START, &[logs(&[(9, filled("X"))]), revokes(&[9])]);
    let mut image = damaged(&good, 19, 0xff);
    let why = recover(&mut image, &layout()).unwrap_err();
    assert_eq!(why, "b19 of the log, T6: bad checksum of a revoke block");
    block_mut(&mut image, &layout(), BlockNr(20)).fill(Word::ZERO);
    assert_eq!(recover(&mut image, &layout()).unwrap().replayed, [(BlockNr(9), T5)]);
}

#[test]
fn a_damaged_copy_is_skipped_the_rest_replayed_and_the_recovery_fails_at_its_end() {
    let good = image_with(&layout(), START, &[logs(&[(9, filled("X")), (10, filled("Y"))])]);
    let mut image = damaged(&good, 17, 0);
    let why = recover(&mut image, &layout()).unwrap_err();
    assert_eq!(why, "b17 of the log, T5: the copy of b9 does not match its checksum");
    assert_eq!(*block_mut(&mut image, &layout(), BlockNr(9)), filled("OLD"));
    assert_eq!(*block_mut(&mut image, &layout(), BlockNr(10)), filled("Y"));
    assert_eq!(superblock(&mut image, &layout()).start, Some(START), "not marked clean");
    let Some((RecoveryStep::Done { damaged, .. }, _)) = steps(&mut image, &layout()).pop() else {
        panic!("it came to its end")
    };
    assert_eq!(damaged, 1);
}

#[test]
fn nothing_is_replayed_into_the_journal_or_off_the_device() {
    for home in [3, 16, 31, 32, u64::from(u32::MAX)] {
        let logged = [(home, filled("X")), (10, filled("Y"))];
        let mut image = image_with(&layout(), START, &[logs(&logged)]);
        let mut expected = image.clone();
        block_mut(&mut expected, &layout(), BlockNr(10)).copy_from_slice(&filled("Y"));
        let why = recover(&mut image, &layout()).unwrap_err();
        assert!(why.ends_with("has no home on the device"), "{why}");
        assert!(image == expected, "b{home}");
    }
}

#[test]
fn a_ring_full_of_one_transaction_without_a_commit_ends_after_one_round() {
    let block = blocks(32, T5, &revokes(&[9])).swap_remove(0);
    let mut image = image_with(&layout(), START, &[]);
    write_log(&mut image, &layout(), START, &vec![block; 16]);
    let steps = steps(&mut image, &layout());
    assert_eq!(steps.len(), 16 + 3);
    let (ended, _) = &steps[16];
    let expected = RecoveryStep::ScanEnded { at: BlockNr(16), end: T5, why: End::WentAround };
    assert_eq!(*ended, expected);
}

/// What recovery makes of the image when this rule's branch is wrong.
fn with_fault(image: &[Word], planted: RuleId) -> (Vec<Word>, Result<Summary, String>) {
    let mut image = image.to_vec();
    let mut obeys = |rule| rule != planted;
    let found = recover_image(&mut image, &layout(), BadDescriptor::Fails, &mut obeys);
    (image, found)
}

#[test]
fn a_fault_in_the_branch_of_each_rule_is_noticed() {
    let revoked = image_with(&layout(), START, &[logs(&[(9, filled("X"))]), revokes(&[9])]);
    let escaped = image_with(&layout(), START, &[logs(&[(9, with_magic())])]);
    let mut torn = damaged(&escaped, 16, 0xff);
    block_mut(&mut torn, &layout(), BlockNr(18)).fill(Word::ZERO);
    // Behind T5 stands what an older round of the ring has left.
    let mut stale = image_with(&layout(), START, &[logs(&[(9, filled("X"))])]);
    let older = blocks(32, Tid(3), &logs(&[(9, filled("STALE"))]));
    write_log(&mut stale, &layout(), LogBlockNr(4), &older);
    for (rule, good) in [
        (RuleId::JBD_6, &escaped),
        (RuleId::JBD_8_1, &damaged(&escaped, 17, 9)),
        (RuleId::JBD_8_2, &damaged(&escaped, 18, 0x10)),
        (RuleId::JBD_8_3, &torn),
        (RuleId::JBD_9_1, &stale),
        (RuleId::JBD_9_2, &revoked),
        (RuleId::JBD_9_3, &revoked),
        (RuleId::JBD_9_4, &revoked),
    ] {
        let mut honest = good.clone();
        let expected = recover(&mut honest, &layout());
        let (image, found) = with_fault(good, rule);
        assert!((&image, &found) != (&honest, &expected), "{rule}: {found:?}");
    }
}
