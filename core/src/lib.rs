//! The daxscope machine (documentation follows as the modules land).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod units;

pub mod rules;

pub mod config;

pub mod tag;

pub mod entry;

pub mod radix_tree;

pub mod address_space;

pub mod medium;

pub mod fs;

pub mod machine;

pub mod check;

pub mod crash;

pub mod path;

pub mod narrate;

pub mod view;
