//! The lesson: sentence, stage, panels, timeline and bar; or the same as text.

use std::rc::Rc;

use daxscope_core::view::Tree;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};
use yew::virtual_dom::ListenerKind;
use yew::{Callback, Html};

use super::dom::{Node, Tag, each, list, tag};
use super::{
    bar::bar,
    epochs,
    header::header,
    matrix::{Frame, matrix},
    panel::{Shown, panel},
    question::question,
    sentence::sentence,
    text::text,
    timeline::timeline,
};
use crate::columns;
use crate::lesson::Lesson;
use crate::msg::Msg;
use crate::state::State;
use crate::words;

/// How many columns a narrow window shows (UI-303), and how many where they hold words of the journal.
const NARROW_COLUMNS: (usize, usize) = (5, 4);

/// How many columns stand for the many of a large device, beside those that the step changes.
const LARGE_COLUMNS: usize = 6;

pub(crate) fn lesson(state: &Rc<State>, lesson: &Lesson, send: &Callback<Msg>) -> Tag {
    let skip = |to, says| jump(tag!("a", "href" = to; says), to);
    let inside = if state.text {
        text(state, lesson, send).node()
    } else {
        list(vec![
            epochs::row(&lesson.run, send).node(),
            sentence(lesson, state.notice.as_ref(), send).node(),
            stage(state, lesson, send).node(),
            tag!("footer", "id" = "bar", "data-arrows" = "step";
                timeline(&lesson.run, lesson.step, send),
                bar(lesson.step, lesson.run.last(), send),
            )
            .node(),
        ])
    };
    let class = if state.text { "lesson as-text" } else { "lesson" };
    let page = tag!("div", "class" = class;
        tag!("nav", "class" = "skips", "aria-label" = words::SKIP_STAGE;
            skip("#stage", words::SKIP_STAGE),
            (!state.text).then(|| skip("#bar", words::SKIP_BAR)),
            skip("#text-button", words::SKIP_TEXT),
        ),
        header(state, lesson, send),
        inside,
    );
    page.on(ListenerKind::onpointerover, look(send)).on(ListenerKind::onfocusin, look(send))
}

/// What is pointed at or has the focus is marked everywhere.
fn look(send: &Callback<Msg>) -> impl Fn(Event) + use<> {
    let send = send.clone();
    move |event| send.emit(Msg::Look(block_at(&event)))
}

fn stage(state: &State, lesson: &Lesson, send: &Callback<Msg>) -> Tag {
    let parts = &lesson.parts;
    let log = Rc::clone(&parts.log);
    let few = if log.is_empty() { NARROW_COLUMNS.0 } else { NARROW_COLUMNS.1 };
    let large = lesson.run.is_large();
    let few = if large && !state.narrow { LARGE_COLUMNS } else { few };
    let busiest = || {
        let mut only = columns::busiest(lesson.run.changes(), few);
        if large {
            // So many are touched that a stage of all would show none of them well.
            let changed = parts.columns.iter().enumerate().filter(|(_, column)| column.changed);
            only.extend(changed.map(|(number, _)| number));
        }
        only
    };
    let only = (state.narrow || large).then(busiest);
    let spans = Rc::new(columns::spans(&parts.columns, state.unfolded, only.as_deref()));
    let focus = state.focus().cloned();
    let frame = Frame {
        columns: &parts.columns,
        rows: &parts.rows,
        waterline: &parts.waterline,
        spans,
        focus: focus.as_deref(),
        pinned: state.pinned().map(|block| &**block),
        unfolded: state.unfolded,
    };
    let tree = |tree: &Rc<Tree>| {
        let shown = Shown::Tree { tree: Rc::clone(tree), focus: focus.clone() };
        panel(&tree.row, shown, send)
    };
    let block = focus.as_deref().unwrap_or(&parts.touched);
    let number = parts.blocks.iter().position(|detail| detail.title == block).unwrap_or_default();
    let (caption, stands_on) =
        (Rc::clone(&parts.caption), Rc::clone(&lesson.run.standing().sources));
    let switches = Shown::Switches {
        switches: Rc::clone(lesson.run.switches()),
        epoch: lesson.run.choice().epoch_in_words(),
        unfolded: state.all_switches,
    };
    #[cfg(not(feature = "ext4"))]
    let costs = None::<Html>;
    #[cfg(feature = "ext4")]
    let costs = state.numbers.as_ref().map(|numbers| {
        let (numbers, caption) = (Rc::clone(numbers), Rc::clone(&parts.caption));
        panel("costs", Shown::Costs { numbers, caption }, send)
    });
    let panels = [
        Shown::Crash {
            crash: Rc::clone(&parts.crash),
            run: Rc::clone(&lesson.run),
            step: lesson.step,
        },
        Shown::Threads(Rc::clone(&parts.threads)),
        Shown::Block { blocks: Rc::clone(&parts.blocks), number },
        Shown::Transactions(Rc::clone(&parts.transactions)),
        Shown::Invariants(Rc::clone(&parts.invariants)),
        Shown::Next(Rc::clone(&parts.enabled)),
        Shown::Changed(Rc::clone(&parts.changed)),
        switches,
        Shown::Sources { caption, stands_on },
    ];
    tag!("div", "class" = "table";
        tag!("main", "id" = "stage", "tabindex" = "-1", "data-arrows" = "step";
            tag!("div", "class" = "places";
                matrix(&frame, send),
                (!log.is_empty()).then(|| panel("log", Shown::Log { log, focus: focus.clone() }, send)),
                tag!("section", "class" = "trees";
                    tag!("h2", "class" = "sr"; words::TREES), each(parts.trees.iter(), tree),
                ),
            ),
            tag!("p", "class" = "also"; also(lesson, focus.as_deref())),
        ),
        tag!("aside", "aria-label" = words::DETAILS, "tabindex" = "0";
            lesson.asked().map(|asked| question(&asked, send)),
            costs,
            each(panels.into_iter().zip(b'a'..), |(shown, letter)| {
                panel(char::from(letter).encode_utf8(&mut [0; 4]), shown, send)
            }),
        ),
    )
}

/// The fixed line under the matrix: everywhere a marked block appears, else the signs.
fn also(lesson: &Lesson, focus: Option<&str>) -> Html {
    let Some(block) = focus else {
        let sizes = if lesson.run.is_large() { words::LARGE } else { words::TEACHING };
        return list(vec![line_signs("span"), tag!("span"; sizes).node()]);
    };
    let label = tag!("b"; words::also_in(block), ": ").node();
    list(vec![label, lesson.parts.places(block).join(" · ").node()])
}

/// The signs of a line's states, each in an element of this name.
pub(super) fn line_signs(name: &'static str) -> Html {
    each(words::LINE_SIGNS, |(class, letter, says)| {
        let sign = tag!("i", "class" = ["ln ", class].concat(), "data-letter" = letter);
        Tag::named(name).and(sign).and(says)
    })
}

fn block_at(event: &Event) -> Option<Rc<str>> {
    let element = event.target()?.dyn_into::<Element>().ok()?;
    let marked = element.closest("[data-block]").ok().flatten()?;
    marked.get_attribute("data-block").map(Rc::from)
}

/// A skip link moves the focus and leaves the address, which holds the step, alone.
fn jump(link: Tag, to: &'static str) -> Tag {
    link.on(ListenerKind::onclick, move |event| {
        event.prevent_default();
        crate::hooks::focus(if to == "#bar" { "#bar .go" } else { to });
    })
}
