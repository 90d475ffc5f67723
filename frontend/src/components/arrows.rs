//! Arrow keys that move the focus among the items of what owns them (APG).

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

/// Where a key leads from an item to another, by their numbers in the document's order: key, Ctrl, here, count.
type Target = fn(&str, bool, usize, usize) -> Option<usize>;

/// Moves the focus. The owner carries `data-arrows`, its items match the selector. A `roving` owner is one tab stop, the
/// item that had the focus last.
pub(super) fn walk(event: &Event, items: &str, roving: bool, target: Target) {
    walked(event, items, roving, target);
}

fn walked(event: &Event, items: &str, roving: bool, target: Target) -> Option<()> {
    let press = event.dyn_ref::<KeyboardEvent>()?;
    if press.alt_key() || press.meta_key() {
        return None;
    }
    let from = event.target()?.dyn_into::<Element>().ok()?;
    let items = from.closest("[data-arrows]").ok()??.query_selector_all(items).ok()?;
    let count = items.length();
    let here = (0..count).find(|at| items.get(*at).as_ref() == Some(from.as_ref()))?;
    let to = target(&press.key(), press.ctrl_key(), here as usize, count as usize)?;
    event.prevent_default();
    let to = items.get(u32::try_from(to).ok()?)?.dyn_into::<HtmlElement>().ok()?;
    if roving {
        drop(from.set_attribute("tabindex", "-1"));
        drop(to.set_attribute("tabindex", "0"));
    }
    to.focus().ok()
}
