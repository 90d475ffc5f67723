//! The whole lecture as text: what `daxscope run` prints, with headings to move by.

use yew::Callback;

use super::dom::{Tag, each, tag};
use super::sentence::notice_line;
use crate::lesson::Lesson;
use crate::msg::Msg;
use crate::state::State;
use crate::words;

pub(crate) fn text(state: &State, lesson: &Lesson, send: &Callback<Msg>) -> Tag {
    let transcript = lesson.run.transcript();
    let sections = crate::transcript::sections(&transcript);
    let back = tag!("button", "type" = "button"; words::STAGE).press(send, Msg::Text);
    #[cfg(not(feature = "ext4"))]
    let costs = None::<Tag>;
    #[cfg(feature = "ext4")]
    let costs = state.numbers.as_ref().map(|numbers| super::costs::all(numbers));
    tag!("main", "id" = "stage", "class" = "text", "tabindex" = "-1";
        tag!("p"; back),
        notice_line(state.notice.as_ref(), send),
        costs,
        tag!("article", "id" = "transcript"; each(sections, |section| {
            tag!("section"; tag!("h2"; section.heading), tag!("pre"; section.body))
        })),
    )
}
