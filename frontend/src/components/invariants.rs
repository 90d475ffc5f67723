//! The named invariants: sign, words, and since when.

use daxscope_core::view::{Holds, Invariant};

use super::dom::{Tag, each, tag};
use crate::words;

pub(crate) fn invariants(invariants: &[Invariant]) -> Tag {
    tag!("section", "class" = "invariants";
        tag!("h2"; words::INVARIANTS),
        tag!("ul"; each(invariants, one)),
    )
}

fn one(invariant: &Invariant) -> Tag {
    let (class, sign, says) = match invariant.holds {
        Holds::Yes => ("ok", "✓", words::HOLDS),
        Holds::No => ("no", "✗", words::BROKEN),
        Holds::NotMeaningful => ("mute", "◌", words::NOT_MEANINGFUL),
    };
    let since = invariant.broken_since.map(|step| tag!("small"; " ", words::since(step)));
    let detail = Some(&invariant.detail).filter(|detail| !detail.is_empty());
    tag!("li", "class" = class, "title" = &invariant.id;
        tag!("span", "aria-hidden" = "true"; sign),
        tag!("span";
            tag!("span", "class" = "sr"; says, ": "), &invariant.meaning, since,
            detail.map(|detail| tag!("small", "class" = "detail"; detail)),
        ),
    )
    .key(invariant.id.as_str())
}
