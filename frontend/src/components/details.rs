//! What changed in this step, and what the step is based on.

use daxscope_core::view::{Caption, Change, Source};

use super::dom::{Node, Tag, each, tag};
use crate::words;

pub(crate) fn changed(changed: &[Change]) -> Tag {
    let change = |change: &Change| {
        let (before, after) = (tag!("code"; &change.before), tag!("code"; &change.after));
        tag!("li"; tag!("b"; &change.place), " ", before, " → ", after)
    };
    let none = || tag!("p", "class" = "soft"; words::NOT_CHANGED).node();
    tag!("section", "class" = "changed";
        tag!("h2"; words::CHANGED),
        if changed.is_empty() { none() } else { tag!("ul"; each(changed, change)).node() },
    )
}

pub(crate) fn sources(caption: &Caption, stands_on: &[(String, String)]) -> Tag {
    let none = || tag!("p", "class" = "soft"; words::NO_SOURCES).node();
    let cited = &caption.sources;
    tag!("section", "class" = "sources";
        tag!("h2"; words::SOURCES),
        if cited.is_empty() { none() } else { tag!("ul"; each(cited, source)).node() },
        tag!("h3"; words::STANDS_ON),
        tag!("ul"; each(stands_on, |(reference, says)| {
            tag!("li"; tag!("b"; reference), " ", says)
        })),
    )
}

fn source(source: &Source) -> Tag {
    let place = [source.file.as_str(), &source.function].join(" ");
    let since = [" · ", &source.versions, " · ", &source.evidence].concat();
    tag!("li";
        tag!("b"; &source.rule), " ", &source.line,
        tag!("small", "class" = "detail"; tag!("code", "translate" = "no"; place), since),
    )
}
