//! The history: a grid of lectures and kernels, a verdict in each cell (UI-210). A table, so it is its own twin.

use std::rc::Rc;

use yew::virtual_dom::ListenerKind;
use yew::{Callback, Html};

use super::arrows::walk;
use super::catalogue::masthead;
use super::dom::{Node, Tag, classes, each, tag, when};
use super::epochs;
use super::panel::{Shown, panel};
use crate::course::{self, Choice, Epoch, Lecture};
use crate::history::{Cell, Line, grid_target, progress};
use crate::msg::Msg;
use crate::state::State;
use crate::words;

pub(crate) fn history(state: &State, send: &Callback<Msg>) -> Tag {
    let (done, all) = progress(&state.lines);
    let numbered: Vec<(usize, &Rc<Line>)> = state.lines.iter().enumerate().collect();
    let lectures = numbered.chunk_by(|(_, one), (_, other)| one.lecture == other.lecture);
    let head = |(name, title)| tag!("th", "scope" = "col"; title).key(name);
    let table = tag!("table", "role" = "grid", "aria-readonly" = "true", "data-arrows" = "own",
        "aria-labelledby" = "history", "aria-busy" = done < all;
        tag!("thead"; tag!("tr";
            tag!("th", "scope" = "col"; words::VARIANT).key("variant"),
            each(course::all_epochs(), head),
        )),
        each(lectures, |lines| group(state, lines, send)),
    );
    let walk = |event| walk(&event, "[tabindex]", true, target);
    tag!("div", "class" = "lesson history";
        masthead(state, send),
        tag!("main", "id" = "stage";
            tag!("h1", "id" = "history"; words::HISTORY_TITLE),
            tag!("p"; words::HISTORY_SAYS, " ", tag!("span", "class" = "soft"; words::progress(done, all))),
            tag!("div", "class" = "scroll";
                table.on(ListenerKind::onkeydown, walk),
                tag!("dl", "class" = "meanings"; each(meanings(&state.lines), |(word, meaning)| {
                    tag!("div"; tag!("dt"; word), tag!("dd"; meaning))
                })),
            ),
        ),
    )
}

/// The first column and the epochs.
fn target(key: &str, ctrl: bool, here: usize, count: usize) -> Option<usize> {
    grid_target(key, ctrl, here, 1 + course::all_epochs().count(), count)
}

/// The words that the grid shows, and what they mean.
fn meanings(lines: &[Rc<Line>]) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for epoch in lines.iter().flat_map(|line| line.ran()) {
        if !found.contains(&epoch.last) {
            found.push(epoch.last);
        }
    }
    found.push(words::DERIVED);
    found
}

/// A lecture: its question, and a row for each variant.
fn group(state: &State, lines: &[(usize, &Rc<Line>)], send: &Callback<Msg>) -> Tag {
    let lecture = &state.lectures[lines[0].1.lecture];
    let width = 1 + course::all_epochs().count();
    let question = tag!("span"; tag!("b"; &lecture.id), " ", &lecture.question);
    let row = |(number, line): &(usize, &Rc<Line>)| {
        let shown = Shown::Line {
            line: Rc::clone(line),
            lectures: Rc::clone(&state.lectures),
            first: *number == 0,
        };
        panel(&number.to_string(), shown, send)
    };
    tag!("tbody";
        tag!("tr", "class" = "lecture"; tag!("th", "scope" = "rowgroup", "colspan" = width; question)),
        each(lines, row),
    )
    .key(lecture.id.as_str())
}

/// A row of the grid; the first one's first cell is the grid's tab stop.
pub(crate) fn line(line: &Line, lecture: &Lecture, first: bool) -> Tag {
    let link = |epoch: &str, step: usize| {
        let choice = Choice { epoch: epoch.to_string(), ..line.choice.clone() };
        course::link(lecture, &choice, step)
    };
    let title = tag!("a", "href" = link(&line.choice.epoch, 0), "tabindex" = if first { "0" } else { "-1" };
        tag!("span"; &line.title), tag!("code"; &line.choice.variant),
    );
    let mut before = "";
    let cell = |(cell, (name, _)): (&Cell, (&'static str, &str))| match cell {
        Cell::Undeclared => tag!("td"; tag!("span", "tabindex" = "-1"; words::UNDECLARED)),
        Cell::Waiting => {
            tag!("td"; tag!("a", "href" = link(name, 0), "tabindex" = "-1"; words::WAITING))
        }
        Cell::Ran(epoch) => {
            let turns = !before.is_empty() && before != epoch.last.0;
            before = epoch.last.0;
            let class = classes(&[epochs::class(epoch), when(turns, "turn")]);
            let link = link(name, epoch.decided_at);
            tag!("td", "class" = class; tag!("a", "href" = link, "tabindex" = "-1"; verdict(epoch)))
        }
    };
    tag!("tr"; tag!("th", "scope" = "row"; title), each(line.cells.iter().zip(course::all_epochs()), cell))
}

/// Sign and word, and whether it was derived.
fn verdict(epoch: &Epoch) -> Html {
    let sign = tag!("i"; epochs::sign(epoch), " ").node();
    let derived = when(epoch.derived, words::DERIVED.0);
    super::dom::list(vec![sign, [epoch.last.0, derived].concat().node()])
}
