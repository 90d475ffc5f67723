//! The lectures of daxscope: the file format, the catalogue, links, and the session that runs one.
//!
//! - `Lecture::parse` reads a file and reports everything that is wrong with it, each with file,
//!   line and column. `docs/scenario-format.md` describes the format.
//! - `Catalogue::embedded` holds the lectures that come with daxscope.
//! - [`Catalogue::pack`] and [`Catalogue::unpack`] carry lectures to where no text is read.
//! - [`Session::open`] runs one variant in one epoch; from there the user may branch, and every
//!   state has an address, a [`Link`], that [`Session::replay`] follows.
//! - `Lecture::of_image` makes a lecture of a device that was left behind.
//! - [`check()`] compares every run with what the lecture says must come out.
//!
//! Feature `read`, on by default, is everything that reads TOML. The page goes without.
//!
//! Decides nothing about kernels: what a step does, says and deserves comes from the core.
#![forbid(unsafe_code)]

mod catalogue;
pub mod check;
#[cfg(feature = "read")]
mod error;
#[cfg(feature = "ext4")]
mod image;
mod landmark;
mod lecture;
mod link;
#[cfg(feature = "read")]
mod lower;
mod pack;
#[cfg(feature = "read")]
mod parse;
#[cfg(feature = "read")]
mod raw;
mod session;
mod suggest;
mod vocabulary;

pub use catalogue::{Catalogue, find};
pub use check::{Row, check, check_one, differences};
#[cfg(feature = "read")]
pub use error::{LectureErrors, Problem};
#[cfg(feature = "ext4")]
pub use image::NoImage;
pub use landmark::{AnyOf, Landmark};
pub use lecture::*;
pub use link::{LINK_VERSION, Link, LinkError, MODEL_VERSION, Run, Side, short_hash};
pub use session::{
    Choice, FAN_OUT, OpenError, Reached, Replayed, STEPS_MAX, Session, Switch, Unreached,
};
