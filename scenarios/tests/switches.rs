//! What each switch is for: some lecture comes to another verdict without it. And that any of them
//! may be set by hand.

use daxscope_core::check::Verdict;
use daxscope_core::config::{Epoch, SWITCHES};
use daxscope_scenarios::{Catalogue, Choice, Lecture, Session};

/// What a run is compared with.
enum Without {
    /// The same run with another value of the switch.
    Value(&'static str),
    /// Another variant, which differs in what the switch cannot be set without.
    Variant(&'static str),
}

use Without::{Value, Variant};

/// A run whose verdicts a switch decides: switch, lecture, variant, epoch, and the run without it.
type Decides = (&'static str, &'static str, &'static str, Epoch, Without);

/// Every modelled value of a switch stands in some row: as the run's own, or as the other one.
const DECIDES: &[Decides] = &[
    ("flush-call-site", "S07", "sync", Epoch::V4_5Rc1, Value("writepages")),
    ("flush-call-site", "S08", "directory", Epoch::SeriesV1, Value("writepages")),
    ("flush-call-site", "S08", "early-return", Epoch::V4_10, Value("writepages-generic")),
    ("flush-bdev", "S23", "block-size", Epoch::V4_5Rc1, Value("dax-device")),
    ("flush-bdev", "S09", "full", Epoch::V4_5_0, Value("s-bdev")),
    ("s-dax-scope", "S08", "early-return", Epoch::V4_10, Value("regular-bdev")),
    ("s-dax-scope", "S10", "broken", Epoch::V4_10, Value("regular")),
    ("raw-mmap-dax", "S10", "base", Epoch::V4_5Rc1, Value("off")),
    ("entry-lock", "S05", "unlocked", Epoch::V4_10, Value("yes")),
    ("dirty-cleared-by-flush", "S05", "unprotected", Epoch::V4_10, Value("no")),
    ("dirty-cleared-by-flush", "S05", "base", Epoch::V4_10, Value("unprotected")),
    ("fence-place", "S25", "no-barriers", Epoch::V4_9, Value("flush-end")),
    ("invalidate-drops-dirty", "S03", "write-between", Epoch::V4_5_0, Value("no")),
    ("dax-alloc-cleans-alias", "S17", "base", Epoch::V4_5_0, Value("yes")),
    ("dax-alloc-cleans-alias", "S17", "base", Epoch::V4_9, Value("ext2-only")),
    ("jbd-forget", "S19", "base", Epoch::V4_5_0, Value("new")),
    ("map-sync", "S25", "map-sync", Epoch::V4_15, Value("no")),
    ("write-open-mounted", "S16", "raw-writer-after", Epoch::V6_12, Value("no")),
    ("platform", "S12", "evicted", Epoch::V4_10, Value("eadr")),
    ("platform", "S05", "unprotected", Epoch::V4_10, Value("panic-only")),
    ("lock-fences-clwb", "S04", "two-cpu", Epoch::V4_5_0, Value("yes")),
    ("log-blocks", "S20", "short-log", Epoch::V4_5_0, Value("16")),
    ("barriers", "S25", "no-barriers", Epoch::V4_9, Value("on")),
    ("async-commit", "S12", "async-commit", Epoch::V4_9, Value("off")),
    ("data-mode", "S21", "writeback", Epoch::V4_5_0, Value("ordered")),
    ("free-before-commit", "S21", "at-once", Epoch::V4_5_0, Value("no")),
    ("revoke", "S20", "revoke-off", Epoch::V4_5_0, Value("on")),
    ("metadata-in-dax", "S12", "dax", Epoch::V4_5_0, Value("no")),
    ("metadata-in-dax", "S12", "flushed", Epoch::V4_5_0, Value("no")),
    ("frozen-copy", "S13", "one-memory", Epoch::V4_5_0, Value("yes")),
    ("bdev-page-per-io", "S11", "fresh", Epoch::V4_5_0, Value("no")),
    ("clear-s-dax-at-mount", "S09", "flag-only", Epoch::V4_5_0, Value("full")),
    ("clear-s-dax-at-mount", "S09", "broken", Epoch::V4_5_0, Value("flag-only")),
    ("mount-refuses-dax-bdev", "S09", "broken", Epoch::V4_5_0, Value("yes")),
    ("range-tag-order", "S02", "downward", Epoch::V4_5_0, Value("upward")),
    ("bforget-at-free", "S16", "neither", Epoch::V4_5_0, Value("yes")),
    ("alloc-cleans-alias", "S16", "neither", Epoch::V4_5_0, Value("clear-and-wait")),
    ("alloc-cleans-alias", "S18", "clear-only", Epoch::V4_5_0, Value("clear-and-wait")),
    ("undo-log", "S12", "undo-log", Epoch::V4_5_0, Variant("dax")),
];

/// Switches that no verdict can depend on, and why.
const NO_VERDICT: &[(&str, &str)] = &[
    ("entry-layout", "bits of a word that nothing but the display reads"),
    ("mapping-tree", "for single pages both trees have one shape"),
    ("entry-payload", "one device: sector and pfn name the same block"),
];

/// Switches of which the model has no value yet.
const NOT_MODELLED: &[&str] = &["wait-for-pins"];

fn open(
    lecture: &Lecture,
    variant: &str,
    epoch: Epoch,
    set: Option<(&str, &str)>,
) -> Result<Session, String> {
    let sets = set.map(|(switch, value)| (switch.to_owned(), value.to_owned()));
    let variant = Some(variant.to_owned());
    let choice =
        Choice { variant, epoch: Some(epoch), sets: sets.into_iter().collect(), planted: None };
    Session::open(lecture, choice).map_err(|why| why.to_string())
}

#[test]
fn every_switch_decides_the_verdict_of_some_lecture() {
    let catalogue = Catalogue::embedded();
    let mut decided: Vec<(&str, &str)> = Vec::new();
    for (switch, lecture, variant, epoch, without) in DECIDES {
        let place = format!("{switch}: {lecture} {variant} {}", epoch.name());
        let lecture = catalogue.find(lecture).unwrap();
        let with = open(lecture, variant, *epoch, None).unwrap();
        let other = match without {
            Value(value) => open(lecture, variant, *epoch, Some((*switch, *value))),
            Variant(variant) => open(lecture, variant, *epoch, None),
        };
        let other = other.unwrap_or_else(|why| panic!("{place}: {why}"));
        let values = [&with, &other].map(|session| session.semantics().get(switch).unwrap());
        assert_ne!(values[0], values[1], "{place}: the switch has one value in both");
        let verdicts = |session: &Session| -> Vec<Verdict> { session.reached().verdicts.clone() };
        assert_ne!(verdicts(&with), verdicts(&other), "{place}: the same either way");
        decided.extend(values.map(|value| (*switch, value)));
    }
    for switch in SWITCHES {
        let exempt = NO_VERDICT.iter().any(|(name, _)| *name == switch.name);
        assert_eq!(NOT_MODELLED.contains(&switch.name), switch.modelled.is_empty(), "{switch:?}");
        for value in switch.modelled {
            let decides = decided.contains(&(switch.name, *value));
            assert_ne!(decides, exempt, "{}={value}: which lecture is it for?", switch.name);
        }
    }
}

/// Whatever the page lets somebody set is run, or refused in words: never a panic.
#[test]
fn a_switch_that_is_set_by_hand_is_run_or_refused() {
    let (mut run, mut refused) = (0, 0);
    let mut try_it = |lecture: &Lecture, variant: &str, epoch, set| match open(
        lecture,
        variant,
        epoch,
        Some(set),
    ) {
        Ok(session) => run += usize::from(session.last_step() > 0),
        Err(why) => {
            assert!(!why.is_empty(), "{} {variant} {set:?}", lecture.id);
            refused += 1;
        }
    };
    let catalogue = Catalogue::embedded();
    // Once a panic: it unlocked an entry that nobody had locked.
    try_it(catalogue.find("S25").unwrap(), "map-sync", Epoch::V4_15, ("entry-lock", "no"));
    // All of them for all would take minutes: each variant gets a third of the switches, in the
    // epochs in turn, with their values in turn.
    let variants = catalogue.lectures().iter().flat_map(|l| l.variants.iter().map(move |v| (l, v)));
    for (n, (lecture, variant)) in variants.enumerate() {
        for (at, switch) in SWITCHES.iter().enumerate().filter(|(at, _)| (at + n) % 3 == 0) {
            let epoch = lecture.epochs[(n / 3 + at) % lecture.epochs.len()];
            let values = switch.modelled.len().max(1);
            let value = switch.modelled.get((n + at) / 3 % values);
            let value = value.unwrap_or(&switch.values[0]);
            try_it(lecture, &variant.name, epoch, (switch.name, *value));
        }
    }
    assert!(run > 500 && refused > 50, "{run} were run, {refused} refused");
}
