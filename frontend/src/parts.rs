//! A scene cut into the parts that panels draw. A part that a step leaves alone stays the very same
//! `Rc`, so that its panel is skipped.

use std::rc::Rc;

use daxscope_core::view::{
    Caption, Change, Column, Content, CrashNow, Detail, EnabledAction, Invariant, Item, LogBlock,
    Row, Scene, Slot, Thread, Tree, Waterline,
};

/// One moment, panel by panel.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Parts {
    pub(crate) caption: Rc<Caption>,
    pub(crate) columns: Rc<Vec<Column>>,
    pub(crate) rows: Rc<Vec<Rc<Row>>>,
    pub(crate) waterline: Rc<Waterline>,
    pub(crate) log: Rc<Vec<LogBlock>>,
    pub(crate) transactions: Rc<Vec<Detail>>,
    pub(crate) blocks: Rc<Vec<Detail>>,
    pub(crate) touched: Rc<String>,
    pub(crate) trees: Rc<Vec<Rc<Tree>>>,
    pub(crate) threads: Rc<Vec<Thread>>,
    pub(crate) invariants: Rc<Vec<Invariant>>,
    pub(crate) crash: Rc<CrashNow>,
    pub(crate) changed: Rc<Vec<Change>>,
    pub(crate) enabled: Rc<Vec<EnabledAction>>,
}

impl Parts {
    /// Cuts a scene, keeping what equals the moment shown before.
    pub(crate) fn of(scene: Scene, before: Option<&Self>) -> Self {
        // A mapping that is empty in the whole lecture has no row, and then its tree is not drawn.
        let held = |tree: &Tree| scene.rows.iter().any(|row| row.id == tree.row);
        let trees: Vec<Tree> = scene.trees.into_iter().filter(held).collect();
        let rows = each(scene.rows, before.map(|parts| &parts.rows), |row| &row.id);
        let trees = each(trees, before.map(|parts| &parts.trees), |tree| &tree.row);
        Self {
            caption: keep(scene.caption, before.map(|parts| &parts.caption)),
            columns: keep(scene.columns, before.map(|parts| &parts.columns)),
            rows: keep(rows, before.map(|parts| &parts.rows)),
            waterline: keep(scene.waterline, before.map(|parts| &parts.waterline)),
            log: keep(scene.log, before.map(|parts| &parts.log)),
            transactions: keep(scene.transactions, before.map(|parts| &parts.transactions)),
            blocks: keep(scene.blocks, before.map(|parts| &parts.blocks)),
            touched: keep(scene.touched, before.map(|parts| &parts.touched)),
            trees: keep(trees, before.map(|parts| &parts.trees)),
            threads: keep(scene.threads, before.map(|parts| &parts.threads)),
            invariants: keep(scene.invariants, before.map(|parts| &parts.invariants)),
            crash: keep(scene.crash, before.map(|parts| &parts.crash)),
            changed: keep(scene.changed, before.map(|parts| &parts.changed)),
            enabled: keep(scene.enabled, before.map(|parts| &parts.enabled)),
        }
    }

    /// Everywhere a block appears, each place in a few words.
    pub(crate) fn places(&self, block: &str) -> Vec<String> {
        let mut places = Vec::new();
        if let Some(column) = self.columns.iter().position(|column| column.label == block) {
            for row in self.rows.iter() {
                let Some(cell) = row.cells.get(column) else {
                    continue;
                };
                if let Some(what) = in_short(&cell.content) {
                    places.push(format!("{} {what}", row.title).trim_end().to_string());
                }
            }
        }
        for tree in self.trees.iter() {
            slots(&tree.root, &mut |slot| {
                if item_block(&slot.item) == Some(block) {
                    places.push(format!("{} tree slot {}", tree.title, slot.offset));
                }
            });
        }
        places
    }
}

fn keep<T: PartialEq>(new: T, old: Option<&Rc<T>>) -> Rc<T> {
    match old {
        Some(old) if **old == new => Rc::clone(old),
        _ => Rc::new(new),
    }
}

fn each<T: PartialEq>(
    new: Vec<T>,
    old: Option<&Rc<Vec<Rc<T>>>>,
    id: fn(&T) -> &String,
) -> Vec<Rc<T>> {
    let find = |item: &T| old?.iter().find(|before| id(before) == id(item));
    new.into_iter()
        .map(|item| {
            let before = find(&item);
            keep(item, before)
        })
        .collect()
}

/// What a cell shows, without its place; `None` where nothing is.
fn in_short(content: &Content) -> Option<String> {
    match content {
        Content::Empty => None,
        Content::Owner { names, .. } => Some(names.join(", ")),
        Content::Notes(notes) => {
            Some(notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>().join(", "))
        }
        Content::Pte { index, .. } => Some(format!("page {index}")),
        Content::Page { index, chips, .. } => Some(format!("page {index} {}", chips.join(" / "))),
        Content::Entry { index, .. } => Some(format!("entry {index}")),
        Content::Lines { chips, .. } if chips.is_empty() => None,
        Content::Lines { chips, .. } => Some(chips.join(" / ")),
    }
}

/// The block an item of a tree is tied to.
pub(crate) fn item_block(item: &Item) -> Option<&str> {
    match item {
        Item::Page { block, .. } | Item::Entry { block, .. } if !block.is_empty() => Some(block),
        _ => None,
    }
}

/// Walks all slots below and including one, parents first.
pub(crate) fn slots<'a>(slot: &'a Slot, visit: &mut impl FnMut(&'a Slot)) {
    visit(slot);
    if let Item::Node { slots: children, .. } = &slot.item {
        for child in children {
            slots(child, visit);
        }
    }
}

/// The nodes of a tree level by level, the root's first, each with the slot that points to it.
pub(crate) fn levels(tree: &Tree) -> Vec<Vec<&Slot>> {
    let mut levels = vec![vec![&tree.root]];
    loop {
        let next: Vec<&Slot> = levels[levels.len() - 1]
            .iter()
            .filter_map(|slot| match &slot.item {
                Item::Node { slots, .. } => Some(slots),
                _ => None,
            })
            .flatten()
            .filter(|slot| matches!(slot.item, Item::Node { .. }))
            .collect();
        if next.is_empty() {
            return levels;
        }
        levels.push(next);
    }
}
