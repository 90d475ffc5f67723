//! The buttons that step (UI-1202).

use yew::{Callback, Html};

use super::dom::{Node, Tag, classes, each, tag};
use crate::msg::{Go, Layer, Msg};
use crate::words;

pub(crate) fn bar(step: usize, last: usize, send: &Callback<Msg>) -> Tag {
    // Not `disabled`: a button that has the focus must not lose it at the end of the path.
    let button = |go: Go, keys: &'static str, label: &'static str, class: &str, show: [Html; 2]| {
        let off = match go {
            Go::First | Go::Back | Go::PreviousEvent => step == 0,
            _ => step == last,
        };
        let [one, other] = show;
        tag!("button", "type" = "button", "class" = classes(&[class]), "aria-label" = label,
            "title" = label, "aria-keyshortcuts" = keys, "aria-disabled" = off;
            one, other,
        )
        .press(send, Msg::Go(go))
    };
    let word = |word: &str| tag!("span"; word).node();
    let no = Html::default;
    let go_to = tag!("button", "type" = "button", "class" = "goto", "aria-keyshortcuts" = "G";
        words::GO_TO, " …",
    );
    tag!("div", "class" = "bar", "role" = "group", "aria-label" = words::STEPPING;
        button(Go::First, "Home", words::FIRST, "small", [sign("M4 3v10M13 3L6 8l7 5z"), no()]),
        button(Go::Back, "ArrowLeft", words::BACK, "", [sign("M11 3L4 8l7 5z"), word(words::BACK)]),
        button(Go::Next, "ArrowRight", words::STEP, "go", [word(words::STEP), sign("M5 3l7 5-7 5z")]),
        button(Go::NextEvent, "Shift+ArrowRight", words::NEXT_EVENT, "",
            [word(words::NEXT_EVENT), sign("M3 3l6 5-6 5zM11 3v10")]),
        button(Go::Last, "End", words::LAST, "small", [sign("M12 3v10M3 3l7 5-7 5z"), no()]),
        go_to.press(send, Msg::Show(Layer::GoTo)),
        tag!("p", "class" = "hints", "aria-hidden" = "true"; each(words::HINTS, |(key, what)| {
            tag!("span"; tag!("kbd"; key), " ", what)
        })),
    )
}

fn sign(path: &'static str) -> Html {
    tag!("svg", "viewBox" = "0 0 16 16", "aria-hidden" = "true"; tag!("path", "d" = path)).node()
}
