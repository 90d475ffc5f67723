//! The lesson: sentence, stage, panels, timeline and bar; or the same as text.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::{
    bar::Bar,
    crash::Crash,
    details::{Changed, Sources},
    epochs,
    header::Header,
    invariants::Invariants,
    matrix::Matrix,
    next::Next,
    question::Ask,
    sentence::Sentence,
    text::TextView,
    threads::Threads,
    timeline::Timeline,
    trees::Trees,
};
use crate::columns;
use crate::lesson::Lesson;
use crate::msg::Msg;
use crate::state::State;
use crate::words;

/// How many columns a narrow window shows (UI-303).
const NARROW_COLUMNS: usize = 5;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) state: Rc<State>,
    pub(crate) send: Callback<Msg>,
}

#[component]
pub(crate) fn LessonScreen(Props { state, send }: &Props) -> Html {
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
                <a href="#bar" onclick={jump("#bar .go")}>{ words::SKIP_BAR }</a>
                <a href="#text-button" onclick={jump("#text-button")}>{ words::SKIP_TEXT }</a>
            </nav>
            <Header state={Rc::clone(state)} send={send.clone()} />
            if state.text {
                <TextView run={Rc::clone(&lesson.run)} step={lesson.step} send={send.clone()} />
            } else {
                <epochs::Row run={Rc::clone(&lesson.run)} send={send.clone()} />
                <Sentence lesson={lesson.clone()} notice={state.notice.clone()} send={send.clone()} />
                { stage(state, lesson, send) }
                <footer id="bar" data-arrows="step">
                    <Timeline run={Rc::clone(&lesson.run)} step={lesson.step} send={send.clone()} />
                    <Bar step={lesson.step} last={lesson.run.last()} send={send.clone()} />
                </footer>
            }
        </div>
    }
}

fn stage(state: &State, lesson: &Lesson, send: &Callback<Msg>) -> Html {
    let parts = &lesson.parts;
    let only = state.narrow.then(|| columns::busiest(lesson.run.changes(), NARROW_COLUMNS));
    let spans = columns::spans(&parts.columns, state.unfolded, only.as_deref());
    let focus = state.focus().cloned();
    html! {
        <div class="table">
            <main id="stage" tabindex="-1" data-arrows="step">
                <div class="places">
                    <Matrix columns={Rc::clone(&parts.columns)} rows={Rc::clone(&parts.rows)}
                        waterline={Rc::clone(&parts.waterline)} {spans} focus={focus.clone()}
                        pinned={state.pinned().cloned()} unfolded={state.unfolded} send={send.clone()} />
                    <Trees trees={Rc::clone(&parts.trees)} focus={focus.clone()} />
                </div>
                <p class="also">{ also(lesson, focus.as_deref()) }</p>
            </main>
            <aside aria-label={words::DETAILS}>
                <Ask asked={lesson.asked()} send={send.clone()} />
                <Threads threads={Rc::clone(&parts.threads)} />
                <Invariants invariants={Rc::clone(&parts.invariants)} />
                <Crash crash={Rc::clone(&parts.crash)} />
                <Next enabled={Rc::clone(&parts.enabled)} send={send.clone()} />
                <Changed changed={Rc::clone(&parts.changed)} />
                <Sources caption={Rc::clone(&parts.caption)} stands_on={lesson.run.lecture().sources.clone()} />
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
