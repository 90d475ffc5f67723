//! The epochs: what each kernel version, or state of the patch series, does differently.

use super::{
    AllocCleansAlias, AsyncCommit, Barriers, BdevPagePerIo, BforgetAtFree, ClearSDaxAtMount,
    DataMode, DaxAllocCleansAlias, DirtyClearedByFlush, EntryLayout, EntryLock, EntryPayload,
    FencePlace, FlushBdev, FlushCallSite, FreeBeforeCommit, FrozenCopy, InvalidateDropsDirty,
    JbdForget, LockFencesClwb, LogBlocks, MapSync, MappingTree, MetadataInDax, MountRefusesDaxBdev,
    Platform, RangeTagOrder, RawMmapDax, Revoke, SDaxScope, Semantics, UndoLog, WaitForPins,
    WriteOpenMounted,
};

macro_rules! epochs {
    ($( $(#[$doc:meta])+ $variant:ident = $name:literal ),+ $(,)?) => {
        /// A kernel version, or a state of the patch series of February 2016: one preset of every
        /// switch. Ordered in time.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Epoch { $( $(#[$doc])+ $variant ),+ }

        impl Epoch {
            /// All epochs, oldest first.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),+];

            /// The epoch's name on the command line, in files and links.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name ),+ }
            }

            /// The epoch of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $name => Some(Self::$variant), )+ _ => None }
            }
        }
    };
}

epochs! {
    /// 4.5-rc1 to rc6: the flush is called from `filemap_write_and_wait_range()`.
    V4_5Rc1 = "4.5-rc1",
    /// The series of 7 Feb 2016.
    SeriesV1 = "v1",
    /// The series of 10 Feb 2016, the seed mail's subject.
    SeriesV2 = "v2",
    /// The release.
    V4_5_0 = "4.5.0",
    /// Entry locking.
    V4_7 = "4.7",
    /// The fence moves to the device flush (since 4.8).
    V4_9 = "4.9",
    /// The flush clears DIRTY.
    V4_10 = "4.10",
    /// MAP_SYNC.
    V4_15 = "4.15",
    /// Freeing waits for pinned pages.
    V4_18 = "4.18",
    /// The new `jbd2_journal_forget`; XArray.
    V5_1 = "5.1",
    /// The newest one read.
    V6_12 = "6.12",
}

impl Epoch {
    /// The name for people, never a bare `v1`, which would be a version chip: `series v1`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::SeriesV1 => "series v1",
            Self::SeriesV2 => "series v2",
            other => other.name(),
        }
    }
}

impl Semantics {
    /// The preset of an epoch: reference 12.2.1, with every setting and what-if at the value that
    /// all epochs share (12.2.3).
    #[must_use]
    pub const fn preset(epoch: Epoch) -> Self {
        let mut s = Self::V4_5_RC1;
        let at = epoch as u8;
        if at >= Epoch::SeriesV1 as u8 {
            s.flush_call_site = FlushCallSite::Fsync;
            s.flush_bdev = FlushBdev::Passed;
        }
        if at >= Epoch::SeriesV2 as u8 {
            s.flush_call_site = FlushCallSite::WritepagesGeneric;
        }
        if at >= Epoch::V4_5_0 as u8 {
            s.flush_call_site = FlushCallSite::Writepages;
            s.s_dax_scope = SDaxScope::Regular;
            s.raw_mmap_dax = RawMmapDax::Off;
        }
        if at >= Epoch::V4_7 as u8 {
            s.entry_lock = EntryLock::Yes;
            s.entry_layout = EntryLayout::Packed47;
        }
        if at >= Epoch::V4_9 as u8 {
            s.fence_place = FencePlace::DeviceFlush;
            s.dax_alloc_cleans_alias = DaxAllocCleansAlias::Yes;
        }
        if at >= Epoch::V4_10 as u8 {
            s.dirty_cleared_by_flush = DirtyClearedByFlush::Protected;
            s.invalidate_drops_dirty = InvalidateDropsDirty::No;
        }
        if at >= Epoch::V4_15 as u8 {
            s.flush_bdev = FlushBdev::DaxDevice;
            s.map_sync = MapSync::Yes;
        }
        if at >= Epoch::V4_18 as u8 {
            s.wait_for_pins = WaitForPins::Yes;
            s.entry_payload = EntryPayload::Pfn;
        }
        if at >= Epoch::V5_1 as u8 {
            s.jbd_forget = JbdForget::New;
            s.entry_layout = EntryLayout::Xarray;
            s.mapping_tree = MappingTree::Xarray;
        }
        if at >= Epoch::V6_12 as u8 {
            s.dax_alloc_cleans_alias = DaxAllocCleansAlias::Ext2Only;
        }
        s
    }

    const V4_5_RC1: Self = Self {
        flush_call_site: FlushCallSite::Filemap,
        flush_bdev: FlushBdev::SBdev,
        s_dax_scope: SDaxScope::AllBdev,
        raw_mmap_dax: RawMmapDax::On,
        entry_lock: EntryLock::No,
        dirty_cleared_by_flush: DirtyClearedByFlush::No,
        fence_place: FencePlace::FlushEnd,
        invalidate_drops_dirty: InvalidateDropsDirty::Yes,
        dax_alloc_cleans_alias: DaxAllocCleansAlias::No,
        jbd_forget: JbdForget::Old,
        map_sync: MapSync::No,
        wait_for_pins: WaitForPins::No,
        entry_layout: EntryLayout::Packed45,
        mapping_tree: MappingTree::Radix,
        entry_payload: EntryPayload::Sector,
        write_open_mounted: WriteOpenMounted::Yes,
        platform: Platform::Adr,
        lock_fences_clwb: LockFencesClwb::No,
        log_blocks: LogBlocks::Sixteen,
        barriers: Barriers::On,
        async_commit: AsyncCommit::Off,
        data_mode: DataMode::Ordered,
        free_before_commit: FreeBeforeCommit::No,
        revoke: Revoke::On,
        metadata_in_dax: MetadataInDax::No,
        frozen_copy: FrozenCopy::Yes,
        bdev_page_per_io: BdevPagePerIo::No,
        clear_s_dax_at_mount: ClearSDaxAtMount::No,
        mount_refuses_dax_bdev: MountRefusesDaxBdev::No,
        range_tag_order: RangeTagOrder::Upward,
        bforget_at_free: BforgetAtFree::Yes,
        alloc_cleans_alias: AllocCleansAlias::ClearAndWait,
        undo_log: UndoLog::No,
    };
}
