//! What lies over the screen: help, go to a step, the link in a field.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use crate::hooks;
use crate::msg::{Go, Layer, Msg};
use crate::state::State;
use crate::words;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) state: Rc<State>,
    pub(crate) send: Callback<Msg>,
}

/// One native dialog, always there: closing it gives the focus back to where it was.
#[component]
pub(crate) fn Dialogs(Props { state, send }: &Props) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with(state.layer, move |layer| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            match layer {
                Layer::None => dialog.close(),
                _ if !dialog.open() => drop(dialog.show_modal()),
                _ => {}
            }
        });
    }
    let close = send.reform(|_: Event| Msg::Close);
    let title = match state.layer {
        Layer::GoTo => words::GO_TO,
        Layer::Link => words::LINK_BY_HAND,
        Layer::Help | Layer::None => words::HELP,
    };
    html! {
        <dialog ref={dialog} oncancel={close} aria-labelledby="dialog-title">
            if state.layer != Layer::None {
                <header>
                    <h2 id="dialog-title">{ title }</h2>
                    <button type="button" class="icon" aria-label={words::CLOSE}
                        onclick={send.reform(|_: MouseEvent| Msg::Close)}>{ "×" }</button>
                </header>
            }
            { match state.layer {
                Layer::None => Html::default(),
                Layer::Help => help(),
                Layer::GoTo => go_to(state, send),
                Layer::Link => link(state),
            } }
        </dialog>
    }
}

fn help() -> Html {
    html! {
        <>
            { for words::HELP_SAYS.iter().map(|says| html! { <p>{ *says }</p> }) }
            <h3>{ words::LEGEND }</h3>
            <ul class="legend">
                { for words::LINE_SIGNS.iter().map(|(class, letter, says)| html! {
                    <li><i class={classes!("ln", *class)} data-letter={*letter} />{ *says }</li>
                }) }
                <li><span class="page" />{ words::SIGN_PAGE }</li>
                <li><span class="entry" />{ words::SIGN_ENTRY }</li>
                <li>{ words::SIGN_TAGS }</li>
                <li>{ words::SIGN_CHANGED }</li>
            </ul>
            <h3>{ words::KEYS_TITLE }</h3>
            <dl class="keys">
                { for words::KEYS.iter().map(|(keys, what)| html! {
                    <div><dt>{ *keys }</dt><dd>{ *what }</dd></div>
                }) }
            </dl>
        </>
    }
}

fn go_to(state: &State, send: &Callback<Msg>) -> Html {
    let Some(lesson) = &state.lesson else {
        return Html::default();
    };
    let field = |event: &SubmitEvent| {
        let form = event.target()?.dyn_into::<web_sys::Element>().ok()?;
        form.query_selector("input").ok()??.dyn_into::<HtmlInputElement>().ok()
    };
    let submit = send.reform(move |event: SubmitEvent| {
        event.prevent_default();
        let step = field(&event).and_then(|field| field.value().parse().ok());
        step.map_or(Msg::Close, |step| Msg::Go(Go::To(step)))
    });
    html! {
        <form onsubmit={submit}>
            <label>{ words::GO_TO }{ " " }
                <input type="number" min="0" max={lesson.run.last().to_string()} value={lesson.step.to_string()} />
            </label>
            { " " }<button type="submit">{ words::GO }</button>
        </form>
    }
}

fn link(state: &State) -> Html {
    html! {
        <input class="link" readonly=true aria-label={words::LINK_BY_HAND} value={hooks::address(state)}
            onfocus={Callback::from(|event: FocusEvent| {
                if let Some(field) = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok()) {
                    field.select();
                }
            })} />
    }
}
