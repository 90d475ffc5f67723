//! A file in memory: what the kernel keeps of an inode while the file system is mounted.

use crate::address_space::AddressSpace;
use crate::fs::Kind as FileKind;
use crate::units::{BlockNr, Ino, PageIndex, Tid};
use alloc::string::String;
use alloc::vec::Vec;

/// A block of pointers, by its place in the tree of block pointers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IndexBlock {
    /// Pointers to the pages that follow the direct ones.
    Indirect,
    /// Pointers to leaves.
    Double,
    /// The n-th leaf below the double-indirect block.
    Leaf(u32),
}

/// A file in memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Inode<const FAN: usize> {
    /// Its number.
    pub ino: Ino,
    /// Its slot of the inode table; `None` when the table does not have it any more.
    pub slot: Option<u64>,
    /// Its name, for people.
    pub name: String,
    /// File or directory.
    pub kind: FileKind,
    /// Directory entries that name it.
    pub links: u8,
    /// S_DAX. Says nothing about what the mapping holds (IDX-8).
    pub dax: bool,
    /// `i_size`, in whole pages.
    pub pages: u64,
    /// The pages that have a block, sorted: the extent status cache, which knows all of them.
    blocks: Vec<(PageIndex, BlockNr)>,
    /// The blocks of pointers, sorted.
    index_blocks: Vec<(IndexBlock, BlockNr)>,
    /// Its page cache.
    pub mapping: AddressSpace<FAN>,
    /// I_DIRTY_PAGES: sync must visit it (DAX-10).
    pub dirty_pages: bool,
    /// `i_sync_tid`: the newest transaction that changed it.
    pub sync_tid: Option<Tid>,
    /// `i_datasync_tid`: the newest transaction whose changes a reader of its data needs.
    pub datasync_tid: Option<Tid>,
}

impl<const FAN: usize> Inode<FAN> {
    /// An inode with nothing cached and no slot.
    #[must_use]
    pub fn new(ino: Ino, name: &str, kind: FileKind, dax: bool) -> Self {
        Self {
            ino,
            slot: None,
            name: name.into(),
            kind,
            links: 1,
            dax,
            pages: 0,
            blocks: Vec::new(),
            index_blocks: Vec::new(),
            mapping: AddressSpace::new(),
            dirty_pages: false,
            sync_tid: None,
            datasync_tid: None,
        }
    }

    /// The same inode, in a slot of the inode table.
    #[must_use]
    pub const fn in_slot(mut self, slot: u64) -> Self {
        self.slot = Some(slot);
        self
    }

    /// The block of a page; `None` for a hole and past the end.
    #[must_use]
    pub fn block(&self, page: PageIndex) -> Option<BlockNr> {
        let at = self.blocks.binary_search_by_key(&page, |(at, _)| *at).ok()?;
        Some(self.blocks[at].1)
    }

    /// The pages that have a block, ascending.
    pub fn blocks(&self) -> impl Iterator<Item = (PageIndex, BlockNr)> + '_ {
        self.blocks.iter().copied()
    }

    /// The page that lives in a block.
    #[must_use]
    pub fn page_in(&self, block: BlockNr) -> Option<PageIndex> {
        self.blocks.iter().find(|(_, owned)| *owned == block).map(|(page, _)| *page)
    }

    /// Gives a page a block, or another one.
    pub fn map(&mut self, page: PageIndex, block: BlockNr) {
        match self.blocks.binary_search_by_key(&page, |(at, _)| *at) {
            Ok(at) => self.blocks[at].1 = block,
            Err(at) => self.blocks.insert(at, (page, block)),
        }
    }

    /// Makes a page a hole; its former block.
    pub fn unmap(&mut self, page: PageIndex) -> Option<BlockNr> {
        let at = self.blocks.binary_search_by_key(&page, |(at, _)| *at).ok()?;
        Some(self.blocks.remove(at).1)
    }

    /// A block of pointers.
    #[must_use]
    pub fn index_block(&self, which: IndexBlock) -> Option<BlockNr> {
        let at = self.index_blocks.binary_search_by_key(&which, |(at, _)| *at).ok()?;
        Some(self.index_blocks[at].1)
    }

    /// The blocks of pointers.
    pub fn index_blocks(&self) -> impl Iterator<Item = (IndexBlock, BlockNr)> + '_ {
        self.index_blocks.iter().copied()
    }

    /// Adds a block of pointers, or with `None` takes it away.
    pub fn set_index_block(&mut self, which: IndexBlock, block: Option<BlockNr>) {
        match (self.index_blocks.binary_search_by_key(&which, |(at, _)| *at), block) {
            (Ok(at), Some(block)) => self.index_blocks[at].1 = block,
            (Ok(at), None) => drop(self.index_blocks.remove(at)),
            (Err(at), Some(block)) => self.index_blocks.insert(at, (which, block)),
            (Err(_), None) => {}
        }
    }

    /// Everything but what is cached of it.
    #[must_use]
    pub fn metadata(&self) -> impl Eq + '_ {
        let Self { ino, slot, name, kind, links, dax, pages, blocks, index_blocks, .. } = self;
        let state = (self.dirty_pages, self.sync_tid, self.datasync_tid);
        ((ino, slot, name, kind, links, dax), (pages, blocks, index_blocks), state)
    }
}
