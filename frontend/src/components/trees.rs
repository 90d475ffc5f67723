//! The page-cache trees in full: nodes, slots, tags. Each is an ARIA tree that owns its arrows.

use daxscope_core::view::{Item, Slot, Tree};
use yew::virtual_dom::ListenerKind;

use super::arrows::walk;
use super::dom::{Node, Tag, classes, each, tag, when};
use crate::parts::{item_block, levels};
use crate::words;

pub(crate) fn tree(tree: &Tree, focus: Option<&str>) -> Tag {
    let inside = if matches!(tree.root.item, Item::Node { .. }) {
        each(
            levels(tree).iter().zip(1..),
            |(nodes, level)| tag!("div", "class" = "level"; each(nodes, |at| node(at, level, focus))),
        )
    } else {
        let root = tag!("div", "class" = "node root"; slot(&tree.root, 1, focus, true));
        tag!("div", "class" = "level"; root).node()
    };
    let counters = words::counters(tree.nrpages, tree.nrexceptional);
    let arrows = tag!("div", "role" = "tree", "aria-label" = &tree.title, "data-arrows" = "own";
        inside,
    );
    tag!("div", "class" = "tree";
        tag!("h3";
            tag!("b"; &tree.title), " ",
            tag!("span", "class" = "tags"; &tree.root_tags),
            tag!("span", "class" = "soft"; counters, when(tree.s_dax, " · S_DAX")),
        ),
        arrows.on(ListenerKind::onkeydown, |event| walk(&event, "[role=treeitem]", false, target)),
    )
}

fn node(at: &Slot, level: usize, focus: Option<&str>) -> Option<Tag> {
    let Item::Node { slots, .. } = &at.item else {
        return None;
    };
    let mut entered = level > 1;
    let child = |child: &Slot| {
        let enter = !entered && child.item != Item::Empty;
        entered |= enter;
        slot(child, level, focus, enter)
    };
    Some(tag!("div", "class" = "node"; each(slots, child)))
}

/// A slot; an empty one is only drawn, so that a reader hears what is there. The first of a tree is its one tab stop.
fn slot(slot: &Slot, level: usize, focus: Option<&str>, enter: bool) -> Tag {
    let block = item_block(&slot.item);
    let (shape, shown, says) = match &slot.item {
        Item::Empty => return tag!("i", "class" = "slot", "data-tags" = &slot.tags),
        Item::Node { first, last, .. } => ("to-node", "▾".to_string(), words::node(*first, *last)),
        Item::Page { index, block, chips, .. } => {
            ("page", index.to_string(), words::page(*index, block, &chips.join(" / ")))
        }
        Item::Entry { index, block, locked, .. } => {
            ("entry", index.to_string(), words::entry(*index, block, *locked))
        }
    };
    let marked = block.is_some() && block == focus;
    tag!("div", "class" = classes(&["slot", when(slot.changed, "chg"), when(marked, "hl")]),
        "role" = "treeitem", "aria-level" = level, "tabindex" = if enter { "0" } else { "-1" },
        "aria-label" = words::slot(slot.offset, &says, &slot.tags, slot.changed),
        "data-block" = block.map(str::to_string), "data-tags" = &slot.tags;
        tag!("span", "class" = shape; shown),
    )
}

/// Arrows, Home and End inside a tree: where they lead.
fn target(key: &str, ctrl: bool, here: usize, count: usize) -> Option<usize> {
    let last = count.saturating_sub(1);
    match key {
        _ if ctrl => None,
        "ArrowRight" | "ArrowDown" => Some((here + 1).min(last)),
        "ArrowLeft" | "ArrowUp" => Some(here.saturating_sub(1)),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}
