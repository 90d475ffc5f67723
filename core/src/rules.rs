//! The rules of the reference, as one static table: which kernel function, in which file and
//! versions, on what evidence, in one line; and what the model leaves out of it.
//!
//! A [`RuleId`] is cited by the branch that implements the rule (see
//! `Machine::obeys`), so that every step can say which kernel function it shows.
//! `docs/model.md` is generated from this table and a test compares.

use crate::EXT4;
use core::fmt;

/// How the model treats a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modelled {
    /// A branch implements it and steps cite it; planting a fault there makes a test fail.
    Cited,
    /// It is built into a data structure or follows from others; unit tests show it.
    Structural,
    /// Nothing implements it yet.
    NotModelled,
}

/// One rule of the reference, or one numbered part of it (`DAX-12.6d`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The id, as in the reference.
    pub id: &'static str,
    /// Whether and how it is modelled.
    pub modelled: Modelled,
    /// The kernel function or functions; empty for hardware and for consequences.
    pub function: &'static str,
    /// Where they are; `hardware` for the CPU's rules.
    pub file: &'static str,
    /// The kernel versions it describes.
    pub versions: &'static str,
    /// Evidence marks: S read in source, M mail, C commit message, I inference, K background.
    pub evidence: &'static str,
    /// What it says, in one line.
    pub line: &'static str,
    /// What the model simplifies; empty if nothing.
    pub omits: &'static str,
}

macro_rules! rules {
    ($( $id:ident = $name:literal, $modelled:ident, $function:literal, $file:literal,
        $versions:literal, $evidence:literal, $line:literal, $omits:literal; )+) => {
        /// A rule of [`RULES`], by its id in the reference.
        #[allow(non_camel_case_types, reason = "the ids of the reference, `DAX-12.6d` as DAX_12_6D")]
        #[allow(missing_docs, reason = "each variant is documented by its row of `RULES`")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum RuleId { $( $id ),+ }

        impl RuleId {
            /// Every rule, in the order of the reference.
            pub const ALL: &'static [Self] = &[$( Self::$id ),+];
        }

        /// The table, indexed by [`RuleId`].
        pub const RULES: &[Rule] = &[$(
            Rule {
                id: $name,
                modelled: Modelled::$modelled,
                function: cited($name, Modelled::$modelled, $function),
                file: cited($name, Modelled::$modelled, $file),
                versions: cited($name, Modelled::$modelled, $versions),
                evidence: cited($name, Modelled::$modelled, $evidence),
                line: cited($name, Modelled::$modelled, $line),
                omits: cited($name, Modelled::$modelled, $omits),
            }
        ),+];
    };
}

/// What a row says: nothing where no step of this build can cite it, for the page pays for each word.
const fn cited(id: &str, modelled: Modelled, text: &'static str) -> &'static str {
    let here = matches!(modelled, Modelled::Cited)
        && matches!(id.as_bytes()[0], b'C' | b'D' | b'F' | b'I' | b'M' | b'T');
    if EXT4 || here { text } else { "" }
}

impl RuleId {
    /// The rule's row of the table.
    #[must_use]
    pub const fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.rule().id)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule().id)
    }
}

rules! {
    IDX_1 = "IDX-1", Cited, "find_get_page, __find_get_block_slow", "mm/filemap.c, fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "A block has one slot in its file's mapping and one in the device's; no lookup in one consults the other.",
        "";
    IDX_2 = "IDX-2", Cited, "blkdev_get_block", "fs/block_dev.c", "4.5 to 6.12", "S 4.5",
        "For the device inode, page index and block number are the same.",
        "";
    IDX_3 = "IDX-3", NotModelled, "bdev_direct_access", "fs/block_dev.c", "4.5", "S 4.5",
        "A partition has its own device inode, offset against the whole disk's.",
        "";
    IDX_4 = "IDX-4", Cited, "generic_perform_write, generic_file_read_iter, filemap_fault", "mm/filemap.c", "4.5 to 6.12", "S 4.5",
        "File data is cached in the file's mapping, raw device I/O in the device's.",
        "";
    IDX_4_1 = "IDX-4.1", Cited, "generic_file_direct_write, generic_file_read_iter, __blockdev_direct_IO", "mm/filemap.c, fs/direct-io.c", "4.5 to 6.12", "S 4.5",
        "O_DIRECT writes out what the file's mapping holds of the range, a write also drops it; then it goes to the device.",
        "a write past the end of the file is done like one to a hole: buffered, then written out and dropped";
    IDX_5 = "IDX-5", NotModelled, "", "", "4.5", "I, M21",
        "Raw access shares the cache with ext metadata, not with file data.",
        "";
    IDX_6 = "IDX-6", Cited, "invalidate_bdev, invalidate_mapping_pages", "fs/block_dev.c, mm/truncate.c", "4.5 to 6.12", "S 4.5",
        "Invalidating a mapping drops its clean pages only.",
        "";
    IDX_7 = "IDX-7", Cited, "page_cache_tree_insert, dax_radix_entry", "mm/filemap.c, fs/dax.c", "4.5 to 6.12", "S 4.5",
        "nrpages counts pages, nrexceptional shadows or DAX entries.",
        "no shadows; from 4.20 a kernel counts DAX entries in nrpages";
    IDX_8 = "IDX-8", Structural, "dax_mapping", "include/linux/dax.h", "4.5", "S 4.5",
        "S_DAX is a flag of the inode and says nothing about what its tree contains.",
        "";
    TREE_1 = "TREE-1", Structural, "RADIX_TREE_MAP_SHIFT", "include/linux/radix-tree.h", "4.5", "S 4.5",
        "A node has 64 slots in the kernel, 8 in its own user-space tests and in lectures.",
        "";
    TREE_2 = "TREE-2", Structural, "height_to_maxindex", "lib/radix-tree.c", "4.5", "S 4.5",
        "Height 0 holds index 0 alone, directly in the root; height h holds F^h indices.",
        "";
    TREE_3 = "TREE-3", Structural, "__radix_tree_lookup", "lib/radix-tree.c", "4.5", "S 4.5",
        "The slot at a level is that level's digit of the index.",
        "";
    TREE_4 = "TREE-4", Cited, "radix_tree_insert, radix_tree_extend", "lib/radix-tree.c", "4.5 to 6.12", "S 4.5",
        "Insertion grows the tree from the top, the old root in slot 0 with its tags.",
        "";
    TREE_5 = "TREE-5", Cited, "radix_tree_delete_item, radix_tree_shrink", "lib/radix-tree.c", "4.5 to 6.12", "S 4.5",
        "Deletion clears the tags, frees empty nodes and lowers the tree.",
        "";
    TREE_6 = "TREE-6", Structural, "radix_tree_exceptional_entry", "include/linux/radix-tree.h", "4.5", "S 4.5",
        "The low bits of a slot say node, page or exceptional entry.",
        "the model's own bit layout";
    TREE_7 = "TREE-7", Structural, "PAGECACHE_TAG_DIRTY, _WRITEBACK, _TOWRITE", "include/linux/fs.h", "4.5", "S 4.5",
        "Three tags per slot; an interior bit is the OR of the bits below.",
        "";
    TREE_8 = "TREE-8", Structural, "radix_tree_tag_set, radix_tree_tag_clear", "lib/radix-tree.c", "4.5", "S 4.5",
        "Setting walks root to leaf; clearing goes up while no sibling has the tag.",
        "";
    TREE_9 = "TREE-9", Cited, "radix_tree_range_tag_if_tagged, radix_tree_iter_tag_set, xas_set_mark", "lib/radix-tree.c, lib/xarray.c", "4.5 to 6.12", "S 4.5",
        "Range tagging sets bits from the leaf upward, so that none dangles.",
        "";
    TREE_10 = "TREE-10", Cited, "tag_pages_for_writeback", "mm/page-writeback.c", "4.5 to 6.12", "S 4.5",
        "A sync first copies DIRTY to TOWRITE: the set to write is fixed at its start.",
        "one lock hold, not one per 4096 items";
    TREE_11_1 = "TREE-11.1", Cited, "__set_page_dirty, wp_page_shared", "fs/buffer.c, mm/memory.c", "4.5 to 6.12", "S 4.5",
        "Dirtying a page sets PG_dirty and the DIRTY tag.",
        "";
    TREE_11_2 = "TREE-11.2", Cited, "clear_page_dirty_for_io, page_mkclean", "mm/page-writeback.c, mm/rmap.c", "4.5 to 6.12", "S 4.5",
        "Before I/O PG_dirty is cleared and the page's PTEs are write-protected; the DIRTY tag stays.",
        "";
    TREE_11_3 = "TREE-11.3", Cited, "set_page_writeback", "mm/page-writeback.c", "4.5 to 6.12", "S 4.5",
        "WRITEBACK is set; DIRTY goes unless the page was dirtied again; TOWRITE goes.",
        "ext4 calls it from its own ext4_bio_write_page";
    TREE_11_4 = "TREE-11.4", Cited, "end_page_writeback", "mm/filemap.c", "4.5 to 6.12", "S 4.5",
        "Completion of the I/O clears WRITEBACK.",
        "";
    TREE_12 = "TREE-12", Cited, "write_cache_pages, wb_writeback", "mm/page-writeback.c, fs/fs-writeback.c", "4.5 to 6.12", "S 4.5",
        "Writeback for integrity walks TOWRITE and waits for I/O under way; periodic writeback walks DIRTY and does not wait.",
        "no age and no nr_to_write in periodic writeback; ext4 has its own code for this walk";
    TREE_13 = "TREE-13", NotModelled, "__remove_mapping", "mm/vmscan.c", "4.5", "S 4.5",
        "An exceptional entry is a shadow or a DAX entry, never both kinds in one mapping.",
        "";
    TREE_14 = "TREE-14", Cited, "page_cache_tree_insert", "mm/filemap.c", "4.5", "S 4.5",
        "A page inserted over an exceptional entry: EINVAL in a DAX mapping, else the entry is taken for a shadow.",
        "from 4.7 a kernel replaces it in a DAX mapping too, with a warning";
    TREE_15 = "TREE-15", Structural, "find_get_page, find_get_pages_tag", "mm/filemap.c", "4.5", "S 4.5",
        "Page lookups find nothing where an exceptional entry is.",
        "";
    TREE_16 = "TREE-16", Cited, "dax_radix_entry", "fs/dax.c", "4.5 to 6.12", "S 4.5, 4.7, 6.12",
        "A DAX entry stores the block's sector (pfn from 4.17) beside its type and lock bits.",
        "no PMD bits; flag bits added in 4.10 are those of 4.7";
    TREE_17 = "TREE-17", NotModelled, "dax_radix_entry", "fs/dax.c", "4.5", "S 4.5",
        "A PMD entry sits in one slot at the rounded index.",
        "";
    TREE_18 = "TREE-18", NotModelled, "xa_store, xas_for_each_marked", "include/linux/xarray.h", "4.20 to 6.12", "S 6.12",
        "The XArray: marks for tags, value entries, multi-index entries.",
        "";
    DAX_1 = "DAX-1", Cited, "dax_do_io, dax_iomap_rw", "fs/dax.c", "4.5 to 6.12", "S 4.5, 6.12",
        "DAX read and write copy straight between user memory and persistent memory.",
        "reads of a file without the write-back of the range first, which to 4.6 also flushed DAX entries; a write zeroes a new block whole, and first writes out its range in every epoch";
    DAX_2 = "DAX-2", Structural, "dax_io", "fs/dax.c", "4.5", "S 4.5",
        "The write path never touches a tree entry.",
        "";
    DAX_3 = "DAX-3", Structural, "dax_io", "fs/dax.c", "4.5", "S 4.5",
        "Holes read as zeros without touching the tree.",
        "";
    DAX_4 = "DAX-4", NotModelled, "dax_io", "fs/dax.c", "4.5", "S 4.5",
        "Unaligned edges of a copy were cached stores that nobody flushed.",
        "";
    DAX_5 = "DAX-5", Structural, "dax_io", "fs/dax.c", "4.5", "S 4.5",
        "ext4 4.7 writes to pre-zeroed blocks.",
        "in every epoch: before 4.7 a kernel wrote to unwritten ones and converted them afterwards";
    DAX_6 = "DAX-6", Cited, "__dax_fault, dax_iomap_pte_fault", "fs/dax.c", "4.5 to 6.12", "S 4.5",
        "A fault checks the end of the file, looks for a hole page, and asks the file system for the block.",
        "no holes, no private mappings";
    DAX_6_6 = "DAX-6.6", Cited, "__dax_fault, delete_from_page_cache", "fs/dax.c, mm/filemap.c", "4.5 to 4.12", "S 4.5",
        "A page that the fault finds is unmapped and deleted as if it were the clean page of a hole; if dirty, with a warning.",
        "no hole pages";
    DAX_7 = "DAX-7", Cited, "dax_insert_mapping", "fs/dax.c", "4.5 to 6.12", "S 4.5",
        "The entry goes into the file's tree, dirty if the fault was a write.",
        "blocks are never new: no zeroing";
    DAX_7_1 = "DAX-7.1", Cited, "dax_insert_mapping, ext4_issue_zeroout", "fs/dax.c, fs/ext4/inode.c", "4.5 to 6.12", "S 4.5",
        "A new block of a DAX file is zeroed before it can be reached.",
        "by non-temporal stores in every epoch";
    DAX_8 = "DAX-8", Cited, "vma_wants_writenotify, vm_insert_mixed", "mm/mmap.c, mm/memory.c", "4.5 to 6.12", "S 4.5",
        "The PTE is installed write-protected, so that the first store calls pfn_mkwrite.",
        "from 4.14 a write fault installs a writable PTE itself: one fault fewer than here";
    DAX_9 = "DAX-9", Cited, "dax_pfn_mkwrite", "fs/dax.c", "4.5 to 6.12", "S 4.5, 4.7",
        "The first store to a clean entry tags it DIRTY before the PTE becomes writable.",
        "";
    DAX_10 = "DAX-10", Cited, "dax_radix_entry, __mark_inode_dirty", "fs/dax.c", "4.5 to 6.12", "S 4.5",
        "The inode is marked I_DIRTY_PAGES, so that sync visits it.",
        "from 4.7 only writes mark it; for pfn_mkwrite this stands in for what the file system does";
    DAX_11 = "DAX-11", NotModelled, "__dax_pmd_fault", "fs/dax.c", "4.5", "S 4.5",
        "PMD faults.",
        "";
    DAX_12_2 = "DAX-12.2", Cited, "dax_writeback_mapping_range", "fs/dax.c", "4.5 to 6.12", "S 4.5",
        "Nothing to do without exceptional entries, or if nobody waits.",
        "";
    DAX_12_4 = "DAX-12.4", Cited, "dax_writeback_mapping_range", "fs/dax.c", "4.5 to 6.12", "S 4.5",
        "The flush starts by copying DIRTY to TOWRITE.",
        "";
    DAX_12_5 = "DAX-12.5", Cited, "dax_writeback_mapping_range, find_get_entries_tag", "fs/dax.c, mm/filemap.c", "4.5 to 6.12", "S 4.5",
        "It fetches up to 14 TOWRITE entries at a time, until none is left.",
        "always from the start index, as before 4.12; from 4.20 a kernel finds and locks an entry in one lock hold";
    DAX_12_6A = "DAX-12.6a", Cited, "dax_writeback_one", "fs/dax.c", "4.5 to 4.9", "S 4.5",
        "Under the tree lock: entry identical and still TOWRITE, else skip.",
        "";
    DAX_12_6D = "DAX-12.6d", Cited, "dax_writeback_one, wb_cache_pmem", "fs/dax.c", "4.5 to 4.9", "S 4.5",
        "Each line of the block is written back with clwb.",
        "all lines in one step";
    DAX_12_6E = "DAX-12.6e", Cited, "dax_writeback_one", "fs/dax.c", "4.5 to 4.9", "S 4.5",
        "Under the tree lock: TOWRITE is cleared. DIRTY is not.",
        "";
    DAX_12_7 = "DAX-12.7", Cited, "dax_writeback_mapping_range, wmb_pmem", "fs/dax.c", "4.5 to 4.7", "S 4.5",
        "One fence at the very end.",
        "";
    DAX_13 = "DAX-13", Structural, "dax_writeback_one", "fs/dax.c", "4.5", "S 4.5, I",
        "What each point of the flush may lose; another CPU's fsync may return before our fence.",
        "";
    DAX_14 = "DAX-14", Structural, "", "fs/dax.c", "4.5", "I",
        "Tags, counters and trees are volatile; nothing is redone for DAX data after a crash.",
        "";
    DAX_15 = "DAX-15", Cited, "clear_exceptional_entry, dax_delete_mapping_entry", "mm/truncate.c, fs/dax.c", "4.5 to 6.12", "S 4.5, 6.12",
        "Truncate, hole punch and kill_bdev delete DAX entries, tagged dirty or not.",
        "";
    DAX_15_1 = "DAX-15.1", Cited, "invalidate_inode_pages2_range, invalidate_mapping_pages, __dax_invalidate_entry", "mm/truncate.c, fs/dax.c", "4.5 to 6.12", "S 4.5, 6.12, C",
        "Up to 4.9 invalidation deletes DAX entries even when tagged dirty; later it leaves those.",
        "in 4.10 and 4.11 PTEs stay, and invalidate_mapping_pages drops clean entries; it does not wait for a locked one";
    DAX_16_1 = "DAX-16.1", Cited, "grab_mapping_entry, lock_slot", "fs/dax.c", "4.7 to 6.12", "S 4.7",
        "A fault takes the entry lock; on an empty index it inserts an empty locked entry.",
        "";
    DAX_16_2 = "DAX-16.2", Cited, "get_unlocked_mapping_entry", "fs/dax.c", "4.7 to 6.12", "S 4.7",
        "Who meets a locked entry sleeps until it is unlocked.",
        "wait queues are not hashed";
    DAX_16_3 = "DAX-16.3", Cited, "put_locked_mapping_entry", "fs/dax.c", "4.7 to 6.12", "S 4.7",
        "Unlocking clears the bit and wakes one waiter; who is woken and takes no lock wakes the next.",
        "";
    DAX_17 = "DAX-17", NotModelled, "", "fs/dax.c", "4.7", "C",
        "The races that the entry lock fixed.",
        "";
    DAX_18_1 = "DAX-18.1", Cited, "dax_writeback_one", "fs/dax.c", "4.10 to 6.12", "S 6.12, M20",
        "The flush takes the entry lock and clears TOWRITE at once.",
        "";
    DAX_18_3 = "DAX-18.3", Cited, "dax_mapping_entry_mkclean, pfn_mkclean_range", "fs/dax.c", "4.10 to 6.12", "S 6.12",
        "Every PTE of the page is write-protected before the flush.",
        "all PTEs in one step";
    DAX_18_4 = "DAX-18.4", Cited, "dax_writeback_one, dax_flush", "fs/dax.c", "4.10 to 6.12", "S 6.12",
        "The lines of the block are written back with clwb.",
        "not skipped under eADR (CPU-6b)";
    DAX_18_5 = "DAX-18.5", Cited, "dax_writeback_one", "fs/dax.c", "4.10 to 6.12", "S 6.12",
        "The entry is unlocked and DIRTY cleared.",
        "";
    DAX_19 = "DAX-19", Cited, "dax_pfn_mkwrite, dax_insert_pfn_mkwrite", "fs/dax.c", "4.10 to 6.12", "S 6.12, M20",
        "From DIRTY to the writable PTE the entry stays locked.",
        "";
    DAX_20 = "DAX-20", Structural, "", "fs/dax.c", "4.5 to 6.12", "M20",
        "To 4.9: ever written means DIRTY. From 4.10: a clean entry has no writable PTE.",
        "";
    DAX_21 = "DAX-21", Cited, "filemap_write_and_wait_range, ->fsync, ->writepages", "mm/filemap.c, fs/ext4", "4.5 to 6.12", "S 4.5, M1 to M5, M15",
        "Where the flush is called from: four designs in six weeks.",
        "one device only: flush-bdev never differs";
    DAX_21_1 = "DAX-21.1", Cited, "dax_writeback_one, bd_mount", "fs/dax.c, fs/block_dev.c", "4.5", "S 4.5, M1",
        "The flush of 4.5-rc asks the inode's superblock for the device; that of a raw device has none.",
        "no realtime device";
    DAX_21_3 = "DAX-21.3", Cited, "__writeback_single_inode, ->writepages", "fs/fs-writeback.c, fs/ext4", "4.5 to 6.12", "S 4.5, M3, M14, M16",
        "sync(2) writes an inode through ->writepages alone: it reaches a DAX flush only if that is called there.",
        "";
    DAX_21_4 = "DAX-21.4", Cited, "ext4_collapse_range, ext4_punch_hole", "fs/ext4/extents.c, fs/ext4/inode.c", "4.5 to 6.12", "S 4.5, I",
        "Punching and collapsing flush first, because they drop the entries of data that stays.",
        "";
    DAX_21_5 = "DAX-21.5", Cited, "ext4_writepages, blkdev_writepages", "fs/ext4/inode.c, fs/block_dev.c", "4.5 to 6.12", "S 4.5, M4 to M6, M16 to M18",
        "From 4.5.0 ->writepages of an S_DAX inode returns after the DAX flush: it writes no page.",
        "";
    DAX_21_6 = "DAX-21.6", Cited, "filemap_write_and_wait_range", "mm/filemap.c", "4.5 to 6.12", "S 4.5",
        "From 4.5.0 a range is written out if the inode is S_DAX and has entries, or is not and has pages.",
        "";
    DAX_22 = "DAX-22", Cited, "nvdimm_flush, pmem_make_request", "drivers/nvdimm", "4.5 to 6.12", "S 4.5, 4.7, 4.9",
        "To 4.7 the DAX code and the driver fence; from 4.8 only the device flush does.",
        "no flush-hint addresses";
    MIX_1 = "MIX-1", NotModelled, "__blkdev_get", "fs/block_dev.c", "4.2 to 4.8", "S 4.5",
        "When the device inode may be S_DAX.",
        "";
    MIX_2 = "MIX-2", Cited, "io_is_direct, blkdev_direct_IO", "include/linux/fs.h, fs/block_dev.c", "4.2 to 4.7", "S 4.5",
        "With S_DAX on the device inode, raw reads and writes bypass the page cache, and raw mmap may.",
        "";
    MIX_3_1 = "MIX-3.1", Cited, "__getblk_slow, grow_dev_page", "fs/buffer.c", "4.5-rc1 to 4.7", "S 4.5",
        "A DAX entry where metadata wants its page: the page cannot be inserted, and __getblk tries again for ever.",
        "";
    MIX_3 = "MIX-3", Structural, "__dax_fault, __getblk_slow, blkdev_writepages", "fs/dax.c, fs/buffer.c, fs/block_dev.c", "4.5", "S 4.5, M",
        "What happens when DAX entries and pages meet in the device's mapping.",
        "";
    MIX_3_8 = "MIX-3.8", Cited, "generic_file_direct_write, invalidate_inode_pages2_range", "mm/filemap.c, mm/truncate.c", "4.5 to 4.7", "S 4.5",
        "A raw DAX write drops a clean page before and after its copy; if the page is busy it stores nothing.",
        "a page is busy while it is dirty or the journal has its buffer";
    MIX_4 = "MIX-4", Cited, "read_dev_sector, read_dax_sector", "block/partition-generic.c", "4.5-rc1 to 4.7", "S 4.5, C",
        "Partition reads with a fresh page per I/O.",
        "";
    MIX_5 = "MIX-5", Cited, "sb_bread, __getblk", "fs/buffer.c", "4.5-rc1 to 6.12", "seed, M11, I",
        "Why a new page per I/O cannot serve a file system.",
        "";
    MIX_6 = "MIX-6", Cited, "mount_bdev, __blkdev_get", "fs/super.c, fs/block_dev.c", "4.5-rc1 to 6.12", "seed, M8, C, I",
        "Clearing the device inode's S_DAX at mount.",
        "";
    MIX_7 = "MIX-7", NotModelled, "", "", "4.5", "S 4.5, M",
        "Raw mmap of a mounted device was never supported.",
        "";
    MIX_8 = "MIX-8", Cited, "bdev_may_open", "block/bdev.c", "4.5-rc1 to 6.12", "S 6.12",
        "A kernel may refuse to open a mounted device for writing (since 6.8).",
        "";
    ALIAS_1 = "ALIAS-1", Cited, "unmap_underlying_metadata, clean_bdev_aliases", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "Looks a block's buffer up in the device's mapping, clears its dirty bit and waits for its I/O.",
        "";
    ALIAS_2 = "ALIAS-2", Cited, "unmap_underlying_metadata", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "Leaves the page, its contents, Uptodate, Mapped, PG_dirty and the DIRTY tag alone.",
        "";
    ALIAS_3 = "ALIAS-3", NotModelled, "unmap_underlying_metadata", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "After it, the buffer writes nothing until dirtied anew.",
        "";
    ALIAS_4 = "ALIAS-4", Cited, "__block_write_begin", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "Allocating a block for buffered file data cleans the alias of that block.",
        "before the block is entered in the file, not after";
    ALIAS_5 = "ALIAS-5", NotModelled, "", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "What it does not cover.",
        "";
    ALIAS_5_4 = "ALIAS-5.4", Cited, "__set_page_dirty_buffers", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "A store through a mapping of the device dirties every buffer of its page, whoever owns them.",
        "where two blocks are a page, its halves are two slots that share what is done to the page";
    ALIAS_6 = "ALIAS-6", Cited, "ext4_map_blocks, ext2_get_blocks", "fs/ext4/inode.c, fs/ext2/inode.c", "4.9 to 6.12", "S 4.5, 4.7, 4.9",
        "Allocating a block for DAX data cleans the alias; before 4.9 nothing did.",
        "";
    ALIAS_7 = "ALIAS-7", NotModelled, "", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "Where the duty sits now.",
        "";
    REUSE_1 = "REUSE-1", Cited, "__bforget", "fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "A freed metadata buffer is forgotten, so that it is not written over the block's next owner.",
        "";
    REUSE_2 = "REUSE-2", Structural, "do_one_pass", "fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5",
        "Metadata that became data: replay would write its old image over the data, were it not revoked.",
        "";
    REUSE_3 = "REUSE-3", NotModelled, "", "", "4.5", "S 4.5",
        "Data to metadata, without DAX.",
        "";
    REUSE_4 = "REUSE-4", Cited, "unmap_mapping_range, truncate_pagecache", "mm/memory.c, mm/truncate.c", "4.5 to 6.12", "C, S 6.12",
        "PTEs and entries of a DAX file's pages go before their blocks are freed.",
        "no pins of DMA, so no dax_layout_busy_page";
    REUSE_5 = "REUSE-5", NotModelled, "", "", "4.5", "S 4.5",
        "Dirty CPU lines of a freed block need no flush.",
        "";
    REUSE_6 = "REUSE-6", Cited, "ext4_free_blocks, ext4_free_data_callback", "fs/ext4/mballoc.c", "4.5 to 6.12", "S 4.5",
        "A freed block is given out again only after its free has committed, but for file data under data=writeback.",
        "";
    REUSE_7 = "REUSE-7", NotModelled, "", "", "4.5", "S 4.5",
        "No call invalidates the device's mapping when data becomes metadata.",
        "";
    WAL_1 = "WAL-1", Structural, "", "fs/jbd2, fs/xfs", "4.5", "I",
        "A metadata block goes home only after its transaction is durable in the log.",
        "";
    WAL_2 = "WAL-2", Cited, "__jbd2_update_log_tail, start_this_handle", "fs/jbd2/journal.c, fs/jbd2/transaction.c", "4.5 to 6.12", "I",
        "Log space is reused only after its blocks are durable at home and the new tail is, too.",
        "";
    WAL_3 = "WAL-3", Structural, "", "fs/jbd2, fs/xfs", "4.5", "I",
        "Both logs are redo-only: no uncommitted content may reach home.",
        "";
    JBD_1 = "JBD-1", Cited, "start_this_handle, jbd2_journal_stop", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5",
        "At most one running and one committing transaction; handles join the running one.",
        "credits are the blocks an operation may dirty; no reserved handles";
    JBD_2_1 = "JBD-2.1", Cited, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "RUNNING to LOCKED: takes no new handle and waits until the open ones have ended.",
        "the caller of fsync runs the commit, not kjournald2";
    JBD_2_2 = "JBD-2.2", Structural, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Drops buffers that were reserved and not dirtied.",
        "there is none to drop: a buffer is dirtied in the step that takes it";
    JBD_2_3 = "JBD-2.3", Cited, "jbd2_journal_commit_transaction, jbd2_clear_buffer_revoked_flags", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Clears the Revoked flags and switches the revoke table.",
        "";
    JBD_2_5 = "JBD-2.5", Cited, "jbd2_journal_commit_transaction, journal_submit_data_buffers", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Ordered mode writes the pages of the files with new blocks; DAX entries it does not see.",
        "";
    JBD_2_6 = "JBD-2.6", Cited, "jbd2_journal_commit_transaction, jbd2_journal_write_revoke_records", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Writes the revoke blocks.",
        "";
    JBD_2_7 = "JBD-2.7", Cited, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Names each dirty buffer in a descriptor block and copies it to the log.",
        "";
    JBD_2_10 = "JBD-2.10", Cited, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "The copies are written: Shadow to Forget.",
        "";
    JBD_2_11 = "JBD-2.11", Cited, "jbd2_journal_commit_transaction, journal_submit_commit_record", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Writes the commit block with FLUSH and FUA.",
        "";
    JBD_2_12 = "JBD-2.12", Cited, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Moves the tail if that frees a quarter of the log.",
        "";
    JBD_2_13 = "JBD-2.13", Cited, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Still dirty buffers go on this transaction's checkpoint list and become ordinary dirty ones.",
        "";
    JBD_2_14 = "JBD-2.14", Cited, "jbd2_journal_commit_transaction, ext4_free_data_callback", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Callbacks return the freed blocks to the allocator; FINISHED.",
        "";
    JBD_2_15 = "JBD-2.15", Cited, "jbd2_journal_commit_transaction", "fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Asynchronous commit: the commit block is submitted before the copies are waited for, without FLUSH and FUA; one flush of the journal's device follows.",
        "That kernels from 4.10 refuse it with data=ordered; that recovery looks on behind a commit block whose checksum is wrong.";
    JBD_3 = "JBD-3", Cited, "ext4_jbd2_file_inode", "fs/ext4/inode.c", "4.5 to 6.12", "S 4.5",
        "In ordered mode the data of new blocks reaches the device before the commit that references them.",
        "blocks are allocated at write_begin, without delayed allocation";
    JBD_4 = "JBD-4", Cited, "jbd2_journal_dirty_metadata, __jbd2_journal_file_buffer", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5",
        "While a transaction owns a buffer it is JBDDirty and not Dirty, so the flusher cannot write it.",
        "";
    JBD_4_1 = "JBD-4.1", Cited, "warn_dirty_buffer, __jbd2_journal_file_buffer", "fs/jbd2/transaction.c", "4.5 to 6.12", "K",
        "A buffer of a transaction that is found Dirty was dirtied by somebody else: a warning, and it is JBDDirty again.",
        "";
    JBD_5_1 = "JBD-5.1", Cited, "do_get_write_access", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5",
        "Modifying a buffer of the committing transaction first makes a frozen copy, which is what is logged.",
        "";
    JBD_5_2 = "JBD-5.2", Cited, "do_get_write_access", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5",
        "While the buffer itself is being copied to the log, the modifier waits.",
        "";
    JBD_6 = "JBD-6", Structural, "jbd2_journal_write_metadata_buffer, do_one_pass", "fs/jbd2/journal.c, fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5",
        "A block that begins with the journal's magic is logged without it; its tag says so, and replay puts it back.",
        "";
    JBD_7 = "JBD-7", Structural, "jbd2_journal_commit_transaction", "include/linux/jbd2.h, fs/jbd2/commit.c", "4.5 to 6.12", "S 4.5",
        "Control blocks begin with magic, type and transaction; a descriptor's tags say where the copies after it belong.",
        "block numbers of 32 bits; a superblock without errors, limits and users; commit blocks without a time";
    JBD_8_1 = "JBD-8.1", Cited, "jbd2_block_tag_csum_set, jbd2_block_tag_csum_verify", "fs/jbd2/commit.c, fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5",
        "A tag holds its copy's checksum; a copy that does not match stays in the log, and recovery fails at its end.",
        "always csum v3, a choice of mkfs";
    JBD_8_2 = "JBD-8.2", Cited, "jbd2_commit_block_csum_set, jbd2_commit_block_csum_verify", "fs/jbd2/commit.c, fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5",
        "A commit block with a wrong checksum ends the log before its transaction.",
        "no asynchronous commit";
    JBD_8_3 = "JBD-8.3", Cited, "jbd2_descriptor_block_csum_verify, do_one_pass", "fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5, 6.12",
        "A descriptor block with a wrong checksum fails the recovery; from 5.10 only if its transaction has a commit block.",
        "from 5.10 a kernel also compares the times in commit blocks";
    JBD_9_1 = "JBD-9.1", Cited, "do_one_pass", "fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5",
        "SCAN: the log ends at the first block without magic or of another transaction; what has no commit block does not count.",
        "ends after one round of the ring; a kernel would go on";
    JBD_9_2 = "JBD-9.2", Cited, "scan_revoke_records, jbd2_journal_set_revoke", "fs/jbd2/recovery.c, fs/jbd2/revoke.c", "4.5 to 6.12", "S 4.5",
        "REVOKE: of each revoked block, the last transaction that revoked it is kept.",
        "";
    JBD_9_3 = "JBD-9.3", Cited, "do_one_pass, jbd2_journal_test_revoke", "fs/jbd2/recovery.c, fs/jbd2/revoke.c", "4.5 to 6.12", "S 4.5",
        "REPLAY: a logged block goes home unless its own transaction or a later one has revoked it.",
        "refuses a home inside the journal; a kernel does not check";
    JBD_9_4 = "JBD-9.4", Cited, "jbd2_journal_recover", "fs/jbd2/recovery.c", "4.5 to 6.12", "S 4.5",
        "After recovery the log is empty and goes on with the transaction after the first that did not count.",
        "";
    JBD_10_1 = "JBD-10.1", Cited, "jbd2_log_do_checkpoint", "fs/jbd2/checkpoint.c", "4.5 to 6.12", "S 4.5",
        "Writes the dirty buffers of the oldest transaction home; a clean one is just removed.",
        "";
    JBD_10_2 = "JBD-10.2", Cited, "jbd2_log_do_checkpoint", "fs/jbd2/checkpoint.c", "4.5 to 6.12", "S 4.5",
        "A buffer that belongs to a newer transaction makes that one commit first.",
        "";
    JBD_10_3 = "JBD-10.3", Cited, "jbd2_cleanup_journal_tail", "fs/jbd2/checkpoint.c", "4.5 to 6.12", "S 4.5",
        "Flushes the file system's device before the tail moves.",
        "";
    JBD_10_4 = "JBD-10.4", Cited, "__jbd2_update_log_tail", "fs/jbd2/journal.c", "4.5 to 6.12", "S 4.5",
        "Writes the new tail durably before the space behind it is free.",
        "That the superblock can tear: tail and checksum lie in two cache lines. On a disk one sector holds both; on persistent memory without sectors (BTT) a power cut between their stores leaves a checksum that a mount refuses. Here the block is written whole.";
    JBD_11_1 = "JBD-11.1", Cited, "jbd2_journal_revoke", "fs/jbd2/revoke.c", "4.5 to 6.12", "S 4.5",
        "Freeing a metadata block records that it is revoked in this transaction.",
        "";
    JBD_11_2 = "JBD-11.2", Cited, "jbd2_journal_cancel_revoke", "fs/jbd2/revoke.c", "4.5 to 6.12", "S 4.5",
        "Journalling the block again takes the record back; reuse as file data does not.",
        "";
    JBD_12 = "JBD-12", Cited, "ext4_free_branches, __ext4_forget", "fs/ext4/indirect.c, fs/ext4/ext4_jbd2.c", "4.5 to 6.12", "S 4.5",
        "The revoke is in the transaction that frees the block.",
        "";
    JBD_13 = "JBD-13", Cited, "jbd2_journal_get_create_access", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5",
        "New metadata on a reused block: a leftover dirty bit is cleared.",
        "";
    JBD_14_1 = "JBD-14.1", Cited, "jbd2_journal_forget", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5, 6.12",
        "Forgetting a buffer of the running transaction cleans it and takes it out.",
        "";
    JBD_14_2 = "JBD-14.2", Cited, "jbd2_journal_forget", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5, 6.12, C",
        "Of the committing transaction: marked Freed from 5.1 on, so that the commit drops it. Before, it marked it dirty again.",
        "";
    JBD_14_3 = "JBD-14.3", Cited, "jbd2_journal_forget", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5, 6.12, C",
        "Of none, but on a checkpoint list: cleaned from 5.1 on. Before, it stayed dirty.",
        "";
    JBD_15 = "JBD-15", Cited, "jbd2_journal_forget", "fs/jbd2/transaction.c", "4.5 to 6.12", "S 4.5, C",
        "Forgetting a buffer waits for no write under way; a fix of 2025 does.",
        "the fix of 2025";
    JBD_16 = "JBD-16", Cited, "kjournald2, commit_timeout", "fs/jbd2/journal.c", "4.5 to 6.12", "S 4.5",
        "A timer commits the running transaction.",
        "the timer is an operation of a program";
    XFS_1 = "XFS-1", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "The metadata cache unit.",
        "";
    XFS_2 = "XFS-2", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "Discontiguous buffers.",
        "";
    XFS_3 = "XFS-3", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "Why DAX cannot do them.",
        "";
    XFS_4 = "XFS-4", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "Transaction commit into the CIL.",
        "";
    XFS_5 = "XFS-5", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "CIL push.",
        "";
    XFS_6 = "XFS-6", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "The AIL.",
        "";
    XFS_7 = "XFS-7", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "The tail.",
        "";
    XFS_8 = "XFS-8", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "Pinned means never submitted.",
        "";
    XFS_9 = "XFS-9", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "Freeing metadata: cancel items.",
        "";
    XFS_10 = "XFS-10", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "Busy extents.",
        "";
    XFS_11 = "XFS-11", NotModelled, "", "fs/xfs", "4.5", "S 4.5",
        "XFS never consults the device's mapping.",
        "";
    CPU_1 = "CPU-1", Cited, "", "hardware", "x86", "K",
        "Caches are coherent: every CPU and mapping sees one value per address.",
        "";
    CPU_2 = "CPU-2", Structural, "", "hardware", "x86", "K",
        "Store, cache line, write-pending queue, medium; non-temporal stores go around the cache.",
        "no store buffers and no write-combining buffers: under eADR an unfenced non-temporal store counts as safe";
    CPU_3 = "CPU-3", Cited, "", "hardware", "x86", "K",
        "A dirty line may be written back at any moment, in any order.",
        "";
    CPU_4 = "CPU-4", Cited, "clwb, sfence", "arch/x86/include/asm/special_insns.h", "x86", "K, S 4.5",
        "clwb completes only at a later fence of the same CPU; a fence alone flushes nothing.",
        "";
    CPU_5 = "CPU-5", Structural, "", "hardware", "x86", "K",
        "Aligned 8 bytes are atomic; a line keeps a prefix of its stores.",
        "non-temporal stores keep their order within a line";
    CPU_6 = "CPU-6", Cited, "", "hardware", "x86", "K",
        "A power cut keeps, per line, any prefix of the stores since the last fenced write-back.",
        "";
    CPU_6B = "CPU-6b", NotModelled, "nvdimm_has_cache", "drivers/nvdimm", "4.13 to 6.12", "S 6.12",
        "If caches survive, dax_flush does nothing.",
        "";
    CPU_7 = "CPU-7", Cited, "", "hardware", "x86", "K",
        "Metadata modified in place in DAX memory defeats a redo-only journal.",
        "";
    CPU_8 = "CPU-8", Cited, "pmem_do_bvec", "drivers/nvdimm/pmem.c", "4.5 to 6.12", "S 4.5, I",
        "A log block on persistent memory is not written atomically.",
        "";
    SYNC_1 = "SYNC-1", Structural, "", "fs/dax.c", "4.15 to 6.12", "S 6.12",
        "MAP_SYNC's guarantee.",
        "";
    SYNC_2 = "SYNC-2", Cited, "dax_finish_sync_fault, dax_fault_is_synchronous", "fs/dax.c", "4.15 to 6.12", "S 6.12",
        "The steps of a synchronous write fault.",
        "";
    SYNC_3 = "SYNC-3", Cited, "dax_fault_is_synchronous", "fs/dax.c", "4.15 to 6.12", "S 6.12",
        "Clean metadata: no sync.",
        "";
    SYNC_4 = "SYNC-4", Structural, "", "fs/dax.c", "4.15 to 6.12", "S 6.12",
        "Without MAP_SYNC the allocation may be lost.",
        "";
    FS_1_1 = "FS-1.1", Cited, "ext4_sync_file", "fs/ext4/fsync.c", "4.5 to 6.12", "S 4.5",
        "fsync first writes the file's data.",
        "no journal: steps 2 to 4 do nothing";
    FS_1_4 = "FS-1.4", Cited, "ext4_sync_file, jbd2_complete_transaction", "fs/ext4/fsync.c", "4.5 to 6.12", "S 4.5",
        "fsync commits the transaction that changed the file, unless it is committed.",
        "";
    FS_1_5 = "FS-1.5", Cited, "ext4_sync_file, blkdev_issue_flush", "fs/ext4/fsync.c", "4.5 to 6.12", "S 4.5",
        "fsync ends with a device flush unless the commit sent one.",
        "";
    FS_2 = "FS-2", NotModelled, "xfs_file_fsync", "fs/xfs/xfs_file.c", "4.5", "S 4.5",
        "The order of fsync in XFS.",
        "";
    FS_3 = "FS-3", Cited, "generic_file_fsync, sync_mapping_buffers", "fs/libfs.c, fs/buffer.c", "4.5 to 6.12", "S 4.5",
        "Without a journal fsync writes the file's blocks of pointers and its inode.",
        "";
    FS_4 = "FS-4", Cited, "sys_sync, sync_inodes_one_sb, ext4_sync_fs", "fs/sync.c, fs/ext4/super.c", "4.5 to 6.12", "S 4.5",
        "sync writes dirty inodes and waits, lets the file system flush, then writes the devices' mappings.",
        "in the caller's thread; the flushers are not woken";
    FS_5 = "FS-5", Cited, "ext4_sync_file", "fs/ext4/fsync.c", "4.5 to 6.12", "S 4.5",
        "fsync returns only after the data it covers has been flushed; INV-FSYNC checks what that is worth.",
        "";
    FS_6 = "FS-6", NotModelled, "", "", "4.5", "I",
        "Metadata may lag flushed data, never the reverse.",
        "";
    TRACE_1 = "TRACE-1", NotModelled, "", "include/trace/events", "6.12", "S 6.12",
        "Stock trace events show no cache line, clwb, fence or user store.",
        "";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::string::ToString;

    #[test]
    fn ids_are_unique_and_index_the_table() {
        let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        for id in RuleId::ALL {
            assert_eq!(id.to_string(), id.rule().id);
        }
        assert_eq!(RuleId::DAX_12_6D.rule().id, "DAX-12.6d");
    }

    #[test]
    fn a_cited_rule_names_its_kernel_function_or_says_hardware() {
        for rule in RULES.iter().filter(|rule| rule.modelled == Modelled::Cited) {
            assert!(!rule.function.is_empty() || rule.file == "hardware", "{}", rule.id);
            assert!(!rule.versions.is_empty() && !rule.evidence.is_empty(), "{}", rule.id);
        }
    }
}
