//! Makes a file system on a fresh device.

use super::block_map::{self, DOUBLE_SLOT, INDIRECT_SLOT, Path};
use super::layout::Layout;
use super::{DiskInode, Kind, Name, ROOT, bitmap, dir, superblock};
use crate::config::Geometry;
use crate::units::{BlockNr, Ino, PageIndex, WORDS_PER_LINE, Word};
use alloc::vec::Vec;

/// An inode to make.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InodeSpec {
    /// Its number.
    pub ino: Ino,
    /// File or directory.
    pub kind: Kind,
    /// Its size in bytes: whole words for a file, whole blocks for a directory.
    pub size: u64,
    /// Its pages and their blocks, ascending by page; what is left out is a hole.
    pub pages: Vec<(PageIndex, BlockNr)>,
    /// The blocks of pointers it needs, as many as [`pointer_blocks`](Self::pointer_blocks) says and
    /// in the order in which a walk meets them.
    pub indirect: Vec<BlockNr>,
    /// What a directory names; fills its pages from the first on.
    pub names: Vec<(Name, Ino)>,
}

impl InodeSpec {
    /// A file whose first pages are these blocks, as large as they are.
    #[must_use]
    pub fn file(ino: Ino, blocks: &[BlockNr], geometry: &Geometry) -> Self {
        let pages: Vec<_> = (0..).map(PageIndex).zip(blocks.iter().copied()).collect();
        let size = pages.len() as u64 * Layout::of(geometry).block_bytes();
        Self { ino, kind: Kind::File, size, pages, indirect: Vec::new(), names: Vec::new() }
    }

    /// How many indirect and double indirect blocks the pages need.
    #[must_use]
    pub fn pointer_blocks(&self, layout: &Layout) -> usize {
        let branch = |page| match block_map::path(page, layout) {
            None | Some(Path::Direct(_)) => None,
            Some(Path::Indirect(_)) => Some(None),
            Some(Path::Double(outer, _)) => Some(Some(outer)),
        };
        let mut branches: Vec<_> =
            self.pages.iter().filter_map(|(page, _)| branch(*page)).collect();
        branches.dedup();
        let double = branches.iter().any(Option::is_some);
        branches.len() + usize::from(double)
    }
}

/// Makes a file system in an image that is all zero; `image` is the whole device.
///
/// After: superblock, bitmap, inode table, indirect blocks and directories are written, what the
/// inodes own and the blocks outside the pool are in use, and every inode has as many links as
/// names. There is a root directory if [`ROOT`] is among the inodes; without it there are no names,
/// and every inode has one link. The journal superblock and the data blocks are not touched.
///
/// # Panics
/// If the inodes cannot be: too many, a number twice, a block outside the pool or with two owners, a
/// page past the largest file, another number of pointer blocks than needed, a directory that is too
/// small for its names.
pub fn mkfs(image: &mut [Word], geometry: &Geometry, inodes: &[InodeSpec]) {
    let layout = Layout::of(geometry);
    let root = inodes.iter().any(|spec| spec.ino == ROOT);
    superblock::write(layout.words_of_mut(image, Layout::SUPERBLOCK), &layout, root);
    for block in (0..layout.pool().start).chain(layout.pool().end..geometry.blocks) {
        take(image, &layout, BlockNr(block));
    }
    for (slot, spec) in inodes.iter().enumerate() {
        let twice = inodes[..slot].iter().any(|other| other.ino == spec.ino);
        assert!(!twice, "{} is there twice", spec.ino);
        let names = inodes.iter().flat_map(|spec| &spec.names);
        let named = names.filter(|(_, ino)| *ino == spec.ino).count();
        let links = if spec.ino == ROOT || !root { 1 } else { named };
        let links = u8::try_from(links).expect("an inode counts at most 255 links");
        let inode = write_inode(image, &layout, spec, links);
        let (block, slot) = layout.slot_of(slot as u64);
        let line = &mut layout.words_of_mut(image, block)[slot * WORDS_PER_LINE..];
        line[..WORDS_PER_LINE].copy_from_slice(&inode.encode());
        write_names(image, &layout, spec);
    }
}

/// Marks a block of the device as in use.
fn take(image: &mut [Word], layout: &Layout, block: BlockNr) {
    let (at, bit) = layout.bit_of(block);
    let words = layout.words_of_mut(image, at);
    assert!(!bitmap::is_used(words, bit), "{block} has an owner already");
    bitmap::set_used(words, bit);
}

/// Takes the inode's blocks and writes its blocks of pointers.
fn write_inode(image: &mut [Word], layout: &Layout, spec: &InodeSpec, links: u8) -> DiskInode {
    let mut inode = DiskInode { size: spec.size, ..DiskInode::new(spec.ino, spec.kind, links) };
    let mut fresh = spec.indirect.iter().copied();
    assert_eq!(fresh.len(), spec.pointer_blocks(layout), "pointer blocks of {}", spec.ino);
    assert!(spec.pages.is_sorted_by(|a, b| a.0 < b.0), "pages of {} ascend", spec.ino);
    for block in spec.indirect.iter().chain(spec.pages.iter().map(|(_, block)| block)) {
        assert!(layout.in_pool(*block), "{block} is outside the pool");
        take(image, layout, *block);
    }
    for (page, block) in &spec.pages {
        let mut next = || fresh.next().expect("counted before");
        match block_map::path(*page, layout).expect("the page is within the largest file") {
            Path::Direct(slot) => inode.pointers[slot] = Some(*block),
            Path::Indirect(slot) => {
                let indirect = *inode.pointers[INDIRECT_SLOT].get_or_insert_with(&mut next);
                let words = layout.words_of_mut(image, indirect);
                block_map::set_pointer(words, slot, Some(*block));
            }
            Path::Double(outer, slot) => {
                let double = *inode.pointers[DOUBLE_SLOT].get_or_insert_with(&mut next);
                let words = layout.words_of_mut(image, double);
                let indirect = block_map::pointer(words, outer).unwrap_or_else(next);
                block_map::set_pointer(words, outer, Some(indirect));
                let words = layout.words_of_mut(image, indirect);
                block_map::set_pointer(words, slot, Some(*block));
            }
        }
    }
    inode
}

/// Writes the entries of a directory into its pages, the first one first.
fn write_names(image: &mut [Word], layout: &Layout, spec: &InodeSpec) {
    let mut blocks = spec.pages.iter().map(|(_, block)| *block);
    let mut at = None;
    for (name, ino) in &spec.names {
        let inserted = at.and_then(|at| dir::insert(layout.words_of_mut(image, at), name, *ino));
        if inserted.is_none() {
            let next = blocks.next().expect("the directory has a page for every name");
            let words = layout.words_of_mut(image, next);
            dir::insert(words, name, *ino).expect("a fresh directory block has a free entry");
            at = Some(next);
        }
    }
}
