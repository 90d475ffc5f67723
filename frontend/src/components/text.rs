//! The whole lecture as text: what `daxscope run` prints, with headings to move by.

use yew::Callback;

use super::dom::{Tag, each, tag};
use crate::course::Run;
use crate::msg::Msg;
use crate::words;

pub(crate) fn text(run: &Run, send: &Callback<Msg>) -> Tag {
    let transcript = run.transcript();
    let sections = crate::transcript::sections(&transcript);
    let back = tag!("button", "type" = "button"; words::STAGE).press(send, Msg::Text);
    tag!("main", "id" = "stage", "class" = "text", "tabindex" = "-1";
        tag!("p"; back),
        tag!("article", "id" = "transcript"; each(sections, |section| {
            tag!("section"; tag!("h2"; section.heading), tag!("pre"; section.body))
        })),
    )
}
