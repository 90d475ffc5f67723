//! The home screen: a question per lecture.

use yew::Callback;

use super::dom::{Tag, classes, each, tag};
use super::header::{help_button, open_button, theme_button};
use super::sentence::notice_line;
use crate::course::{self, Choice, Epoch, Lecture};
use crate::msg::Msg;
use crate::state::State;
use crate::words;

pub(crate) fn catalogue(state: &State, send: &Callback<Msg>) -> Tag {
    tag!("div", "class" = "home";
        masthead(state, send),
        tag!("main", "id" = "stage";
            tag!("div", "class" = "hero";
                tag!("div";
                    tag!("h1"; words::TAGLINE),
                    tag!("p", "class" = "lead"; words::ABOUT),
                    tag!("p"; words::ABOUT_STAGE),
                ),
                emblem(),
            ),
            notice_line(state.notice.as_ref(), send),
            tag!("h2"; words::LECTURES),
            tag!("ol", "class" = "lectures"; each(state.lectures.iter(), |lecture| card(state, lecture))),
            (!course::ELSEWHERE.is_empty()).then(elsewhere),
        ),
    )
}

/// The lectures that this part of the page goes without: their questions.
fn elsewhere() -> Tag {
    let one = |(id, slug, question): &(&'static str, &str, &'static str)| {
        tag!("li"; tag!("a", "href" = course::link_to(slug);
            tag!("span", "class" = "id"; *id), " ", *question,
        ))
    };
    tag!("section", "class" = "elsewhere", "aria-labelledby" = "elsewhere";
        tag!("h2", "id" = "elsewhere"; words::ELSEWHERE),
        tag!("p"; words::ELSEWHERE_SAYS),
        tag!("ol"; each(course::ELSEWHERE, one)),
    )
}

/// The line on top of the screens that are no lesson.
pub(crate) fn masthead(state: &State, send: &Callback<Msg>) -> Tag {
    let screen = |to, title, here: bool| tag!("a", "href" = to, "aria-current" = here.then_some("page"); title);
    tag!("header", "class" = "masthead";
        tag!("span", "class" = "brand"; words::NAME),
        tag!("nav", "class" = "screens", "aria-label" = words::NAME;
            screen("#/".to_string(), words::LECTURES, !state.history),
            screen(course::history_link(), words::HISTORY, state.history),
        ),
        tag!("div", "class" = "tools"; open_button(send), theme_button(state.theme, send), help_button(send)),
    )
}

fn card(state: &State, lecture: &Lecture) -> Tag {
    let line = state.lines.iter().find(|line| {
        state.lectures[line.lecture].id == lecture.id && line.choice == lecture.default
    });
    let ran: Vec<&Epoch> = line.iter().flat_map(|line| line.ran()).collect();
    let link = |epoch: &str| {
        let epoch = epoch.to_string();
        course::link(lecture, &Choice { epoch, ..lecture.default.clone() }, 0)
    };
    let group = |alike: &[&Epoch]| {
        let first = alike[0];
        tag!("li", "class" = super::epochs::class(first);
            tag!("b"; super::epochs::sign(first), " ", &first.verdict),
            each(alike, |epoch| {
                tag!("a", "href" = link(epoch.name); epoch.title).key(epoch.name)
            }),
        )
        .key(first.name)
    };
    let alike = ran.chunk_by(|one, other| one.verdict == other.verdict);
    tag!("li", "class" = "card";
        tag!("h3"; tag!("a", "href" = link(&lecture.default.epoch);
            tag!("span", "class" = "id"; &lecture.id), " ", &lecture.question,
        )),
        tag!("p"; &lecture.teaches),
        tag!("p", "class" = "status soft"; words::status(lecture.status)),
        // The others come as they are run.
        tag!("ul", "class" = "verdicts", "aria-label" = words::VERDICTS; each(alike, group)),
    )
    .key(lecture.id.as_str())
}

/// The idea in one drawing: copies above the waterline, what stays below it.
fn emblem() -> Tag {
    let line = |(x, y, class)| {
        tag!(
            "rect",
            "class" = classes(&[class]),
            "x" = x,
            "y" = y,
            "width" = "44",
            "height" = "14",
            "rx" = "3"
        )
    };
    let page = |x| tag!("rect", "x" = x, "y" = "12", "width" = "44", "height" = "30", "rx" = "4");
    let above = [("20", "62", ""), ("108", "62", "")];
    let below = [
        ("20", "116", ""),
        ("108", "116", ""),
        ("196", "116", ""),
        ("20", "136", ""),
        ("108", "136", ""),
        ("196", "136", "wrong"),
    ];
    tag!("svg", "class" = "emblem", "viewBox" = "0 0 260 170", "aria-hidden" = "true";
        tag!("g", "class" = "shape";
            page("20"), tag!("path", "d" = "M130 8l19 19-19 19-19-19z"), page("196"),
        ),
        tag!("g", "class" = "volatile"; each(above, line)),
        tag!("path", "class" = "waterline", "d" = "M0 96H260"),
        tag!("g", "class" = "persistent"; each(below, line)),
    )
}
