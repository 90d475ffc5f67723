//! The buttons that step (UI-1202).

use yew::prelude::*;

use crate::msg::{Go, Layer, Msg};
use crate::words;

pub(crate) fn bar(step: usize, last: usize, send: &Callback<Msg>) -> Html {
    // Not `disabled`: a button that has the focus must not lose it at the end of the path.
    let button = |go: Go,
                  keys: &'static str,
                  label: &'static str,
                  class: &'static str,
                  show: Html| {
        let off = match go {
            Go::First | Go::Back | Go::PreviousEvent => step == 0,
            _ => step == last,
        };
        html! {
            <button type="button" class={class} aria-label={label} title={label} aria-keyshortcuts={keys}
                aria-disabled={off.to_string()} onclick={send.reform(move |_: MouseEvent| Msg::Go(go))}>
                { show }
            </button>
        }
    };
    html! {
        <div class="bar" role="group" aria-label={words::STEPPING}>
            { button(Go::First, "Home", words::FIRST, "small", sign("M4 3v10M13 3L6 8l7 5z")) }
            { button(Go::Back, "ArrowLeft", words::BACK, "", html! { <>{ sign("M11 3L4 8l7 5z") }<span>{ words::BACK }</span></> }) }
            { button(Go::Next, "ArrowRight", words::STEP, "go", html! { <><span>{ words::STEP }</span>{ sign("M5 3l7 5-7 5z") }</> }) }
            { button(Go::NextEvent, "Shift+ArrowRight", words::NEXT_EVENT, "", html! { <><span>{ words::NEXT_EVENT }</span>{ sign("M3 3l6 5-6 5zM11 3v10") }</> }) }
            { button(Go::Last, "End", words::LAST, "small", sign("M12 3v10M3 3l7 5-7 5z")) }
            <button type="button" class="goto" aria-keyshortcuts="G"
                onclick={send.reform(|_: MouseEvent| Msg::Show(Layer::GoTo))}>{ words::GO_TO }{ " …" }</button>
            <p class="hints" aria-hidden="true">
                { for words::HINTS.iter().map(|(key, what)| html! {
                    <span><kbd>{ *key }</kbd>{ " " }{ *what }</span>
                }) }
            </p>
        </div>
    }
}

fn sign(path: &'static str) -> Html {
    html! { <svg viewBox="0 0 16 16" aria-hidden="true"><path d={path} /></svg> }
}
