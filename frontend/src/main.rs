//! The page: draws what `daxscope-core` says, decides nothing about kernels.
//!
//! Read in this order: [`words`] everything the page says, [`course`] the lectures and their runs, [`history`] their
//! verdicts in every kernel, [`parts`] a moment cut into panels, [`columns`] what folds away, [`state`] what is shown
//! and what a message makes of it, `opened` files of the reader's own, [`keys`] what a key asks for; then, in a browser only, `hooks` and `components`.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "natively only the tests use these modules")
)]

mod words;

mod course;
mod history;
mod parts;

mod columns;
mod transcript;

mod msg;

mod lesson;

#[cfg(feature = "ext4")]
mod opened;

mod state;

mod keys;

#[cfg(test)]
mod theme_tests;

#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod hooks;

fn main() {
    #[cfg(target_arch = "wasm32")]
    components::mount();
}
