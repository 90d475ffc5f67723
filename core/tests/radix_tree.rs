//! The radix tree from outside: named cases, then every short history and many random ones against
//! a plain ordered map.

use daxscope_core::entry::{DaxEntry, Entry, PageId};
use daxscope_core::radix_tree::{Exists, NodeView, RadixTree, SlotItem};
use daxscope_core::tag::{Tag, TagSet};
use daxscope_core::units::{BlockNr, PageIndex};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use Tag::{Dirty, Towrite, Writeback};

/// Pages and DAX entries in turn, all different.
fn entry(number: u32) -> Entry {
    if number & 1 == 0 {
        return Entry::page(PageId(number));
    }
    Entry::dax(DaxEntry {
        block: BlockNr(u64::from(number)),
        locked: number & 2 != 0,
        empty: false,
    })
}

fn tree<const FAN: usize>(indices: &[u64]) -> RadixTree<FAN> {
    let mut tree = RadixTree::new();
    for &index in indices {
        tree.insert(PageIndex(index), entry(index as u32)).unwrap();
    }
    tree.check().unwrap();
    tree
}

fn indices<const FAN: usize>(tree: &RadixTree<FAN>) -> Vec<u64> {
    tree.iter(..).map(|(index, _)| index.0).collect()
}

fn tagged<const FAN: usize>(tree: &RadixTree<FAN>, tag: Tag) -> Vec<u64> {
    tree.iter_tagged(.., tag).map(|(index, _)| index.0).collect()
}

fn hash<T: std::hash::Hash>(value: &T) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

fn top<const FAN: usize>(tree: &RadixTree<FAN>) -> NodeView<'_, FAN> {
    match tree.root().item() {
        SlotItem::Node(node) => node,
        other => panic!("no node in the root: {other:?}"),
    }
}

// Named cases.

#[test]
fn a_single_item_at_index_0_sits_in_the_root() {
    let mut tree = tree::<64>(&[0]);
    assert_eq!((tree.height(), tree.node_count()), (0, 0));
    assert!(matches!(tree.root().item(), SlotItem::Item(item) if item == entry(0)));
    tree.tag_set(PageIndex(0), Writeback);
    assert_eq!(tree.tags(PageIndex(0)), TagSet::NONE.with(Writeback));
    assert_eq!(tree.root().tags(), TagSet::NONE.with(Writeback));
    assert_eq!(tree.insert(PageIndex(0), entry(1)), Err(Exists));
    assert_eq!(tree.replace(PageIndex(0), entry(1)), Some(entry(0)));
    assert!(tree.tag_get(PageIndex(0), Writeback), "a replaced item keeps the tags");
    assert_eq!(tree.lookup(PageIndex(1)), None, "not even one node: index 1 is not covered");
    assert_eq!(tree.delete(PageIndex(0)), Some(entry(1)));
    assert!(!tree.tagged(Writeback));
    assert!(tree.is_empty());
    tree.check().unwrap();
}

#[test]
fn an_item_beyond_index_0_gets_its_whole_path_of_nodes() {
    for (index, height) in [(1, 1), (63, 1), (64, 2), (4095, 2), (4096, 3), (u64::MAX, 11)] {
        let tree = tree::<64>(&[index]);
        assert_eq!((tree.height(), tree.node_count()), (height, height as usize), "index {index}");
    }
    assert_eq!(tree::<8>(&[u64::MAX]).height(), 22);
    assert_eq!(tree::<2>(&[u64::MAX]).height(), 64);
    assert_eq!(tree::<16>(&[u64::MAX]).height(), 16);
}

#[test]
fn s02_grows_to_heights_0_1_3_and_shrinks_to_1() {
    let mut tree = RadixTree::<8>::new();
    for (index, height) in [(0, 0), (5, 1), (70, 3)] {
        tree.insert(PageIndex(index), entry(index as u32)).unwrap();
        assert_eq!(tree.height(), height);
        tree.check().unwrap();
    }
    tree.tag_set(PageIndex(5), Dirty);
    tree.tag_set(PageIndex(70), Dirty);
    let done = tree.range_tag_if_tagged(PageIndex(0), PageIndex(63), 4096, Dirty, Towrite);
    assert_eq!(done, (1, None));
    assert_eq!(tagged(&tree, Towrite), [5]);
    // TOWRITE on 5 and its ancestors only.
    let above: Vec<_> = top(&tree).slots().map(|slot| slot.tags.has(Towrite)).collect();
    assert_eq!(above, [true, false, false, false, false, false, false, false]);
    assert_eq!(tree.delete(PageIndex(70)), Some(entry(70)));
    assert_eq!(tree.height(), 1);
    assert_eq!(indices(&tree), [0, 5]);
    assert_eq!(tree.tags(PageIndex(5)), TagSet::NONE.with(Dirty).with(Towrite));
    tree.check().unwrap();
}

#[test]
fn growth_carries_the_tags_that_occur() {
    for first in [0, 5] {
        let mut tree = tree::<8>(&[first]);
        tree.tag_set(PageIndex(first), Dirty);
        tree.tag_set(PageIndex(first), Towrite);
        for index in [8, 70, u64::MAX] {
            tree.insert(PageIndex(index), entry(1)).unwrap();
            tree.check().unwrap();
            let slot = top(&tree).slots().next().unwrap();
            assert_eq!(slot.tags, TagSet::NONE.with(Dirty).with(Towrite));
            assert_eq!(tagged(&tree, Dirty), [first]);
            assert_eq!(tagged(&tree, Writeback), []);
        }
    }
}

/// TREE-9: the range ends inside a subtree whose dirty leaf lies behind it.
#[test]
fn range_tagging_leaves_nothing_dangling() {
    let mut tree = tree::<8>(&[0, 5, 70]);
    tree.tag_set(PageIndex(5), Dirty);
    let before = tree.clone();
    let done = tree.range_tag_if_tagged(PageIndex(0), PageIndex(3), 4096, Dirty, Towrite);
    assert_eq!(done, (0, None));
    assert!(!tree.tagged(Towrite));
    assert_eq!(tree, before);
    tree.check().unwrap();
}

#[test]
fn range_tagging_stops_at_its_limit_and_goes_on_from_there() {
    let mut tree = tree::<8>(&[1, 2, 3, 9, 70, 71, u64::MAX]);
    for index in indices(&tree) {
        tree.tag_set(PageIndex(index), Dirty);
    }
    let (mut from, mut counts) = (Some(PageIndex(2)), Vec::new());
    while let Some(first) = from {
        let last = PageIndex(u64::MAX);
        let (count, next) = tree.range_tag_if_tagged(first, last, 2, Dirty, Towrite);
        counts.push((count, next.map(|next| next.0)));
        from = next;
        tree.check().unwrap();
    }
    assert_eq!(counts, [(2, Some(4)), (2, Some(71)), (2, None)]);
    assert_eq!(tagged(&tree, Towrite), [2, 3, 9, 70, 71, u64::MAX]);
}

#[test]
#[should_panic(expected = "tag DIRTY set on page 6, which holds no item")]
fn tagging_a_missing_item_panics() {
    tree::<8>(&[5]).tag_set(PageIndex(6), Dirty);
}

#[test]
fn deleting_everything_leaves_no_node() {
    let all = [0, 1, 7, 8, 63, 64, 511, 4096, 1 << 31, 1 << 32, u64::MAX - 1, u64::MAX];
    let mut tree = tree::<8>(&all);
    for index in all {
        tree.tag_set(PageIndex(index), Dirty);
    }
    for index in all.into_iter().rev() {
        assert_eq!(tree.delete(PageIndex(index)), Some(entry(index as u32)));
        assert_eq!(tree.delete(PageIndex(index)), None);
        tree.check().unwrap();
    }
    assert_eq!((tree.node_count(), tree.height()), (0, 0));
    assert_eq!(tree, RadixTree::new());
    assert_eq!(hash(&tree), hash(&RadixTree::<8>::new()));
}

#[test]
fn the_view_shows_ranges_counts_and_places() {
    let mut tree = tree::<8>(&[0, 5, 70]);
    tree.tag_set(PageIndex(70), Dirty);
    let top = top(&tree);
    assert_eq!((top.shift(), top.height_above_leaf(), top.count()), (6, 2, 2));
    assert_eq!(top.offset_in_parent(), None);
    let slots: Vec<_> = top.slots().collect();
    assert_eq!(slots.len(), 8);
    assert_eq!((slots[1].first, slots[1].last), (PageIndex(64), PageIndex(127)));
    assert_eq!(slots[1].tags, TagSet::NONE.with(Dirty));
    assert!(matches!(slots[2].item, SlotItem::Empty));
    let SlotItem::Node(middle) = slots[1].item else { panic!("{:?}", slots[1]) };
    assert_eq!((middle.offset_in_parent(), middle.count()), (Some(1), 1));
    let SlotItem::Node(leaf) = middle.slots().next().unwrap().item else { panic!("{middle:?}") };
    assert_eq!((leaf.shift(), leaf.height_above_leaf()), (0, 0));
    assert_eq!((leaf.first_index(), leaf.count()), (PageIndex(64), 1));
    let slot = leaf.slots().nth(6).unwrap();
    assert_eq!((slot.offset, slot.first, slot.last), (6, PageIndex(70), PageIndex(70)));
    assert!(matches!(slot.item, SlotItem::Item(item) if item == entry(70)));
}

#[test]
fn the_view_of_a_full_height_tree_ends_at_the_last_index() {
    let tree = tree::<8>(&[u64::MAX]);
    let slots: Vec<_> = top(&tree).slots().collect();
    assert_eq!(slots.len(), 2, "bit 63 alone chooses in the topmost node");
    assert_eq!((slots[1].first, slots[1].last), (PageIndex(1 << 63), PageIndex(u64::MAX)));
    let tree = self::tree::<64>(&[u64::MAX]);
    let slots: Vec<_> = top(&tree).slots().collect();
    assert_eq!((slots.len(), slots[15].last), (16, PageIndex(u64::MAX)));
}

/// The kernel's own user-space test looks around these places.
#[test]
fn gang_lookups_work_where_32_bits_end() {
    fn around<const FAN: usize>(middle: u64) {
        let all: Vec<u64> = (middle - 20..middle + 20).collect();
        let mut tree = tree::<FAN>(&all);
        let mut into = [(PageIndex(0), entry(0)); 16];
        let first = PageIndex(middle - 3);
        assert_eq!(tree.gang_lookup(first, &mut into), 16);
        let found = into.map(|(index, _)| index.0);
        assert_eq!(found[..], all[17..33]);
        assert_eq!(tree.gang_lookup(PageIndex(middle + 20), &mut into), 0);
        for index in [middle - 4, middle - 3, middle + 19] {
            tree.tag_set(PageIndex(index), Towrite);
        }
        assert_eq!(tree.gang_lookup_tag(first, Towrite, &mut into), 2);
        assert_eq!(into[0], (first, entry(first.0 as u32)));
        assert_eq!(into[1].0, PageIndex(middle + 19));
        tree.check().unwrap();
    }
    for middle in [1 << 30, 1 << 31, 0xffff_0000, 0xffff_fffe, 1 << 32, u64::MAX - 20] {
        around::<8>(middle);
        around::<64>(middle);
    }
    let last = tree::<8>(&[u64::MAX]);
    assert_eq!(last.gang_lookup(PageIndex(0), &mut []), 0);
    assert_eq!(indices(&last), [u64::MAX], "no wrap behind the last index");
}

/// The kernel's regression 3 looped for ever when an item moved between root slot and node.
#[test]
fn walks_end_at_height_0_and_after_growth() {
    let mut tree = tree::<64>(&[0]);
    tree.tag_set(PageIndex(0), Dirty);
    assert_eq!((indices(&tree), tagged(&tree, Dirty)), (vec![0], vec![0]));
    assert_eq!(tree.iter(PageIndex(1)..).next(), None);
    tree.insert(PageIndex(1), entry(1)).unwrap();
    assert_eq!((indices(&tree), tagged(&tree, Dirty)), (vec![0, 1], vec![0]));
    tree.delete(PageIndex(1));
    assert_eq!((indices(&tree), tagged(&tree, Dirty)), (vec![0], vec![0]));
}

/// As the kernel's `copy_tag_check`: many items, a quarter of them tagged, tags copied in a range.
#[test]
fn tags_are_copied_within_a_range_of_many_items() {
    let mut tree = RadixTree::<64>::new();
    let mut expected = Vec::new();
    let (first, last) = (1 << 20, 3 << 20);
    let mut index: u64 = 1;
    for number in 0..50_000 {
        index = index.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1) % (1 << 22);
        if tree.insert(PageIndex(index), entry(number)).is_ok() && number & 3 == 0 {
            tree.tag_set(PageIndex(index), Dirty);
            if (first..=last).contains(&index) {
                expected.push(index);
            }
        }
    }
    expected.sort_unstable();
    let (count, next) =
        tree.range_tag_if_tagged(PageIndex(first), PageIndex(last), u64::MAX, Dirty, Towrite);
    assert_eq!((count, next), (expected.len() as u64, None));
    assert!(count > 4_000, "only {count} items were in the range");
    assert_eq!(tagged(&tree, Towrite), expected);
    tree.check().unwrap();
    for index in indices(&tree) {
        tree.delete(PageIndex(index));
    }
    assert_eq!(tree.node_count(), 0);
}

#[test]
fn the_text_has_height_tags_and_items() {
    let mut tree = RadixTree::<8>::new();
    assert_eq!(format!("{tree:?}"), "RadixTree<8>(height 0, ···)");
    tree.insert(PageIndex(5), Entry::page(PageId(1))).unwrap();
    tree.tag_set(PageIndex(5), Dirty);
    assert_eq!(format!("{tree:?}"), "RadixTree<8>(height 1, D··, 5 D·· Page(PageId(1)))");
}

// The oracle.

type Tags = [bool; 3];

/// An ordered map with the same operations, too simple to be wrong.
#[derive(Clone, PartialEq, Default, Debug)]
struct Oracle(BTreeMap<u64, (Entry, Tags)>);

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u64, Entry),
    Replace(u64, Entry),
    Delete(u64),
    Set(u64, Tag),
    Clear(u64, Tag),
    RangeTag {
        first: u64,
        last: u64,
        limit: u64,
        iftag: Tag,
        settag: Tag,
    },
    /// Look at everything from an index to another.
    Read {
        first: u64,
        last: u64,
        gang: usize,
    },
}

impl Oracle {
    fn range_tag(&mut self, op: Op) -> (u64, Option<PageIndex>) {
        let Op::RangeTag { first, last, limit, iftag, settag } = op else { unreachable!() };
        let any = self.0.values().any(|(_, tags)| tags[iftag as usize]);
        if first > last || !any {
            return (0, None);
        }
        if limit == 0 {
            return (0, Some(PageIndex(first)));
        }
        let mut count = 0;
        for (&index, (_, tags)) in self.0.range_mut(first..=last) {
            if tags[iftag as usize] {
                tags[settag as usize] = true;
                count += 1;
                if count == limit {
                    return (count, (index < last).then(|| PageIndex(index + 1)));
                }
            }
        }
        (count, None)
    }

    fn range(&self, first: u64, last: u64, tag: Option<Tag>) -> Vec<(PageIndex, Entry)> {
        let wanted = |tags: &Tags| tag.is_none_or(|tag| tags[tag as usize]);
        let items = self.0.iter().filter(|&(&index, _)| first <= index && index <= last);
        let items = items.filter(|(_, (_, tags))| wanted(tags));
        items.map(|(&index, &(entry, _))| (PageIndex(index), entry)).collect()
    }

    /// Levels that the largest index needs.
    fn height(&self, fan: u64) -> u32 {
        let (mut rest, mut height) = (self.0.keys().next_back().copied().unwrap_or(0), 0);
        while rest > 0 {
            rest /= fan;
            height += 1;
        }
        height
    }

    /// Nodes: one for each different prefix of an index, on each level.
    fn nodes(&self, fan: u64) -> usize {
        let mut prefixes: Vec<u64> = self.0.keys().copied().collect();
        let mut nodes = 0;
        for _ in 0..self.height(fan) {
            prefixes.iter_mut().for_each(|prefix| *prefix /= fan);
            prefixes.dedup();
            nodes += prefixes.len();
        }
        nodes
    }
}

/// Does the same to both and compares what they return.
fn apply<const FAN: usize>(tree: &mut RadixTree<FAN>, oracle: &mut Oracle, op: Op) {
    match op {
        Op::Insert(index, entry) => {
            let free = !oracle.0.contains_key(&index);
            if free {
                oracle.0.insert(index, (entry, Tags::default()));
            }
            let done = tree.insert(PageIndex(index), entry);
            assert_eq!(done, if free { Ok(()) } else { Err(Exists) });
        }
        Op::Replace(index, entry) => {
            let place = oracle.0.get_mut(&index);
            let old = place.map(|place| std::mem::replace(&mut place.0, entry));
            assert_eq!(tree.replace(PageIndex(index), entry), old);
        }
        Op::Delete(index) => {
            let old = oracle.0.remove(&index).map(|(entry, _)| entry);
            assert_eq!(tree.delete(PageIndex(index)), old);
        }
        Op::Set(index, tag) => {
            // On a missing item this panics by contract; there is a test for that.
            if let Some((_, tags)) = oracle.0.get_mut(&index) {
                tags[tag as usize] = true;
                tree.tag_set(PageIndex(index), tag);
            }
        }
        Op::Clear(index, tag) => {
            if let Some((_, tags)) = oracle.0.get_mut(&index) {
                tags[tag as usize] = false;
            }
            tree.tag_clear(PageIndex(index), tag);
        }
        Op::RangeTag { first, last, limit, iftag, settag } => {
            let done =
                tree.range_tag_if_tagged(PageIndex(first), PageIndex(last), limit, iftag, settag);
            assert_eq!(done, oracle.range_tag(op));
        }
        Op::Read { first, last, gang } => read(tree, oracle, first, last, gang),
    }
}

/// Compares walks over a range, lookups at its ends, and gang lookups from its start.
fn read<const FAN: usize>(
    tree: &RadixTree<FAN>,
    oracle: &Oracle,
    first: u64,
    last: u64,
    gang: usize,
) {
    for index in [first, last] {
        let (entry, tags) = match oracle.0.get(&index) {
            Some(&(entry, tags)) => (Some(entry), tags),
            None => (None, Tags::default()),
        };
        let index = PageIndex(index);
        assert_eq!(tree.lookup(index), entry);
        assert_eq!(Tag::ALL.map(|tag| tree.tag_get(index, tag)), tags);
    }
    let range = PageIndex(first)..=PageIndex(last);
    let mut into = vec![(PageIndex(7), entry(7)); gang];
    let items: Vec<_> = tree.iter(range.clone()).collect();
    assert_eq!(items, oracle.range(first, last, None));
    let mut all = oracle.range(first, u64::MAX, None);
    all.truncate(gang);
    let found = tree.gang_lookup(PageIndex(first), &mut into);
    assert_eq!(into[..found], all[..]);
    for tag in Tag::ALL {
        let items: Vec<_> = tree.iter_tagged(range.clone(), tag).collect();
        assert_eq!(items, oracle.range(first, last, Some(tag)));
        let mut all = oracle.range(first, u64::MAX, Some(tag));
        all.truncate(gang);
        let found = tree.gang_lookup_tag(PageIndex(first), tag, &mut into);
        assert_eq!(into[..found], all[..]);
    }
}

/// Compares everything that does not depend on an argument, and checks the structure.
fn compare<const FAN: usize>(tree: &RadixTree<FAN>, oracle: &Oracle) {
    if let Err(violation) = tree.check() {
        panic!("{violation}\n{tree:?}");
    }
    assert!(tree.iter(..).eq(oracle.0.iter().map(|(&i, &(entry, _))| (PageIndex(i), entry))));
    for (&index, &(_, tags)) in &oracle.0 {
        assert_eq!(Tag::ALL.map(|tag| tree.tags(PageIndex(index)).has(tag)), tags);
    }
    for tag in Tag::ALL {
        let tagged = oracle.0.iter().filter(|(_, (_, tags))| tags[tag as usize]);
        assert!(tree.iter_tagged(.., tag).map(|(i, _)| i.0).eq(tagged.map(|(&i, _)| i)));
        let any = oracle.0.values().any(|(_, tags)| tags[tag as usize]);
        assert_eq!(tree.tagged(tag), any);
    }
    assert_eq!(tree.is_empty(), oracle.0.is_empty());
    assert_eq!(tree.height(), oracle.height(FAN as u64));
    assert_eq!(tree.node_count(), oracle.nodes(FAN as u64));
}

/// The same content by another history: from the largest index down, tags last, with detours.
fn rebuilt<const FAN: usize>(oracle: &Oracle) -> RadixTree<FAN> {
    let mut tree = RadixTree::new();
    for (&index, &(entry, _)) in oracle.0.iter().rev() {
        tree.insert(PageIndex(index), entry).unwrap();
        let detour = PageIndex(index ^ 0x1040);
        if tree.insert(detour, entry).is_ok() {
            tree.tag_set(detour, Towrite);
            tree.delete(detour);
        }
    }
    for (&index, &(_, tags)) in &oracle.0 {
        for tag in Tag::ALL.into_iter().filter(|&tag| tags[tag as usize]) {
            tree.tag_set(PageIndex(index), tag);
        }
    }
    tree
}

// Every short history.

const FEW: [u64; 6] = [0, 1, 63, 64, 4096, u64::MAX];

/// 48 operations over six indices and two tags.
fn all_ops() -> Vec<Op> {
    let mut ops = Vec::new();
    for (number, index) in FEW.into_iter().enumerate() {
        ops.push(Op::Insert(index, entry(number as u32)));
        ops.push(Op::Replace(index, entry(number as u32 + 6)));
        ops.push(Op::Delete(index));
        for tag in [Dirty, Towrite] {
            ops.push(Op::Set(index, tag));
            ops.push(Op::Clear(index, tag));
        }
    }
    for (first, last, limit) in
        [(0, 0, 9), (0, 62, 9), (1, 63, 1), (0, u64::MAX, 2), (2, 4095, 9), (64, u64::MAX, 1)]
    {
        ops.push(Op::RangeTag { first, last, limit, iftag: Dirty, settag: Towrite });
    }
    ops
}

/// Tries every operation on a state, then every history that goes on from there.
///
/// An operation that changes nothing in the oracle must leave the tree equal to what it was and
/// sound; histories do not go on from it, because they go on from the equal state anyway. So the
/// states that remain stand for all 48^`depth` histories.
fn explore<const FAN: usize>(
    tree: &RadixTree<FAN>,
    oracle: &Oracle,
    ops: &[Op],
    depth: u32,
) -> u64 {
    let mut tried = 0;
    for &op in ops {
        let (mut next, mut expected) = (tree.clone(), oracle.clone());
        apply(&mut next, &mut expected, op);
        tried += 1;
        if expected == *oracle {
            next.check().unwrap();
            assert_eq!(next, *tree, "{op:?} changed something");
            continue;
        }
        compare(&next, &expected);
        assert_ne!(next, *tree, "{op:?} changed nothing");
        if depth > 1 {
            tried += explore(&next, &expected, ops, depth - 1);
        }
    }
    tried
}

#[test]
fn every_history_of_five_operations_fan_out_8() {
    let tried = explore(&RadixTree::<8>::new(), &Oracle::default(), &all_ops(), 5);
    assert!(tried > 100_000, "only {tried} operations tried");
}

#[test]
fn every_history_of_five_operations_fan_out_64() {
    let tried = explore(&RadixTree::<64>::new(), &Oracle::default(), &all_ops(), 5);
    assert!(tried > 100_000, "only {tried} operations tried");
}

// Random histories.

fn index() -> impl Strategy<Value = u64> {
    let edges = [0, 7, 63, 511, 4095, 1 << 30, 1 << 31, 0xffff_0000, 1 << 32, u64::MAX];
    let near = (proptest::sample::select(edges.to_vec()), 0..3u64, any::<bool>());
    prop_oneof![
        3 => near.prop_map(|(edge, by, up)| {
            if up { edge.saturating_add(by) } else { edge.saturating_sub(by) }
        }),
        1 => 0..80u64,
    ]
}

fn tag() -> impl Strategy<Value = Tag> {
    proptest::sample::select(Tag::ALL.to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let some_entry = || (0..1000u32).prop_map(entry);
    prop_oneof![
        6 => (index(), some_entry()).prop_map(|(index, entry)| Op::Insert(index, entry)),
        1 => (index(), some_entry()).prop_map(|(index, entry)| Op::Replace(index, entry)),
        3 => index().prop_map(Op::Delete),
        6 => (index(), tag()).prop_map(|(index, tag)| Op::Set(index, tag)),
        2 => (index(), tag()).prop_map(|(index, tag)| Op::Clear(index, tag)),
        2 => (index(), index(), 0..8u64, tag(), tag()).prop_map(
            |(first, last, limit, iftag, settag)| {
                Op::RangeTag { first, last, limit, iftag, settag }
            }
        ),
        2 => (index(), index(), 0..6usize).prop_map(|(a, b, gang)| {
            Op::Read { first: a.min(b), last: a.max(b), gang }
        }),
    ]
}

/// Replays operations on both, comparing after each, then compares with other histories of the
/// same content, then takes everything out again.
fn replay<const FAN: usize>(ops: &[Op]) {
    let (mut tree, mut oracle) = (RadixTree::<FAN>::new(), Oracle::default());
    for &op in ops {
        apply(&mut tree, &mut oracle, op);
        compare(&tree, &oracle);
    }
    let other = rebuilt::<FAN>(&oracle);
    compare(&other, &oracle);
    assert_eq!(tree, other);
    assert_eq!(hash(&tree), hash(&other));
    for (&index, &(_, tags)) in &oracle.0 {
        let mut differs = other.clone();
        if tags[0] {
            differs.tag_clear(PageIndex(index), Dirty);
        } else {
            differs.tag_set(PageIndex(index), Dirty);
        }
        assert_ne!(tree, differs);
        assert_ne!(hash(&tree), hash(&differs));
    }
    while let Some((&index, _)) = oracle.0.iter().nth(oracle.0.len() / 2) {
        apply(&mut tree, &mut oracle, Op::Delete(index));
        compare(&tree, &oracle);
    }
    assert_eq!(tree.node_count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_histories_fan_out_8(ops in proptest::collection::vec(op(), 1..100)) {
        replay::<8>(&ops);
    }

    #[test]
    fn random_histories_fan_out_64(ops in proptest::collection::vec(op(), 1..100)) {
        replay::<64>(&ops);
    }
}
