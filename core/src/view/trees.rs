//! The trees in full: nodes, slots, tags.

use super::matrix::{Moment, mapping_head};
use super::{Item, Slot, Tree};
use crate::address_space::MappingId;
use crate::entry::EntryKind;
use crate::machine::Component;
use crate::radix_tree::{SlotItem, SlotView};
use crate::tag::TagSet;
use crate::units::PageIndex;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Every mapping of the machine, the files' first.
pub(super) fn trees<const FAN: usize>(now: &Moment<'_, FAN>) -> Vec<Tree> {
    now.machine().mappings().map(|mapping| tree(now, mapping)).collect()
}

fn tree<const FAN: usize>(now: &Moment<'_, FAN>, mapping: MappingId) -> Tree {
    let machine = now.machine();
    let (row, title, _) = mapping_head(machine, mapping);
    let space = machine.mapping(mapping);
    let root = space.i_pages.root();
    Tree {
        title,
        row,
        height: root.height(),
        fan_out: FAN as u64,
        root_tags: root.tags().to_string(),
        nrpages: space.nrpages,
        nrexceptional: space.nrexceptional,
        s_dax: machine.is_s_dax(mapping),
        root: slot(now, mapping, 0, PageIndex(0), root.tags(), root.item()),
    }
}

fn slot<const FAN: usize>(
    now: &Moment<'_, FAN>,
    mapping: MappingId,
    offset: usize,
    first: PageIndex,
    tags: TagSet,
    item: SlotItem<'_, FAN>,
) -> Slot {
    let mut changed = false;
    let item = match item {
        SlotItem::Empty => {
            changed = now.has_changed(Component::Slot(mapping, first));
            Item::Empty
        }
        SlotItem::Node(node) => {
            let below = |view: SlotView<'_, FAN>| {
                slot(now, mapping, view.offset, view.first, view.tags, view.item)
            };
            let slots: Vec<Slot> = node.slots().map(below).collect();
            let last = node.slots().last().map_or(first, |view| view.last);
            Item::Node { first: node.first_index().0, last: last.0, slots }
        }
        SlotItem::Item(entry) => {
            changed = now.has_changed(Component::Slot(mapping, first));
            leaf(now, mapping, first, entry)
        }
    };
    Slot { offset: offset as u64, tags: tags.to_string(), item, changed }
}

fn leaf<const FAN: usize>(
    now: &Moment<'_, FAN>,
    mapping: MappingId,
    index: PageIndex,
    entry: crate::entry::Entry,
) -> Item {
    let machine = now.machine();
    match entry.kind() {
        EntryKind::Page(_) => {
            let page = machine.mapping(mapping).find_get_page(index).expect("a page has contents");
            let block = machine.block_of(mapping, index);
            let chips = match block.filter(|_| page.uptodate) {
                Some(block) => now.chips(block, &page.words),
                None => Vec::new(),
            };
            Item::Page {
                index: index.0,
                block: block.map(|block| block.to_string()).unwrap_or_default(),
                chips,
                flags: page.flags().into_iter().map(String::from).collect(),
            }
        }
        EntryKind::Dax(dax) => Item::Entry {
            index: index.0,
            block: if dax.empty { String::new() } else { dax.block.to_string() },
            word: format!("{:#x}", machine.entry_word(dax)),
            locked: dax.locked,
        },
    }
}
