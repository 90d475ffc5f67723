//! Every historical difference, setting and what-if, as one field of [`Semantics`].

mod epoch;
#[cfg(test)]
mod tests;

pub use epoch::Epoch;

use core::fmt;

/// What kind of choice a switch is (reference 12.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SwitchKind {
    /// Differs between epochs.
    History,
    /// A real choice of hardware, mount option or boot option, in every epoch.
    Setting,
    /// Counterfactual, or a proposal that was never merged. No epoch has it on.
    WhatIf,
}

impl SwitchKind {
    /// `history`, `setting` or `what if`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Setting => "setting",
            Self::WhatIf => "what if",
        }
    }
}

/// A value that a frame would have to read, or that a user asked for, but that no branch of the
/// model implements yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotModelled {
    /// The switch, as on the command line.
    pub switch: &'static str,
    /// The value, as on the command line.
    pub value: &'static str,
}

impl fmt::Display for NotModelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not modelled yet: {}={}", self.switch, self.value)
    }
}

/// Why [`Semantics::set`] refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetError {
    /// No switch has this name.
    UnknownSwitch,
    /// The switch has no such value; these are its values.
    UnknownValue(&'static [&'static str]),
    /// The value exists, but the model does not have it yet.
    NotModelled(NotModelled),
}

/// One switch, for lists and help texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SwitchInfo {
    /// Its name on the command line and in scenario files.
    pub name: &'static str,
    /// What it decides, in one line.
    pub about: &'static str,
    /// History, setting or what-if.
    pub kind: SwitchKind,
    /// All its values.
    pub values: &'static [&'static str],
    /// Those that may be set by hand; empty if the model does not have the switch yet.
    pub modelled: &'static [&'static str],
    /// The rules that define the values.
    pub rules: &'static str,
}

macro_rules! switches {
    ($(
        $(#[doc = $about:literal])+
        $field:ident: $type:ident = $name:literal, $kind:ident, $rules:literal {
            $( $(#[doc = $value_doc:literal])+ $variant:ident = $value:literal $(: $modelled:ident)? ),+ $(,)?
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
            pub enum $type {
                $( $(#[doc = $value_doc])+ $variant ),+
            }

            impl $type {
                /// The value as on the command line.
                #[must_use]
                pub const fn name(self) -> &'static str {
                    match self { $( Self::$variant => $value ),+ }
                }

                const VALUES: &'static [&'static str] = &[$( $value ),+];
                const MODELLED: &'static [&'static str] = &[$( $( modelled!($modelled $value), )? )+];
                /// A bit for each value that is modelled: frames ask at every step.
                const MODELLED_BITS: u32 = 0 $( $( | modelled!($modelled 1) << Self::$variant as u32 )? )+;
                /// In the order of the names.
                const ALL: &'static [Self] = &[$( Self::$variant ),+];

                const fn check(self) -> Result<Self, NotModelled> {
                    if Self::MODELLED_BITS >> self as u32 & 1 == 1 {
                        return Ok(self);
                    }
                    Err(NotModelled { switch: $name, value: self.name() })
                }
            }
        )+

        /// The kernel design choices, the platform and the options of a run. See the module.
        ///
        /// A preset is always accepted, also where it holds values that no frame implements yet;
        /// such a value is refused when a frame reads it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct Semantics {
            $( $field: $type, )+
        }

        impl Semantics {
            $(
                $(#[doc = $about])+
                ///
                /// # Errors
                /// If the value is not modelled yet.
                pub const fn $field(&self) -> Result<$type, NotModelled> {
                    self.$field.check()
                }
            )+

            /// Sets one switch by name, as `--set switch=value` does.
            ///
            /// # Errors
            /// If the switch or the value is unknown, or not modelled yet. Nothing is changed then.
            pub fn set(&mut self, switch: &str, value: &str) -> Result<(), SetError> {
                let number = SWITCHES.iter().position(|known| known.name == switch);
                let number = number.ok_or(SetError::UnknownSwitch)?;
                let SwitchInfo { name: switch, values, modelled, .. } = SWITCHES[number];
                let at = values.iter().position(|known| *known == value);
                let at = at.ok_or(SetError::UnknownValue(values))?;
                let value = values[at];
                if !modelled.contains(&value) {
                    return Err(SetError::NotModelled(NotModelled { switch, value }));
                }
                self.set_by_number(number, at);
                Ok(())
            }

            /// Sets the switch of a number in [`SWITCHES`] to the value of a number among its values.
            #[allow(unused_assignments, reason = "the last count")]
            fn set_by_number(&mut self, number: usize, value: usize) {
                let mut at = 0;
                $(
                    if number == at {
                        self.$field = $type::ALL[value];
                    }
                    at += 1;
                )+
            }

            /// The value of a switch by name; `None` if there is no such switch.
            #[must_use]
            pub fn get(&self, switch: &str) -> Option<&'static str> {
                match switch {
                    $( $name => Some(self.$field.name()), )+
                    _ => None,
                }
            }
        }

        /// Every switch, in the order of the reference (12.2).
        pub const SWITCHES: &[SwitchInfo] = &[$(
            SwitchInfo {
                name: $name,
                about: first_line(concat!($( $about ),+)),
                kind: SwitchKind::$kind,
                values: $type::VALUES,
                modelled: $type::MODELLED,
                rules: $rules,
            }
        ),+];
    };
}

macro_rules! modelled {
    (modelled $value:expr) => {
        $value
    };
}

/// Doc lines start with a space; drop it.
const fn first_line(text: &'static str) -> &'static str {
    let (_, text) = text.split_at(1);
    text
}

switches! {
    /// Where fsync and sync reach the DAX flush from
    flush_call_site: FlushCallSite = "flush-call-site", History, "DAX-21, reference 3.7" {
        /// In `filemap_write_and_wait_range()`, then falls through to page writeback.
        Filemap = "filemap": modelled,
        /// In each `->fsync`.
        Fsync = "fsync": modelled,
        /// In each `->writepages`, then generic page writeback too.
        WritepagesGeneric = "writepages-generic": modelled,
        /// In each `->writepages`, which returns right after the DAX flush.
        Writepages = "writepages": modelled,
    }
    /// Which block device the flush resolves an entry on
    flush_bdev: FlushBdev = "flush-bdev", History, "DAX-21.1" {
        /// `inode->i_sb->s_bdev`.
        SBdev = "s-bdev": modelled,
        /// The file system passes it.
        Passed = "passed": modelled,
        /// A `dax_device`.
        DaxDevice = "dax-device": modelled,
    }
    /// Which inodes get S_DAX
    s_dax_scope: SDaxScope = "s-dax-scope", History, "MIX-1, MIX-8, DAX-21.5" {
        /// Every kind of inode, and the block device's.
        AllBdev = "all-bdev": modelled,
        /// Regular files and the block device's inode.
        RegularBdev = "regular-bdev": modelled,
        /// Regular files only.
        Regular = "regular": modelled,
    }
    /// Whether mmap of the raw device makes DAX entries in the device's mapping
    raw_mmap_dax: RawMmapDax = "raw-mmap-dax", History, "MIX-2, MIX-8" {
        /// It does, if the device's inode is S_DAX.
        On = "on": modelled,
        /// It uses pages.
        Off = "off": modelled,
    }
    /// Whether a DAX entry carries a lock bit
    entry_lock: EntryLock = "entry-lock", History, "DAX-16, DAX-17" {
        /// No lock.
        No = "no": modelled,
        /// One bit in the entry.
        Yes = "yes": modelled,
    }
    /// Whether the flush clears the DIRTY tag
    dirty_cleared_by_flush: DirtyClearedByFlush = "dirty-cleared-by-flush", History, "DAX-12, DAX-18 to DAX-20" {
        /// Only TOWRITE is cleared.
        No = "no": modelled,
        /// After write-protecting the PTEs.
        Protected = "protected": modelled,
        /// Without that (what if).
        Unprotected = "unprotected": modelled,
    }
    /// Where the fence of the DAX flush is
    fence_place: FencePlace = "fence-place", History, "DAX-22" {
        /// `wmb_pmem` at the end of the flush and of each write by the pmem driver.
        FlushEnd = "flush-end": modelled,
        /// At REQ_PREFLUSH and REQ_FUA only.
        DeviceFlush = "device-flush": modelled,
    }
    /// Whether invalidation deletes DAX entries that are tagged dirty
    invalidate_drops_dirty: InvalidateDropsDirty = "invalidate-drops-dirty", History, "DAX-15, A8" {
        /// It deletes them.
        Yes = "yes": modelled,
        /// It skips entries tagged DIRTY or TOWRITE.
        No = "no": modelled,
    }
    /// Whether DAX allocation cleans the block's alias in the device's mapping
    dax_alloc_cleans_alias: DaxAllocCleansAlias = "dax-alloc-cleans-alias", History, "ALIAS-6, ALIAS-7" {
        /// It does not.
        No = "no": modelled,
        /// It does.
        Yes = "yes": modelled,
        /// Only in the ext-like file system without a journal.
        Ext2Only = "ext2-only": modelled,
    }
    /// What `jbd2_journal_forget` does
    jbd_forget: JbdForget = "jbd-forget", History, "JBD-14" {
        /// The 4.5 column of JBD-14.
        Old = "old": modelled,
        /// The 5.1 column.
        New = "new": modelled,
    }
    /// Whether MAP_SYNC is offered
    map_sync: MapSync = "map-sync", History, "SYNC-1 to SYNC-4" {
        /// It is not.
        No = "no": modelled,
        /// It is.
        Yes = "yes": modelled,
    }
    /// Whether freeing a block waits for pinned pages
    wait_for_pins: WaitForPins = "wait-for-pins", History, "REUSE-4" {
        /// It does not.
        No = "no",
        /// It does.
        Yes = "yes",
    }
    /// The bits of a DAX entry's word
    entry_layout: EntryLayout = "entry-layout", History, "TREE-16" {
        /// 4.5 and 4.6.
        Packed45 = "packed-4.5": modelled,
        /// From 4.7: with a lock bit.
        Packed47 = "packed-4.7": modelled,
        /// From 4.20: an XArray value.
        Xarray = "xarray": modelled,
    }
    /// The kind of tree under a mapping
    mapping_tree: MappingTree = "mapping-tree", History, "TREE-18" {
        /// The radix tree.
        Radix = "radix": modelled,
        /// The XArray, from 4.20; for single-page items it has the radix tree's shape.
        Xarray = "xarray": modelled,
    }
    /// What a DAX entry stores of its block
    entry_payload: EntryPayload = "entry-payload", History, "TREE-16" {
        /// The sector on the file's device.
        Sector = "sector": modelled,
        /// The page frame number, from 4.17.
        Pfn = "pfn": modelled,
    }
    /// Whether a mounted device may be opened for writing
    write_open_mounted: WriteOpenMounted = "write-open-mounted", History, "MIX-8, A2, A4" {
        /// It may.
        Yes = "yes": modelled,
        /// The open is refused (a choice since 6.8).
        No = "no": modelled,
    }
    /// What survives a power cut besides the medium
    platform: Platform = "platform", Setting, "CPU-2, CPU-6b, CPU-7" {
        /// The memory controller's write-pending queue.
        Adr = "adr": modelled,
        /// The CPU caches too.
        Eadr = "eadr": modelled,
        /// The kernel stops but the power stays on, so the caches survive.
        PanicOnly = "panic-only": modelled,
    }
    /// Whether a locked instruction completes earlier clwb of its CPU
    lock_fences_clwb: LockFencesClwb = "lock-fences-clwb", Setting, "CPU-4, DAX-13" {
        /// The kernel's flush contract: it does not. Errs to more images.
        No = "no": modelled,
        /// x86 as Intel documents CLWB: it does.
        Yes = "yes": modelled,
    }
    /// How many blocks the log ring has
    log_blocks: LogBlocks = "log-blocks", Setting, "WAL-2, JBD-10" {
        /// 16 blocks.
        Sixteen = "16": modelled,
        /// 8 blocks, for a full log.
        Eight = "8": modelled,
    }
    /// Whether FLUSH and FUA go with the commit block and with fsync
    barriers: Barriers = "barriers", Setting, "JBD-2 step 11, FS-1, DAX-22" {
        /// They do.
        On = "on": modelled,
        /// They do not.
        Off = "off": modelled,
    }
    /// Whether the commit block goes out with the copies, and one flush follows for all of them
    async_commit: AsyncCommit = "async-commit", Setting, "JBD-2 steps 9 and 11" {
        /// It waits for the copies, and is written with FLUSH and FUA.
        Off = "off": modelled,
        /// It does not wait: its checksum has to tell.
        On = "on": modelled,
    }
    /// The journal's data mode
    data_mode: DataMode = "data-mode", Setting, "JBD-3, REUSE-6" {
        /// New blocks' data reach the device before the commit.
        Ordered = "ordered": modelled,
        /// No order.
        Writeback = "writeback": modelled,
        /// Data blocks are journalled; cannot be mounted together with dax.
        Journal = "journal",
    }
    /// Whether a freed block may be reused before its free commits
    free_before_commit: FreeBeforeCommit = "free-before-commit", Setting, "REUSE-6, XFS-10" {
        /// Returned to the allocator in the commit callback.
        No = "no": modelled,
        /// Returned at free.
        Yes = "yes": modelled,
    }
    /// Whether revoke records are written and obeyed
    revoke: Revoke = "revoke", WhatIf, "JBD-11, JBD-12, XFS-9" {
        /// They are.
        On = "on": modelled,
        /// They are not.
        Off = "off": modelled,
    }
    /// Whether metadata is modified in place in DAX memory
    metadata_in_dax: MetadataInDax = "metadata-in-dax", WhatIf, "WAL-3, CPU-7, XFS-3" {
        /// It is buffered in DRAM.
        No = "no": modelled,
        /// It is.
        Yes = "yes": modelled,
        /// It is, and each change is written back and fenced at once.
        Flushed = "flushed": modelled,
    }
    /// Whether a block in two transactions gets a frozen copy
    frozen_copy: FrozenCopy = "frozen-copy", WhatIf, "JBD-5, CPU-7 corollary 3" {
        /// It does.
        Yes = "yes": modelled,
        /// One memory for both.
        No = "no": modelled,
    }
    /// Whether each metadata I/O gets a fresh page of the device
    bdev_page_per_io: BdevPagePerIo = "bdev-page-per-io", WhatIf, "MIX-4, MIX-5" {
        /// Pages are shared through the device's mapping.
        No = "no": modelled,
        /// A fresh one each time.
        Yes = "yes": modelled,
    }
    /// Whether mount clears the device inode's S_DAX
    clear_s_dax_at_mount: ClearSDaxAtMount = "clear-s-dax-at-mount", WhatIf, "MIX-6" {
        /// It does not.
        No = "no": modelled,
        /// It clears the flag and nothing else.
        FlagOnly = "flag-only": modelled,
        /// It also flushes, purges and unmaps.
        Full = "full": modelled,
    }
    /// Whether mount refuses a device whose inode is S_DAX
    mount_refuses_dax_bdev: MountRefusesDaxBdev = "mount-refuses-dax-bdev", WhatIf, "MIX-6" {
        /// It does not.
        No = "no": modelled,
        /// It does.
        Yes = "yes": modelled,
    }
    /// The direction in which range tagging sets the bits of interior nodes
    range_tag_order: RangeTagOrder = "range-tag-order", WhatIf, "TREE-9" {
        /// From the leaf upward.
        Upward = "upward": modelled,
        /// On the way down.
        Downward = "downward": modelled,
    }
    /// Whether a block freed without a journal is forgotten
    bforget_at_free: BforgetAtFree = "bforget-at-free", WhatIf, "reference 5.3, REUSE-1" {
        /// `bforget` is called.
        Yes = "yes": modelled,
        /// It is not.
        No = "no": modelled,
    }
    /// Whether allocation for buffered data cleans the block's alias
    alloc_cleans_alias: AllocCleansAlias = "alloc-cleans-alias", WhatIf, "ALIAS-1 to ALIAS-4" {
        /// Clears the buffer's dirty bit and waits for its I/O.
        ClearAndWait = "clear-and-wait": modelled,
        /// Does not wait.
        ClearOnly = "clear-only": modelled,
        /// Does neither.
        No = "no": modelled,
    }
    /// Whether an undo log replaces the redo log
    undo_log: UndoLog = "undo-log", WhatIf, "CPU-7 honest limits" {
        /// Redo, as in ext4 and XFS.
        No = "no": modelled,
        /// Undo, with metadata in DAX memory.
        Yes = "yes": modelled,
    }
}

impl Semantics {
    /// Whether the switches can hold together. Presets always can.
    ///
    /// # Errors
    /// What contradicts what, and what to set instead.
    pub const fn check_together(&self) -> Result<(), &'static str> {
        match (self.entry_lock, self.entry_layout) {
            (EntryLock::Yes, EntryLayout::Packed45) => {
                Err("entry-lock=yes needs a lock bit, which entry-layout=packed-4.5 has not: \
                 set entry-layout=packed-4.7 too")
            }
            _ => self.check_undo_log(),
        }
    }

    const fn check_undo_log(&self) -> Result<(), &'static str> {
        match (self.undo_log, self.metadata_in_dax) {
            (UndoLog::Yes, MetadataInDax::No) => Err(
                "undo-log=yes takes back what was changed in place: set metadata-in-dax=yes too",
            ),
            _ => Ok(()),
        }
    }

    /// The switches whose values differ from those of `other`, in table order: (name, value here).
    pub fn differing_from(
        &self,
        other: &Self,
    ) -> impl Iterator<Item = (&'static str, &'static str)> {
        SWITCHES.iter().filter_map(|switch| {
            let here = self.get(switch.name)?;
            (other.get(switch.name) != Some(here)).then_some((switch.name, here))
        })
    }
}
