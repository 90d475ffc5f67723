//! The kernel epochs of a lecture with its verdict in each (UI-306), and its variants.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::course::{self, Epoch, Run};
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
pub(crate) fn row(run: &Run, send: &Callback<Msg>) -> Html {
    let epochs = of(run);
    html! {
        <nav class="epochs" aria-label={words::VERDICTS}><ul>
            { for epochs.chunk_by(|one, other| one.verdict == other.verdict).map(|alike| html! {
                <li key={alike[0].name} class={class(&alike[0])}>
                    <span>{ sign(&alike[0]) }{ " " }{ &alike[0].verdict }</span>
                    { for alike.iter().map(|epoch| choice(epoch, &run.choice().epoch, send)) }
                </li>
            }) }
        </ul></nav>
    }
}

fn choice(epoch: &Epoch, chosen: &str, send: &Callback<Msg>) -> Html {
    let name = epoch.name;
    let says = words::epoch(epoch.title, &epoch.verdict);
    html! {
        <button key={name} type="button" aria-pressed={(name == chosen).to_string()} aria-label={says}
            onclick={send.reform(move |_: MouseEvent| Msg::Epoch(name.to_string()))}>
            { epoch.title }
        </button>
    }
}

/// The same as a list to choose from, for narrow ones.
pub(crate) fn select(run: &Run, send: &Callback<Msg>) -> Html {
    let epochs = of(run);
    html! {
        <label class="choose epoch-select">
            <span>{ words::EPOCH }</span>
            <select aria-label={words::EPOCH} onchange={chosen(send, Msg::Epoch)}>
                { for epochs.iter().map(|epoch| html! {
                    <option key={epoch.name} value={epoch.name}
                        selected={epoch.name == run.choice().epoch}>
                        { format!("{} {} {}", epoch.title, sign(epoch), epoch.verdict) }
                    </option>
                }) }
            </select>
        </label>
    }
}

pub(crate) fn variant_select(run: &Run, send: &Callback<Msg>) -> Html {
    let variants = &run.lecture().variants;
    if variants.len() < 2 {
        return Html::default();
    }
    html! {
        <label class="choose">
            <span>{ words::VARIANT }</span>
            <select aria-label={words::VARIANT} onchange={chosen(send, Msg::Variant)}>
                { for variants.iter().map(|(name, title)| html! {
                    <option key={name.clone()} value={name.clone()} selected={*name == run.choice().variant}>
                        { title }
                    </option>
                }) }
            </select>
        </label>
    }
}

fn chosen(send: &Callback<Msg>, msg: fn(String) -> Msg) -> Callback<Event> {
    let send = send.clone();
    Callback::from(move |event: Event| {
        let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
        if let Some(select) = select {
            send.emit(msg(select.value()));
        }
    })
}
