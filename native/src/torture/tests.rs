//! The checker itself: it accepts what an honest writer leaves, and notices what is taken away.

use super::*;
use daxscope_core::crash::{Recovered, recover};
use daxscope_core::jbd::LogLayout;
use daxscope_core::medium::SimMedium;

/// Runs so many operations of a seed; `look` sees the image after each, and what is acknowledged.
fn run(
    seed: u64,
    planted: Option<RuleId>,
    operations: usize,
    mut look: impl FnMut(Vec<Word>, u64),
) {
    let universe = Universe::teaching();
    let medium = SimMedium::with_words(universe.geometry.words());
    let mut writer = Writer::<_, 8>::new(&universe, planted, medium);
    let mut acked = 0;
    for next in Stream::new(&universe, seed).take(operations) {
        writer.call(&next).unwrap();
        let mut image = vec![Word::ZERO; universe.geometry.words() as usize];
        writer.machine.medium.load(WordAddr(0), &mut image);
        // Died before the acknowledgement, and after.
        look(image.clone(), acked);
        acked = if next.promises() { next.number } else { acked };
        look(image, acked);
    }
    assert!(acked > operations as u64 / 2, "operations promise something");
}

#[test]
fn every_prefix_of_an_honest_run_is_accepted() {
    for seed in 0..6 {
        run(seed, None, 150, |image, acked| {
            let verified = verify(&Universe::teaching(), &image, seed, acked, 0);
            verified.unwrap_or_else(|why| panic!("seed {seed}, acked {acked}: {why}"));
        });
    }
}

#[test]
fn a_writer_that_breaks_a_rule_of_the_journal_is_found_out() {
    let faults = [
        (RuleId::JBD_2_5, "lost or never written"),
        (RuleId::JBD_2_7, "is a hole"),
        (RuleId::JBD_2_13, "no size since its promise"),
        (RuleId::JBD_10_1, "is gone"),
    ];
    for (rule, words) in faults {
        let mut found = Vec::new();
        run(1, Some(rule), 150, |image, acked| {
            found.extend(verify(&Universe::teaching(), &image, 1, acked, 0).err());
        });
        assert!(found.iter().any(|why| why.contains(words)), "{rule}: {found:?}");
    }
}

#[test]
fn a_log_whose_commits_are_dropped_is_found_out() {
    let universe = Universe::teaching();
    let log = LogLayout::of(&universe.geometry);
    let first = universe.geometry.first_word(log.first).0 as usize;
    let (mut lost, mut images) = (0, 0);
    run(2, None, 150, |mut image, acked| {
        image[first..].fill(Word::ZERO);
        lost += u32::from(verify(&universe, &image, 2, acked, 0).is_err());
        images += 1;
    });
    assert!(lost > images / 5, "{lost} of {images}");
}

#[test]
fn a_word_that_nobody_has_written_is_found_out() {
    let universe = Universe::teaching();
    let log = LogLayout::of(&universe.geometry);
    let mut changed = 0;
    run(3, None, 60, |mut image, acked| {
        let found = recover(&image, &universe.geometry, Some(&log));
        let Recovered::Files { files, .. } = found else { panic!("{found:?}") };
        let files = files.iter().filter(|file| file.kind == Kind::File);
        let Some(page) = files.flat_map(|file| &file.pages).next() else { return };
        // Data are not in the log, so recovery leaves the word as it is.
        image[universe.geometry.first_word(page.block).0 as usize + 5] = Word::number(u64::MAX);
        let why = verify(&universe, &image, 3, acked, 0).unwrap_err();
        assert!(why.contains("word 5 is 0xffff"), "{why}");
        changed += 1;
    });
    assert!(changed > 60);
}

#[test]
fn acknowledgements_that_were_lost_allow_what_came_after_them() {
    let universe = Universe::teaching();
    let mut acks = vec![0];
    run(4, None, 60, |image, acked| {
        if acks.last() != Some(&acked) {
            acks.push(acked);
        }
        let Some(known) = acks.iter().rev().nth(3) else { return };
        verify(&universe, &image, 4, *known, 3).unwrap();
    });
    assert!(acks.len() > 5);
}

#[test]
fn the_device_is_never_too_full() {
    for (universe, operations) in [(Universe::teaching(), 3_000), (Universe::kernel(), 500)] {
        let medium = SimMedium::with_words(universe.geometry.words());
        let task = Task { seed: 9, operations: Some(operations), planted: None };
        let mut acks = Vec::new();
        write(&universe, medium, &task, &mut acks).unwrap();
        let acks = String::from_utf8(acks).unwrap();
        assert!(acks.starts_with("READY\nACK ") && acks.ends_with(&format!("DONE {operations}\n")));
        assert!(acks.lines().count() as u64 > operations / 20);
    }
}
