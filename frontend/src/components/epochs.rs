//! The kernel epochs of a lecture with its verdict in each (UI-306), and its variants.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::course::{self, Epoch, Run};
use crate::msg::Msg;
use crate::words;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) run: Rc<Run>,
    pub(crate) send: Callback<Msg>,
}

pub(super) fn class(epoch: &Epoch) -> &'static str {
    if epoch.ok { "ok" } else { "no" }
}

pub(super) fn sign(epoch: &Epoch) -> &'static str {
    if epoch.ok { "✓" } else { "✗" }
}

#[hook]
fn use_epochs(run: &Rc<Run>) -> Rc<Vec<Epoch>> {
    let mut choice = run.choice().clone();
    choice.epoch.clear();
    use_memo((run.lecture().clone(), choice), |(lecture, choice)| course::epochs(lecture, choice))
}

/// The row of all epochs, for wide windows.
#[component]
pub(crate) fn Row(Props { run, send }: &Props) -> Html {
    let epochs = use_epochs(run);
    html! {
        <ul class="epochs" aria-label={words::VERDICTS}>
            { for epochs.iter().map(|epoch| {
                let name = epoch.name;
                let chosen = name == run.choice().epoch;
                let choose = send.reform(move |_: MouseEvent| Msg::Epoch(name.to_string()));
                html! {
                    <li key={epoch.name}>
                        <button type="button" aria-pressed={chosen.to_string()} onclick={choose}
                            class={class(epoch)}>
                            <b>{ epoch.title }</b>{ " " }
                            <span>{ sign(epoch) }{ " " }{ &epoch.verdict }</span>
                        </button>
                    </li>
                }
            }) }
        </ul>
    }
}

/// The same as a list to choose from, for narrow ones.
#[component]
pub(crate) fn Select(Props { run, send }: &Props) -> Html {
    let epochs = use_epochs(run);
    html! {
        <label class="choose epoch-select">
            <span>{ words::EPOCH }</span>
            <select onchange={chosen(send, Msg::Epoch)}>
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

#[component]
pub(crate) fn VariantSelect(Props { run, send }: &Props) -> Html {
    let variants = &run.lecture().variants;
    if variants.len() < 2 {
        return Html::default();
    }
    html! {
        <label class="choose">
            <span>{ words::VARIANT }</span>
            <select onchange={chosen(send, Msg::Variant)}>
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
