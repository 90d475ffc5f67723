//! A node, its slots, and the arena that holds all nodes of one tree.

use crate::entry::Entry;
use crate::tag::{Tag, TagSet};
use alloc::vec::Vec;
use core::num::NonZeroU64;
use core::ops::{Index, IndexMut};

/// One slot: empty (0), a node (bit 0 set, its number above), or the bits of an [`Entry`].
///
/// Models TREE-6: `include/linux/radix-tree.h` `RADIX_TREE_INDIRECT_PTR` (4.5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(u64);

const INDIRECT: u64 = 1;

impl Slot {
    pub(super) const EMPTY: Self = Self(0);

    #[inline]
    pub(super) const fn node(nr: NodeNr) -> Self {
        Self((nr.0 as u64) << 1 | INDIRECT)
    }

    #[inline]
    pub(super) const fn item(entry: Entry) -> Self {
        let bits = entry.to_bits().get();
        assert!(bits & INDIRECT == 0, "an entry looks like a node");
        Self(bits)
    }

    #[inline]
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The node, unless the slot is empty or holds an item.
    #[inline]
    pub(super) const fn as_node(self) -> Option<NodeNr> {
        if self.0 & INDIRECT == 0 { None } else { Some(NodeNr((self.0 >> 1) as u32)) }
    }

    /// The item, unless the slot is empty or holds a node.
    #[inline]
    pub(super) const fn as_item(self) -> Option<Entry> {
        match NonZeroU64::new(self.0) {
            Some(bits) if self.0 & INDIRECT == 0 => Some(Entry::from_bits(bits)),
            _ => None,
        }
    }
}

/// Number of a node in its arena. Says nothing about its place in the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeNr(u32);

impl NodeNr {
    /// No node: the parent of the topmost one.
    pub(super) const NONE: Self = Self(u32::MAX);

    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }

    #[inline]
    pub(super) const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// A node: `FAN` slots of one level.
#[derive(Clone, Copy)]
pub(super) struct Node<const FAN: usize> {
    pub(super) slots: [Slot; FAN],
    /// Bit n of `tags[t]`: the item in slot n has tag t, or some item below slot n has it.
    pub(super) tags: [u64; 3],
    /// Bit n: slot n is not empty. The kernel keeps only how many there are (`count`); the bitmap
    /// lets walks skip empty slots as they skip untagged ones.
    pub(super) present: u64,
    /// The node above; on the free list, the next free node.
    pub(super) parent: NodeNr,
    /// The parent's slot that holds this node; 0 for the topmost node.
    offset: u8,
}

impl<const FAN: usize> Node<FAN> {
    const fn new(parent: NodeNr, offset: usize) -> Self {
        Self { slots: [Slot::EMPTY; FAN], tags: [0; 3], present: 0, parent, offset: offset as u8 }
    }

    /// The parent, and this node's bit in the parent's bitmaps.
    #[inline]
    pub(super) const fn link(&self) -> (NodeNr, u64) {
        (self.parent, 1 << self.offset)
    }

    #[inline]
    pub(super) const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// The slots that have any tag.
    #[inline]
    pub(super) const fn any_tag(&self) -> u64 {
        self.tags[0] | self.tags[1] | self.tags[2]
    }

    /// The slots that a walk visits: those with a tag, or all that are not empty.
    #[inline]
    pub(super) const fn map(&self, which: Option<Tag>) -> u64 {
        match which {
            Some(tag) => self.tags[tag as usize],
            None => self.present,
        }
    }
}

/// Column `offset` of a node's tag bitmaps.
pub(super) fn tags_at(maps: &[u64; 3], offset: usize) -> TagSet {
    let mut tags = TagSet::NONE;
    for tag in Tag::ALL {
        if maps[tag as usize] >> offset & 1 != 0 {
            tags = tags.with(tag);
        }
    }
    tags
}

/// All nodes of a tree, in use or free. Free ones are chained through `parent`, have no tag and no
/// item, and are used again before the arena grows.
#[derive(Clone)]
pub(super) struct Arena<const FAN: usize> {
    nodes: Vec<Node<FAN>>,
    free: NodeNr,
    free_len: usize,
}

impl<const FAN: usize> Arena<FAN> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), free: NodeNr::NONE, free_len: 0 }
    }

    /// Nodes in use.
    pub(super) fn live(&self) -> usize {
        self.nodes.len() - self.free_len
    }

    /// Nodes in use and free.
    pub(super) fn allocated(&self) -> usize {
        self.nodes.len()
    }

    /// First node of the free list, which goes on through `parent`.
    pub(super) const fn first_free(&self) -> NodeNr {
        self.free
    }

    /// An empty node that knows its parent; the parent does not know it yet.
    pub(super) fn alloc(&mut self, parent: NodeNr, offset: usize) -> NodeNr {
        let nr = self.free;
        if nr.is_none() {
            assert!(self.nodes.len() < NodeNr::NONE.as_usize(), "too many nodes");
            self.nodes.push(Node::new(parent, offset));
            return NodeNr((self.nodes.len() - 1) as u32);
        }
        let node = &mut self.nodes[nr.as_usize()];
        self.free = node.parent;
        self.free_len -= 1;
        node.parent = parent;
        node.offset = offset as u8;
        nr
    }

    /// Takes back a node whose slots are all empty.
    pub(super) fn free(&mut self, nr: NodeNr) {
        let node = &mut self.nodes[nr.as_usize()];
        assert!(node.present == 0, "a node with items is freed");
        // The topmost node still has its tags when the tree shrinks to its slot 0.
        node.tags = [0; 3];
        node.offset = 0;
        node.parent = self.free;
        self.free = nr;
        self.free_len += 1;
        if self.free_len == self.nodes.len() {
            // Nothing lives: forget the order of the frees, keep the memory.
            *self = Self { nodes: core::mem::take(&mut self.nodes), ..Self::new() };
            self.nodes.clear();
        }
    }
}

impl<const FAN: usize> Index<NodeNr> for Arena<FAN> {
    type Output = Node<FAN>;

    #[inline]
    fn index(&self, nr: NodeNr) -> &Node<FAN> {
        &self.nodes[nr.as_usize()]
    }
}

impl<const FAN: usize> IndexMut<NodeNr> for Arena<FAN> {
    #[inline]
    fn index_mut(&mut self, nr: NodeNr) -> &mut Node<FAN> {
        &mut self.nodes[nr.as_usize()]
    }
}
