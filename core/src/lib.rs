//! The daxscope machine: the page-cache radix tree, the DAX flush and persistent memory, as Linux
//! 4.5-rc1 to 6.12 have them, and what a power cut leaves of it all.
//!
//! A [`machine::Machine`] is plain data. [`machine::Machine::enabled`] says what can be done next,
//! [`machine::Machine::step`] does it and reports a [`machine::Step`]: who acted, in which kernel
//! function, which rules of the reference the executed branches implement, what changed. A
//! [`path::Path`] keeps the states, so that going back is indexing; [`view::scene`] turns one into
//! what a page draws, [`check::Judge`] says what went wrong, [`crash::report`] what a power cut could
//! leave.
//!
//! Read the modules in the order below; each uses those above it (`machine` names its components in
//! the words of `narrate`; `check` and `crash` know each other). No clock, no I/O, no randomness, no
//! floats, no hash iteration, no unsafe: the same actions lead to the same state on every host.
#![no_std]
// A build without the ext-like file system leaves its functions unused.
#![cfg_attr(not(feature = "ext4"), allow(dead_code))]
#![forbid(unsafe_code)]

extern crate alloc;

/// Whether this build has it all. Without it there is what a page's first lectures need: files by DAX
/// and by pages whose blocks are there already, reads of the raw device, nothing that changes metadata.
pub const EXT4: bool = cfg!(feature = "ext4");

#[cfg(test)]
extern crate std;

pub mod units;

mod sorted;

pub mod rules;

pub mod config;

pub mod tag;

pub mod entry;

pub mod radix_tree;

pub mod buffer_head;

pub mod address_space;

pub mod medium;

pub mod fs;

pub mod jbd;

pub mod undo;

pub mod machine;

pub mod check;

pub mod crash;

pub mod path;

pub mod narrate;

pub mod view;
