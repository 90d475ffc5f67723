//! The actions that are possible now, by number key.

use daxscope_core::view::EnabledAction;
use yew::Callback;

use super::dom::{Node, Tag, classes, each, tag, when};
use crate::msg::Msg;
use crate::words;

pub(crate) fn next(enabled: &[EnabledAction], send: &Callback<Msg>) -> Tag {
    let button = |(number, action)| action_button(number, action, send);
    let none = || tag!("p", "class" = "soft"; words::NEXT_NONE).node();
    let actions = enabled.iter().enumerate();
    tag!("section", "class" = "next";
        tag!("h2"; words::NEXT),
        if enabled.is_empty() { none() } else { tag!("ol"; each(actions, button)).node() },
    )
}

fn action_button(number: usize, action: &EnabledAction, send: &Callback<Msg>) -> Tag {
    let key = (number < 9).then(|| (number + 1).to_string());
    let class = classes(&[when(action.scripted, "scripted")]);
    let scripted = action.scripted.then(|| tag!("span", "class" = "sr"; ", ", words::SCRIPTED));
    let says = tag!("span"; tag!("b"; &action.actor), " ", &action.what, scripted);
    let button = tag!("button", "type" = "button", "aria-keyshortcuts" = key.clone(), "class" = class;
        tag!("kbd"; key.unwrap_or_default()), says,
    );
    tag!("li"; button.press(send, Msg::Take(number)))
}
