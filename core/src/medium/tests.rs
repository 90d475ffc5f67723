//! The rules CPU-1 to CPU-6 one by one, and what counts as the same state.
//!
//! The comparison with a machine that knows nothing of windows is in `tests/medium_crash.rs`.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use super::PersistenceDomain::{Caches, WriteQueue};
use super::*;
use crate::units::WORDS_PER_LINE;

mod power_cut;

const CPU0: Cpu = Cpu(0);
const CPU1: Cpu = Cpu(1);
const LINE0: LineNr = LineNr(0);
const LINE1: LineNr = LineNr(1);

/// Four lines, all zero.
fn medium() -> SimMedium {
    SimMedium::with_words(4 * WORDS_PER_LINE as u64)
}

/// Word `in_line` of `line`.
fn at(line: LineNr, in_line: u64) -> WordAddr {
    WordAddr(line.first_word().0 + in_line)
}

fn word(text: &str) -> Word {
    Word::label(text).unwrap()
}

fn store(medium: &mut SimMedium, cpu: Cpu, line: LineNr, text: &str) {
    medium.store_word(cpu, at(line, 0), word(text));
}

/// The first words of the line's versions.
fn first_words(medium: &SimMedium, line: LineNr) -> Vec<Word> {
    medium.versions(line).map(|words| words[0]).collect()
}

fn count(medium: &SimMedium) -> Option<u64> {
    medium.image_count(WriteQueue).as_u64()
}

fn hash(medium: &SimMedium) -> u64 {
    let mut hasher = DefaultHasher::new();
    medium.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn a_store_is_visible_at_once_and_guaranteed_by_nothing() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE1, "NEW");
    assert_eq!(medium.load_word(at(LINE1, 0)), word("NEW"));
    assert_eq!(medium.latest(LINE1)[0], word("NEW"));
    assert_eq!(medium.guaranteed(LINE1), [Word::ZERO; 8]);
    assert_eq!(medium.dirty_lines().collect::<Vec<_>>(), [LINE1]);
}

#[test]
fn a_load_over_several_lines_sees_dirty_and_clean_words() {
    let mut medium = medium();
    medium.set_guaranteed(WordAddr(6), &[word("A"), word("B"), word("C")]);
    medium.store(CPU0, WordAddr(7), &[word("D"), word("E"), word("F")]);
    medium.store(CPU1, WordAddr(5), &[word("Z")]);
    let mut read = [Word::ZERO; 3];
    medium.load(WordAddr(6), &mut read);
    assert_eq!(read, ["A", "D", "E"].map(word));
}

#[test]
fn a_fence_alone_guarantees_nothing() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "NEW");
    let before = medium.clone();
    medium.fence(CPU0);
    assert_eq!(medium, before);
    assert_eq!(count(&medium), Some(2));
}

#[test]
fn a_clwb_alone_guarantees_nothing() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "NEW");
    medium.write_back(CPU0, LineRange::one(LINE0));
    assert_eq!(medium.guaranteed(LINE0)[0], Word::ZERO);
    assert_eq!(count(&medium), Some(2));
    let mark = Pending { line: LINE0, cpu: CPU0, version: Version(1) };
    assert_eq!(medium.pending(LINE0), [mark]);
}

#[test]
fn a_clwb_and_then_a_fence_guarantee_the_line() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "NEW");
    medium.write_back(CPU0, LineRange::one(LINE0));
    medium.fence(CPU0);
    assert_eq!(medium.guaranteed(LINE0)[0], word("NEW"));
    assert!(!medium.is_dirty(LINE0));
    assert_eq!(medium.all_pending(), []);
}

#[test]
fn a_fence_before_the_clwb_does_not_count() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "NEW");
    medium.fence(CPU0);
    medium.write_back(CPU0, LineRange::one(LINE0));
    assert_eq!(medium.guaranteed(LINE0)[0], Word::ZERO);
}

#[test]
fn a_fence_on_another_cpu_guarantees_nothing() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "NEW");
    medium.write_back(CPU0, LineRange::one(LINE0));
    let before = medium.clone();
    medium.fence(CPU1);
    assert_eq!(medium, before);
}

#[test]
fn a_fence_guarantees_the_version_at_the_clwb_and_no_later_store() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.write_back(CPU0, LineRange::one(LINE0));
    store(&mut medium, CPU0, LINE0, "B");
    medium.fence(CPU0);
    assert_eq!(first_words(&medium, LINE0), ["A", "B"].map(word));
    assert_eq!(medium.pending(LINE0), []);
}

#[test]
fn a_clwb_covers_the_earlier_stores_of_other_cpus() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.write_back(CPU1, LineRange::one(LINE0));
    medium.fence(CPU1);
    assert_eq!(medium.guaranteed(LINE0)[0], word("A"));
}

#[test]
fn a_fence_leaves_the_later_clwb_of_another_cpu_pending_at_the_same_store() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.write_back(CPU1, LineRange::one(LINE0));
    store(&mut medium, CPU0, LINE0, "B");
    medium.write_back(CPU0, LineRange::one(LINE0));
    store(&mut medium, CPU0, LINE0, "C");
    medium.fence(CPU1);
    let mark = Pending { line: LINE0, cpu: CPU0, version: Version(1) };
    assert_eq!(medium.pending(LINE0), [mark]);
    medium.fence(CPU0);
    assert_eq!(first_words(&medium, LINE0), ["B", "C"].map(word));
}

#[test]
fn a_guarantee_drops_the_marks_that_it_overtakes() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.write_back(CPU0, LineRange::one(LINE0));
    store(&mut medium, CPU0, LINE0, "B");
    medium.write_back(CPU1, LineRange::one(LINE0));
    store(&mut medium, CPU0, LINE0, "C");
    medium.fence(CPU1);
    assert_eq!(medium.all_pending(), []);
    assert_eq!(first_words(&medium, LINE0), ["B", "C"].map(word));
}

#[test]
fn a_second_clwb_of_the_same_cpu_replaces_its_first() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.write_back(CPU0, LineRange::one(LINE0));
    store(&mut medium, CPU0, LINE0, "B");
    medium.write_back(CPU0, LineRange::one(LINE0));
    assert_eq!(medium.pending(LINE0).len(), 1);
    medium.fence(CPU0);
    assert!(!medium.is_dirty(LINE0));
}

#[test]
fn a_clwb_touches_the_lines_of_its_range_only_and_clean_ones_not_at_all() {
    let mut medium = medium();
    for line in [0, 1, 3].map(LineNr) {
        store(&mut medium, CPU0, line, "NEW");
    }
    medium.write_back(CPU0, LineRange::new(LineNr(1), 2));
    medium.fence(CPU0);
    let dirty: Vec<_> = medium.dirty_lines().collect();
    assert_eq!(dirty, [LineNr(0), LineNr(3)]);
}

#[test]
fn an_eviction_raises_the_guarantee_to_the_latest_store_and_ends_write_backs() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.write_back(CPU0, LineRange::one(LINE0));
    store(&mut medium, CPU1, LINE0, "B");
    store(&mut medium, CPU1, LINE1, "C");
    medium.write_back(CPU1, LineRange::one(LINE1));
    medium.evict(LINE0);
    assert_eq!(first_words(&medium, LINE0), [word("B")]);
    assert_eq!(medium.pending(LINE0), []);
    assert_eq!(medium.all_pending(), medium.pending(LINE1));
    assert_eq!(medium.pending(LINE1).len(), 1);
    assert!(medium.is_dirty(LINE1), "evictions take one line, in any order");
    store(&mut medium, CPU0, LINE0, "D");
    medium.fence(CPU0);
    assert_eq!(first_words(&medium, LINE0), ["B", "D"].map(word));
}

#[test]
#[should_panic(expected = "eviction of line 0, which is clean")]
fn a_clean_line_cannot_be_evicted() {
    medium().evict(LINE0);
}

#[test]
fn stores_to_one_line_survive_as_prefixes_only() {
    let mut medium = medium();
    medium.store(CPU0, at(LINE0, 0), &[word("A"), word("B")]);
    let left: BTreeSet<_> =
        images(&medium, WriteQueue).map(|image| image.words(&medium)[..2].to_vec()).collect();
    let nothing = vec![Word::ZERO, Word::ZERO];
    let first = vec![word("A"), Word::ZERO];
    let both = vec![word("A"), word("B")];
    assert_eq!(left, BTreeSet::from([nothing, first, both]));
}

#[test]
fn stores_to_two_lines_survive_independently() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    store(&mut medium, CPU0, LINE1, "B");
    let left: BTreeSet<_> = images(&medium, WriteQueue)
        .map(|image| {
            let words = image.words(&medium);
            (words[0], words[8])
        })
        .collect();
    let (none, a, b) = (Word::ZERO, word("A"), word("B"));
    assert_eq!(left, BTreeSet::from([(none, none), (a, none), (none, b), (a, b)]));
}

#[test]
fn a_word_never_tears() {
    let mut medium = medium();
    let (old, new) = (Word([0x11; 8]), Word([0x22; 8]));
    medium.set_guaranteed(WordAddr(0), &[old]);
    medium.store_word(CPU0, WordAddr(0), new);
    for image in images(&medium, WriteQueue) {
        let left = image.words(&medium)[0];
        assert!(left == old || left == new, "{left:?}");
    }
}

#[test]
fn equal_neighbours_are_one_version() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    let once = medium.clone();
    store(&mut medium, CPU1, LINE0, "A");
    medium.store_nt(CPU1, at(LINE1, 0), &[Word::ZERO]);
    assert_eq!(medium, once);
    assert_eq!(hash(&medium), hash(&once));
    store(&mut medium, CPU0, LINE0, "B");
    store(&mut medium, CPU0, LINE0, "A");
    assert_eq!(first_words(&medium, LINE0)[1..], ["A", "B", "A"].map(word));
}

#[test]
fn a_non_temporal_store_is_durable_after_the_fence_of_its_cpu_only() {
    let mut medium = medium();
    medium.store_nt(CPU0, at(LINE0, 7), &[word("A"), word("B")]);
    assert!(medium.stores(LINE0)[0].nt);
    assert_eq!(count(&medium), Some(4), "it may survive before the fence, or not");
    medium.fence(CPU1);
    assert_eq!(count(&medium), Some(4));
    medium.fence(CPU0);
    assert_eq!(count(&medium), Some(1));
    assert_eq!(medium.guaranteed(LINE0)[7], word("A"));
    assert_eq!(medium.guaranteed(LINE1)[0], word("B"));
}

#[test]
fn a_non_temporal_store_that_changes_nothing_still_begins_a_write_back() {
    let mut medium = medium();
    store(&mut medium, CPU0, LINE0, "A");
    medium.store_nt(CPU1, at(LINE0, 0), &[word("A")]);
    medium.fence(CPU1);
    assert_eq!(first_words(&medium, LINE0), [word("A")]);
}

#[test]
fn histories_with_the_same_windows_are_equal() {
    let mut one = medium();
    store(&mut one, CPU0, LINE1, "B");
    store(&mut one, CPU0, LINE0, "A");
    one.write_back(CPU1, LineRange::one(LINE1));
    one.write_back(CPU0, LineRange::new(LINE0, 2));

    let mut other = medium();
    store(&mut other, CPU1, LINE0, "X");
    other.write_back(CPU1, LineRange::one(LINE0));
    store(&mut other, CPU1, LINE0, "Y");
    other.evict(LINE0);
    store(&mut other, CPU1, LINE0, "0");
    other.store(CPU1, at(LINE0, 0), &[Word::ZERO]);
    other.evict(LINE0);
    store(&mut other, CPU1, LINE0, "A");
    store(&mut other, CPU1, LINE1, "B");
    for cpu in [CPU0, CPU1, CPU0] {
        other.write_back(cpu, LineRange::one(LINE1));
    }
    other.write_back(CPU0, LineRange::one(LINE0));

    assert_eq!(one, other);
    assert_eq!(hash(&one), hash(&other));
    other.fence(CPU1);
    assert_ne!(one, other);
}

#[test]
fn whose_fence_is_awaited_and_where_is_part_of_the_state() {
    let mut unmarked = medium();
    store(&mut unmarked, CPU0, LINE0, "A");
    let [mut marked0, mut marked1] = [unmarked.clone(), unmarked.clone()];
    marked0.write_back(CPU0, LineRange::one(LINE0));
    marked1.write_back(CPU1, LineRange::one(LINE0));
    assert_ne!(unmarked, marked0);
    assert_ne!(marked0, marked1);
    assert!(images(&marked0, WriteQueue).eq(images(&marked1, WriteQueue)));
}

#[test]
fn a_clone_shares_contents_and_does_not_change_with_the_original() {
    let mut medium = SimMedium::with_words(8_192 * 512);
    let before = medium.clone();
    let far = WordAddr(8_192 * 512 - 1);
    medium.store_nt(CPU0, far, &[word("END")]);
    medium.fence(CPU0);
    assert_eq!(medium.guaranteed(far.line())[7], word("END"));
    assert_eq!(before.load_word(far), Word::ZERO);
    assert_ne!(medium, before);
    medium.clone_from(&before);
    assert_eq!(medium, before);
}

#[test]
fn reads_and_writes_cross_chunks_and_stay_within_the_medium() {
    let mut medium = SimMedium::with_words(1_032);
    let labels = ["A", "B", "C", "D"].map(word);
    medium.set_guaranteed(WordAddr(510), &labels);
    medium.set_guaranteed(WordAddr(1_028), &labels);
    let mut read = [Word::ZERO; 4];
    medium.load(WordAddr(510), &mut read);
    assert_eq!(read, labels);
    medium.load(WordAddr(1_028), &mut read);
    assert_eq!(read, labels);
    let beyond = std::panic::catch_unwind(|| medium.load_word(WordAddr(1_032)));
    assert!(beyond.is_err());
}

#[test]
fn saved_lines_come_back_exactly_and_compare_by_block() {
    let mut medium = medium();
    for line in [1, 3].map(LineNr) {
        medium.store(CPU0, at(line, 2), &[word("A"), word("B")]);
        medium.write_back(CPU1, LineRange::one(line));
        store(&mut medium, CPU0, line, "C");
    }
    store(&mut medium, CPU0, LINE0, "KEEP");
    let [mut low, mut high] = [SavedLines::default(), SavedLines::default()];
    medium.save_lines(LineRange::one(LineNr(1)), &mut low);
    medium.save_lines(LineRange::one(LineNr(3)), &mut high);
    assert_eq!(low, high);

    let before = medium.clone();
    medium.fence(CPU1);
    store(&mut medium, CPU1, LINE1, "D");
    medium.evict(LineNr(3));
    medium.save_lines(LineRange::one(LineNr(1)), &mut high);
    assert_ne!(low, high);
    for line in [1, 3].map(LineNr) {
        medium.restore_lines(line, &low);
    }
    assert_eq!(medium, before);
}

#[test]
fn ranges_of_lines_cover_every_word() {
    assert_eq!(LineRange::of_words(WordAddr(7), 2), LineRange::new(LineNr(0), 2));
    assert_eq!(LineRange::of_words(WordAddr(8), 8), LineRange::one(LineNr(1)));
    assert_eq!(LineRange::of_words(WordAddr(15), 0).lines().count(), 0);
    let range = LineRange::new(LineNr(1), 2);
    assert!(range.lines().all(|line| range.contains(line)));
    assert!(!range.contains(range.end()) && !range.contains(LineNr(0)));
}
