//! The machine on real persistent memory: what the command line uses beyond the model itself.
//!
//! `daxscope_core` is generic over its memory. [`pmem`] is one that is real: a mapped file, a device,
//! or anonymous memory. The same frames that a lecture shows run on it at full speed, and [`mod@bench`]
//! times them beside what one would otherwise use.
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
pub mod bench;
#[cfg(target_os = "linux")]
pub mod doctor;
#[cfg(target_os = "linux")]
pub mod pmem;
#[cfg(target_os = "linux")]
pub mod sys;
pub mod torture;
