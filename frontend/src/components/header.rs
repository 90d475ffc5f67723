//! The line on top: where one is, and the page's own tools.

use std::rc::Rc;

use yew::prelude::*;

use super::epochs;
use crate::hooks;
use crate::msg::{Layer, Msg, Theme};
use crate::state::State;
use crate::words;

pub(crate) fn header(state: &Rc<State>, send: &Callback<Msg>) -> Html {
    let Some(lesson) = &state.lesson else {
        return Html::default();
    };
    let copy = {
        let (state, send) = (Rc::clone(state), send.clone());
        Callback::from(move |_: MouseEvent| hooks::copy_link(&state, &send))
    };
    let text = send.reform(|_: MouseEvent| Msg::Text);
    html! {
        <header class="masthead">
            <nav aria-label={words::NAME}>
                <a class="brand" href="#/" title={words::HOME}>{ words::NAME }</a>
            </nav>
            <h1>{ &lesson.run.lecture().question }</h1>
            <div class="choices">
                { epochs::variant_select(&lesson.run, send) }
                { epochs::select(&lesson.run, send) }
            </div>
            <div class="tools">
                <button id="text-button" type="button" onclick={text} aria-keyshortcuts="T"
                    aria-pressed={state.text.to_string()}>
                    { words::TEXT }
                </button>
                <button type="button" onclick={copy} aria-keyshortcuts="L" class="copy">
                    { if state.copied { words::LINK_COPIED } else { words::COPY_LINK } }
                </button>
                { theme_button(state.theme, send) }
                { help_button(send) }
            </div>
        </header>
    }
}

pub(crate) fn theme_button(theme: Theme, send: &Callback<Msg>) -> Html {
    let label = words::theme(theme.name());
    html! {
        <button type="button" class="icon" aria-label={label.clone()} title={label} aria-keyshortcuts="M"
            onclick={send.reform(|_: MouseEvent| Msg::NextTheme)}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
                <circle class="ring" cx="8" cy="8" r="5.5" /><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" />
            </svg>
        </button>
    }
}

pub(crate) fn help_button(send: &Callback<Msg>) -> Html {
    html! {
        <button type="button" class="icon" aria-label={words::HELP} title={words::HELP} aria-keyshortcuts="?"
            onclick={send.reform(|_: MouseEvent| Msg::Show(Layer::Help))}>
            { "?" }
        </button>
    }
}
