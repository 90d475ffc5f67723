//! The log ring under the matrix, and tables of facts: what is known of a block, what a transaction holds.

use daxscope_core::view::{Detail, LogBlock};

use super::cell::state;
use super::dom::{Tag, classes, each, tag, when};
use crate::words;

/// The ring as a list in the order of the device; a copy is tied to the column of its home.
pub(crate) fn ring(log: &[LogBlock], focus: Option<&str>) -> Tag {
    tag!("section", "class" = "ring";
        tag!("h2"; tag!("b"; words::LOG), " ", tag!("span", "class" = "soft"; words::LOG_SAYS)),
        tag!("ol"; each(log, |block| one(block, focus))),
    )
}

fn one(block: &LogBlock, focus: Option<&str>) -> Tag {
    let home = Some(&block.home).filter(|home| !home.is_empty());
    let class = classes(&[
        when(block.changed, "chg"),
        when(home.is_some_and(|home| Some(home.as_str()) == focus), "hl"),
        when(block.tail, "tail"),
        when(block.head, "head"),
        when(!block.live, "old"),
    ]);
    let sign = classes(&["ln", state(block.state)]);
    tag!("li", "class" = class, "data-block" = home, "title" = &block.words;
        tag!("b"; &block.label),
        tag!("span", "class" = "sr"; &block.words),
        tag!("i", "class" = sign, "aria-hidden" = "true";
            &block.holds, tag!("small"; &block.transaction, " ", block.chips.join("/")),
        ),
    )
}

/// What is known of each of these.
pub(crate) fn details(what: &str, details: &[Detail]) -> yew::Html {
    each(details, |detail| {
        tag!("section", "class" = "facts";
            tag!("h2"; what, " ", &detail.title),
            tag!("table"; each(&detail.facts, |fact| {
                tag!("tr", "class" = when(fact.changed, "chg");
                    tag!("th", "scope" = "row"; fact.name), tag!("td"; &fact.says),
                )
            })),
        )
    })
}
