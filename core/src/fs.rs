//! The ext-like file system on the medium: its formats, and pure functions over blocks of words.
//!
//! ```text
//! b0            superblock: magic, version, sizes, whether there is a root directory
//! b1 ..         block bitmap: bit n of it is block n
//! then          inode table: one 64-byte line per inode
//! then          journal superblock: one block, of `jbd`; zero without a journal
//! then          pool: data, directories, indirect blocks
//! at the end    log ring
//! ```
//!
//! [`Layout`] computes this from the sizes. The blocks stand in for those of ext2 and ext4 with
//! block maps: [`DiskInode`] for `struct ext4_inode`, [`dir`] for `struct ext4_dir_entry_2`,
//! [`block_map`] for `fs/ext4/indirect.c`. Omits: block groups, extents, times, owners, modes, the
//! triple indirect block, records of variable length in directories, `.` and `..`.
//!
//! Nothing here knows a machine, a buffer or a journal. A function edits one block's words, or asks
//! a closure for a word of a block; who loads and stores them is the caller's business. What comes
//! from the medium is checked before it is used: a power cut or a fault may have left anything.
//! [`mkfs`](mkfs()) makes a file system, [`read`](read()) reads what a mount would,
//! [`fsck`](fsck()) names what is wrong.

pub mod bitmap;
pub mod block_map;
pub mod dir;
mod fsck;
mod inode;
mod layout;
mod mkfs;
mod read;
mod superblock;
#[cfg(test)]
mod tests;

pub use dir::Name;
pub use fsck::{Problem, fsck};
pub use inode::{
    DISK_INODE_POINTERS, DiskInode, InodeFault, Kind, find_inode, free_slot, slot_line,
};
pub use layout::{Layout, Role};
pub use mkfs::{InodeSpec, mkfs};
pub use read::{FileSystem, InodeRecord, NameRecord, read};
pub use superblock::{SuperblockFault, check_superblock};

use crate::units::Ino;

/// The inode of the root directory. A file system without it has files and no names.
pub const ROOT: Ino = Ino(2);
