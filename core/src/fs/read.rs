//! What a mount would find: reads a whole file system and trusts nothing.

use super::block_map::{self, OutsidePool, Use};
use super::layout::{Layout, index};
use super::{DiskInode, Kind, Name, check_superblock, dir, slot_line};
use crate::config::Geometry;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An inode in use and the blocks it owns.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InodeRecord {
    /// Its number, never 0.
    pub ino: Ino,
    /// File or directory.
    pub kind: Kind,
    /// Its link count.
    pub links: u8,
    /// Its size in bytes.
    pub size: u64,
    /// Its pages and their blocks, ascending by page; what is left out is a hole. All in the pool.
    pub pages: Vec<(PageIndex, BlockNr)>,
    /// Its blocks of pointers, in the order in which a walk meets them. All in the pool.
    pub indirect: Vec<BlockNr>,
}

impl InodeRecord {
    /// The block of a page; `None` in a hole.
    #[must_use]
    pub fn block(&self, page: PageIndex) -> Option<BlockNr> {
        let at = self.pages.binary_search_by_key(&page, |(page, _)| *page).ok()?;
        Some(self.pages[at].1)
    }
}

/// A name: in which directory, what, for whom.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NameRecord {
    /// The directory.
    pub dir: Ino,
    /// The name.
    pub name: Name,
    /// The inode it names. Nobody has looked whether that one is in use.
    pub ino: Ino,
}

/// All that a mount could see.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileSystem {
    /// Whether there is a root directory; if not, there are no names.
    pub root: bool,
    /// The inodes in use, in the order of the table.
    pub inodes: Vec<InodeRecord>,
    /// The entries of all directories, directory by directory in the order of the table.
    pub names: Vec<NameRecord>,
}

impl FileSystem {
    /// The inode of that number.
    #[must_use]
    pub fn inode(&self, ino: Ino) -> Option<&InodeRecord> {
        self.inodes.iter().find(|inode| inode.ino == ino)
    }
}

/// Reads the file system of an image. Looks at what a reader needs; whether bitmap, names and link
/// counts agree with it is [`fsck`](super::fsck())'s question.
///
/// # Errors
/// What could not be trusted, in words: no file system, another geometry, an impossible inode, a
/// pointer out of the pool, a cycle of pointers, a directory with a hole or an entry that
/// is none.
pub fn read(image: &[Word], geometry: &Geometry) -> Result<FileSystem, String> {
    let layout = Layout::of(geometry);
    let root = check_superblock(image, &layout).map_err(|fault| format!("{fault}"))?;
    let mut found = FileSystem { root, inodes: Vec::new(), names: Vec::new() };
    // A block has one owner. Files that share some are read all the same, a cycle is not.
    let mut blocks_left = 2 * layout.pool_blocks();
    for slot in 0..layout.inodes_max() {
        let (block, in_block) = layout.slot_of(slot);
        let line = slot_line(layout.words_of(image, block), in_block);
        let inode = DiskInode::decode(line, &layout)
            .map_err(|fault| format!("slot {slot} of the inode table holds no inode: {fault}"))?;
        if let Some(inode) = inode {
            let record = blocks_of(&inode, image, &layout, &mut blocks_left)?;
            read_names(&record, image, &layout, &mut found.names)?;
            found.inodes.push(record);
        }
    }
    Ok(found)
}

/// The inode with its blocks, of which `blocks_left` may still be found.
fn blocks_of(
    inode: &DiskInode,
    image: &[Word],
    layout: &Layout,
    blocks_left: &mut u64,
) -> Result<InodeRecord, String> {
    let DiskInode { ino, kind, links, size, .. } = *inode;
    let (mut pages, mut indirect, mut fault) = (Vec::new(), Vec::new(), None);
    let mut read = |block, word| layout.words_of(image, block)[word];
    block_map::walk(&inode.pointers, layout, &mut read, &mut |what, block| {
        if fault.is_some() {
            return false;
        }
        if !layout.in_pool(block) {
            fault = Some(format!("{ino} has {}", OutsidePool(block)));
            return false;
        }
        if *blocks_left == 0 {
            fault = Some(format!("at {ino} there are twice as many blocks as in the pool"));
            return false;
        }
        *blocks_left -= 1;
        match what {
            Use::Page(page) => pages.push((page, block)),
            Use::Pointers(_) => indirect.push(block),
        }
        true
    });
    fault.map_or(Ok(InodeRecord { ino, kind, links, size, pages, indirect }), Err)
}

/// The entries of a directory, after those that are there already.
fn read_names(
    inode: &InodeRecord,
    image: &[Word],
    layout: &Layout,
    names: &mut Vec<NameRecord>,
) -> Result<(), String> {
    if inode.kind != Kind::Directory {
        return Ok(());
    }
    let dir = inode.ino;
    let size = index(inode.size / layout.block_bytes());
    for (page, (at, block)) in inode.pages.iter().take(size).enumerate() {
        if at.0 != page as u64 {
            return Err(format!("page {page} of directory {dir} is a hole"));
        }
        for entry in dir::entries(layout.words_of(image, *block)) {
            let bad = |slot| format!("entry {slot} of page {page} of directory {dir} is none");
            let entry = entry.map_err(bad)?;
            names.push(NameRecord { dir, name: entry.name, ino: entry.ino });
        }
    }
    if inode.pages.len() < size {
        return Err(format!("page {} of directory {dir} is a hole", inode.pages.len()));
    }
    Ok(())
}
