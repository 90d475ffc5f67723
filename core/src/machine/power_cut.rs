//! The power cut as an action: what survives, and what boots from it.

use super::{Machine, Refusal, Report};
use crate::medium::SimMedium;

#[cfg(feature = "ext4")]
use super::{Action, BlockDevice, Event, Program, Thread, Vma};
#[cfg(feature = "ext4")]
use crate::address_space::AddressSpace;
#[cfg(feature = "ext4")]
use crate::rules::RuleId;
#[cfg(feature = "ext4")]
use alloc::vec::Vec;

/// A build without the ext-like file system has no mount to boot with.
#[cfg(not(feature = "ext4"))]
impl<const FAN: usize> Machine<SimMedium, FAN> {
    pub(super) fn power_cut(&mut self, _: u32, _: &mut impl Report) -> Result<(), Refusal> {
        Err(Refusal::NotBuilt("mount(2) after a power cut"))
    }
}

#[cfg(feature = "ext4")]
impl<const FAN: usize> Machine<SimMedium, FAN> {
    /// Keeps one image of the medium and nothing else, and lets the programs boot that do: the
    /// setup's, or [`Program::default_boot`]. Models CPU-6 and DAX-14.
    pub(super) fn power_cut(
        &mut self,
        number: u32,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let domain = crate::check::persistence_domain(self);
        let Some(image) = crate::medium::image_numbered(&self.medium, domain, number) else {
            return Err(Refusal::NotEnabled(Action::PowerCut(number)));
        };
        let before = self.clone();
        let obeys = self.obeys(RuleId::CPU_6, report);
        for choice in &image.choice {
            let kept = if obeys { choice.kept } else { choice.latest };
            self.medium.survive(choice.line, kept);
        }
        self.lose_memory();
        self.boot();
        before.differing(self).into_iter().for_each(|component| report.changed(component));
        report.event(|| {
            let lost = image.choice.iter().filter(|choice| choice.is_lost());
            Event::PowerCut { image: number, lost: lost.map(|choice| choice.line).collect() }
        });
        Ok(())
    }

    /// Everything that is in DRAM is gone. The mappings of threads that do not run again stay, without
    /// a PTE, as those of a killed thread do.
    fn lose_memory(&mut self) {
        self.bdev = BlockDevice {
            mapping: AddressSpace::new(),
            dax: super::begin::bdev_is_s_dax(&self.semantics, self.disk),
            other_block_size: false,
            small_blocks: self.bdev.small_blocks,
        };
        self.inodes.clear();
        self.bios.clear();
        (self.mounted, self.journal) = (None, None);
        self.locks.clear();
        self.waiters.clear();
        let boots = |vma: &Vma| self.threads[usize::from(vma.thread.0)].program.boot;
        self.vmas.retain(|vma| !boots(vma));
        self.vmas.iter_mut().for_each(|vma| vma.ptes.clear());
    }

    fn boot(&mut self) {
        self.rebooted = true;
        power_on(&mut self.threads);
    }
}

/// The threads after a power cut: only those run that boot, from their beginning; one does if the setup
/// has none.
#[cfg(feature = "ext4")]
pub(super) fn power_on(threads: &mut Vec<Thread>) {
    for thread in &mut *threads {
        thread.stack.clear();
        thread.error = None;
        thread.killed = !thread.program.boot;
        if thread.program.boot {
            thread.position = 0;
        }
    }
    if !threads.iter().any(|thread| thread.program.boot) {
        threads.push(Thread::new(Program::default_boot()));
    }
}
