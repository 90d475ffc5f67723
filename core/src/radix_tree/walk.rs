//! Walks in ascending order: iterators, gang lookups, range tagging.
//!
//! All of them go from leaf to leaf and follow one bitmap, that of a tag or that of the filled
//! slots. Upward steps use the parent links: no recursion, no stack.

use super::node::{NodeNr, Slot};
use super::{PageIndex, RadixTree};
use crate::entry::Entry;
use crate::tag::Tag;
use core::iter::FusedIterator;
use core::ops::{Bound, RangeBounds};

/// A leaf that a walk has reached, and what is left to visit in it.
#[derive(Clone, Copy)]
struct Leaf {
    node: NodeNr,
    /// Index of the leaf's slot 0.
    base: u64,
    /// Slots still to visit.
    bits: u64,
}

/// The bits from `offset` (0 to 63) up.
#[inline]
const fn from(offset: usize) -> u64 {
    u64::MAX << offset
}

/// The bits above `offset` (0 to 63).
#[inline]
const fn above(offset: usize) -> u64 {
    from(offset) << 1
}

/// The slots of the leaf at `base` whose index is at most `last`.
#[inline]
const fn up_to(last: u64, base: u64) -> u64 {
    match last.checked_sub(base) {
        None => 0,
        Some(63..) => u64::MAX,
        Some(offset) => !above(offset as usize),
    }
}

/// The lowest `limit` of the set bits, and how many that are.
const fn lowest(bits: u64, limit: u64) -> (u64, u64) {
    let mut count = bits.count_ones() as u64;
    if count <= limit {
        return (bits, count);
    }
    let mut rest = bits;
    count = 0;
    while count < limit {
        rest &= rest - 1;
        count += 1;
    }
    (bits ^ rest, count)
}

impl<const FAN: usize> RadixTree<FAN> {
    /// The first leaf that has something to visit at `index` or after it. Needs a node.
    fn first_leaf(&self, index: u64, which: Option<Tag>) -> Option<Leaf> {
        if !self.covers(index) {
            return None;
        }
        let shift = (self.height - 1) * Self::SHIFT;
        let top = self.root.as_node()?;
        self.seek(top, shift, index, from(Self::offset(index, shift)), which)
    }

    /// The first leaf behind the one given that has something to visit.
    fn next_leaf(&self, node: NodeNr, base: u64, which: Option<Tag>) -> Option<Leaf> {
        self.seek(node, 0, base, 0, which)
    }

    /// Goes to the first leaf with something to visit among the slots `wanted` of `node`, or
    /// anywhere behind that node. `index` is an index below the node, `shift` its level.
    #[inline]
    fn seek(
        &self,
        mut node: NodeNr,
        mut shift: u32,
        mut index: u64,
        mut wanted: u64,
        which: Option<Tag>,
    ) -> Option<Leaf> {
        loop {
            let here = &self.arena[node];
            // A bit that dangles may be that of an empty slot: see `range_tag_downward`.
            let bits = here.map(which) & here.present & wanted;
            if bits == 0 {
                if here.parent.is_none() {
                    return None;
                }
                wanted = above(here.offset());
                node = here.parent;
                shift += Self::SHIFT;
                continue;
            }
            let offset = bits.trailing_zeros() as usize;
            if offset != Self::offset(index, shift) {
                // Another slot than that of `index`: from its first index on.
                let slots = (FAN as u64 - 1) << shift;
                let below = (1 << shift) - 1;
                index = index & !slots & !below | (offset as u64) << shift;
            }
            if shift == 0 {
                return Some(Leaf { node, base: index & !(FAN as u64 - 1), bits });
            }
            node = here.slots[offset].as_node().expect("above a leaf, every slot has a node");
            shift -= Self::SHIFT;
            wanted = from(Self::offset(index, shift));
        }
    }

    /// Every item of a range with its index, in ascending order: `tree.iter(..)`,
    /// `tree.iter(PageIndex(3)..)`.
    ///
    /// Models `include/linux/radix-tree.h` `radix_tree_for_each_slot` (4.5).
    #[must_use]
    pub fn iter(&self, range: impl RangeBounds<PageIndex>) -> Iter<'_, FAN> {
        Iter::new(self, &range, None)
    }

    /// Every item of a range that has a tag, in ascending order. Subtrees without it are skipped.
    ///
    /// Models TREE-7: `include/linux/radix-tree.h` `radix_tree_for_each_tagged` (4.5).
    #[must_use]
    pub fn iter_tagged(&self, range: impl RangeBounds<PageIndex>, tag: Tag) -> Iter<'_, FAN> {
        Iter::new(self, &range, Some(tag))
    }

    /// Fills `into` with the items from index `first` on and says how many there are. Fewer than
    /// `into` has room for means: there are no more.
    ///
    /// Models `lib/radix-tree.c` `radix_tree_gang_lookup` (4.5).
    pub fn gang_lookup(&self, first: PageIndex, into: &mut [(PageIndex, Entry)]) -> usize {
        fill(self.iter(first..), into)
    }

    /// As [`Self::gang_lookup`], for the items that have a tag.
    ///
    /// Models TREE-7: `lib/radix-tree.c` `radix_tree_gang_lookup_tag` (4.5).
    pub fn gang_lookup_tag(
        &self,
        first: PageIndex,
        tag: Tag,
        into: &mut [(PageIndex, Entry)],
    ) -> usize {
        fill(self.iter_tagged(first.., tag), into)
    }

    /// Sets `settag` on the items from `first` to `last` (included) that have `iftag`, at most
    /// `limit` of them in ascending order. Returns how many, and the index to go on from if the
    /// limit stopped the walk before `last` was reached; with a limit of 0 that is `first`.
    ///
    /// The bits above a leaf are set after those in it, and only if there are any: set on the way
    /// down, they would dangle when the leaf's tagged items turn out to lie outside the range.
    ///
    /// Models TREE-9: `lib/radix-tree.c` `radix_tree_range_tag_if_tagged` (4.5).
    pub fn range_tag_if_tagged(
        &mut self,
        first: PageIndex,
        last: PageIndex,
        limit: u64,
        iftag: Tag,
        settag: Tag,
    ) -> (u64, Option<PageIndex>) {
        let (first, last) = (first.0, last.0);
        let behind = |tagged: u64| (tagged < last).then(|| PageIndex(tagged + 1));
        if first > last || !self.tagged(iftag) {
            return (0, None);
        }
        if limit == 0 {
            return (0, Some(PageIndex(first)));
        }
        if self.height == 0 {
            if first > 0 {
                return (0, None);
            }
            self.tags = self.tags.with(settag);
            return (1, if limit == 1 { behind(0) } else { None });
        }
        let mut count = 0;
        let mut next = self.first_leaf(first, Some(iftag));
        while let Some(Leaf { node, base, bits }) = next {
            let (bits, found) = lowest(bits & up_to(last, base), limit - count);
            if bits == 0 {
                break;
            }
            self.set_in_leaf(node, bits, settag);
            count += found;
            if count == limit {
                return (count, behind(base | u64::from(bits.ilog2())));
            }
            next = self.next_leaf(node, base, Some(iftag));
        }
        (count, None)
    }

    /// What if range tagging set each bit when it comes by on its way down, the root's first: then
    /// bits dangle where the range ends before the items that have `iftag`. Returns how many items
    /// were tagged; without a limit, else as [`Self::range_tag_if_tagged`].
    ///
    /// Afterwards INV-TAG may not hold. Nothing else suffers: lookups pass over what dangles.
    pub fn range_tag_downward(
        &mut self,
        first: PageIndex,
        last: PageIndex,
        iftag: Tag,
        settag: Tag,
    ) -> u64 {
        if first > last || !self.tagged(iftag) || !self.covers(first.0) {
            return 0;
        }
        self.tags = self.tags.with(settag);
        if self.height == 0 {
            return 1;
        }
        let (mut next, mut count) = (Some(first.0), 0);
        while let Some(index) = next.filter(|index| *index <= last.0 && self.covers(*index)) {
            let mut shift = self.height * Self::SHIFT;
            let mut slot = self.root;
            while let Some(nr) = slot.as_node() {
                shift -= Self::SHIFT;
                let (node, offset) = (&mut self.arena[nr], Self::offset(index, shift));
                if node.tags[iftag as usize] >> offset & 1 == 0 {
                    break;
                }
                node.tags[settag as usize] |= 1 << offset;
                slot = node.slots[offset];
            }
            count += u64::from(slot.as_item().is_some());
            // All below the slot where the way down ended is done.
            next = (index | ((1 << shift) - 1)).checked_add(1);
        }
        count
    }
}

/// Copies what fits and returns how much that was.
fn fill<const FAN: usize>(items: Iter<'_, FAN>, into: &mut [(PageIndex, Entry)]) -> usize {
    let mut count = 0;
    for (place, item) in into.iter_mut().zip(items) {
        *place = item;
        count += 1;
    }
    count
}

/// Items with their indices, in ascending order; from [`RadixTree::iter`] and
/// [`RadixTree::iter_tagged`].
#[derive(Clone)]
pub struct Iter<'a, const FAN: usize> {
    tree: &'a RadixTree<FAN>,
    /// The leaf's slots, or the root slot at height 0.
    slots: &'a [Slot],
    /// Slots still to visit, in the leaf at `base`.
    bits: u64,
    base: u64,
    /// The leaf; none if nothing follows.
    node: NodeNr,
    /// The node above it, and its slots still to visit. They are here so that the way to the next leaf
    /// does not wait for memory of this one.
    branch: NodeNr,
    branch_bits: u64,
    last: u64,
    which: Option<Tag>,
}

impl<'a, const FAN: usize> Iter<'a, FAN> {
    fn new(
        tree: &'a RadixTree<FAN>,
        range: &impl RangeBounds<PageIndex>,
        which: Option<Tag>,
    ) -> Self {
        let first = match range.start_bound() {
            Bound::Included(index) => Some(index.0),
            Bound::Excluded(index) => index.0.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let last = match range.end_bound() {
            Bound::Included(index) => Some(index.0),
            Bound::Excluded(index) => index.0.checked_sub(1),
            Bound::Unbounded => Some(u64::MAX),
        };
        let (node, branch) = (NodeNr::NONE, NodeNr::NONE);
        let (slots, bits, base, branch_bits, last_index) = (&[][..], 0, 0, 0, 0);
        let mut iter =
            Self { tree, slots, bits, base, node, branch, branch_bits, last: last_index, which };
        let (Some(first), Some(last)) = (first, last) else {
            return iter;
        };
        iter.last = last;
        if first > last || which.is_some_and(|tag| !tree.tagged(tag)) {
            return iter;
        }
        if tree.height > 0 {
            iter.enter(tree.first_leaf(first, which));
        } else if first == 0 && !tree.is_empty() {
            iter.slots = core::slice::from_ref(&tree.root);
            iter.bits = 1;
        }
        iter
    }

    /// Makes `leaf` the current one, unless what it has lies behind the range.
    fn enter(&mut self, leaf: Option<Leaf>) {
        self.node = NodeNr::NONE;
        self.branch_bits = 0;
        let Some(Leaf { node, base, bits }) = leaf else {
            return;
        };
        let here = &self.tree.arena[node];
        self.branch = here.parent;
        if !self.branch.is_none() {
            let parent = &self.tree.arena[self.branch];
            self.branch_bits = parent.map(self.which) & parent.present & above(here.offset());
        }
        self.show(node, base, bits);
    }

    /// Makes a leaf the current one, unless what it has lies behind the range.
    #[inline]
    fn show(&mut self, node: NodeNr, base: u64, bits: u64) {
        self.bits = bits & up_to(self.last, base);
        if self.bits == 0 {
            self.node = NodeNr::NONE;
            self.branch_bits = 0;
            return;
        }
        self.slots = &self.tree.arena[node].slots;
        self.node = node;
        self.base = base;
    }

    /// Goes to the next leaf; without any, `bits` stays 0.
    #[inline]
    fn advance(&mut self) {
        while self.branch_bits != 0 {
            let offset = self.branch_bits.trailing_zeros() as usize;
            self.branch_bits &= self.branch_bits - 1;
            let slot = self.tree.arena[self.branch].slots[offset];
            let node = slot.as_node().expect("above a leaf, every slot has a node");
            let leaf = &self.tree.arena[node];
            let bits = leaf.map(self.which) & leaf.present;
            // None where a bit dangles: see `range_tag_downward`.
            if bits != 0 {
                let shift = RadixTree::<FAN>::SHIFT;
                let base = self.base & !((FAN as u64 - 1) << shift) | (offset as u64) << shift;
                return self.show(node, base, bits);
            }
        }
        if !self.node.is_none() {
            self.enter(self.tree.next_leaf(self.node, self.base, self.which));
        }
    }
}

impl<const FAN: usize> Iterator for Iter<'_, FAN> {
    type Item = (PageIndex, Entry);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.bits == 0 {
            self.advance();
            if self.bits == 0 {
                return None;
            }
        }
        let offset = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        let item = self.slots[offset as usize].as_item().expect("a visited slot has an item");
        Some((PageIndex(self.base | u64::from(offset)), item))
    }

    /// Leaf by leaf: what `for_each` and the like do. The first part of the page goes without, for size.
    #[cfg(feature = "ext4")]
    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(mut self, init: B, mut f: F) -> B {
        let mut result = init;
        loop {
            let (slots, base) = (self.slots, self.base);
            while self.bits != 0 {
                let offset = self.bits.trailing_zeros();
                self.bits &= self.bits - 1;
                let item = slots[offset as usize].as_item().expect("a visited slot has an item");
                result = f(result, (PageIndex(base | u64::from(offset)), item));
            }
            self.advance();
            if self.bits == 0 {
                return result;
            }
        }
    }
}

impl<const FAN: usize> FusedIterator for Iter<'_, FAN> {}
