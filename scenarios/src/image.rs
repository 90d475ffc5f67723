//! A device that was left behind, by a process that was killed or by a machine that lost power: its
//! bytes, as a lecture that boots from them.
//!
//! The boot is that of [`daxscope_core::machine::Action::PowerCut`] with these bytes as the medium:
//! mount, scan, revoke, replay, fsck. Nobody knows what was promised, so the verdict is what the mount
//! and fsck find. Everything else of a lecture works as ever: epochs, switches, branches, power cuts
//! during the recovery.

use crate::landmark::{AnyOf, Landmark};
use crate::lecture::{Lecture, Segment, Status, Variant};
use crate::session::FAN_OUT;
use daxscope_core::config::{Epoch, Geometry};
use daxscope_core::fs::Layout;
use daxscope_core::jbd::format::Superblock;
use daxscope_core::machine::{Program, System, ThreadId};
use daxscope_core::units::{BlockNr, Tid, Word};
use std::fmt;

/// The id and slug of a lecture that is an image.
const NAME: &str = "image";
/// The sizes that a device may have. The fan-out of the trees is no part of the bytes.
const GEOMETRIES: [Geometry; 2] =
    [Geometry::TEACHING, Geometry { fan_out: FAN_OUT, ..Geometry::KERNEL }];

/// The ring that is shorter than the geometry's.
const SHORT_RING: u32 = 8;

/// Bytes that are no device: their number is that of none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoImage {
    /// How many bytes there are.
    pub found: u64,
}

impl NoImage {
    /// No device has more bytes.
    pub const BYTES_MAX: u64 = bytes_of(&Geometry::KERNEL);
}

impl fmt::Display for NoImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are no device; expected ", self.found)?;
        for (n, geometry) in GEOMETRIES.iter().enumerate() {
            let (or, bytes) = (if n == 0 { "" } else { " or " }, bytes_of(geometry));
            let (blocks, size) = (geometry.blocks, Layout::of(geometry).block_bytes());
            write!(f, "{or}{bytes}, which is {blocks} blocks of {size}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NoImage {}

const fn bytes_of(geometry: &Geometry) -> u64 {
    geometry.words() * 8
}

impl Lecture {
    /// What boots from a device that was left behind; `file` is its name for people. The number of
    /// bytes says how large its blocks are, and a journal superblock that there is a journal, and
    /// whether its ring is the short one (`log-blocks=8`).
    ///
    /// After: its first variant runs to the end of the boot in any epoch, or stops at a mount that
    /// fails, whatever the bytes are.
    ///
    /// # Errors
    /// If no device has so many bytes.
    pub fn of_image(file: &str, bytes: &[u8]) -> Result<Self, NoImage> {
        let found = bytes.len() as u64;
        let geometry = GEOMETRIES.iter().find(|geometry| bytes_of(geometry) == found);
        let geometry = *geometry.ok_or(NoImage { found })?;
        let layout = Layout::of(&geometry);
        let block_bytes = usize::try_from(layout.block_bytes()).expect("a block fits memory");
        let blocks = (0..).map(BlockNr).zip(bytes.chunks(block_bytes));
        let holds = |block: &[u8]| block.iter().any(|byte| *byte != 0);
        let contents: Vec<_> = blocks
            .filter(|(_, block)| holds(block))
            .map(|(at, block)| (at, words(block)))
            .collect();
        let superblock = contents.iter().find(|(at, _)| *at == layout.journal_superblock());
        let journal = superblock.is_some();
        let ring = superblock.and_then(|(_, words)| Superblock::ring_len(words));
        let short = ring == Some(SHORT_RING);
        let system = System {
            journal: journal.then_some(Tid(0)),
            mounted: false,
            found: true,
            ..System::PLAIN
        };
        let log_blocks = || ("log-blocks".to_owned(), SHORT_RING.to_string());
        let until = AnyOf(vec![Landmark::End]);
        let variant = Variant {
            name: "base".to_owned(),
            title: file.to_owned(),
            status: Status::Real,
            sets: short.then(log_blocks).into_iter().collect(),
            system,
            files: Vec::new(),
            contents,
            programs: vec![Program::default_boot()],
            schedule: vec![Segment::Run { thread: ThreadId(0), until }],
            cuts: Vec::new(),
            sentences: Vec::new(),
            predictions: Vec::new(),
            expects: Vec::new(),
        };
        let log = if journal {
            let blocks = if short { SHORT_RING.into() } else { geometry.log_blocks };
            format!("with a journal, whose log has {blocks} blocks")
        } else {
            "without a journal".to_owned()
        };
        Ok(Self {
            file: file.to_owned(),
            id: NAME.to_owned(),
            slug: NAME.to_owned(),
            question: format!("What boots from {file}?"),
            teaches: format!(
                "A device that was left behind: {} blocks of {block_bytes} bytes, {log}. It is mounted, which \
                 recovers the log step by step, and checked. Nobody knows here what was promised: the verdict is \
                 what the mount and fsck find.",
                geometry.blocks
            ),
            status: Status::Real,
            rules: Vec::new(),
            claims: Vec::new(),
            sources: Vec::new(),
            geometry,
            epoch: Epoch::V6_12,
            epochs: Vec::new(),
            variants: vec![variant],
        })
    }
}

fn words(block: &[u8]) -> Vec<Word> {
    block.as_chunks().0.iter().map(|word| Word(*word)).collect()
}
