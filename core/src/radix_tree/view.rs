//! The tree as a picture needs it: borrowed, read-only, without node numbers.

use super::node::{NodeNr, Slot, tags_at};
use super::{PageIndex, RadixTree};
use crate::entry::Entry;
use crate::tag::TagSet;
use core::fmt;

impl<const FAN: usize> RadixTree<FAN> {
    /// The tree seen from its root, to be drawn or printed level by level.
    #[must_use]
    pub const fn root(&self) -> RootView<'_, FAN> {
        RootView { tree: self }
    }

    fn slot_item(&self, slot: Slot, shift: u32, first: u64) -> SlotItem<'_, FAN> {
        match (slot.as_node(), slot.as_item()) {
            (Some(nr), _) => SlotItem::Node(NodeView { tree: self, nr, shift, first }),
            (None, Some(entry)) => SlotItem::Item(entry),
            (None, None) => SlotItem::Empty,
        }
    }
}

/// The root: height, tags and one slot.
#[derive(Clone, Copy)]
pub struct RootView<'a, const FAN: usize> {
    tree: &'a RadixTree<FAN>,
}

impl<'a, const FAN: usize> RootView<'a, FAN> {
    /// Levels of nodes below the root.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.tree.height
    }

    /// The tags that occur in the tree.
    #[must_use]
    pub const fn tags(self) -> TagSet {
        self.tree.tags
    }

    /// What the root slot holds: a node, or at height 0 the item of index 0, or nothing.
    #[must_use]
    pub fn item(self) -> SlotItem<'a, FAN> {
        let shift = self.tree.height.saturating_sub(1) * RadixTree::<FAN>::SHIFT;
        self.tree.slot_item(self.tree.root, shift, 0)
    }
}

/// What a slot holds.
#[derive(Clone, Copy, Debug)]
pub enum SlotItem<'a, const FAN: usize> {
    /// Nothing.
    Empty,
    /// A node of the level below.
    Node(NodeView<'a, FAN>),
    /// An item; only in leaves, and in the root slot at height 0.
    Item(Entry),
}

/// A node.
#[derive(Clone, Copy)]
pub struct NodeView<'a, const FAN: usize> {
    tree: &'a RadixTree<FAN>,
    nr: NodeNr,
    shift: u32,
    first: u64,
}

/// A slot of a node.
#[derive(Clone, Copy, Debug)]
pub struct SlotView<'a, const FAN: usize> {
    /// Its place in the node, 0 to `FAN` - 1.
    pub offset: usize,
    /// The least index that leads here.
    pub first: PageIndex,
    /// The largest index that leads here; in a leaf the same as `first`.
    pub last: PageIndex,
    /// In a leaf the item's tags, above it the tags that occur below.
    pub tags: TagSet,
    /// What it holds.
    pub item: SlotItem<'a, FAN>,
}

impl<'a, const FAN: usize> NodeView<'a, FAN> {
    /// The lowest bit of the index that chooses among this node's slots; 0 in a leaf (TREE-3).
    #[must_use]
    pub const fn shift(self) -> u32 {
        self.shift
    }

    /// Levels below this node; 0 for a leaf.
    #[must_use]
    pub const fn height_above_leaf(self) -> u32 {
        self.shift / RadixTree::<FAN>::SHIFT
    }

    /// The least index that leads to this node.
    #[must_use]
    pub const fn first_index(self) -> PageIndex {
        PageIndex(self.first)
    }

    /// The slot of the node above that holds this one; `None` for the topmost node, which is in the
    /// root slot.
    #[must_use]
    pub fn offset_in_parent(self) -> Option<usize> {
        let node = &self.tree.arena[self.nr];
        (!node.parent.is_none()).then(|| node.offset())
    }

    /// Filled slots (the kernel's `count`).
    #[must_use]
    pub fn count(self) -> u32 {
        self.tree.arena[self.nr].present.count_ones()
    }

    /// The slots in order, empty ones too. In a tree of full height, the topmost node's last slots
    /// are reached by no 64-bit index; they are left out.
    pub fn slots(self) -> impl Iterator<Item = SlotView<'a, FAN>> + use<'a, FAN> {
        let Self { tree, nr, shift, first } = self;
        let reached = FAN.min(1usize.checked_shl(u64::BITS - shift).unwrap_or(FAN));
        (0..reached).map(move |offset| {
            let node = &tree.arena[nr];
            let first = first | (offset as u64) << shift;
            let below = shift.saturating_sub(RadixTree::<FAN>::SHIFT);
            SlotView {
                offset,
                first: PageIndex(first),
                last: PageIndex(first | ((1 << shift) - 1)),
                tags: tags_at(&node.tags, offset),
                item: tree.slot_item(node.slots[offset], below, first),
            }
        })
    }
}

impl<const FAN: usize> fmt::Debug for NodeView<'_, FAN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeView(shift {}, first index {})", self.shift, self.first)
    }
}
