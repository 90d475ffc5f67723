//! A mapping: the page cache of one inode, a tree from page index to page or DAX entry.

use crate::buffer_head::BufferHead;
use crate::entry::{DaxEntry, Entry, EntryKind, PageId};
use crate::radix_tree::RadixTree;
use crate::sorted;
use crate::units::{Ino, PageIndex, Word};
use alloc::vec::Vec;

/// Whose mapping: nothing links a file's with the device's (IDX-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MappingId {
    /// A file's.
    File(Ino),
    /// The block device inode's.
    Bdev,
}

impl MappingId {
    /// The file, unless it is the device.
    #[must_use]
    pub const fn ino(self) -> Option<Ino> {
        match self {
            Self::File(ino) => Some(ino),
            Self::Bdev => None,
        }
    }
}

/// A page of DRAM: a copy of one block's worth of a file or of the device.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Page {
    /// Its contents; a block's worth of words.
    pub words: Vec<Word>,
    /// PG_uptodate: the contents may be read.
    pub uptodate: bool,
    /// PG_dirty: newer than the device. Not the DIRTY tag, which lags behind it (TREE-11).
    pub dirty: bool,
    /// PG_writeback: I/O from this page is under way.
    pub writeback: bool,
    /// PG_locked: somebody reads it in, writes to it or writes it out.
    pub locked: bool,
    /// Its buffer heads, one per block; empty until somebody asked for a buffer.
    pub buffers: Vec<BufferHead>,
}

impl Page {
    /// The flags that are set, in words.
    #[must_use]
    pub fn flags(&self) -> Vec<&'static str> {
        let flags = [
            (self.uptodate, "Uptodate"),
            (self.dirty, "Dirty"),
            (self.writeback, "Writeback"),
            (self.locked, "Locked"),
        ];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
    }
}

/// Why a page cannot be inserted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InsertError {
    /// EEXIST: there is a page.
    Exists,
    /// EINVAL: there is a DAX entry in an S_DAX mapping. The kernel warns.
    DaxEntry,
}

/// The page cache of one inode. Models IDX-1, IDX-7: `struct address_space` (4.5).
///
/// A page is owned by the one slot that names it: its number is its index, so that two histories
/// with the same contents are one state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AddressSpace<const FAN: usize> {
    /// `page_tree`, since 4.17 `i_pages`.
    pub i_pages: RadixTree<FAN>,
    /// The pages that `i_pages` names, sorted by index.
    pages: Vec<(PageIndex, Page)>,
    /// Pages that were taken out of the tree while somebody holds their buffers, sorted by index.
    orphans: Vec<(PageIndex, Page)>,
    /// Pages in the tree.
    pub nrpages: u64,
    /// DAX entries in the tree (shadows too, in a kernel).
    pub nrexceptional: u64,
}

impl<const FAN: usize> Default for AddressSpace<FAN> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const FAN: usize> AddressSpace<FAN> {
    /// An empty mapping.
    #[must_use]
    pub fn new() -> Self {
        Self {
            i_pages: RadixTree::new(),
            pages: Vec::new(),
            orphans: Vec::new(),
            nrpages: 0,
            nrexceptional: 0,
        }
    }

    /// The page at `index`; `None` also where a DAX entry is (TREE-15).
    ///
    /// Models `find_get_page` (`mm/filemap.c`, 4.5).
    #[must_use]
    pub fn find_get_page(&self, index: PageIndex) -> Option<&Page> {
        self.i_pages.lookup(index)?.as_page()?;
        Some(&self.pages[self.position(index).expect("a page in the tree has contents")].1)
    }

    /// The page at `index`, to change it.
    pub fn page_mut(&mut self, index: PageIndex) -> Option<&mut Page> {
        self.i_pages.lookup(index)?.as_page()?;
        let position = self.position(index).expect("a page in the tree has contents");
        Some(&mut self.pages[position].1)
    }

    /// The DAX entry at `index`, if the slot holds one.
    #[must_use]
    pub fn dax_entry(&self, index: PageIndex) -> Option<DaxEntry> {
        self.i_pages.lookup(index)?.as_dax()
    }

    /// Inserts a page, not uptodate. The caller counts it in `nrpages` (IDX-7).
    ///
    /// An exceptional entry is in the way if the inode is S_DAX. If it is not, the entry is taken
    /// for a shadow whatever it is: the page replaces it and `nrexceptional` counts it out. The tags
    /// of the slot stay. Returns the entry that was replaced.
    ///
    /// Models TREE-14: `page_cache_tree_insert` (`mm/filemap.c`, 4.5). Omits: from 4.7 a kernel
    /// replaces an entry of an S_DAX mapping too, and warns.
    ///
    /// # Errors
    /// [`InsertError`]; nothing is changed then.
    pub fn insert_page(
        &mut self,
        index: PageIndex,
        words_per_page: u64,
        s_dax: bool,
    ) -> Result<Option<DaxEntry>, InsertError> {
        let id = PageId(u32::try_from(index.0).expect("page indices of devices fit 32 bits"));
        let page = Entry::page(id);
        let replaced = match self.i_pages.lookup(index).map(Entry::kind) {
            Some(EntryKind::Page(_)) => return Err(InsertError::Exists),
            Some(EntryKind::Dax(_)) if s_dax => return Err(InsertError::DaxEntry),
            Some(EntryKind::Dax(entry)) => {
                self.i_pages.replace(index, page);
                self.nrexceptional -= 1;
                Some(entry)
            }
            None => {
                self.i_pages.insert(index, page).expect("the slot is empty");
                None
            }
        };
        let words = alloc::vec![Word::ZERO; usize::try_from(words_per_page).expect("fits")];
        let page = Page {
            words,
            uptodate: false,
            dirty: false,
            writeback: false,
            locked: false,
            buffers: Vec::new(),
        };
        let at = self.position(index).expect_err("a slot without a page has no contents");
        self.pages.insert(at, (index, page));
        Ok(replaced)
    }

    /// Removes a page and returns it. The caller counts it out of `nrpages`.
    ///
    /// # Panics
    /// If there is no page.
    pub fn delete_page(&mut self, index: PageIndex) -> Page {
        let entry = self.i_pages.delete(index).expect("a page to delete");
        assert!(!entry.is_exceptional(), "delete_page on a DAX entry");
        let at = self.position(index).expect("a page in the tree has contents");
        self.pages.remove(at).1
    }

    /// Keeps a page that has left the tree for those who hold its buffers. They know it by its
    /// number; no lookup finds it. An older one of that number stays the one they hold.
    pub fn keep_orphan(&mut self, index: PageIndex, page: Page) {
        if let Err(at) = self.orphans.binary_search_by_key(&index, |(at, _)| *at) {
            self.orphans.insert(at, (index, page));
        }
    }

    /// The page of that number that has left the tree and is still held.
    #[must_use]
    pub fn orphan(&self, index: PageIndex) -> Option<&Page> {
        let at = self.orphans.binary_search_by_key(&index, |(at, _)| *at).ok()?;
        Some(&self.orphans[at].1)
    }

    /// The same, to change it.
    pub fn orphan_mut(&mut self, index: PageIndex) -> Option<&mut Page> {
        let at = self.orphans.binary_search_by_key(&index, |(at, _)| *at).ok()?;
        Some(&mut self.orphans[at].1)
    }

    /// The page of that number, as those see it who hold its buffers: the orphan, if there is one.
    #[must_use]
    pub fn held_page(&self, index: PageIndex) -> Option<&Page> {
        self.orphan(index).or_else(|| self.find_get_page(index))
    }

    /// The same, to change it.
    pub fn held_page_mut(&mut self, index: PageIndex) -> Option<&mut Page> {
        match self.orphan(index).is_some() {
            true => self.orphan_mut(index),
            false => self.page_mut(index),
        }
    }

    /// Lets go of the orphans that nobody holds any more, and says which they were.
    pub fn drop_orphans(&mut self, held: impl Fn(PageIndex) -> bool) -> Vec<PageIndex> {
        let gone = self.orphans.extract_if(.., |(index, _)| !held(*index));
        gone.map(|(index, _)| index).collect()
    }

    /// Whether there is any.
    #[must_use]
    pub fn has_orphans(&self) -> bool {
        !self.orphans.is_empty()
    }

    /// The indices and pages, ascending.
    pub fn pages(&self) -> impl Iterator<Item = (PageIndex, &Page)> {
        self.pages.iter().map(|(index, page)| (*index, page))
    }

    fn position(&self, index: PageIndex) -> Result<usize, usize> {
        sorted::place_of(&self.pages, index.0, |(at, _)| at.0)
    }
}
