//! The stage: columns are blocks, rows are places, and a waterline. A table, so it is its own twin.

use std::rc::Rc;

use daxscope_core::view::{Column, Row, RowKind, Waterline};
use yew::Callback;

use super::cell;
use super::dom::{Tag, classes, each, tag, when};
use super::panel::{Shown, panel};
use crate::columns::Span;
use crate::msg::Msg;
use crate::words;

/// What the matrix shows beside its cells.
pub(crate) struct Frame<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) rows: &'a [Rc<Row>],
    pub(crate) waterline: &'a Waterline,
    pub(crate) spans: Rc<Vec<Span>>,
    pub(crate) focus: Option<&'a str>,
    pub(crate) pinned: Option<&'a str>,
    pub(crate) unfolded: bool,
}

pub(crate) fn matrix(frame: &Frame, send: &Callback<Msg>) -> Tag {
    let Frame { columns, rows, waterline, spans, focus, .. } = frame;
    let marked = focus.and_then(|block| columns.iter().position(|column| column.label == block));
    let labels: Rc<Vec<String>> =
        Rc::new(columns.iter().map(|column| column.label.clone()).collect());
    let row = |row: &Rc<Row>| {
        let (spans, labels) = (Rc::clone(spans), Rc::clone(&labels));
        panel(&row.id, Shown::Row { row: Rc::clone(row), spans, labels, marked }, send)
    };
    let fold =
        || tag!("button", "type" = "button", "class" = "fold"; words::FOLD).press(send, Msg::Fold);
    let (above, below) = rows.split_at(waterline.below_row.min(rows.len()));
    let width = spans.len() + 1;
    let log = rows.last().is_some_and(|row| row.kind == RowKind::Log);
    tag!("table", "class" = classes(&["matrix", few(spans), when(log, "fs")]);
        tag!("caption", "class" = "sr"; words::BLOCKS),
        tag!("thead"; tag!("tr";
            tag!("th", "scope" = "col";
                tag!("span", "class" = "sr"; words::PLACE), frame.unfolded.then(fold),
            ),
            each(spans.iter(), |span| heading(frame, span, marked, send)),
        )),
        tag!("tbody"; each(above, row)),
        tag!("tbody";
            tag!("tr", "class" = "waterline";
                tag!("th", "colspan" = width, "scope" = "rowgroup"; tag!("span"; &waterline.text)),
            ),
            each(below, row),
        ),
    )
}

/// A matrix of few columns stays narrow, so that the trees stand beside it; in one of many lines do not stand two by
/// two.
fn few(spans: &[Span]) -> &'static str {
    match spans.iter().filter(|span| matches!(span, Span::Shown(_))).count() {
        0 | 1 => "one",
        2 => "two",
        3 => "three",
        4..8 => "",
        _ => "many",
    }
}

fn heading(frame: &Frame, span: &Span, marked: Option<usize>, send: &Callback<Msg>) -> Tag {
    let Frame { columns, pinned, .. } = frame;
    match *span {
        Span::Shown(number) => {
            let column = &columns[number];
            let label = &column.label;
            let hl = when(marked == Some(number), "hl");
            let pressed = *pinned == Some(label.as_str());
            let pin = tag!("button", "type" = "button", "aria-pressed" = pressed; label);
            let pin = pin.press(send, Msg::Pin(label.as_str().into()));
            let class = classes(&[hl, when(column.changed, "chg")]);
            tag!("th", "scope" = "col", "class" = class, "data-block" = label; pin)
                .key(label.as_str())
        }
        Span::Gap(first, last) => {
            let label =
                words::unfold(&columns[first].label, &columns[last].label, last - first + 1);
            let unfold =
                tag!("button", "type" = "button", "aria-label" = &label, "title" = &label; "⋯");
            tag!("th", "class" = "gap"; unfold.press(send, Msg::Fold)).key(&gap(first))
        }
    }
}

fn gap(first: usize) -> String {
    format!("gap {first}")
}

/// A row of the matrix.
pub(crate) fn row(row: &Row, spans: &[Span], labels: &[String], marked: Option<usize>) -> Tag {
    let place = |span: &Span| match *span {
        Span::Shown(number) => place(row, &labels[number], number, marked == Some(number)),
        Span::Gap(first, _) => tag!("td", "class" = "gap").key(&gap(first)),
    };
    tag!("tr", "class" = kind(row.kind), "data-row" = &row.id;
        tag!("th", "scope" = "row"; tag!("b"; &row.title), " ", tag!("span"; &row.subtitle)),
        each(spans, place),
    )
}

fn place(row: &Row, label: &String, number: usize, marked: bool) -> Tag {
    let cell = row.cells.get(number);
    let changed = cell.is_some_and(|cell| cell.changed);
    let class = classes(&[when(marked, "hl"), when(changed, "chg")]);
    tag!("td", "class" = class, "data-block" = label; cell.map(cell::cell)).key(label.as_str())
}

const fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Owner => "owner",
        RowKind::PageTable => "pte",
        RowKind::FileMapping => "mapping",
        RowKind::DeviceMapping => "mapping device",
        RowKind::Transaction => "notes",
        RowKind::Log => "notes log",
        RowKind::CpuCache => "lines cache",
        RowKind::WriteQueue => "lines wpq",
        RowKind::Medium => "lines medium",
    }
}
