//! The actions that are possible now, by number key.

use daxscope_core::view::EnabledAction;
use yew::prelude::*;

use crate::msg::Msg;
use crate::words;

pub(crate) fn next(enabled: &[EnabledAction], send: &Callback<Msg>) -> Html {
    html! {
        <section class="next">
            <h2>{ words::NEXT }</h2>
            if enabled.is_empty() {
                <p class="soft">{ words::NEXT_NONE }</p>
            } else {
                <ol>{ for enabled.iter().enumerate().map(|(number, action)| action_button(number, action, send)) }</ol>
            }
        </section>
    }
}

fn action_button(number: usize, action: &EnabledAction, send: &Callback<Msg>) -> Html {
    let key = (number < 9).then(|| (number + 1).to_string());
    html! {
        <li>
            <button type="button" aria-keyshortcuts={key.clone()} class={classes!(action.scripted.then_some("scripted"))}
                onclick={send.reform(move |_: MouseEvent| Msg::Take(number))}>
                <kbd>{ key.unwrap_or_default() }</kbd>
                <span><b>{ &action.actor }</b>{ " " }{ &action.what }
                    if action.scripted { <span class="sr">{ ", " }{ words::SCRIPTED }</span> }
                </span>
            </button>
        </li>
    }
}
