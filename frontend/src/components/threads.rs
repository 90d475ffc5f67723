//! The threads and their kernel stacks.

use daxscope_core::view::{FrameLine, Thread};

use super::dom::{Node, Tag, classes, each, tag, when};
use crate::words;

pub(crate) fn threads(threads: &[Thread]) -> Tag {
    tag!("section", "class" = "threads"; tag!("h2"; words::THREADS), tag!("ul"; each(threads, one)))
}

fn one(thread: &Thread) -> Tag {
    let operation = thread.program.get(thread.position);
    let program = operation.map_or(words::DONE, String::as_str);
    let stack = if thread.frames.is_empty() {
        operation.map(|_| tag!("p", "class" = "frame soft"; words::USER_MODE)).node()
    } else {
        tag!("ol"; each(&thread.frames, frame)).node()
    };
    tag!("li", "class" = classes(&[when(thread.acted, "acted")]);
        tag!("p", "class" = "who";
            tag!("b"; &thread.name), " ", tag!("span", "class" = "soft"; &thread.cpu), " ",
            tag!("code", "translate" = "no"; program),
        ),
        stack,
        thread.waits.as_ref().map(|waits| tag!("p", "class" = "waits"; waits)),
    )
    .key(thread.name.as_str())
}

fn frame(frame: &FrameLine) -> Tag {
    tag!("li", "class" = if frame.top { "frame top" } else { "frame" };
        tag!("code", "translate" = "no"; &frame.function), " ", tag!("span"; &frame.locals),
    )
}
