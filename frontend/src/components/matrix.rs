//! The stage: columns are blocks, rows are places, and a waterline. A table, so it is its own twin.

use std::rc::Rc;

use daxscope_core::view::{Column, Row, RowKind, Waterline};
use yew::prelude::*;

use super::cell;
use super::panel::{Panel, Shown};
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

pub(crate) fn matrix(frame: &Frame, send: &Callback<Msg>) -> Html {
    let Frame { columns, rows, waterline, spans, focus, .. } = frame;
    let marked = focus.and_then(|block| columns.iter().position(|column| column.label == block));
    let labels: Rc<Vec<String>> =
        Rc::new(columns.iter().map(|column| column.label.clone()).collect());
    let row = |row: &Rc<Row>| {
        let (id, row, spans, labels) =
            (row.id.clone(), Rc::clone(row), Rc::clone(spans), Rc::clone(&labels));
        let shown = Shown::Row { row, spans, labels, marked };
        html! { <Panel key={id} {shown} send={send.clone()} /> }
    };
    let (above, below) = rows.split_at(waterline.below_row.min(rows.len()));
    let log = rows.last().is_some_and(|row| row.kind == RowKind::Log);
    let width = (spans.len() + 1).to_string();
    html! {
        <table class={classes!("matrix", few(spans), log.then_some("fs"))}>
            <caption class="sr">{ words::BLOCKS }</caption>
            <thead>
                <tr>
                    <th scope="col">
                        <span class="sr">{ words::PLACE }</span>
                        if frame.unfolded {
                            <button type="button" class="fold" onclick={send.reform(|_: MouseEvent| Msg::Fold)}>
                                { words::FOLD }
                            </button>
                        }
                    </th>
                    { for spans.iter().map(|span| heading(frame, span, marked, send)) }
                </tr>
            </thead>
            <tbody>{ for above.iter().map(row) }</tbody>
            <tbody>
                <tr class="waterline">
                    <th colspan={width} scope="rowgroup"><span>{ &waterline.text }</span></th>
                </tr>
                { for below.iter().map(row) }
            </tbody>
        </table>
    }
}

/// A matrix of few columns stays narrow, so that the trees stand beside it; in one of many there is no room beside a
/// line.
fn few(spans: &[Span]) -> Option<&'static str> {
    match spans.iter().filter(|span| matches!(span, Span::Shown(_))).count() {
        0 | 1 => Some("one"),
        2 => Some("two"),
        3 => Some("three"),
        4..8 => None,
        _ => Some("many"),
    }
}

fn heading(frame: &Frame, span: &Span, marked: Option<usize>, send: &Callback<Msg>) -> Html {
    let Frame { columns, pinned, .. } = frame;
    match *span {
        Span::Shown(number) => {
            let column = &columns[number];
            let label: Rc<str> = Rc::from(column.label.as_str());
            let pressed = *pinned == Some(&*label);
            let class =
                classes!((marked == Some(number)).then_some("hl"), column.changed.then_some("chg"));
            let pin = send.reform(move |_: MouseEvent| Msg::Pin(Rc::clone(&label)));
            html! {
                <th key={column.label.clone()} scope="col" {class} data-block={column.label.clone()}>
                    <button type="button" aria-pressed={pressed.to_string()} onclick={pin}>{ &column.label }</button>
                </th>
            }
        }
        Span::Gap(first, last) => {
            let label =
                words::unfold(&columns[first].label, &columns[last].label, last - first + 1);
            let fold = send.reform(|_: MouseEvent| Msg::Fold);
            html! {
                <th key={format!("gap {first}")} class="gap">
                    <button type="button" aria-label={label.clone()} title={label} onclick={fold}>{ "⋯" }</button>
                </th>
            }
        }
    }
}

/// A row of the matrix.
pub(crate) fn row(row: &Row, spans: &[Span], labels: &[String], marked: Option<usize>) -> Html {
    html! {
        <tr class={kind(row.kind)} data-row={row.id.clone()}>
            <th scope="row"><b>{ &row.title }</b>{ " " }<span>{ &row.subtitle }</span></th>
            { for spans.iter().map(|span| match *span {
                Span::Shown(number) => place(row, &labels[number], number, marked == Some(number)),
                Span::Gap(first, _) => html! { <td key={format!("gap {first}")} class="gap" /> },
            }) }
        </tr>
    }
}

fn place(row: &Row, label: &str, number: usize, marked: bool) -> Html {
    let Some(cell) = row.cells.get(number) else {
        return html! { <td key={label} /> };
    };
    let class = classes!(marked.then_some("hl"), cell.changed.then_some("chg"));
    html! {
        <td key={label} {class} data-block={label.to_string()}>{ cell::cell(cell) }</td>
    }
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
