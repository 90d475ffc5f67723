//! The canonical form: equality, hash and text depend on the shape and content seen from the root,
//! never on node numbers or free nodes.

use super::RadixTree;
use super::node::{Node, NodeNr};
use crate::units::PageIndex;
use core::fmt;
use core::hash::{Hash, Hasher};

/// The nodes of a tree from the root down, each before its children, children by slot.
struct Nodes<'a, const FAN: usize> {
    tree: &'a RadixTree<FAN>,
    next: NodeNr,
    /// Levels below the next node: 0 for a leaf.
    level: u32,
}

impl<'a, const FAN: usize> Nodes<'a, FAN> {
    fn new(tree: &'a RadixTree<FAN>) -> Self {
        let next = tree.root.as_node().unwrap_or(NodeNr::NONE);
        Self { tree, next, level: tree.height.saturating_sub(1) }
    }

    /// Steps to the first child, else to the next sibling of the node or of the nearest node above
    /// that has one.
    fn advance(&mut self) {
        let arena = &self.tree.arena;
        let mut wanted = if self.level == 0 { 0 } else { u64::MAX };
        loop {
            let here = &arena[self.next];
            let bits = here.present & wanted;
            if bits != 0 {
                let slot = here.slots[bits.trailing_zeros() as usize];
                self.next = slot.as_node().expect("above a leaf, every slot has a node");
                self.level -= 1;
                return;
            }
            wanted = (u64::MAX << here.offset()) << 1;
            self.next = here.parent;
            self.level += 1;
            if self.next.is_none() {
                return;
            }
        }
    }
}

impl<'a, const FAN: usize> Iterator for Nodes<'a, FAN> {
    /// A node, and whether it is a leaf.
    type Item = (&'a Node<FAN>, bool);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next.is_none() {
            return None;
        }
        let item = (&self.tree.arena[self.next], self.level == 0);
        self.advance();
        Some(item)
    }
}

/// Same height, same items at the same indices, same tag bits in every node and in the root.
impl<const FAN: usize> PartialEq for RadixTree<FAN> {
    fn eq(&self, other: &Self) -> bool {
        if self.height != other.height || self.tags != other.tags {
            return false;
        }
        if self.height == 0 {
            return self.root == other.root;
        }
        // While the bitmaps of filled slots agree, both walks are at the same place.
        Nodes::new(self).zip(Nodes::new(other)).all(|((a, leaf), (b, _))| {
            a.present == b.present && a.tags == b.tags && (!leaf || a.slots == b.slots)
        })
    }
}

impl<const FAN: usize> Eq for RadixTree<FAN> {}

impl<const FAN: usize> Hash for RadixTree<FAN> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.height.hash(state);
        self.tags.hash(state);
        if self.height == 0 {
            self.root.as_item().hash(state);
        }
        for (node, leaf) in Nodes::new(self) {
            node.present.hash(state);
            node.tags.hash(state);
            if leaf {
                // `present` says where they are, hence also how many follow.
                for item in node.slots.iter().filter_map(|slot| slot.as_item()) {
                    item.hash(state);
                }
            }
        }
    }
}

/// One line: `RadixTree<8>(height 1, D··, 0 ··· Page(PageId(0)), 5 D·· Page(PageId(1)))`.
impl<const FAN: usize> fmt::Debug for RadixTree<FAN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RadixTree<{FAN}>(height {}, {}", self.height, self.tags)?;
        for (PageIndex(index), entry) in self.iter(..) {
            write!(f, ", {index} {} {entry:?}", self.tags(PageIndex(index)))?;
        }
        f.write_str(")")
    }
}
