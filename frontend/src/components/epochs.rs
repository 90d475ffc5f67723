//! The kernel epochs of a lecture with its verdict in each (UI-306), and its variants.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlSelectElement};
use yew::Callback;
use yew::virtual_dom::ListenerKind;

use super::dom::{Tag, each, tag};
use crate::course::{self, Epoch, Run, WHOLE};
use crate::msg::Msg;
use crate::words;

pub(super) fn class(epoch: &Epoch) -> &'static str {
    if epoch.ok { "ok" } else { "no" }
}

pub(super) fn sign(epoch: &Epoch) -> &'static str {
    if epoch.ok { "✓" } else { "✗" }
}

fn of(run: &Run) -> Rc<Vec<Epoch>> {
    course::epochs(run.lecture(), run.choice())
}

/// The row of all epochs, neighbours with one verdict together, for wide windows.
pub(crate) fn row(run: &Run, send: &Callback<Msg>) -> Option<Tag> {
    let epochs = of(run);
    if WHOLE && epochs.is_empty() {
        return None;
    }
    let alike = epochs.chunk_by(|one, other| one.verdict == other.verdict);
    let group = |alike: &[Epoch]| {
        let verdict = &alike[0].verdict;
        tag!("li", "class" = class(&alike[0]);
            tag!("span"; sign(&alike[0]), " ", verdict),
            each(alike, |epoch| choice(epoch, &run.choice().epoch, send)),
        )
        .key(alike[0].name)
    };
    let list = tag!("ul"; each(alike, group));
    Some(tag!("nav", "class" = "epochs", "aria-label" = words::VERDICTS; list))
}

fn choice(epoch: &Epoch, chosen: &str, send: &Callback<Msg>) -> Tag {
    let says = words::epoch(epoch.title, &epoch.verdict);
    let pressed = epoch.name == chosen;
    tag!("button", "type" = "button", "aria-pressed" = pressed, "aria-label" = says; epoch.title)
        .key(epoch.name)
        .press(send, Msg::Epoch(epoch.name.to_string()))
}

/// The same as a list to choose from, for narrow ones.
pub(crate) fn select(run: &Run, send: &Callback<Msg>) -> Tag {
    let epochs = of(run);
    let option = |epoch: &Epoch| {
        let selected = (epoch.name == run.choice().epoch).then_some("");
        tag!("option", "value" = epoch.name, "selected" = selected;
            [epoch.title, sign(epoch), &epoch.verdict].join(" "),
        )
        .key(epoch.name)
    };
    // An image declares nothing of any kernel: all are there to choose from.
    let any = |(name, title): (&'static str, &'static str)| {
        let selected = (name == run.choice().epoch).then_some("");
        tag!("option", "value" = name, "selected" = selected; title).key(name)
    };
    let image = WHOLE && run.is_image();
    let all = image.then(|| each(course::all_epochs(), any));
    let select = tag!("select", "aria-label" = words::EPOCH; each(epochs.iter(), option), all);
    tag!("label", "class" = if image { "choose" } else { "choose epoch-select" };
        tag!("span"; words::EPOCH), chosen(select, send, Msg::Epoch),
    )
}

pub(crate) fn variant_select(run: &Run, send: &Callback<Msg>) -> Option<Tag> {
    let variants = &run.lecture().variants;
    if variants.len() < 2 {
        return None;
    }
    let option = |(name, title): &(String, String)| {
        let selected = (*name == run.choice().variant).then_some("");
        tag!("option", "value" = name, "selected" = selected; title).key(name.as_str())
    };
    let select = tag!("select", "aria-label" = words::VARIANT; each(variants, option));
    Some(tag!("label", "class" = "choose";
        tag!("span"; words::VARIANT), chosen(select, send, Msg::Variant),
    ))
}

fn chosen(select: Tag, send: &Callback<Msg>, msg: fn(String) -> Msg) -> Tag {
    let send = send.clone();
    select.on(ListenerKind::onchange, move |event: Event| {
        let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
        if let Some(select) = select {
            send.emit(msg(select.value()));
        }
    })
}
