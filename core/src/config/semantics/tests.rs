use super::*;
use std::string::ToString;
use std::vec::Vec;

/// Reference 12.2.1, row by row: values in the order of the epochs, `=` as in the table.
const HISTORY: &[(&str, [&str; 11])] = &[
    (
        "flush-call-site",
        ["filemap", "fsync", "writepages-generic", "writepages", "=", "=", "=", "=", "=", "=", "="],
    ),
    ("flush-bdev", ["s-bdev", "passed", "=", "=", "=", "=", "=", "dax-device", "=", "=", "="]),
    ("s-dax-scope", ["all-bdev", "=", "=", "regular", "=", "=", "=", "=", "=", "=", "="]),
    ("raw-mmap-dax", ["on", "=", "=", "off", "=", "=", "=", "=", "=", "=", "="]),
    ("entry-lock", ["no", "=", "=", "=", "yes", "=", "=", "=", "=", "=", "="]),
    ("dirty-cleared-by-flush", ["no", "=", "=", "=", "=", "=", "protected", "=", "=", "=", "="]),
    ("fence-place", ["flush-end", "=", "=", "=", "=", "device-flush", "=", "=", "=", "=", "="]),
    ("invalidate-drops-dirty", ["yes", "=", "=", "=", "=", "=", "no", "=", "=", "=", "="]),
    ("dax-alloc-cleans-alias", ["no", "=", "=", "=", "=", "yes", "=", "=", "=", "=", "ext2-only"]),
    ("jbd-forget", ["old", "=", "=", "=", "=", "=", "=", "=", "=", "new", "="]),
    ("map-sync", ["no", "=", "=", "=", "=", "=", "=", "yes", "=", "=", "="]),
    ("wait-for-pins", ["no", "=", "=", "=", "=", "=", "=", "=", "yes", "=", "="]),
    (
        "entry-layout",
        ["packed-4.5", "=", "=", "=", "packed-4.7", "=", "=", "=", "=", "xarray", "="],
    ),
    ("mapping-tree", ["radix", "=", "=", "=", "=", "=", "=", "=", "=", "xarray", "="]),
    ("entry-payload", ["sector", "=", "=", "=", "=", "=", "=", "=", "pfn", "=", "="]),
    ("write-open-mounted", ["yes", "=", "=", "=", "=", "=", "=", "=", "=", "=", "="]),
];

#[test]
fn presets_are_the_table_of_the_reference() {
    for (switch, row) in HISTORY {
        let mut expected = "";
        for (epoch, value) in Epoch::ALL.iter().zip(row) {
            if *value != "=" {
                expected = value;
            }
            assert_eq!(Semantics::preset(*epoch).get(switch), Some(expected), "{switch} {epoch:?}");
        }
    }
    let history = SWITCHES.iter().filter(|s| s.kind == SwitchKind::History).count();
    assert_eq!(history, HISTORY.len());
}

#[test]
fn settings_and_what_ifs_are_the_same_in_every_epoch() {
    let first = Semantics::preset(Epoch::V4_5Rc1);
    for epoch in Epoch::ALL {
        let here = Semantics::preset(*epoch);
        for (name, _) in here.differing_from(&first) {
            let switch = SWITCHES.iter().find(|s| s.name == name).unwrap();
            assert_eq!(switch.kind, SwitchKind::History, "{name} in {epoch:?}");
        }
    }
}

#[test]
fn a_value_not_modelled_is_refused_by_hand_and_when_read_but_not_in_a_preset() {
    let mut s = Semantics::preset(Epoch::V5_1);
    assert_eq!(s.get("wait-for-pins"), Some("yes"), "the preset is accepted");
    assert_eq!(s.wait_for_pins().unwrap_err().to_string(), "not modelled yet: wait-for-pins=yes");
    let refused = s.set("wait-for-pins", "yes").unwrap_err();
    let SetError::NotModelled(what) = refused else { panic!("{refused:?}") };
    assert_eq!(what.to_string(), "not modelled yet: wait-for-pins=yes");
}

#[test]
fn unknown_switches_and_values_are_told_apart() {
    let mut s = Semantics::preset(Epoch::V4_5_0);
    let before = s;
    assert_eq!(s.set("fence-plaice", "flush-end"), Err(SetError::UnknownSwitch));
    assert_eq!(
        s.set("fence-place", "nowhere"),
        Err(SetError::UnknownValue(&["flush-end", "device-flush"]))
    );
    assert_eq!(s, before, "a refused set changes nothing");
    s.set("fence-place", "device-flush").unwrap();
    assert_eq!(s.differing_from(&before).collect::<Vec<_>>(), [("fence-place", "device-flush")]);
}

#[test]
fn presets_hold_together_and_a_lock_without_a_bit_does_not() {
    for epoch in Epoch::ALL {
        assert_eq!(Semantics::preset(*epoch).check_together(), Ok(()), "{epoch:?}");
    }
    let mut s = Semantics::preset(Epoch::V4_5_0);
    s.set("entry-lock", "yes").unwrap();
    assert!(s.check_together().unwrap_err().contains("entry-layout=packed-4.7"));
    s.set("entry-layout", "packed-4.7").unwrap();
    assert_eq!(s.check_together(), Ok(()));
}

#[test]
fn epoch_names_round_trip() {
    for epoch in Epoch::ALL {
        assert_eq!(Epoch::from_name(epoch.name()), Some(*epoch));
    }
    assert_eq!(Epoch::from_name("4.6"), None);
    assert_eq!(Epoch::ALL.len(), 11);
}
