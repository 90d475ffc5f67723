//! Packed lectures: there and back, and that no bytes are too bad to read.

use daxscope_scenarios::{Catalogue, Choice, Lecture, Session};
use proptest::prelude::*;
use std::fs;
use std::sync::LazyLock;

/// The lectures, read once.
static LECTURES: LazyLock<Catalogue> = LazyLock::new(Catalogue::embedded);

/// Opens whatever could be unpacked: it must be refused or run, like a lecture read from a file.
/// What is a lecture as it went in runs in other tests.
fn run(bytes: &[u8]) {
    let Ok(catalogue) = Catalogue::unpack(bytes) else { return };
    let is_new = |lecture: &&Lecture| !LECTURES.lectures().contains(lecture);
    for lecture in catalogue.lectures().iter().filter(is_new) {
        for variant in &lecture.variants {
            let choice = Choice { variant: Some(variant.name.clone()), ..Choice::default() };
            if let Ok(session) = Session::open(lecture, choice) {
                let _ = session.reached();
            }
        }
    }
}

#[test]
fn lectures_come_out_of_the_pack_as_they_went_in() {
    assert_eq!(Catalogue::unpack(&LECTURES.pack()).as_ref(), Ok(&*LECTURES));
}

/// Every cut of every lecture, packed alone. All cuts of the whole pack would read what is before
/// the cut lecture again and again, so of those a sample is taken, with a stride that divides none of
/// the sizes in it.
#[test]
fn any_cut_of_the_pack_is_refused() {
    let refused = |bytes: &[u8], stride: usize, what: &str| {
        for end in (0..bytes.len()).step_by(stride) {
            assert!(Catalogue::unpack(&bytes[..end]).is_err(), "{what} cut at {end}");
        }
    };
    for lecture in LECTURES.lectures() {
        let file = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), lecture.file);
        let text = fs::read_to_string(file).unwrap();
        let alone = Catalogue::read([(lecture.file.as_str(), text.as_str())]).unwrap();
        refused(&alone.pack(), 1, &lecture.id);
    }
    refused(&LECTURES.pack(), 997, "the whole");
}

#[test]
fn what_is_wrong_with_a_pack_is_said() {
    let bytes = LECTURES.pack();
    let refused = |bytes: &[u8]| Catalogue::unpack(bytes).unwrap_err();
    assert!(refused(&[9, 7]).contains("format 9, model 7"), "{}", refused(&[9, 7]));
    assert!(refused(&[]).contains("broken"));
    assert!(refused(&[&bytes[..], &[0]].concat()).contains("go on for 1 bytes"));
    for (from, to, says) in [
        ("4.5.0", "4.5.9", "unknown epoch `4.5.9`"),
        ("data-lost", "data-list", "unknown verdict `data-list`"),
        ("INV-FSYNC", "INV-FSINK", "unknown invariant `INV-FSINK`"),
        ("DAX-20", "DAX-2x", "unknown rule `DAX-2x`"),
        ("towrite-cleared", "towrite-bleared", "did you mean `towrite-cleared`?"),
        ("teaching", "preaching", "unknown geometry"),
    ] {
        let why = refused(&replaced(&bytes, from, to));
        assert!(why.contains(says), "{from} -> {to}: {why}");
        assert!(why.starts_with("lectures/S"), "{why}");
    }
}

/// The bytes with another text in the place of one; each has its length before it.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let with_length = |text: &str| {
        let length = u8::try_from(text.len()).expect("names are short");
        [&[length], text.as_bytes()].concat()
    };
    let from = with_length(from);
    let at = bytes.windows(from.len()).position(|found| found == from);
    let at = at.expect("it is in some lecture");
    [&bytes[..at], &with_length(to), &bytes[at + from.len()..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        run(&bytes);
        // Past the versions, where the lectures begin.
        run(&[&LECTURES.pack()[..2], &bytes].concat());
    }

    #[test]
    fn no_damage_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = LECTURES.pack();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        run(&bytes);
    }
}
