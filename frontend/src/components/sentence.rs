//! What the step did, in one sentence: the page's only live region.

use daxscope_core::view::Caption;
use yew::prelude::*;

use crate::lesson::Lesson;
use crate::msg::{Msg, Notice};
use crate::words;

pub(crate) fn sentence(lesson: &Lesson, notice: Option<&Notice>, send: &Callback<Msg>) -> Html {
    let verdicts = lesson.verdicts();
    let new = !lesson.parts.caption.verdicts.is_empty();
    html! {
        <section class="say" aria-label={words::STEPPING}>
            <div class="where">
                <span class="n">{ words::step_of(lesson.step, lesson.run.last()) }</span>
                if verdicts.is_empty() {
                    <span class="verdict ok">{ "✓ " }{ words::NO_VERDICT }</span>
                } else {
                    <span class={classes!("verdict", "no", new.then_some("new"))}>
                        { "✗ " }{ verdicts.join(", ") }
                    </span>
                }
                <span class="soft">{ words::standing(lesson.run.standing()) }</span>
            </div>
            <div class="told">
                <p class="sentence" id="sentence" role="status" aria-atomic="true">
                    { &lesson.parts.caption.sentence }
                </p>
                { for lesson.run.notes(lesson.step).into_iter().map(|note| html! { <p class="note">{ note }</p> }) }
            </div>
            { cited(&lesson.parts.caption) }
            { notice_line(notice, send) }
            if lesson.trunk.is_some() {
                <p class="notice">
                    { words::OFF_SCRIPT }{ " " }
                    <button type="button" onclick={send.reform(|_: MouseEvent| Msg::Rejoin)}>{ words::REJOIN }</button>
                </p>
            }
        </section>
    }
}

/// Function, file, rules and versions.
fn cited(caption: &Caption) -> Html {
    let first = caption.sources.first();
    let rules: Vec<&str> = caption.sources.iter().map(|source| source.rule.as_str()).collect();
    let function = match first {
        _ if !caption.function.is_empty() => &caption.function,
        Some(source) => &source.function,
        None => &caption.actor,
    };
    html! {
        <p class="cited">
            <code translate="no">{ function }</code>
            if let Some(source) = first {
                <span><code translate="no">{ &source.file }</code></span>
                <span>{ rules.join(" · ") }{ " · " }{ &source.versions }</span>
            }
        </p>
    }
}

/// What the reader is told once; an alert only if a link could not be restored (UI-1205).
pub(crate) fn notice_line(notice: Option<&Notice>, send: &Callback<Msg>) -> Html {
    let Some(notice) = notice else {
        return Html::default();
    };
    html! {
        <p class="notice" role={notice.alert.then_some("alert")}>
            { &notice.text }{ " " }
            <button type="button" onclick={send.reform(|_: MouseEvent| Msg::DismissNotice)}>{ words::DISMISS }</button>
        </p>
    }
}
