//! The walk that verifies the whole structure.

use super::RadixTree;
use super::node::{NodeNr, tags_at};
use crate::tag::{Tag, TagSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;

impl<const FAN: usize> RadixTree<FAN> {
    /// Verifies what holds between two calls: INV-TAG in every node and in the root, no tag on an
    /// empty slot, no empty node, the record of filled slots, links to parents, minimal height, and
    /// that every node of the arena is either in the tree or free. Visits the whole tree.
    ///
    /// # Errors
    /// The first violation, in words.
    ///
    /// Models INV-TAG: `tools/testing/radix-tree` `verify_tag_consistency`,
    /// `tree_verify_min_height` (4.5).
    pub fn check(&self) -> Result<(), String> {
        let seen = vec![false; self.arena.allocated()];
        let mut walk = Walk { tree: self, seen, path: Vec::new() };
        walk.root()?;
        walk.arena()
    }
}

struct Walk<'a, const FAN: usize> {
    tree: &'a RadixTree<FAN>,
    /// The nodes met so far, by number.
    seen: Vec<bool>,
    /// The slots from the topmost node to where the walk is.
    path: Vec<usize>,
}

impl<const FAN: usize> Walk<'_, FAN> {
    /// Names the node or slot where the walk is.
    fn at(&self) -> String {
        let mut text = String::from("root");
        for offset in &self.path {
            write!(text, ".{offset}").expect("a String takes everything");
        }
        text
    }

    fn root(&mut self) -> Result<(), String> {
        let RadixTree { height, tags, root, .. } = *self.tree;
        let Some(top) = root.as_node() else {
            if height != 0 {
                return Err(format!("height {height}, but the root holds no node"));
            }
            if root.is_empty() && !tags.is_empty() {
                return Err(format!("INV-TAG: the tree is empty, the root has {tags}"));
            }
            return Ok(());
        };
        if height == 0 {
            return Err(String::from("height 0, but the root holds a node"));
        }
        let shift = (height - 1) * RadixTree::<FAN>::SHIFT;
        if shift >= u64::BITS {
            return Err(format!("height {height}: more levels than an index has bits"));
        }
        let below = self.node(top, height - 1, NodeNr::NONE)?;
        let present = self.tree.arena[top].present;
        if present == 1 {
            return Err(format!(
                "height {height} is not minimal: only slot 0 of the top is filled"
            ));
        }
        let bits = u64::BITS - shift;
        if bits < RadixTree::<FAN>::SHIFT && present >> (1 << bits) != 0 {
            return Err(String::from("root: a slot is filled that no index reaches"));
        }
        if tags != below {
            return Err(format!("INV-TAG: the root has {tags}, its nodes {below}"));
        }
        Ok(())
    }

    /// Checks the node at the end of the path and everything below it; returns the tags that occur
    /// there. Calls itself once a level.
    fn node(&mut self, nr: NodeNr, level: u32, parent: NodeNr) -> Result<TagSet, String> {
        match self.seen.get_mut(nr.as_usize()) {
            None => return Err(format!("{}: points outside the arena", self.at())),
            Some(true) => return Err(format!("{}: the node is in the tree twice", self.at())),
            Some(unseen) => *unseen = true,
        }
        let node = &self.tree.arena[nr];
        if node.parent != parent || node.offset() != self.path.last().copied().unwrap_or(0) {
            return Err(format!("{}: the link to the parent is wrong", self.at()));
        }
        if node.present == 0 {
            return Err(format!("{}: the node is empty", self.at()));
        }
        let width = u64::MAX >> (64 - FAN);
        if (node.present | node.any_tag()) & !width != 0 {
            return Err(format!("{}: a bitmap has bits behind the last slot", self.at()));
        }
        for offset in 0..FAN {
            self.path.push(offset);
            self.slot(nr, offset, level)?;
            self.path.pop();
        }
        let mut tags = TagSet::NONE;
        for tag in Tag::ALL {
            if node.tags[tag as usize] != 0 {
                tags = tags.with(tag);
            }
        }
        Ok(tags)
    }

    /// Checks the slot at the end of the path, and what is below it.
    fn slot(&mut self, nr: NodeNr, offset: usize, level: u32) -> Result<(), String> {
        let node = &self.tree.arena[nr];
        let (slot, tags) = (node.slots[offset], tags_at(&node.tags, offset));
        if slot.is_empty() == (node.present >> offset & 1 != 0) {
            return Err(format!("{}: the record of filled slots is wrong", self.at()));
        }
        if slot.is_empty() {
            if tags.is_empty() {
                return Ok(());
            }
            return Err(format!("INV-TAG: {}: the slot is empty and has {tags}", self.at()));
        }
        match slot.as_node() {
            None if level == 0 => Ok(()),
            None => Err(format!("{}: an item above a leaf", self.at())),
            Some(_) if level == 0 => Err(format!("{}: a node in a leaf", self.at())),
            Some(child) => {
                let below = self.node(child, level - 1, nr)?;
                if tags == below {
                    return Ok(());
                }
                let at = self.at();
                Err(format!("INV-TAG: {at}: the slot has {tags}, below it is {below}"))
            }
        }
    }

    /// Checks that the nodes not met in the tree are those on the free list.
    fn arena(&mut self) -> Result<(), String> {
        let arena = &self.tree.arena;
        let met = self.seen.iter().filter(|&&seen| seen).count();
        if met != arena.live() {
            return Err(format!("{met} nodes in the tree, {} allocated", arena.live()));
        }
        let mut nr = arena.first_free();
        while !nr.is_none() {
            match self.seen.get_mut(nr.as_usize()) {
                None => return Err(String::from("the free list leaves the arena")),
                Some(true) => return Err(String::from("a free node is in use, or free twice")),
                Some(unseen) => *unseen = true,
            }
            let node = &arena[nr];
            let filled = node.slots.iter().any(|slot| !slot.is_empty());
            if filled || node.present != 0 || node.any_tag() != 0 {
                return Err(String::from("a free node has content"));
            }
            nr = node.parent;
        }
        if self.seen.contains(&false) {
            return Err(String::from("a node is neither in the tree nor free"));
        }
        Ok(())
    }
}
