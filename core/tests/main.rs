//! The core from outside, in one program: the machine, which is generic, is compiled for all of them once.

mod common;
mod ext4_model;
mod journal;

mod direct_io;
mod ext4;
mod ext4_random;
mod jbd_random;
mod jbd_readers;
mod jbd_recovery;
mod judge_ext4;
mod machine;
mod medium_crash;
mod power_cut;
mod radix_tree;
mod raw_device;
mod view_ext4;
mod write_ahead;
