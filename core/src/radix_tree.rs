//! The page-cache radix tree: from page index to entry, with three tags.
//!
//! A node has `FAN` slots: 64 in the kernel, 8 in the teaching geometry and in the kernel's own
//! user-space test build (TREE-1). The tree is as high as its largest index needs and no higher;
//! a single item at index 0 sits in the root, with no node at all (TREE-2). Each node keeps one
//! bitmap per [`Tag`]: in a leaf the tags of its items, above it "some leaf below has this tag".
//! That summary is INV-TAG, and what lets a sync find one dirty page among a million.
//!
//! The nodes live in an arena and name each other by number; freed nodes are reused. Numbers never
//! leave this module: equality and hashing walk the tree from its root, and [`view`](RadixTree::root)
//! hands out borrowed views, so that two trees that look alike are alike, whatever their history.
//!
//! Between two calls, always ([`RadixTree::check`] verifies all of it):
//!
//! - a tag bit above a leaf is set exactly when a leaf below has the tag (INV-TAG);
//! - no tag is set on an empty slot, and no node is empty;
//! - the height is minimal: the root's node has something besides its slot 0;
//! - every node of the arena is either in the tree or on the free list.
//!
//! Models TREE-1 to TREE-9: `lib/radix-tree.c` (4.5).
//! Omits: node preallocation, RCU, slots that outlive the next change of the tree, entries that span
//! several indices.

mod canon;
mod check;
mod node;
mod slot_mut;
#[cfg(test)]
mod tests;
mod view;
mod walk;

pub use slot_mut::SlotMut;
pub use view::{NodeView, RootView, SlotItem, SlotView};
pub use walk::Iter;

use crate::entry::Entry;
use crate::tag::{Tag, TagSet};
use crate::units::PageIndex;
use core::fmt;
use node::{Arena, NodeNr, Slot, tags_at};

/// The index holds an item already (`EEXIST`); the tree is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exists;

impl fmt::Display for Exists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the index holds an item already")
    }
}

impl core::error::Error for Exists {}

/// A map from [`PageIndex`] (all 64 bits) to [`Entry`], in nodes of `FAN` slots, with three tags.
///
/// `FAN` is a power of two from 2 to 64, checked when the program is compiled. Equality and hash
/// depend on what the tree looks like from its root, tag summaries included, and on nothing else.
///
/// Models TREE-1: `struct radix_tree_root` (4.5).
#[derive(Clone)]
pub struct RadixTree<const FAN: usize> {
    arena: Arena<FAN>,
    /// The item of index 0 at height 0, else the topmost node.
    root: Slot,
    height: u32,
    /// Which tags occur in the tree; the tags of the item itself at height 0.
    tags: TagSet,
}

/// Where an item was found: in the root slot if `node` is none.
#[derive(Clone, Copy)]
struct Place {
    node: NodeNr,
    offset: usize,
    item: Entry,
}

impl<const FAN: usize> RadixTree<FAN> {
    /// Bits of the index that one level uses (`RADIX_TREE_MAP_SHIFT`).
    const SHIFT: u32 = FAN.trailing_zeros();

    /// What a node takes in memory, in bytes.
    pub const NODE_BYTES: usize = size_of::<node::Node<FAN>>();

    /// An empty tree: no node, height 0, no tag.
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(FAN >= 2 && FAN <= 64 && FAN.is_power_of_two(), "FAN: a power of two, 2 to 64");
        };
        Self { arena: Arena::new(), root: Slot::EMPTY, height: 0, tags: TagSet::NONE }
    }

    /// Whether the tree holds no item.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Levels of nodes: 0 when the tree is empty or holds index 0 only, else the least h for which
    /// the largest index is below `FAN`^h. At most 22 for a fan-out of 8, 11 for 64.
    ///
    /// Models TREE-2: `lib/radix-tree.c` `height_to_maxindex` (4.5).
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Nodes in the tree; 0 at height 0. Freed nodes that wait to be reused do not count.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.arena.live()
    }

    /// Adds an item, without tags. Levels and nodes that its index needs are added first; a tag
    /// that occurs in the tree is then set in slot 0 of each new level.
    ///
    /// # Errors
    /// [`Exists`] if the index holds an item; the tree is unchanged.
    ///
    /// Models TREE-4: `lib/radix-tree.c` `radix_tree_insert` (4.5).
    pub fn insert(&mut self, index: PageIndex, entry: Entry) -> Result<(), Exists> {
        let index = index.0;
        if !self.covers(index) {
            self.grow(index);
        }
        let mut shift = self.height * Self::SHIFT;
        let mut slot = self.root;
        let mut node = NodeNr::NONE;
        let mut offset = 0;
        while shift > 0 {
            shift -= Self::SHIFT;
            node = match slot.as_node() {
                Some(nr) => nr,
                None => self.add_child(node, offset),
            };
            offset = Self::offset(index, shift);
            slot = self.arena[node].slots[offset];
        }
        if !slot.is_empty() {
            return Err(Exists);
        }
        if node.is_none() {
            assert!(self.tags.is_empty(), "an empty tree has tags");
            self.root = Slot::item(entry);
            return Ok(());
        }
        let leaf = &mut self.arena[node];
        assert!(leaf.any_tag() >> offset & 1 == 0, "an empty slot has a tag");
        leaf.slots[offset] = Slot::item(entry);
        leaf.present |= 1 << offset;
        Ok(())
    }

    /// The item at an index.
    ///
    /// Models TREE-3: `lib/radix-tree.c` `radix_tree_lookup` (4.5).
    #[must_use]
    pub fn lookup(&self, index: PageIndex) -> Option<Entry> {
        Some(self.locate(index.0)?.item)
    }

    /// Puts another item in the place of one that is there, and returns the old one. The tags stay.
    /// `None`, and nothing done, if the index holds no item.
    pub fn replace(&mut self, index: PageIndex, entry: Entry) -> Option<Entry> {
        let mut slot = self.lookup_slot(index)?;
        let before = slot.item();
        slot.replace(entry);
        Some(before)
    }

    /// Removes an item and returns it. Its tags are gone, from every level where it was the last to
    /// have them; nodes left empty are freed and the height is minimal again. `None`, and nothing
    /// done, if the index holds no item.
    ///
    /// Models TREE-5: `lib/radix-tree.c` `radix_tree_delete_item` (4.5).
    pub fn delete(&mut self, index: PageIndex) -> Option<Entry> {
        let Place { node, offset, item } = self.locate(index.0)?;
        if node.is_none() {
            self.root = Slot::EMPTY;
            self.tags = TagSet::NONE;
            return Some(item);
        }
        if self.arena[node].any_tag() >> offset & 1 != 0 {
            for tag in Tag::ALL {
                self.clear_in_leaf(node, offset, tag);
            }
        }
        let leaf = &mut self.arena[node];
        leaf.slots[offset] = Slot::EMPTY;
        leaf.present &= !(1 << offset);
        // No item left, or only that of slot 0: there may be nodes to free.
        if leaf.present <= 1 {
            self.prune(node);
        }
        Some(item)
    }

    /// Sets a tag on an item and in every level above it: [`SlotMut::tag_set`].
    ///
    /// # Panics
    /// If the index holds no item: a bug in the caller (the kernel: `BUG_ON`).
    pub fn tag_set(&mut self, index: PageIndex, tag: Tag) {
        let Some(mut slot) = self.lookup_slot(index) else {
            panic!("tag {} set on page {index}, which holds no item", tag.name())
        };
        slot.tag_set(tag);
    }

    /// Clears a tag of an item, and in the levels above it where no other item has it:
    /// [`SlotMut::tag_clear`]. Nothing happens if the index holds no item.
    pub fn tag_clear(&mut self, index: PageIndex, tag: Tag) {
        if let Some(mut slot) = self.lookup_slot(index) {
            slot.tag_clear(tag);
        }
    }

    /// Whether the item at an index has a tag; `false` if there is no item.
    ///
    /// Models TREE-7: `lib/radix-tree.c` `radix_tree_tag_get` (4.5).
    #[must_use]
    pub fn tag_get(&self, index: PageIndex, tag: Tag) -> bool {
        self.tags(index).has(tag)
    }

    /// The tags of the item at an index; none if there is no item.
    #[must_use]
    pub fn tags(&self, index: PageIndex) -> TagSet {
        match self.locate(index.0) {
            None => TagSet::NONE,
            Some(Place { node, .. }) if node.is_none() => self.tags,
            Some(Place { node, offset, .. }) => tags_at(&self.arena[node].tags, offset),
        }
    }

    /// Whether any item has a tag: one bit in the root.
    ///
    /// Models TREE-8: `lib/radix-tree.c` `radix_tree_tagged` (4.5).
    #[must_use]
    pub const fn tagged(&self, tag: Tag) -> bool {
        self.tags.has(tag)
    }

    /// The slot that an index uses in a node whose level starts at bit `shift` (TREE-3).
    #[inline]
    const fn offset(index: u64, shift: u32) -> usize {
        (index >> shift) as usize & (FAN - 1)
    }

    /// Whether a tree of this height has a place for the index.
    #[inline]
    const fn covers(&self, index: u64) -> bool {
        let bits = self.height * Self::SHIFT;
        bits >= u64::BITS || index >> bits == 0
    }

    /// The item at an index and its slot.
    #[inline]
    fn locate(&self, index: u64) -> Option<Place> {
        if !self.covers(index) {
            return None;
        }
        let mut shift = self.height * Self::SHIFT;
        let mut slot = self.root;
        let mut node = NodeNr::NONE;
        let mut offset = 0;
        while shift > 0 {
            shift -= Self::SHIFT;
            node = slot.as_node()?;
            offset = Self::offset(index, shift);
            slot = self.arena[node].slots[offset];
        }
        Some(Place { node, offset, item: slot.as_item()? })
    }

    /// Makes the tree high enough for the index (TREE-4): an empty tree just gets the height, for
    /// the caller to fill; else each new level has the old tree in its slot 0, with the root's tags.
    #[cold]
    fn grow(&mut self, index: u64) {
        while !self.covers(index) {
            if !self.root.is_empty() {
                let nr = self.arena.alloc(NodeNr::NONE, 0);
                if let Some(old) = self.root.as_node() {
                    self.arena[old].parent = nr;
                }
                let node = &mut self.arena[nr];
                node.slots[0] = self.root;
                node.present = 1;
                for tag in Tag::ALL {
                    node.tags[tag as usize] = u64::from(self.tags.has(tag));
                }
                self.root = Slot::node(nr);
            }
            self.height += 1;
        }
    }

    /// Hangs a new, empty node into an empty slot of `parent`, or into the root slot if it is none.
    /// The caller fills it.
    fn add_child(&mut self, parent: NodeNr, offset: usize) -> NodeNr {
        let child = self.arena.alloc(parent, offset);
        if parent.is_none() {
            self.root = Slot::node(child);
        } else {
            let parent = &mut self.arena[parent];
            parent.slots[offset] = Slot::node(child);
            parent.present |= 1 << offset;
        }
        child
    }

    /// Sets a tag on some items of one leaf, then above it.
    #[inline]
    fn set_in_leaf(&mut self, leaf: NodeNr, bits: u64, tag: Tag) {
        let map = &mut self.arena[leaf].tags[tag as usize];
        let before = *map;
        *map |= bits;
        // A leaf that had the tag before is known as such all the way up.
        if before == 0 {
            self.set_above(leaf, tag);
        }
    }

    /// Sets a tag in every level above a node, from below, up to the first that has it.
    fn set_above(&mut self, mut node: NodeNr, tag: Tag) {
        loop {
            let (parent, bit) = self.arena[node].link();
            if parent.is_none() {
                self.tags = self.tags.with(tag);
                return;
            }
            let map = &mut self.arena[parent].tags[tag as usize];
            let before = *map;
            *map |= bit;
            if before != 0 {
                return;
            }
            node = parent;
        }
    }

    /// Clears a tag of one item of a leaf, then above it while no other slot has it.
    #[inline]
    fn clear_in_leaf(&mut self, leaf: NodeNr, offset: usize, tag: Tag) {
        let map = &mut self.arena[leaf].tags[tag as usize];
        let before = *map;
        *map &= !(1 << offset);
        if before != 0 && *map == 0 {
            self.clear_above(leaf, tag);
        }
    }

    /// Clears a tag above a node that has lost it, up to the first level that keeps it.
    fn clear_above(&mut self, mut node: NodeNr, tag: Tag) {
        loop {
            let (parent, bit) = self.arena[node].link();
            if parent.is_none() {
                self.tags = self.tags.without(tag);
                return;
            }
            let map = &mut self.arena[parent].tags[tag as usize];
            *map &= !bit;
            if *map != 0 {
                return;
            }
            node = parent;
        }
    }

    /// Frees `node` if it is empty, and every node above that this empties; then makes the height
    /// minimal (TREE-5).
    fn prune(&mut self, mut node: NodeNr) {
        while self.arena[node].present == 0 {
            let (parent, bit) = self.arena[node].link();
            let offset = self.arena[node].offset();
            self.arena.free(node);
            if parent.is_none() {
                self.root = Slot::EMPTY;
                self.height = 0;
                self.tags = TagSet::NONE;
                return;
            }
            let above = &mut self.arena[parent];
            above.slots[offset] = Slot::EMPTY;
            above.present &= !bit;
            node = parent;
        }
        if self.arena[node].parent.is_none() {
            self.shrink();
        }
    }

    /// Removes levels from the top while the topmost node has nothing besides its slot 0. The
    /// root's tags are those of that slot and stay.
    ///
    /// Models TREE-5: `lib/radix-tree.c` `radix_tree_shrink` (4.5).
    fn shrink(&mut self) {
        while let Some(top) = self.root.as_node() {
            let node = &mut self.arena[top];
            if node.present != 1 {
                return;
            }
            self.root = node.slots[0];
            node.slots[0] = Slot::EMPTY;
            node.present = 0;
            self.arena.free(top);
            self.height -= 1;
            if let Some(child) = self.root.as_node() {
                self.arena[child].parent = NodeNr::NONE;
            }
        }
    }
}

impl<const FAN: usize> Default for RadixTree<FAN> {
    fn default() -> Self {
        Self::new()
    }
}
