//! A cell of the matrix: drawn for the eye, in words for assistive technology.

use daxscope_core::view::{Cell, Content, Line, LineState, Note};
use yew::prelude::*;

pub(crate) fn cell(cell: &Cell) -> Html {
    if cell.content == Content::Empty {
        return html! { if !cell.words.is_empty() { <span class="nothing">{ &cell.words }</span> } };
    }
    html! {
        <>
            <div class="cell" aria-hidden="true" title={cell.words.clone()}>
                { drawn(&cell.content) }
                if let Some(newest) = &cell.differs_from {
                    <b class="differs">{ newest }</b>
                }
            </div>
            <span class="sr">{ &cell.words }</span>
        </>
    }
}

fn drawn(content: &Content) -> Html {
    match content {
        Content::Empty => Html::default(),
        Content::Owner { names, doubts } => html! {
            <>
                { for names.iter().map(|name| html! { <span class="name">{ name }</span> }) }
                { for doubts.iter().map(|doubt| html! { <i class="doubt">{ doubt }</i> }) }
            </>
        },
        Content::Pte { index, writable } => html! {
            <span class="map">{ index }<i>{ if *writable { "rw" } else { "r" } }</i></span>
        },
        Content::Page { index, chips, tags, buffer, .. } => html! {
            <>
                <span class="page">{ chips.join(" / ") }</span>
                <span class="tags">
                    <i>{ "p" }{ index }</i>{ " " }{ tags }
                    if !buffer.is_empty() { <b class="bh">{ buffer }</b> }
                </span>
            </>
        },
        Content::Notes(notes) => html! { { for notes.iter().map(note) } },
        Content::Entry { index, tags, locked, .. } => html! {
            <>
                <span class={classes!("entry", locked.then_some("locked"))}>{ index }</span>
                <span class="tags">{ tags }{ if *locked { " lock" } else { "" } }</span>
            </>
        },
        Content::Lines { lines, chips } => html! {
            <>
                { for lines.iter().map(line) }
                <span class="chips">{ chips.join(" / ") }</span>
            </>
        },
    }
}

/// A copy in the log has a box that says how safe it is, a frozen one that of a page; others are words.
fn note(note: &Note) -> Html {
    let chips = note.chips.join(" / ");
    if note.state == LineState::Free {
        return html! {
            <>
                <span class="name">{ &note.text }</span>
                if !chips.is_empty() { <span class="page">{ chips }</span> }
            </>
        };
    }
    let class = classes!(
        "ln",
        state(note.state),
        (!note.idle.is_empty()).then_some("idle"),
        note.revoked.then_some("dead")
    );
    html! { <i {class} data-letter={note.state.letter()}>{ &note.text }{ " " }{ chips }</i> }
}

/// The letter is drawn from `data-letter`: one element per line keeps the page light.
fn line(line: &Line) -> Html {
    let class = classes!("ln", state(line.state), line.changed.then_some("chg"));
    let mut text = line.label.clone();
    if line.versions > 1 {
        text.push_str(" ×");
        text.push_str(&line.versions.to_string());
    }
    for mark in &line.marks {
        text.push(' ');
        // The CPU's name is in the words; the drawing has room for the kind.
        text.push_str(mark.split(' ').next().unwrap_or_default());
    }
    html! { <i {class} data-letter={line.state.letter()}>{ text }</i> }
}

pub(crate) const fn state(state: LineState) -> &'static str {
    match state {
        LineState::Free => "F",
        LineState::Volatile => "V",
        LineState::Queued => "Q",
        LineState::Persistent => "P",
        LineState::Wrong => "W",
    }
}
