//! Recovery of a whole image at once.

use super::{BadDescriptor, Obeys, Recovery, RecoveryStep, Skip};
use crate::jbd::LogLayout;
use crate::jbd::format::Superblock;
use crate::units::{BlockNr, Tid, Word};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What the recovery of an image did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The blocks that went home, in order, and the transactions that had logged them.
    pub replayed: Vec<(BlockNr, Tid)>,
    /// The revoked blocks that did not, likewise.
    pub skipped: Vec<(BlockNr, Tid)>,
    /// The number of the next transaction.
    pub next: Tid,
}

/// Recovers an image of a device and marks its log clean. A clean log leaves the image as it is.
///
/// # Errors
/// Why the file system cannot be mounted, in words: no sound journal superblock, a log that cannot
/// be trusted, a logged block that cannot be replayed. What could be replayed has been; the log is
/// not marked clean.
///
/// # Panics
/// If the image is not as long as the layout says.
///
/// Models JBD-9: fs/jbd2/recovery.c `jbd2_journal_recover`, 4.5.
pub fn recover_image(
    image: &mut [Word],
    layout: &LogLayout,
    bad_descriptor: BadDescriptor,
    obeys: Obeys<'_>,
) -> Result<Summary, String> {
    let size = layout.words_per_block as usize;
    assert!(image.len() as u64 == layout.device_blocks * size as u64, "a whole device");
    let place = |block: BlockNr| {
        let first = usize::try_from(block.0).expect("the device fits memory") * size;
        first..first + size
    };
    let superblock = Superblock::decode(&image[place(layout.superblock)], layout)?;
    let mut summary =
        Summary { replayed: Vec::new(), skipped: Vec::new(), next: superblock.sequence.next() };
    let Some(mut recovery) = Recovery::begin(&superblock, *layout, bad_descriptor) else {
        return Ok(summary);
    };
    let mut first_damage = None;
    loop {
        match recovery.step(&mut |block| image[place(block)].to_vec(), obeys) {
            RecoveryStep::Replayed { home, tid, words, .. } => {
                image[place(home)].copy_from_slice(&words);
                summary.replayed.push((home, tid));
            }
            RecoveryStep::Skipped { home, tid, why: Skip::Revoked { .. }, .. } => {
                summary.skipped.push((home, tid));
            }
            RecoveryStep::Skipped { home, from, tid, why } => {
                first_damage.get_or_insert_with(|| damage(home, from, tid, why));
            }
            RecoveryStep::Failed { at, tid, why } => {
                return Err(format!("{at} of the log, {tid}: {why}"));
            }
            RecoveryStep::Done { next, .. } => {
                summary.next = next;
                break;
            }
            RecoveryStep::Scanned { .. }
            | RecoveryStep::ScanEnded { .. }
            | RecoveryStep::Revoked { .. }
            | RecoveryStep::RevokeEnded { .. } => {}
        }
    }
    if let Some(damage) = first_damage {
        return Err(damage);
    }
    let clean = Superblock { sequence: summary.next, start: None };
    image[place(layout.superblock)].copy_from_slice(&clean.encode(layout));
    Ok(summary)
}

fn damage(home: BlockNr, from: BlockNr, tid: Tid, why: Skip) -> String {
    let why = match why {
        Skip::Revoked { by } => format!("revoked by {by}"),
        Skip::BadChecksum => "does not match its checksum".into(),
        Skip::NoHome => "has no home on the device".into(),
    };
    format!("{from} of the log, {tid}: the copy of {home} {why}")
}
