//! A check of the file system, as `e2fsck -n` does it: a program that reads the device.

use super::{Machine, Refusal, Report, ThreadId};
use crate::medium::Medium;

#[cfg(feature = "ext4")]
use crate::fs;
#[cfg(feature = "ext4")]
use crate::jbd::format::Superblock;
#[cfg(feature = "ext4")]
use crate::machine::Event;

/// A build without the ext-like file system has none to check.
#[cfg(not(feature = "ext4"))]
impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn fsck(&mut self, _: ThreadId, _: &mut impl Report) -> Result<bool, Refusal> {
        Err(Refusal::NotBuilt("fsck"))
    }
}

#[cfg(feature = "ext4")]
impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Checks what the device shows, in one step; repairs nothing.
    pub(super) fn fsck(&mut self, id: ThreadId, report: &mut impl Report) -> Result<bool, Refusal> {
        let image = self.device_image();
        let problems = fs::fsck(&image, &self.geometry);
        let unrecovered = self.mounted.is_none() && self.log_is_dirty();
        report.event(|| Event::Fsck { problems, unrecovered });
        self.thread_mut(id).position += 1;
        Ok(true)
    }

    /// Whether a mount would have a log to recover, or could not tell.
    fn log_is_dirty(&self) -> bool {
        self.log.is_some_and(|log| {
            let words = self.load_block(log.superblock);
            Superblock::decode(&words, &log).map_or(true, |superblock| superblock.start.is_some())
        })
    }
}
