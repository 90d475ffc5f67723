//! What a power cut could leave now: the count, its formula and the classes.

use daxscope_core::view::{CrashClass, CrashNow};

use super::dom::{Tag, each, tag};
use crate::words;

pub(crate) fn crash(crash: &CrashNow) -> Tag {
    let images = if crash.images == "1" { words::IMAGE } else { words::IMAGES };
    let formula = (crash.formula != crash.images).then_some(&crash.formula);
    tag!("section", "class" = "crash";
        tag!("h2"; words::POWER_CUT),
        tag!("p", "class" = "count";
            tag!("b"; &crash.images), " ", images, " ",
            formula.map(|formula| tag!("span", "class" = "soft"; formula)),
        ),
        tag!("p"; &crash.sentence),
        (!crash.classes.is_empty()).then(|| tag!("ul"; each(&crash.classes, class))),
    )
}

fn class(class: &CrashClass) -> Tag {
    let ok = class.invariant.is_empty();
    let (name, sign) = if ok { ("ok", "✓ ") } else { ("no", "✗ ") };
    tag!("li", "class" = name, "title" = &class.example;
        tag!("b"; class.count),
        tag!("span"; sign, &class.verdict, tag!("small", "class" = "detail"; &class.example)),
    )
}
