//! The state that a setup describes, and the device as it finds it.

use super::{BlockDevice, Machine, Mounted, Setup, SetupError, Thread};
use crate::address_space::AddressSpace;
use crate::config::{SDaxScope, Semantics};
use crate::fs::{self, Layout};
use crate::jbd::format::Superblock;
use crate::jbd::journal::Journal;
use crate::medium::{Medium, SimMedium};
use crate::sorted;
use crate::units::{LogBlockNr, Tid, Word};
use alloc::vec;
use alloc::vec::Vec;

impl<const FAN: usize> Machine<SimMedium, FAN> {
    /// The initial state on a simulated medium.
    ///
    /// # Errors
    /// If the setup names something that does not exist.
    pub fn new(setup: &Setup) -> Result<Self, SetupError> {
        Self::with_medium(setup, SimMedium::new)
    }
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// The initial state: `make` gets the whole image of the device and makes a medium that holds
    /// it, guaranteed.
    ///
    /// # Errors
    /// If the setup names something that does not exist.
    ///
    /// # Panics
    /// If the geometry asks for another fan-out than `FAN`.
    pub fn with_medium(setup: &Setup, make: impl FnOnce(&[Word]) -> M) -> Result<Self, SetupError> {
        setup.check()?;
        let geometry = setup.geometry;
        assert_eq!(geometry.fan_out, FAN, "the geometry's fan-out is the tree's");
        let medium = make(&initial_image(setup));
        let present = setup.files.iter().filter(|file| !file.absent);
        let mut mounted = Mounted::new(Layout::of(&geometry), setup.goal());
        let mut inodes = Vec::new();
        for (slot, file) in (0..).zip(present) {
            inodes.push(setup.inode(file).in_slot(slot));
            mounted.set_slot(slot, Some(file.ino));
            file.owned().for_each(|block| mounted.take(block));
        }
        sorted::sort_by_key(&mut inodes, |inode| inode.ino);
        let journal = setup.system.journal.map(|first| {
            let mut journal = Journal::new(setup.log_layout(), first);
            journal.on_disk = Some((first, journal.tail));
            journal
        });
        if !setup.system.mounted {
            inodes.clear();
        }
        #[cfg_attr(not(feature = "ext4"), expect(unused_mut, reason = "nothing boots"))]
        let mut threads: Vec<_> = setup.programs.iter().cloned().map(Thread::new).collect();
        #[cfg(feature = "ext4")]
        if setup.is_found() {
            super::power_cut::power_on(&mut threads);
        }
        Ok(Self {
            geometry,
            semantics: setup.semantics,
            medium,
            bdev: BlockDevice {
                mapping: AddressSpace::new(),
                dax: bdev_is_s_dax(&setup.semantics, setup.system.disk),
                other_block_size: setup.system.other_block_size,
                small_blocks: setup.system.small_blocks,
            },
            inodes,
            known: setup.files.iter().map(|file| setup.known(file)).collect(),
            log: setup.system.journal.map(|_| setup.log_layout()),
            disk: setup.system.disk,
            bios: Vec::new(),
            goal: setup.goal(),
            mounted: setup.system.mounted.then_some(mounted),
            journal: journal.filter(|_| setup.system.mounted),
            locks: Vec::new(),
            vmas: Vec::new(),
            threads,
            rebooted: setup.is_found(),
            waiters: Vec::new(),
            planted: setup.planted,
        })
    }
}

/// Whether the device's inode is S_DAX when it is opened first; a disk's never is.
pub(super) fn bdev_is_s_dax(semantics: &Semantics, disk: bool) -> bool {
    !disk && !matches!(semantics.s_dax_scope(), Ok(SDaxScope::Regular))
}

/// The device as `mkfs` and the scenario leave it, or as it was found.
fn initial_image(setup: &Setup) -> Vec<Word> {
    let geometry = setup.geometry;
    let words = usize::try_from(geometry.words()).expect("the device fits memory");
    let mut image = vec![Word::ZERO; words];
    let present = setup.files.iter().filter(|file| !file.absent);
    let inodes: Vec<_> = present.map(|file| setup.inode_spec(file)).collect();
    if !setup.is_found() {
        fs::mkfs(&mut image, &geometry, &inodes);
    }
    if let Some(first) = setup.system.journal.filter(|_| !setup.is_found()) {
        let log = setup.log_layout();
        let at = usize::try_from(geometry.first_word(log.superblock).0).expect("fits memory");
        // A file system that is in use has a log that begins; one that is not has a clean one.
        let superblock = if setup.system.mounted {
            Superblock { sequence: first, start: Some(LogBlockNr(1)) }
        } else {
            Superblock { sequence: Tid(first.0.wrapping_sub(1)), start: None }
        };
        let words = superblock.encode(&log);
        image[at..at + words.len()].copy_from_slice(&words);
    }
    for (block, words) in &setup.contents {
        let at = usize::try_from(geometry.first_word(*block).0).expect("fits memory");
        image[at..at + words.len()].copy_from_slice(words);
    }
    image
}
