//! The judge on random programs: an honest kernel is innocent, and the crash report is what recovering each image by
//! itself comes to.

use super::{Run, setup};
use crate::common::Random;
use daxscope_core::check::{Holds, Invariant, Verdict};
use daxscope_core::config::Epoch;
use daxscope_core::crash::{self, Recovered, recover};
use daxscope_core::jbd::recover::{BadDescriptor, recover_image};

/// Runs random programs of two threads; `look` sees the state after each step.
fn random_run(seed: u64, epochs: &[Epoch], sets: &[(&str, &str)], mut look: impl FnMut(&Run)) {
    let mut random = Random::new(seed);
    let epoch = epochs[random.below(epochs.len() as u64) as usize];
    // From 4.8 a sync without a journal flushes the device before it writes the device's pages.
    let journal = epoch != Epoch::V4_5_0 || random.below(3) > 0;
    let programs = (0..2).map(|_| (0..8).map(|_| random.op()).collect());
    let mut setup = setup(epoch, journal, sets, programs.collect());
    setup.files[1].pages = 3;
    setup.files[2].pages = 3;
    let mut run = Run::new(&setup);
    while let Some(last) = run.runnable().len().checked_sub(1) {
        let next = run.runnable()[random.below(last as u64 + 1) as usize];
        run.step(next);
        look(&run);
    }
}

#[test]
fn random_programs_on_an_honest_kernel_deserve_no_verdict() {
    for seed in 0..80 {
        random_run(seed, &[Epoch::V4_5_0, Epoch::V4_9, Epoch::V5_1], &[], |run| {
            let told = || run.told.join("\n");
            assert_eq!(run.verdicts, [], "seed {seed}:\n{}", told());
            assert_eq!(run.cut(), [], "seed {seed}:\n{}", told());
            for invariant in Invariant::ALL {
                let holds = run.holds(*invariant);
                assert!(!matches!(holds, Holds::No(_)), "seed {seed} {holds:?}:\n{}", told());
            }
        });
    }
}

#[test]
fn the_report_is_what_recovering_each_image_by_itself_comes_to() {
    let mut classes_seen = 0;
    for seed in 0..25 {
        // What-ifs, so that there is something to find.
        let sets = [("revoke", "off"), ("data-mode", "writeback"), ("metadata-in-dax", "yes")];
        random_run(seed, &[Epoch::V4_5_0, Epoch::V4_9], &sets[..(seed % 4) as usize], |run| {
            let report = crash::report(&run.machine, &run.judge);
            let machine = &run.machine;
            let domain = daxscope_core::check::persistence_domain(machine);
            if report.is_partial() || report.examined > 600 {
                return;
            }
            let mut outcomes: Vec<Recovered> = vec![];
            let mut counts: Vec<(Verdict, u64)> = vec![];
            for image in daxscope_core::medium::images(&machine.medium, domain) {
                let mut words = image.words(&machine.medium);
                let found = recover(&words, &machine.geometry, machine.log.as_ref());
                let mut homes = vec![];
                if let Some(log) = &machine.log {
                    let what = BadDescriptor::WaitsForCommit;
                    if let Ok(done) = recover_image(&mut words, log, what, &mut |_| true) {
                        homes.extend(done.replayed.into_iter().map(|(home, _)| home));
                    }
                }
                let verdict = run.judge.judge_recovery(machine, &found, (&words, &homes));
                match counts.iter_mut().find(|(of, _)| *of == verdict) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((verdict, 1)),
                }
                if !outcomes.contains(&found) {
                    outcomes.push(found);
                }
            }
            counts.sort_by_key(|(verdict, _)| *verdict == Verdict::Ok);
            let classes: Vec<_> = report.classes.iter().map(|c| (c.verdict, c.count)).collect();
            assert_eq!(classes, counts, "seed {seed}:\n{}", run.told.join("\n"));
            assert_eq!(report.outcomes, outcomes.len() as u64, "seed {seed}");
            classes_seen = classes_seen.max(classes.len());
        });
    }
    assert!(classes_seen > 1, "some state has images of several classes");
}
