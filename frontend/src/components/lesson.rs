//! The lesson: sentence, stage, panels, timeline and bar; or the same as text.

use std::rc::Rc;

use daxscope_core::view::{Detail, Tree};
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::{
    bar::bar,
    epochs,
    header::header,
    matrix::{Frame, matrix},
    panel::{Panel, Shown},
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

/// How many columns a narrow window shows (UI-303).
const NARROW_COLUMNS: usize = 5;

pub(crate) fn lesson(state: &Rc<State>, send: &Callback<Msg>) -> Html {
    let Some(lesson) = &state.lesson else {
        return Html::default();
    };
    let look = {
        let send = send.clone();
        move |target: Option<web_sys::EventTarget>| send.emit(Msg::Look(block_at(target)))
    };
    let over = Callback::from({
        let look = look.clone();
        move |event: PointerEvent| look(event.target())
    });
    let focused = Callback::from(move |event: FocusEvent| look(event.target()));
    html! {
        <div class={classes!("lesson", state.text.then_some("as-text"))} onpointerover={over} onfocusin={focused}>
            <nav class="skips" aria-label={words::SKIP_STAGE}>
                <a href="#stage" onclick={jump("#stage")}>{ words::SKIP_STAGE }</a>
                if !state.text {
                    <a href="#bar" onclick={jump("#bar .go")}>{ words::SKIP_BAR }</a>
                }
                <a href="#text-button" onclick={jump("#text-button")}>{ words::SKIP_TEXT }</a>
            </nav>
            { header(state, send) }
            if state.text {
                { text(&lesson.run, send) }
            } else {
                { epochs::row(&lesson.run, send) }
                { sentence(lesson, state.notice.as_ref(), send) }
                { stage(state, lesson, send) }
                <footer id="bar" data-arrows="step">
                    { timeline(&lesson.run, lesson.step, send) }
                    { bar(lesson.step, lesson.run.last(), send) }
                </footer>
            }
        </div>
    }
}

fn stage(state: &State, lesson: &Lesson, send: &Callback<Msg>) -> Html {
    let parts = &lesson.parts;
    let only = state.narrow.then(|| columns::busiest(lesson.run.changes(), NARROW_COLUMNS));
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
    let panel = |shown: Shown| html! { <Panel {shown} send={send.clone()} /> };
    let tree = |tree: &Rc<Tree>| {
        let shown = Shown::Tree { tree: Rc::clone(tree), focus: focus.clone() };
        html! { <Panel key={tree.row.clone()} {shown} send={send.clone()} /> }
    };
    let about = |title, details: &Rc<Vec<Detail>>, only| Shown::Details {
        title,
        details: Rc::clone(details),
        only,
    };
    let block = focus.as_deref().unwrap_or(&parts.touched);
    let block = parts.blocks.iter().position(|detail| detail.title == block).unwrap_or_default();
    let (caption, stands_on) =
        (Rc::clone(&parts.caption), Rc::clone(&lesson.run.standing().sources));
    html! {
        <div class="table">
            <main id="stage" tabindex="-1" data-arrows="step">
                <div class="places">
                    { matrix(&frame, send) }
                    if !parts.log.is_empty() {
                        { panel(Shown::Log { log: Rc::clone(&parts.log), focus: focus.clone() }) }
                    }
                    <section class="trees">
                        <h2 class="sr">{ words::TREES }</h2>
                        { for parts.trees.iter().map(tree) }
                    </section>
                </div>
                <p class="also">{ also(lesson, focus.as_deref()) }</p>
            </main>
            <aside aria-label={words::DETAILS} tabindex="0">
                { question(lesson.asked().as_ref(), send) }
                { panel(Shown::Crash(Rc::clone(&parts.crash))) }
                { panel(Shown::Threads(Rc::clone(&parts.threads))) }
                { panel(about(words::BLOCK, &parts.blocks, Some(block))) }
                { panel(about(words::TRANSACTION, &parts.transactions, None)) }
                { panel(Shown::Invariants(Rc::clone(&parts.invariants))) }
                { panel(Shown::Next(Rc::clone(&parts.enabled))) }
                { panel(Shown::Changed(Rc::clone(&parts.changed))) }
                { panel(Shown::Sources { caption, stands_on }) }
            </aside>
        </div>
    }
}

/// The fixed line under the matrix: everywhere a marked block appears, else the signs.
fn also(lesson: &Lesson, focus: Option<&str>) -> Html {
    let Some(block) = focus else {
        return html! {
            <>
                { for words::LINE_SIGNS.iter().map(|(class, letter, says)| html! {
                    <span><i class={classes!("ln", *class)} data-letter={*letter} />{ *says }</span>
                }) }
                <span>{ words::TEACHING }</span>
            </>
        };
    };
    html! { <><b>{ words::also_in(block) }{ ": " }</b>{ lesson.parts.places(block).join(" · ") }</> }
}

fn block_at(target: Option<web_sys::EventTarget>) -> Option<Rc<str>> {
    let element = target?.dyn_into::<Element>().ok()?;
    let marked = element.closest("[data-block]").ok().flatten()?;
    marked.get_attribute("data-block").map(Rc::from)
}

/// A skip link moves the focus and leaves the address, which holds the step, alone.
fn jump(to: &'static str) -> Callback<MouseEvent> {
    Callback::from(move |event: MouseEvent| {
        event.prevent_default();
        crate::hooks::focus(to);
    })
}
