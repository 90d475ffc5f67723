//! The page-cache trees in full: nodes, slots, tags. Each is an ARIA tree that owns its arrows.

use daxscope_core::view::{Item, Slot, Tree};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::parts::{item_block, levels};
use crate::words;

pub(crate) fn tree(tree: &Tree, focus: Option<&str>) -> Html {
    let levels = levels(tree);
    let direct = !matches!(tree.root.item, Item::Node { .. });
    html! {
        <div class="tree">
            <h3>
                <b>{ &tree.title }</b>{ " " }
                <span class="tags">{ &tree.root_tags }</span>
                <span class="soft">
                    { words::counters(tree.nrpages, tree.nrexceptional) }
                    { if tree.s_dax { " · S_DAX" } else { "" } }
                </span>
            </h3>
            <div role="tree" aria-label={tree.title.clone()} data-arrows="own" onkeydown={Callback::from(|event: KeyboardEvent| walk(&event))}>
                if direct {
                    <div class="level"><div class="node root">{ slot(&tree.root, 1, focus, true) }</div></div>
                } else {
                    { for levels.iter().zip(1..).map(|(nodes, level)| html! {
                        <div class="level">{ for nodes.iter().map(|at| node(at, level, focus)) }</div>
                    }) }
                }
            </div>
        </div>
    }
}

fn node(at: &Slot, level: usize, focus: Option<&str>) -> Html {
    let Item::Node { slots, .. } = &at.item else {
        return Html::default();
    };
    let mut entered = level > 1;
    html! {
        <div class="node">
            { for slots.iter().map(|child| {
                let enter = !entered && child.item != Item::Empty;
                entered |= enter;
                slot(child, level, focus, enter)
            }) }
        </div>
    }
}

/// A slot; an empty one is only drawn, so that a reader hears what is there. The first of a tree is its one tab stop.
fn slot(slot: &Slot, level: usize, focus: Option<&str>, enter: bool) -> Html {
    let block = item_block(&slot.item);
    let (shape, shown, says) = match &slot.item {
        Item::Empty => return html! { <i class="slot" data-tags={slot.tags.clone()} /> },
        Item::Node { first, last, .. } => ("to-node", "▾".to_string(), words::node(*first, *last)),
        Item::Page { index, block, chips, .. } => {
            ("page", index.to_string(), words::page(*index, block, &chips.join(" / ")))
        }
        Item::Entry { index, block, locked, .. } => {
            ("entry", index.to_string(), words::entry(*index, block, *locked))
        }
    };
    let class = classes!(
        "slot",
        slot.changed.then_some("chg"),
        (block.is_some() && block == focus).then_some("hl")
    );
    html! {
        <div {class} role="treeitem" aria-level={level.to_string()} tabindex={if enter { "0" } else { "-1" }}
            aria-label={words::slot(slot.offset, &says, &slot.tags, slot.changed)}
            data-block={block.map(str::to_string)} data-tags={slot.tags.clone()}>
            <span class={shape}>{ shown }</span>
        </div>
    }
}

/// Arrows, Home and End inside a tree (APG).
fn walk(event: &KeyboardEvent) {
    let Some(target) = event.target().and_then(|it| it.dyn_into::<Element>().ok()) else {
        return;
    };
    let Ok(Some(tree)) = target.closest("[role=tree]") else {
        return;
    };
    let Ok(items) = tree.query_selector_all("[role=treeitem]") else {
        return;
    };
    let (mut here, count) = (0, items.length());
    while here < count && items.get(here).as_ref() != Some(target.as_ref()) {
        here += 1;
    }
    let to = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => here + 1,
        "ArrowLeft" | "ArrowUp" => here.saturating_sub(1),
        "Home" => 0,
        "End" => count.saturating_sub(1),
        _ => return,
    };
    event.prevent_default();
    let item = items.get(to.min(count.saturating_sub(1)));
    if let Some(item) = item.and_then(|item| item.dyn_into::<HtmlElement>().ok()) {
        drop(item.focus());
    }
}
