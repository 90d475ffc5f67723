//! What lies over the screen: help, go to a step, the link in a field.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;
use yew::virtual_dom::ListenerKind;

use super::dom::{Node, Tag, each, list, tag};
use super::lesson::line_signs;
use crate::hooks;
use crate::msg::{Go, Layer, Msg};
use crate::state::State;
use crate::words;

/// One native dialog, always there: closing it gives the focus back to where it was.
#[hook]
pub(crate) fn use_dialogs(state: &Rc<State>, send: &Callback<Msg>) -> Html {
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
    let (title, inside) = match state.layer {
        Layer::None => ("", None),
        Layer::Help => (words::HELP, Some(help())),
        Layer::GoTo => (words::GO_TO, Some(go_to(state, send).node())),
        #[cfg(feature = "ext4")]
        Layer::Link if state.is_image() => (words::COPY_LINK, Some(no_link(state))),
        Layer::Link => (words::LINK_BY_HAND, Some(link(state).node())),
        #[cfg(feature = "ext4")]
        Layer::Open => (words::OPEN, Some(open(send))),
        #[cfg(not(feature = "ext4"))]
        Layer::Open => ("", None),
    };
    let close = || {
        tag!("button", "type" = "button", "class" = "icon", "aria-label" = words::CLOSE; "×")
            .press(send, Msg::Close)
    };
    let head = |_: &Html| tag!("header"; tag!("h2", "id" = "dialog-title"; title), close());
    tag!("dialog", "aria-labelledby" = "dialog-title"; inside.as_ref().map(head), inside)
        .found_by(&dialog)
        .sends(ListenerKind::oncancel, send, Msg::Close)
        .node()
}

/// What can be opened, and the browser's own field for it.
#[cfg(feature = "ext4")]
fn open(send: &Callback<Msg>) -> Html {
    let kind = |(what, says)| tag!("div"; tag!("dt"; what), tag!("dd"; says));
    let file = {
        let send = send.clone();
        tag!("input", "type" = "file", "autofocus" = "").on(ListenerKind::onchange, move |event| {
            let field = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            if let Some(field) = field {
                if let Some(file) = field.files().and_then(|files| files.item(0)) {
                    hooks::read_file(&file, send.clone());
                }
                // The same file may be chosen again.
                field.set_value("");
            }
        })
    };
    list(vec![
        tag!("dl", "class" = "kinds"; each(words::OPEN_SAYS, kind)).node(),
        tag!("p"; tag!("label"; words::FILE, " ", file)).node(),
        tag!("p", "class" = "soft"; words::OPEN_WHERE).node(),
    ])
}

/// In place of a link to an image, which there is none of.
#[cfg(feature = "ext4")]
fn no_link(state: &State) -> Html {
    let at = state.lesson.as_ref().map(|lesson| {
        let (lecture, choice) = (lesson.run.lecture(), lesson.run.choice().in_words());
        words::where_in_image(&lecture.question, &choice, lesson.step)
    });
    list(vec![each(words::NO_LINK, |says| tag!("p"; says)), tag!("p"; tag!("b"; at)).node()])
}

fn help() -> Html {
    let legend = tag!("ul", "class" = "legend";
        line_signs("li"),
        tag!("li"; tag!("span", "class" = "page"), words::SIGN_PAGE),
        tag!("li"; tag!("span", "class" = "entry"), words::SIGN_ENTRY),
        tag!("li"; words::SIGN_TAGS),
        tag!("li"; words::SIGN_CHANGED),
        cfg!(feature = "ext4").then(|| each(words::SIGNS_JOURNAL, |says| tag!("li"; says))),
    );
    let keys = tag!("dl", "class" = "keys"; each(words::KEYS, |(keys, what)| {
        tag!("div"; tag!("dt"; keys), tag!("dd"; what))
    }));
    list(vec![
        each(words::HELP_SAYS, |says| tag!("p"; says)),
        tag!("h3"; words::LEGEND).node(),
        legend.node(),
        tag!("h3"; words::KEYS_TITLE).node(),
        keys.node(),
    ])
}

fn field(event: &Event) -> Option<HtmlInputElement> {
    let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let form = element.closest("form").ok()??;
    form.query_selector("input").ok()??.dyn_into().ok()
}

fn go_to(state: &State, send: &Callback<Msg>) -> Option<Tag> {
    let lesson = state.lesson.as_ref()?;
    let submit = {
        let send = send.clone();
        move |event: Event| {
            event.prevent_default();
            let step = field(&event).and_then(|field| field.value().parse().ok());
            send.emit(step.map_or(Msg::Close, |step| Msg::Go(Go::To(step))));
        }
    };
    let number = tag!("input", "type" = "number", "min" = "0", "max" = lesson.run.last());
    let form = tag!("form";
        tag!("label"; words::GO_TO, " ", number.filled(lesson.step.to_string())),
        " ", tag!("button", "type" = "submit"; words::GO),
    );
    Some(form.on(ListenerKind::onsubmit, submit))
}

fn link(state: &State) -> Tag {
    let select = |event: Event| {
        if let Some(field) = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok()) {
            field.select();
        }
    };
    tag!("input", "class" = "link", "readonly" = "", "aria-label" = words::LINK_BY_HAND)
        .filled(hooks::address(state))
        .on(ListenerKind::onfocus, select)
}
