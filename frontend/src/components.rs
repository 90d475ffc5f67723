//! What is drawn. A panel gets its part of the moment as an `Rc` and is skipped where that is the same one as before.

mod arrows;
mod dom;

mod app;
mod catalogue;
mod dialogs;
mod history;
mod lesson;

mod bar;
mod epochs;
mod header;
mod sentence;
mod timeline;

mod panel;

mod cell;
mod matrix;
mod trees;

#[cfg(feature = "ext4")]
mod costs;
mod crash;
mod details;
mod invariants;
mod journal;
mod next;
mod question;
mod switches;
mod threads;

mod text;

pub(crate) use app::mount;
