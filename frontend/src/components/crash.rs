//! What a power cut could leave now: the count, its formula and the classes.

use std::rc::Rc;

use daxscope_core::view::{CrashClass, CrashNow};
use yew::Callback;
use yew::virtual_dom::ListenerKind;

use super::dom::{Tag, each, tag};
use crate::course::Run;
use crate::hooks::window;
use crate::msg::Msg;
use crate::words;

/// Each class can be booted from: that is another path of the run, at an address of its own.
pub(crate) fn crash(crash: &CrashNow, run: &Rc<Run>, step: usize, send: &Callback<Msg>) -> Tag {
    let images = if crash.images == "1" { words::IMAGE } else { words::IMAGES };
    let formula = (crash.formula != crash.images).then_some(&crash.formula);
    tag!("section", "class" = "crash";
        tag!("h2"; words::POWER_CUT),
        tag!("p", "class" = "count";
            tag!("b"; &crash.images), " ", images, " ",
            formula.map(|formula| tag!("span", "class" = "soft"; formula)),
        ),
        tag!("p"; &crash.sentence),
        (!crash.classes.is_empty()).then(|| tag!("ul"; each(&crash.classes, |it| class(it, run, step, send)))),
    )
}

fn class(class: &CrashClass, run: &Rc<Run>, step: usize, send: &Callback<Msg>) -> Tag {
    let ok = class.invariant.is_empty();
    let (name, sign) = if ok { ("ok", "✓ ") } else { ("no", "✗ ") };
    let says = words::boot(&class.verdict, &class.example);
    let (run, image) = (Rc::clone(run), class.number);
    let boot = tag!("button", "type" = "button", "aria-label" = says; words::BOOT);
    #[cfg(not(feature = "ext4"))]
    let _ = send;
    #[cfg(feature = "ext4")]
    let send = send.clone();
    let boot = boot.on(ListenerKind::onclick, move |_| {
        #[cfg(feature = "ext4")]
        if run.is_image() {
            return send.emit(Msg::Boot(image));
        }
        drop(window().location().set_hash(&run.boot_link(step, image)));
    });
    tag!("li", "class" = name, "title" = &class.example;
        tag!("b"; class.count),
        tag!("span"; sign, &class.verdict, tag!("small", "class" = "detail"; &class.example)),
        boot,
    )
}
