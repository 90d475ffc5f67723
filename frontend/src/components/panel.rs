//! The one component behind every panel. What is shown is a value, mostly an `Rc` of the moment's parts; a panel whose
//! value is the same as before is skipped. One component, and not one for each panel, because each costs some
//! kilobytes of WebAssembly.

use std::rc::Rc;

use daxscope_core::view::{
    Caption, Change, CrashNow, Detail, EnabledAction, Invariant, LogBlock, Row, Thread, Tree,
};
use yew::prelude::*;

use super::{crash, details, invariants, journal, matrix, next, threads, timeline, trees};
use crate::columns::Span;
use crate::course::Mark;
use crate::msg::Msg;

/// What a panel shows.
#[derive(Clone, PartialEq)]
pub(crate) enum Shown {
    Row {
        row: Rc<Row>,
        spans: Rc<Vec<Span>>,
        labels: Rc<Vec<String>>,
        marked: Option<usize>,
    },
    Tree {
        tree: Rc<Tree>,
        focus: Option<Rc<str>>,
    },
    Log {
        log: Rc<Vec<LogBlock>>,
        focus: Option<Rc<str>>,
    },
    /// The details of this number, or of all.
    Details {
        title: &'static str,
        details: Rc<Vec<Detail>>,
        only: Option<usize>,
    },
    Threads(Rc<Vec<Thread>>),
    Invariants(Rc<Vec<Invariant>>),
    Crash(Rc<CrashNow>),
    Next(Rc<Vec<EnabledAction>>),
    Changed(Rc<Vec<Change>>),
    Sources {
        caption: Rc<Caption>,
        stands_on: Rc<Vec<(String, String)>>,
    },
    Lanes(Rc<Vec<Mark>>),
}

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) shown: Shown,
    pub(crate) send: Callback<Msg>,
}

#[component]
pub(crate) fn Panel(Props { shown, send }: &Props) -> Html {
    match shown {
        Shown::Row { row, spans, labels, marked } => matrix::row(row, spans, labels, *marked),
        Shown::Tree { tree, focus } => trees::tree(tree, focus.as_deref()),
        Shown::Log { log, focus } => journal::ring(log, focus.as_deref()),
        Shown::Details { title, details, only } => {
            let shown = |number: &usize| only.is_none_or(|only| only == *number);
            let details = details.iter().enumerate().filter(|(number, _)| shown(number));
            html! { { for details.map(|(_, it)| journal::detail(title, it)) } }
        }
        Shown::Threads(threads) => threads::threads(threads),
        Shown::Invariants(invariants) => invariants::invariants(invariants),
        Shown::Crash(crash) => crash::crash(crash),
        Shown::Next(enabled) => next::next(enabled, send),
        Shown::Changed(changed) => details::changed(changed),
        Shown::Sources { caption, stands_on } => details::sources(caption, stands_on),
        Shown::Lanes(marks) => timeline::lanes(marks),
    }
}
