//! A cell of the matrix: drawn for the eye, in words for assistive technology.

use daxscope_core::view::{Cell, Content, Line, LineState, Note};
use yew::Html;

use super::dom::{Node, Tag, classes, each, list, tag, when};

/// A cell has room for so many lines; the words of a block of more tell of all.
const LINES: usize = 4;

pub(crate) fn cell(cell: &Cell) -> Html {
    if cell.content == Content::Empty {
        let words = Some(&cell.words).filter(|words| !words.is_empty());
        return words.map(|words| tag!("span", "class" = "nothing"; words)).node();
    }
    let differs = cell.differs_from.as_ref();
    let drawn = tag!("div", "class" = "cell", "aria-hidden" = "true", "title" = &cell.words;
        drawn(&cell.content),
        differs.map(|newest| tag!("b", "class" = "differs"; newest)),
    );
    list(vec![drawn.node(), tag!("span", "class" = "sr"; &cell.words).node()])
}

fn drawn(content: &Content) -> Html {
    let two = |one: Tag, other: Tag| list(vec![one.node(), other.node()]);
    match content {
        Content::Empty => Html::default(),
        Content::Owner { names, doubts } => list(vec![
            each(names, |name| tag!("span", "class" = "name"; name)),
            each(doubts, |doubt| tag!("i", "class" = "doubt"; doubt)),
        ]),
        Content::Pte { index, writable } => {
            let may = tag!("i"; if *writable { "rw" } else { "r" });
            tag!("span", "class" = "map"; *index, may).node()
        }
        Content::Page { index, chips, tags, buffer, .. } => {
            let buffer = Some(buffer).filter(|buffer| !buffer.is_empty());
            let buffer = buffer.map(|flags| tag!("b", "class" = "bh"; flags));
            two(
                tag!("span", "class" = "page"; chips.join(" / ")),
                tag!("span", "class" = "tags"; tag!("i"; "p", *index), " ", tags, buffer),
            )
        }
        Content::Notes(notes) => each(notes, note),
        Content::Entry { index, tags, locked, .. } => two(
            tag!("span", "class" = if *locked { "entry locked" } else { "entry" }; *index),
            tag!("span", "class" = "tags"; tags, when(*locked, " lock")),
        ),
        Content::Lines { lines, chips } => {
            let chips = tag!("span", "class" = "chips"; chips.join(" / "));
            if lines.len() <= LINES {
                return list(vec![each(lines, line), chips.node()]);
            }
            let more = tag!("i", "class" = "ln F"; "⋯").node();
            list(vec![each(&lines[..LINES - 1], line), more, chips.node()])
        }
    }
}

/// A copy in the log has a box that says how safe it is, a frozen one that of a page; others are words.
fn note(note: &Note) -> Html {
    let chips = note.chips.join(" / ");
    let copy = Some(&chips).filter(|chips| !chips.is_empty());
    if note.state == LineState::Free {
        let copy = copy.map(|chips| tag!("span", "class" = "page"; chips));
        return list(vec![tag!("span", "class" = "name"; &note.text).node(), copy.node()]);
    }
    let idle = when(!note.idle.is_empty(), "idle");
    let class = classes(&["ln", state(note.state), idle, when(note.revoked, "dead")]);
    let letter = note.state.letter();
    tag!("i", "class" = class, "data-letter" = letter; &note.text, " ", copy).node()
}

/// The letter is drawn from `data-letter`: one element per line keeps the page light.
fn line(line: &Line) -> Tag {
    let class = classes(&["ln", state(line.state), when(line.changed, "chg")]);
    let run = line.count > 1 && !line.label.is_empty();
    let mut text = if run { crate::words::lines(line.count) } else { String::new() };
    text.push_str(&line.label);
    if line.versions > 1 {
        text.push_str(" ×");
        text.push_str(&line.versions.to_string());
    }
    for mark in &line.marks {
        text.push(' ');
        // The CPU's name is in the words; the drawing has room for the kind.
        text.push_str(mark.split(' ').next().unwrap_or_default());
    }
    tag!("i", "class" = class, "data-letter" = line.state.letter().to_string(); text)
}

pub(super) const fn state(state: LineState) -> &'static str {
    match state {
        LineState::Free => "F",
        LineState::Volatile => "V",
        LineState::Queued => "Q",
        LineState::Persistent => "P",
        LineState::Wrong => "W",
    }
}
