//! What is drawn. Each panel is one component and gets its part of the moment as an `Rc`, so that a panel
//! whose part is the same one as before is skipped.

mod app;
mod catalogue;
mod dialogs;
mod lesson;

mod bar;
mod epochs;
mod header;
mod sentence;
mod timeline;

mod cell;
mod matrix;
mod trees;

mod crash;
mod details;
mod invariants;
mod next;
mod question;
mod threads;

mod text;

pub(crate) use app::mount;
