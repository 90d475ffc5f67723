//! Bytes at the places where jbd2 has them, and what is refused.

use super::*;
use crate::config::Geometry;
use crate::jbd::LogLayout;
use crate::units::LogBlockNr;
use std::string::ToString;

const T5: Tid = Tid(5);

fn bytes(block: &[Word]) -> Vec<u8> {
    block.iter().flat_map(|word| word.0).collect()
}

fn filled(label: &str, words: usize) -> Vec<Word> {
    vec![Word::label(label).unwrap(); words]
}

fn logged(count: usize, copy: &[Word]) -> Vec<LoggedBlock<'_>> {
    (0..count)
        .map(|n| LoggedBlock { home: BlockNr(7 * n as u64), copy, escaped: n % 3 == 1 })
        .collect()
}

#[test]
fn a_descriptor_block_has_the_bytes_of_jbd2() {
    let (x, y) = (filled("X", 32), filled("Y", 32));
    let block = descriptor_block(
        T5,
        &[
            LoggedBlock { home: BlockNr(9), copy: &x, escaped: false },
            LoggedBlock { home: BlockNr(0x0102_0304), copy: &y, escaped: true },
        ],
    );
    let found = bytes(&block);
    assert_eq!(found[..12], [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 1, 0, 0, 0, 5]);
    assert_eq!(found[12..24], [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(found[24..28], copy_checksum(T5, &x).to_be_bytes());
    assert_eq!(found[28..44], UUID);
    assert_eq!(found[44..56], [1, 2, 3, 4, 0, 0, 0, 1 | 2 | 8, 0, 0, 0, 0]);
    assert_eq!(found[56..60], copy_checksum(T5, &y).to_be_bytes());
    assert_eq!(found[60..252], [0; 192]);
    assert_eq!(
        found[252..],
        crc32c(crc32c(INITIAL, &UUID), &[&found[..252], &[0; 4]].concat()).to_be_bytes()
    );
}

#[test]
fn a_revoke_block_has_the_bytes_of_jbd2() {
    let found = bytes(&revoke_block(32, T5, &[BlockNr(9), BlockNr(0x0102_0304)]));
    assert_eq!(found[..12], [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 5, 0, 0, 0, 5]);
    assert_eq!(found[12..24], [0, 0, 0, 24, 0, 0, 0, 9, 1, 2, 3, 4]);
    assert_eq!(found[24..252], [0; 228]);
    assert_eq!(
        found[252..],
        crc32c(crc32c(INITIAL, &UUID), &[&found[..252], &[0; 4]].concat()).to_be_bytes()
    );
}

#[test]
fn a_commit_block_has_the_bytes_of_jbd2() {
    let found = bytes(&commit_block(32, T5));
    assert_eq!(found[..16], [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0]);
    let mut zeroed = found.clone();
    zeroed[16..20].fill(0);
    assert_eq!(found[16..20], crc32c(crc32c(INITIAL, &UUID), &zeroed).to_be_bytes());
    assert_eq!(found[20..], [0; 236]);
}

#[test]
fn a_journal_superblock_has_the_bytes_of_jbd2() {
    let superblock = Superblock { sequence: Tid(7), start: Some(LogBlockNr(2)) };
    for (geometry, size, maxlen) in
        [(Geometry::TEACHING, 256, 17), (Geometry::KERNEL, 4_096, 1_025)]
    {
        let found = bytes(&superblock.encode(&LogLayout::of(&geometry)));
        let number = |at: usize| u32::from_be_bytes(found[at..at + 4].try_into().unwrap());
        assert_eq!(found.len() as u32, size);
        let numbers: Vec<u32> = (0..12).map(|n| number(4 * n)).collect();
        assert_eq!(numbers, [MAGIC, 4, 0, size, maxlen, 1, 7, 2, 0, 0, 0x11, 0]);
        assert_eq!(found[0x30..0x40], UUID);
        assert_eq!(found[0x40..0x44], [0, 0, 0, 1]);
        assert_eq!(found[0x50], 4);
        let mut covered = found.clone();
        covered[0xfc..0x100].fill(0);
        covered.resize(1_024, 0);
        assert_eq!(number(0xfc), crc32c(INITIAL, &covered));
    }
}

#[test]
fn as_many_tags_and_revokes_fit_as_in_jbd2() {
    assert_eq!([tags_per_descriptor(32), tags_per_descriptor(512)], [13, 253]);
    assert_eq!([revokes_per_block(32), revokes_per_block(512)], [59, 1_019]);
}

#[test]
fn descriptor_revoke_and_commit_blocks_round_trip_at_every_size() {
    for words in [32, 512] {
        let copy = filled("X", words);
        for count in 1..=tags_per_descriptor(words) {
            let logged = logged(count, &copy);
            let block = descriptor_block(T5, &logged);
            assert_eq!(count_tags(&block), count as u32);
            let tag = |logged: &LoggedBlock<'_>| DescriptorTag {
                home: logged.home,
                escaped: logged.escaped,
                checksum: copy_checksum(T5, logged.copy),
            };
            let tags = logged.iter().map(tag).collect();
            assert_eq!(decode(&block, T5), Ok(Control::Descriptor(tags)));
        }
        for count in [0, 1, 2, revokes_per_block(words)] {
            let revoked: Vec<_> = (0..count as u64).map(|n| BlockNr(3 * n)).collect();
            let block = revoke_block(words, T5, &revoked);
            assert_eq!(decode(&block, T5), Ok(Control::Revoke(revoked)));
        }
        assert_eq!(decode(&commit_block(words, T5), T5), Ok(Control::Commit));
    }
}

#[test]
fn journal_superblocks_round_trip() {
    for geometry in [Geometry::TEACHING, Geometry::KERNEL] {
        let layout = LogLayout::of(&geometry);
        for start in [None, Some(1), Some(layout.len)] {
            for sequence in [0, 1, u32::MAX] {
                let start = start.map(LogBlockNr);
                let superblock = Superblock { sequence: Tid(sequence), start };
                let decoded = Superblock::decode(&superblock.encode(&layout), &layout);
                assert_eq!(decoded, Ok(superblock));
            }
        }
    }
}

#[test]
fn every_reason_to_refuse_a_block_is_told() {
    let copy = filled("X", 32);
    let descriptor = descriptor_block(T5, &logged(2, &copy));
    let revoke = revoke_block(32, T5, &[BlockNr(9)]);
    let with = |block: &[Word], at: usize, value: u32| {
        let mut block = block.to_vec();
        put_be32(&mut block, at, value);
        block
    };
    let resealed = |block: &[Word], at: usize, value: u32| {
        let mut block = with(&with(block, at, value), 252, 0);
        seal(&mut block, 252, 252);
        block
    };
    let bad = NotControl::BadChecksum;
    for (block, why, words) in [
        (copy.clone(), NotControl::NoMagic, "no magic"),
        (with(&descriptor, 8, 4), NotControl::OtherTid(Tid(4)), "belongs to T4"),
        (with(&descriptor, 4, 4), NotControl::UnknownType(4), "unknown block type 4"),
        (
            with(&descriptor, 248, 1),
            bad(BlockType::Descriptor),
            "bad checksum of a descriptor block",
        ),
        (with(&revoke, 248, 1), bad(BlockType::Revoke), "bad checksum of a revoke block"),
        (
            with(&commit_block(32, T5), 248, 1),
            bad(BlockType::Commit),
            "bad checksum of a commit block",
        ),
        (resealed(&revoke, 12, 15), NotControl::BadCount(15), "revoke block that uses 15 bytes"),
        (resealed(&revoke, 12, 253), NotControl::BadCount(253), "revoke block that uses 253 bytes"),
    ] {
        assert_eq!(decode(&block, T5), Err(why));
        assert_eq!(why.to_string(), words);
    }
}

#[test]
fn one_wrong_bit_anywhere_is_noticed() {
    let copy = filled("X", 32);
    let flips = |block: &[Word]| -> Vec<Vec<Word>> {
        let flip = |bit: usize| {
            let mut block = block.to_vec();
            block[bit / 64].0[bit / 8 % 8] ^= 1 << (bit % 8);
            block
        };
        (0..64 * block.len()).map(flip).collect()
    };
    for block in [
        descriptor_block(T5, &logged(3, &copy)),
        revoke_block(32, T5, &[BlockNr(9)]),
        commit_block(32, T5),
    ] {
        assert!(flips(&block).iter().all(|block| decode(block, T5).is_err()));
    }
    let layout = LogLayout::of(&Geometry::TEACHING);
    let superblock = Superblock { sequence: T5, start: None }.encode(&layout);
    assert!(flips(&superblock).iter().all(|block| Superblock::decode(block, &layout).is_err()));
    let checksum = copy_checksum(T5, &copy);
    assert!(flips(&copy).iter().all(|copy| copy_checksum(T5, copy) != checksum));
    assert_ne!(copy_checksum(Tid(6), &copy), checksum, "the transaction is covered too");
}

#[test]
fn a_sound_superblock_of_another_journal_is_refused_with_the_difference() {
    let layout = LogLayout::of(&Geometry::TEACHING);
    let good = Superblock { sequence: T5, start: None }.encode(&layout);
    let refused =
        |layout: &LogLayout, block: &[Word]| Superblock::decode(block, layout).unwrap_err();
    let resealed = |at: usize, value: u32| {
        let mut block = good.clone();
        put_be32(&mut block, at, value);
        put_be32(&mut block, 0xfc, 0);
        let mut covered = bytes(&block);
        covered.resize(1_024, 0);
        put_be32(&mut block, 0xfc, crc32c(INITIAL, &covered));
        block
    };
    assert_eq!(refused(&layout, &good[1..]), "journal superblock of 31 words, expected 32");
    assert_eq!(refused(&layout, &resealed(0, 0)), "no journal superblock");
    assert_eq!(refused(&layout, &resealed(4, 3)), "no journal superblock");
    let shorter = LogLayout { len: 8, ..layout };
    assert_eq!(refused(&shorter, &good), "journal superblock: 17 at byte 0x10, not 9");
    assert_eq!(refused(&layout, &resealed(0x28, 3)), "journal superblock: 3 at byte 0x28, not 17");
    assert_eq!(refused(&layout, &resealed(0x30, 3)), "the journal has a foreign UUID");
    assert_eq!(refused(&layout, &resealed(0x1c, 17)), "the log starts at block 17 of 16");
}

#[test]
fn a_block_that_begins_with_the_magic_is_escaped_and_no_other_is() {
    let mut block = filled("X", 32);
    assert_eq!(escape(&block), None);
    put_be32(&mut block, 0, MAGIC);
    let mut copy = escape(&block).unwrap();
    assert_eq!(bytes(&copy)[..8], *b"\0\0\0\0    ");
    assert_eq!(decode(&copy, T5), Err(NotControl::NoMagic));
    unescape(&mut copy);
    assert_eq!(copy, block);
}

#[test]
fn a_descriptor_block_without_a_last_tag_is_read_to_its_end() {
    let copy = filled("X", 32);
    let mut block = descriptor_block(T5, &logged(13, &copy));
    for at in [HEADER + UUID.len() + 13 * TAG, HEADER + UUID.len() + 12 * TAG] {
        put_be32(&mut block, at + 4, FLAG_SAME_UUID);
    }
    put_be32(&mut block, 252, 0);
    seal(&mut block, 252, 252);
    assert_eq!(count_tags(&block), 14, "a tag more than jbd2 writes");
    let Ok(Control::Descriptor(tags)) = decode(&block, T5) else { panic!("it is sound") };
    assert_eq!(tags.len(), 14);
}
