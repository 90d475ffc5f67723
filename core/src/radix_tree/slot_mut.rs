//! A slot that somebody works on: several operations after one walk from the root.

use super::node::Slot;
use super::{Place, RadixTree};
use crate::entry::Entry;
use crate::tag::Tag;
use crate::units::PageIndex;

/// A slot that holds an item; from [`RadixTree::lookup_slot`].
///
/// Models TREE-3: the slot pointer of `lib/radix-tree.c` `radix_tree_lookup_slot` (4.5), with the
/// place that the XArray's `xa_state` remembers (6.12).
pub struct SlotMut<'a, const FAN: usize> {
    tree: &'a mut RadixTree<FAN>,
    place: Place,
}

impl<const FAN: usize> RadixTree<FAN> {
    /// The slot of an index, to change it; `None` if the index holds no item.
    #[inline]
    pub fn lookup_slot(&mut self, index: PageIndex) -> Option<SlotMut<'_, FAN>> {
        let place = self.locate(index.0)?;
        Some(SlotMut { tree: self, place })
    }
}

impl<const FAN: usize> SlotMut<'_, FAN> {
    /// The item.
    #[must_use]
    #[inline]
    pub const fn item(&self) -> Entry {
        self.place.item
    }

    /// Whether it has a tag.
    #[must_use]
    #[inline]
    pub fn has(&self, tag: Tag) -> bool {
        let Place { node, offset, .. } = self.place;
        if node.is_none() {
            return self.tree.tags.has(tag);
        }
        self.tree.arena[node].tags[tag as usize] >> offset & 1 != 0
    }

    /// Puts another item in the place of the one that is there. The tags stay.
    ///
    /// Models TREE-6: `include/linux/radix-tree.h` `radix_tree_replace_slot` (4.5).
    #[inline]
    pub fn replace(&mut self, entry: Entry) {
        let Place { node, offset, .. } = self.place;
        let slot = Slot::item(entry);
        if node.is_none() {
            self.tree.root = slot;
        } else {
            self.tree.arena[node].slots[offset] = slot;
        }
        self.place.item = entry;
    }

    /// Sets a tag, here and in every level above.
    ///
    /// The result is that of the kernel's walk from the root down; here the bits are set from the
    /// leaf up, as far as they are not set yet.
    ///
    /// Models TREE-8: `lib/radix-tree.c` `radix_tree_tag_set` (4.5).
    #[inline]
    pub fn tag_set(&mut self, tag: Tag) {
        let Place { node, offset, .. } = self.place;
        if node.is_none() {
            self.tree.tags = self.tree.tags.with(tag);
        } else {
            self.tree.set_in_leaf(node, 1 << offset, tag);
        }
    }

    /// Clears a tag, here and in the levels above where no other item has it. Nothing happens if it
    /// is not set.
    ///
    /// Models TREE-8: `lib/radix-tree.c` `radix_tree_tag_clear` (4.5).
    #[inline]
    pub fn tag_clear(&mut self, tag: Tag) {
        let Place { node, offset, .. } = self.place;
        if node.is_none() {
            self.tree.tags = self.tree.tags.without(tag);
        } else {
            self.tree.clear_in_leaf(node, offset, tag);
        }
    }
}
