//! The log ring under the matrix, and tables of facts: what is known of a block, what a transaction holds.

use daxscope_core::view::{Detail, LogBlock};
use yew::prelude::*;

use super::cell::state;
use crate::words;

/// The ring as a list in the order of the device; a copy is tied to the column of its home.
pub(crate) fn ring(log: &[LogBlock], focus: Option<&str>) -> Html {
    html! {
        <section class="ring">
            <h3><b>{ words::LOG }</b>{ " " }<span class="soft">{ words::LOG_SAYS }</span></h3>
            <ol>{ for log.iter().map(|block| one(block, focus)) }</ol>
        </section>
    }
}

fn one(block: &LogBlock, focus: Option<&str>) -> Html {
    let home = (!block.home.is_empty()).then_some(block.home.as_str());
    let class = classes!(
        block.changed.then_some("chg"),
        (home.is_some() && home == focus).then_some("hl"),
        block.tail.then_some("tail"),
        block.head.then_some("head"),
        (!block.live).then_some("old"),
    );
    let chips = block.chips.join("/");
    html! {
        <li {class} data-block={home.map(str::to_string)} title={block.words.clone()}>
            <b>{ &block.label }</b>
            <span class="sr">{ &block.words }</span>
            <i class={classes!("ln", state(block.state))} aria-hidden="true">
                { &block.holds }{ " " }{ chips }<small>{ &block.transaction }</small>
            </i>
        </li>
    }
}

/// What is known of one thing.
pub(crate) fn detail(what: &str, detail: &Detail) -> Html {
    html! {
        <section class="facts">
            <h2>{ what }{ " " }{ &detail.title }</h2>
            <table>{ for detail.facts.iter().map(|fact| html! {
                <tr class={classes!(fact.changed.then_some("chg"))}>
                    <th scope="row">{ fact.name }</th><td>{ &fact.says }</td>
                </tr>
            }) }</table>
        </section>
    }
}
