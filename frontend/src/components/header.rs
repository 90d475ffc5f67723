//! The line on top: where one is, and the page's own tools.

use std::rc::Rc;

use yew::Callback;
use yew::virtual_dom::ListenerKind;

use super::dom::{Tag, tag};
use super::epochs;
use crate::hooks;
use crate::lesson::Lesson;
use crate::msg::{Layer, Msg, Theme};
use crate::state::State;
use crate::words;

pub(crate) fn header(state: &Rc<State>, lesson: &Lesson, send: &Callback<Msg>) -> Tag {
    let copy = {
        let (state, send) = (Rc::clone(state), send.clone());
        move |_| hooks::copy_link(&state, &send)
    };
    let text = tag!("button", "id" = "text-button", "type" = "button", "aria-keyshortcuts" = "T",
        "aria-pressed" = state.text;
        words::TEXT,
    );
    let link = tag!("button", "type" = "button", "aria-keyshortcuts" = "L", "class" = "copy";
        if state.copied { words::LINK_COPIED } else { words::COPY_LINK },
    );
    tag!("header", "class" = "masthead";
        tag!("nav", "aria-label" = words::NAME;
            tag!("a", "class" = "brand", "href" = "#/", "title" = words::HOME; words::NAME),
        ),
        tag!("h1"; &lesson.run.lecture().question),
        tag!("div", "class" = "choices";
            epochs::variant_select(&lesson.run, send),
            epochs::select(&lesson.run, send),
        ),
        tag!("div", "class" = "tools";
            text.press(send, Msg::Text),
            link.on(ListenerKind::onclick, copy),
            open_button(send),
            theme_button(state.theme, send),
            help_button(send),
        ),
    )
}

/// In the part of the page that goes without, it leads to the one that has it.
pub(crate) fn open_button(send: &Callback<Msg>) -> Tag {
    tag!("button", "type" = "button", "title" = words::OPEN, "aria-keyshortcuts" = "O"; words::OPEN_BUTTON)
        .press(send, Msg::Show(Layer::Open))
}

pub(crate) fn theme_button(theme: Theme, send: &Callback<Msg>) -> Tag {
    let label = words::theme(theme.name());
    let sign = tag!("svg", "viewBox" = "0 0 16 16", "aria-hidden" = "true";
        tag!("circle", "class" = "ring", "cx" = "8", "cy" = "8", "r" = "5.5"),
        tag!("path", "d" = "M8 2.5a5.5 5.5 0 0 1 0 11z"),
    );
    tag!("button", "type" = "button", "class" = "icon", "aria-label" = &label, "title" = &label,
        "aria-keyshortcuts" = "M";
        sign,
    )
    .press(send, Msg::NextTheme)
}

pub(crate) fn help_button(send: &Callback<Msg>) -> Tag {
    tag!("button", "type" = "button", "class" = "icon", "aria-label" = words::HELP,
        "title" = words::HELP, "aria-keyshortcuts" = "?";
        "?",
    )
    .press(send, Msg::Show(Layer::Help))
}
