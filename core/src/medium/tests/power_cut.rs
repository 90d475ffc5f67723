//! The images that a power cut may leave: number, order, contents.

use super::*;

#[test]
fn the_fsync_crash_matrix_counts_4_then_4_then_1() {
    let mut medium = medium();
    store(&mut medium, CPU0, LineNr(0), "A");
    store(&mut medium, CPU0, LineNr(2), "B");
    assert_eq!(count(&medium), Some(4));
    medium.write_back(CPU0, LineRange::new(LineNr(0), 4));
    assert_eq!(count(&medium), Some(4));
    medium.fence(CPU0);
    assert_eq!(count(&medium), Some(1));
}

#[test]
fn with_the_caches_in_the_persistence_domain_one_image_is_left_and_it_is_the_latest() {
    let mut medium = medium();
    medium.store(CPU0, WordAddr(6), &[word("A"); 4]);
    assert_eq!(medium.image_count(Caches).to_string(), "1");
    let all: Vec<_> = images(&medium, Caches).collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].words(&medium)[6..10], [word("A"); 4]);
}

#[test]
fn the_count_is_exact_however_large_and_names_its_factors() {
    let count = |factors: &[u64]| ImageCount::new(factors.iter().copied());
    assert_eq!(count(&[]).formula(), "1");
    assert_eq!(count(&[1, 1]).formula(), "1");
    assert_eq!(count(&[2, 1, 3, 2]).formula(), "(2)(3)(2) = 12");
    assert_eq!(count(&[10, 1_000_000_000, 1_000]).to_string(), "10000000000000");
    assert_eq!(count(&[u64::MAX]).as_u64(), Some(u64::MAX));
    assert_eq!(count(&[u64::MAX, 2]).as_u64(), None);
    assert_eq!(count(&[u64::MAX, 2]).to_string(), "36893488147419103230");

    let mut medium = SimMedium::with_words(64 * 8);
    medium.store(CPU0, WordAddr(0), &[word("X"); 64 * 8]);
    let all = medium.image_count(WriteQueue);
    assert_eq!(all.as_u64(), None);
    let nine_to_the_64 = "11790184577738583171520872861412518665678211592275841109096961";
    assert_eq!(all.to_string(), nine_to_the_64);
}

/// Two stores in line 0, one in line 2, three in line 3.
fn with_windows_2_1_3() -> SimMedium {
    let mut medium = medium();
    medium.store(CPU0, at(LineNr(3), 0), &[word("A"), word("B"), word("C")]);
    medium.store(CPU0, at(LineNr(0), 6), &[word("D"), word("E")]);
    medium.store(CPU0, at(LineNr(2), 1), &[word("F")]);
    medium
}

#[test]
fn images_come_in_a_fixed_order_fewest_lost_lines_first() {
    let medium = with_windows_2_1_3();
    let kept: Vec<[u32; 3]> = images(&medium, WriteQueue)
        .map(|image| [0, 1, 2].map(|line| image.choice[line].kept.0))
        .collect();
    let start = [[2, 1, 3], [1, 1, 3], [0, 1, 3], [2, 0, 3], [2, 1, 2], [2, 1, 1], [2, 1, 0]];
    let two_lines = [[1, 0, 3], [0, 0, 3], [1, 1, 2], [1, 1, 1], [1, 1, 0], [0, 1, 2]];
    assert_eq!(kept[..7], start);
    assert_eq!(kept[7..13], two_lines);
    assert_eq!(kept.last(), Some(&[0, 0, 0]));
    assert_eq!(kept.len() as u64, count(&medium).unwrap());
}

#[test]
fn an_image_becomes_a_medium_with_everything_guaranteed() {
    let mut medium = with_windows_2_1_3();
    medium.write_back(CPU0, LineRange::new(LINE0, 4));
    for image in images(&medium, WriteQueue) {
        let after = image.apply(&medium);
        assert_eq!(after.dirty_lines().count() + after.all_pending().len(), 0);
        assert_eq!(after, SimMedium::new(&image.words(&medium)));
        let mut part = [Word::ZERO; 20];
        image.load(&medium, WordAddr(5), &mut part);
        assert_eq!(part[..], image.words(&medium)[5..25]);
    }
}

#[test]
#[should_panic(expected = "an image of another state of the medium")]
fn an_image_cannot_be_applied_to_another_state() {
    let mut medium = with_windows_2_1_3();
    let image = images(&medium, WriteQueue).next().unwrap();
    medium.evict(LINE0);
    let _ = image.apply(&medium);
}

#[test]
fn an_image_can_be_asked_for_by_what_is_kept() {
    let medium = with_windows_2_1_3();
    for image in images(&medium, WriteQueue) {
        let kept: Vec<_> = image.choice.iter().map(|line| (line.line, line.kept)).collect();
        assert_eq!(image_at(&medium, WriteQueue, &kept), Some(image.clone()));
        let possible = image.lost_lines() == 0;
        assert_eq!(image_at(&medium, Caches, &kept).is_some(), possible);
    }
    let some = image_at(&medium, WriteQueue, &[(LineNr(3), Version(1)), (LINE1, Version(0))]);
    assert_eq!(some.map(|image| image.lost_lines()), Some(1));
    let impossible: [&[_]; 4] = [
        &[(LineNr(3), Version(4))],
        &[(LINE1, Version(1))],
        &[(LineNr(4), Version(0))],
        &[(LINE0, Version(1)), (LINE0, Version(2))],
    ];
    for kept in impossible {
        assert_eq!(image_at(&medium, WriteQueue, kept), None, "{kept:?}");
    }
}
