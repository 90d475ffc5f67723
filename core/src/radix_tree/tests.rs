//! Tests that look inside: what [`RadixTree::check`] finds, what equality sees, where nodes go.
//! Behaviour as seen from outside is in `tests/radix_tree.rs`.

use super::*;
use crate::entry::PageId;
use std::collections::hash_map::DefaultHasher;
use std::format;
use std::hash::{Hash, Hasher};
use std::string::String;

fn page(number: u32) -> Entry {
    Entry::page(PageId(number))
}

/// A tree with an item at each index; those of `dirty` are tagged.
fn tree(indices: &[u64], dirty: &[u64]) -> RadixTree<8> {
    let mut tree = RadixTree::new();
    for &index in indices {
        tree.insert(PageIndex(index), page(index as u32)).unwrap();
    }
    for &index in dirty {
        tree.tag_set(PageIndex(index), Tag::Dirty);
    }
    tree.check().unwrap();
    tree
}

fn hash<const FAN: usize>(tree: &RadixTree<FAN>) -> u64 {
    let mut hasher = DefaultHasher::new();
    tree.hash(&mut hasher);
    hasher.finish()
}

/// The node at the end of a path of slots from the topmost node.
fn node_at(tree: &RadixTree<8>, path: &[usize]) -> NodeNr {
    path.iter().fold(tree.root.as_node().unwrap(), |nr, &offset| {
        tree.arena[nr].slots[offset].as_node().unwrap()
    })
}

/// What `check` says after `damage` to the tree of 0, 5 and 70 with 5 and 70 dirty (height 3).
fn damaged(damage: impl FnOnce(&mut RadixTree<8>)) -> String {
    let mut broken = tree(&[0, 5, 70], &[5, 70]);
    damage(&mut broken);
    broken.check().unwrap_err()
}

#[test]
fn check_finds_every_kind_of_damage() {
    let dirty = Tag::Dirty as usize;
    let top = |tree: &RadixTree<8>| node_at(tree, &[]);
    let leaf = |tree: &RadixTree<8>| node_at(tree, &[0, 0]);

    let found = damaged(|t| t.tags = t.tags.without(Tag::Dirty));
    assert_eq!(found, "INV-TAG: the root has ···, its nodes D··");
    let found = damaged(|t| t.tags = t.tags.with(Tag::Towrite));
    assert_eq!(found, "INV-TAG: the root has D·T, its nodes D··");
    let found = damaged(|t| {
        let nr = top(t);
        t.arena[nr].tags[dirty] &= !1;
    });
    assert_eq!(found, "INV-TAG: root.0: the slot has ···, below it is D··");
    let found = damaged(|t| {
        let nr = node_at(t, &[0]);
        t.arena[nr].tags[Tag::Writeback as usize] |= 1;
    });
    assert_eq!(found, "INV-TAG: root.0.0: the slot has DW·, below it is D··");
    let found = damaged(|t| {
        let nr = leaf(t);
        t.arena[nr].tags[dirty] |= 2;
    });
    assert_eq!(found, "INV-TAG: root.0.0.1: the slot is empty and has D··");
    let found = damaged(|t| {
        let nr = leaf(t);
        t.arena[nr].tags[dirty] |= 1 << 8;
    });
    assert_eq!(found, "root.0.0: a bitmap has bits behind the last slot");
    let found = damaged(|t| {
        let nr = leaf(t);
        t.arena[nr].present |= 2;
    });
    assert_eq!(found, "root.0.0.1: the record of filled slots is wrong");
    let found = damaged(|t| {
        let nr = leaf(t);
        t.arena[nr].slots[0] = Slot::EMPTY;
    });
    assert_eq!(found, "root.0.0.0: the record of filled slots is wrong");
    let found = damaged(|t| {
        let (nr, top) = (leaf(t), top(t));
        t.arena[nr].parent = top;
    });
    assert_eq!(found, "root.0.0: the link to the parent is wrong");
    let found = damaged(|t| {
        let nr = top(t);
        t.arena[nr].slots[1] = t.arena[nr].slots[0];
    });
    assert_eq!(found, "root.1: the node is in the tree twice");
    let found = damaged(|t| {
        let nr = top(t);
        t.arena[nr].slots[0] = Slot::item(page(9));
    });
    assert_eq!(found, "root.0: an item above a leaf");
    let found = damaged(|t| {
        let (nr, top) = (leaf(t), top(t));
        t.arena[nr].slots[0] = Slot::node(top);
    });
    assert_eq!(found, "root.0.0.0: a node in a leaf");
    let found = damaged(|t| t.height = 0);
    assert_eq!(found, "height 0, but the root holds a node");
    let found = damaged(|t| t.root = Slot::EMPTY);
    assert_eq!(found, "height 3, but the root holds no node");
}

#[test]
fn check_finds_lost_nodes_and_needless_levels() {
    let found = damaged(|t| {
        t.arena.alloc(NodeNr::NONE, 0);
    });
    assert_eq!(found, "5 nodes in the tree, 6 allocated");

    // A free node with a tag, as in the kernel's regression 2.
    let mut freed = tree(&[0, 5, 70], &[70]);
    freed.delete(PageIndex(70));
    freed.check().unwrap();
    let nr = freed.arena.first_free();
    freed.arena[nr].tags[0] = 1;
    assert_eq!(freed.check().unwrap_err(), "a free node has content");

    let mut high = tree(&[0, 5], &[5]);
    let old = high.root.as_node().unwrap();
    let new = high.arena.alloc(NodeNr::NONE, 0);
    high.arena[old].parent = new;
    high.arena[new].slots[0] = high.root;
    high.arena[new].present = 1;
    high.arena[new].tags[0] = 1;
    high.root = Slot::node(new);
    high.height = 2;
    assert_eq!(
        high.check().unwrap_err(),
        "height 2 is not minimal: only slot 0 of the top is filled"
    );

    let mut tagged = RadixTree::<8>::new();
    tagged.tags = TagSet::NONE.with(Tag::Dirty);
    assert_eq!(tagged.check().unwrap_err(), "INV-TAG: the tree is empty, the root has D··");
}

#[test]
fn equality_and_hash_ignore_node_numbers_and_free_nodes() {
    let straight = tree(&[0, 5, 70, 600], &[5]);
    let mut winding = tree(&[600, 4096, 70, 9], &[70]);
    winding.delete(PageIndex(9));
    winding.insert(PageIndex(5), page(5)).unwrap();
    winding.tag_set(PageIndex(5), Tag::Dirty);
    winding.insert(PageIndex(0), page(0)).unwrap();
    winding.tag_clear(PageIndex(70), Tag::Dirty);
    winding.delete(PageIndex(4096));
    assert_ne!(straight.arena.allocated(), winding.arena.allocated(), "the histories differ");
    assert_eq!(straight, winding);
    assert_eq!(hash(&straight), hash(&winding));
    assert_eq!(format!("{straight:?}"), format!("{winding:?}"));
}

#[test]
fn a_wrong_tag_summary_makes_trees_unequal() {
    let right = tree(&[0, 5, 70], &[5]);
    for path in [&[][..], &[0]] {
        let mut wrong = right.clone();
        let nr = node_at(&wrong, path);
        wrong.arena[nr].tags[Tag::Towrite as usize] |= 1;
        assert_ne!(right, wrong, "a dangling bit at {path:?}");
        assert_ne!(hash(&right), hash(&wrong));
    }
    let mut wrong = right.clone();
    wrong.tags = wrong.tags.without(Tag::Dirty);
    assert_ne!(right, wrong, "a lost bit in the root");
    assert_ne!(hash(&right), hash(&wrong));
}

/// The kernel's regression 2: a level removed from the top took its tag bits along into the pool
/// of free nodes, and the next tree to use the node had a tag that no item had.
#[test]
fn a_reused_node_has_no_tag_of_its_former_life() {
    let mut tree = tree(&[0, 1, 8], &[0, 1, 8]);
    tree.delete(PageIndex(8));
    assert_eq!(tree.arena.allocated() - tree.arena.live(), 2, "two free nodes");
    tree.tag_clear(PageIndex(0), Tag::Dirty);
    tree.tag_clear(PageIndex(1), Tag::Dirty);
    let allocated = tree.arena.allocated();
    tree.insert(PageIndex(8), page(8)).unwrap();
    assert_eq!(tree.arena.allocated(), allocated, "freed nodes are used again");
    tree.check().unwrap();
    assert!(!tree.tagged(Tag::Dirty));
    assert_eq!(tree.iter_tagged(.., Tag::Dirty).count(), 0);
}

#[test]
fn nothing_is_allocated_after_everything_is_deleted() {
    let mut tree = tree(&[0, 5, 70, 600, u64::MAX], &[5, u64::MAX]);
    for index in [600, u64::MAX, 0, 5, 70] {
        assert!(tree.delete(PageIndex(index)).is_some());
        tree.check().unwrap();
    }
    assert_eq!(tree.arena.live(), 0);
    assert_eq!(tree.height, 0);
    assert_eq!(tree.tags, TagSet::NONE);
    assert_eq!(tree, RadixTree::new());
}

/// TREE-9 the other way round: the five dirty items lie in three leaves.
#[test]
fn tagging_on_the_way_down_dangles_only_where_a_range_ends_early() {
    let all = [0, 5, 9, 70, 71, u64::MAX];
    let dirty = [5, 9, 70, 71, u64::MAX];
    for (first, last, found, dangles) in [
        (0, 3, 0, true),
        (0, 4, 0, true),
        (0, 63, 2, false),
        (6, 8, 0, true),
        (70, 70, 1, false),
        (64, 69, 0, true),
        (72, u64::MAX - 1, 0, true),
        (0, u64::MAX, 5, false),
    ] {
        let (first, last) = (PageIndex(first), PageIndex(last));
        let mut down = tree(&all, &dirty);
        let mut up = down.clone();
        let (count, _) = up.range_tag_if_tagged(first, last, u64::MAX, Tag::Dirty, Tag::Towrite);
        assert_eq!(down.range_tag_downward(first, last, Tag::Dirty, Tag::Towrite), count);
        assert_eq!(count, found, "{first} to {last}");
        assert!(down.iter_tagged(.., Tag::Towrite).eq(up.iter_tagged(.., Tag::Towrite)));
        let says = down.check().err();
        assert_eq!(says.is_some_and(|why| why.starts_with("INV-TAG")), dangles);
        assert_eq!(down == up, !dangles, "{first} to {last}");
    }
}

#[test]
fn tagging_on_the_way_down_in_a_tree_without_a_node() {
    let mut down = tree(&[0], &[0]);
    let far = down.range_tag_downward(PageIndex(1), PageIndex(9), Tag::Dirty, Tag::Towrite);
    assert_eq!((far, down.tags(PageIndex(0)).has(Tag::Towrite)), (0, false));
    let here = down.range_tag_downward(PageIndex(0), PageIndex(9), Tag::Dirty, Tag::Towrite);
    assert_eq!((here, down.tags(PageIndex(0)).has(Tag::Towrite)), (1, true));
    down.check().unwrap();
}

/// The emptied subtree leaves its bit behind; whoever looks for TOWRITE passes over it.
#[test]
fn a_bit_that_dangles_misleads_nobody() {
    let mut down = tree(&[0, 5, 70, 130], &[5, 70]);
    down.range_tag_downward(PageIndex(0), PageIndex(65), Tag::Dirty, Tag::Towrite);
    assert_eq!(down.delete(PageIndex(70)), Some(page(70)));
    down.insert(PageIndex(200), page(200)).unwrap();
    let towrite = |tree: &RadixTree<8>| tree.iter_tagged(.., Tag::Towrite).count();
    assert_eq!(towrite(&down), 1);
    assert!(down.check().unwrap_err().starts_with("INV-TAG"));
    down.tag_clear(PageIndex(5), Tag::Towrite);
    assert_eq!(towrite(&down), 0);
    for index in [0, 5, 130, 200] {
        down.delete(PageIndex(index)).unwrap();
    }
    assert_eq!(down, RadixTree::new());
}

/// All that can be done to a slot after one walk, in a leaf and in the root slot.
#[test]
fn a_slot_takes_several_changes() {
    for (indices, index) in [(&[0][..], 0), (&[3, 70, 71][..], 70)] {
        let mut slots = tree(indices, &[]);
        let mut calls = slots.clone();
        let index = PageIndex(index);
        let mut slot = slots.lookup_slot(index).unwrap();
        assert_eq!((slot.item(), slot.has(Tag::Dirty)), (page(index.0 as u32), false));
        slot.tag_set(Tag::Dirty);
        slot.tag_set(Tag::Towrite);
        slot.replace(page(9));
        assert_eq!((slot.item(), slot.has(Tag::Dirty)), (page(9), true));
        slot.tag_clear(Tag::Towrite);
        assert!(slot.has(Tag::Dirty) && !slot.has(Tag::Towrite));

        calls.tag_set(index, Tag::Dirty);
        calls.replace(index, page(9));
        assert_eq!(slots, calls);
        slots.check().unwrap();
        assert!(slots.lookup_slot(PageIndex(5)).is_none());
    }
}
