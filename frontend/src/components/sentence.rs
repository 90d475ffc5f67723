//! What the step did, in one sentence: the page's only live region.

use daxscope_core::view::Caption;
use yew::Callback;

use super::dom::{Tag, each, tag};
use crate::lesson::Lesson;
use crate::msg::{Msg, Notice};
use crate::words;

pub(crate) fn sentence(lesson: &Lesson, notice: Option<&Notice>, send: &Callback<Msg>) -> Tag {
    let caption = &lesson.parts.caption;
    let verdicts = lesson.verdicts();
    let verdict = if verdicts.is_empty() {
        tag!("span", "class" = "verdict ok"; "✓ ", words::NO_VERDICT)
    } else {
        let new = !caption.verdicts.is_empty();
        let class = if new { "verdict no new" } else { "verdict no" };
        tag!("span", "class" = class; "✗ ", verdicts.join(", "))
    };
    let rejoin = || {
        let rejoin = tag!("button", "type" = "button"; words::REJOIN).press(send, Msg::Rejoin);
        tag!("p", "class" = "notice"; words::OFF_SCRIPT, " ", rejoin)
    };
    tag!("section", "class" = "say", "aria-label" = words::STEPPING;
        tag!("div", "class" = "where";
            tag!("span", "class" = "n"; words::step_of(lesson.step, lesson.run.last())),
            verdict,
            tag!("span", "class" = "soft"; words::standing(lesson.run.standing())),
        ),
        tag!("div", "class" = "told";
            tag!("p", "class" = "sentence", "id" = "sentence", "role" = "status",
                "aria-atomic" = "true";
                &caption.sentence,
            ),
            each(lesson.run.notes(lesson.step), |note| tag!("p", "class" = "note"; note)),
        ),
        cited(caption),
        notice_line(notice, send),
        lesson.trunk.as_ref().map(|_| rejoin()),
    )
}

/// Function, file, rules and versions.
fn cited(caption: &Caption) -> Tag {
    let first = caption.sources.first();
    let function = match first {
        _ if !caption.function.is_empty() => &caption.function,
        Some(source) => &source.function,
        None => &caption.actor,
    };
    let mut rules = String::new();
    for source in &caption.sources {
        rules.push_str(&source.rule);
        rules.push_str(" · ");
    }
    tag!("p", "class" = "cited";
        tag!("code", "translate" = "no"; function),
        first.map(|source| tag!("span"; tag!("code", "translate" = "no"; &source.file))),
        first.map(|source| tag!("span"; rules, &source.versions)),
    )
}

/// What the reader is told once; an alert only if a link could not be restored (UI-1205).
pub(crate) fn notice_line(notice: Option<&Notice>, send: &Callback<Msg>) -> Option<Tag> {
    notice.map(|notice| {
        let dismiss = tag!("button", "type" = "button"; words::DISMISS);
        tag!("p", "class" = "notice", "role" = notice.alert.then_some("alert");
            &notice.text, " ", dismiss.press(send, Msg::DismissNotice),
        )
    })
}
