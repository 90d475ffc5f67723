//! The one component behind every panel. What is shown is a value, mostly an `Rc` of the moment's parts; a panel whose
//! value is the same as before is skipped. One component, and not one for each panel, because each costs some
//! kilobytes of WebAssembly.

use std::rc::Rc;

use daxscope_core::view::{
    Caption, Change, CrashNow, Detail, EnabledAction, Invariant, LogBlock, Row, Thread, Tree,
};
use yew::prelude::*;

#[cfg(feature = "ext4")]
use super::costs;
use super::dom::Node;
use super::{
    crash, details, history, invariants, journal, matrix, next, switches, threads, timeline, trees,
};
use crate::columns::Span;
use crate::course::{Lecture, Mark, Run, Switch, WHOLE};
use crate::history::Line;
use crate::msg::Msg;
#[cfg(feature = "ext4")]
use crate::opened::Numbers;
use crate::words;

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
    /// The block of this number.
    Block {
        blocks: Rc<Vec<Detail>>,
        number: usize,
    },
    Transactions(Rc<Vec<Detail>>),
    Threads(Rc<Vec<Thread>>),
    Invariants(Rc<Vec<Invariant>>),
    Crash {
        crash: Rc<CrashNow>,
        run: Rc<Run>,
        step: usize,
    },
    Next(Rc<Vec<EnabledAction>>),
    Changed(Rc<Vec<Change>>),
    Sources {
        caption: Rc<Caption>,
        stands_on: Rc<Vec<(String, String)>>,
    },
    #[cfg(feature = "ext4")]
    Costs {
        numbers: Rc<Numbers>,
        caption: Rc<Caption>,
    },
    Lanes(Rc<Vec<Mark>>),
    Switches {
        switches: Rc<Vec<Switch>>,
        epoch: String,
        unfolded: bool,
    },
    Line {
        line: Rc<Line>,
        lectures: Rc<Vec<Lecture>>,
        first: bool,
    },
}

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) shown: Shown,
    pub(crate) send: Callback<Msg>,
}

/// A panel, told from its siblings by the key.
pub(crate) fn panel(key: &str, shown: Shown, send: &Callback<Msg>) -> Html {
    html! { <Panel key={key} {shown} send={send.clone()} /> }
}

#[component]
fn Panel(Props { shown, send }: &Props) -> Html {
    match shown {
        Shown::Row { row, spans, labels, marked } => matrix::row(row, spans, labels, *marked),
        Shown::Tree { tree, focus } => trees::tree(tree, focus.as_deref()),
        Shown::Log { log, focus } if WHOLE => journal::ring(log, focus.as_deref()),
        Shown::Block { blocks, number } if WHOLE => {
            let block = blocks.get(*number..=*number).unwrap_or_default();
            return journal::details(words::BLOCK, block);
        }
        Shown::Transactions(all) if WHOLE => return journal::details(words::TRANSACTION, all),
        Shown::Threads(threads) => threads::threads(threads),
        Shown::Invariants(invariants) => invariants::invariants(invariants),
        Shown::Crash { crash, run, step } => crash::crash(crash, run, *step, send),
        Shown::Next(enabled) => next::next(enabled, send),
        Shown::Changed(changed) => details::changed(changed),
        Shown::Sources { caption, stands_on } => details::sources(caption, stands_on),
        #[cfg(feature = "ext4")]
        Shown::Costs { numbers, caption } => costs::costs(numbers, &caption.function),
        Shown::Lanes(marks) => timeline::lanes(marks),
        Shown::Switches { switches, epoch, unfolded } => {
            switches::switches(switches, epoch, *unfolded, send)
        }
        Shown::Line { line, lectures, first } if WHOLE => {
            history::line(line, &lectures[line.lecture], *first)
        }
        // Never shown by the part of the page that goes without them.
        Shown::Log { .. } | Shown::Block { .. } | Shown::Transactions(_) | Shown::Line { .. } => {
            return Html::default();
        }
    }
    .node()
}
