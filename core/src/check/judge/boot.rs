//! From a power cut to the mount that shows what is left of the promises.
//!
//! Until then nothing that was known counts as newest: the judge is in the dark, and only keeps what
//! was promised and who owned which block. The mount is judged by the very words of a crash report,
//! over what it shows; from then on that is what everything was at the start.

use super::recovery::pointers_of;
use super::{Errno, Event, Home, Judge, LogTrail, Machine, Step, Verdict, blocks, home_of};
use crate::crash::{self, Recovered};
use crate::fs::Problem;
use crate::machine::{Call, MappingWord};
use crate::medium::SimMedium;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// What was known at a power cut and is gone with it.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Blackout {
    /// Who owned which block in memory: a page, or an inode its pointers.
    pub(super) owners: Vec<(BlockNr, Option<(Ino, PageIndex)>)>,
    /// The homes that recovery has written since.
    pub(super) replayed: Vec<BlockNr>,
}

/// A word of a file after a power cut, and what is wrong with it.
pub(super) type Aftermath = (Ino, PageIndex, u16, Word, Verdict);

impl Judge {
    /// Takes note of a power cut: nobody is in a call any more.
    pub(super) fn follow_power<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        step: &Step,
    ) {
        if !step.events.iter().any(|event| matches!(event, Event::PowerCut { .. })) {
            return;
        }
        self.pledges.clear();
        self.written_back.clear();
        self.under_way.clear();
        self.mapped_stores.clear();
        self.leaving.clear();
        self.aftermath.clear();
        self.log = LogTrail::default();
        self.dark.get_or_insert_with(|| {
            let pages = before.inodes.iter().flat_map(|inode| {
                inode.blocks().map(|(page, block)| (block, Some((inode.ino, page))))
            });
            let pointers = pointers_of(before).map(|block| (block, None));
            Blackout { owners: pages.chain(pointers).collect(), replayed: Vec::new() }
        });
    }

    /// What a step of the boot deserves.
    pub(super) fn observe_boot<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        step: &Step,
        after: &Machine<SimMedium, FAN>,
    ) -> Vec<Verdict> {
        let mut said = Vec::new();
        for event in &step.events {
            match event {
                Event::BlockWritten { block, .. } => {
                    if let Some(dark) = &mut self.dark {
                        dark.replayed.push(*block);
                    }
                }
                Event::PutBack { blocks } => {
                    if let Some(dark) = &mut self.dark {
                        dark.replayed.extend(blocks);
                    }
                }
                Event::CallReturned { call: Call::Mount, result: Err(error), .. } => {
                    if *error == Errno::Ebusy {
                        // Refused: nobody has looked at the medium.
                        continue;
                    }
                    said.extend((*error == Errno::Eio).then_some(Verdict::IoError));
                    let nothing = Recovered::Unreadable(String::new());
                    said.push(self.judge_recovery(after, &nothing, (&[], &[])));
                }
                Event::Fsck { problems, unrecovered: false } => {
                    said.extend(self.judge_fsck(after, problems));
                }
                Event::Mounted => said.push(self.see_again(after)),
                Event::Oops { .. } => said.push(Verdict::Oops),
                _ => {}
            }
        }
        // Who owns a block after a mount is part of its own verdict.
        let states = blocks::of_states(before, step, after);
        said.extend(states.filter(|verdict| *verdict != Verdict::CrossLinked));
        said.retain(|verdict| *verdict != Verdict::Ok);
        said
    }

    /// A mount shows what is left: the verdict over it. It is all there is from now on.
    fn see_again<const FAN: usize>(&mut self, after: &Machine<SimMedium, FAN>) -> Verdict {
        let image = after.device_image();
        let recovered = crash::look(&image, &after.geometry);
        let verdict = self.judge_recovery(after, &recovered, (&image, &[]));
        let aftermath = self.aftermath_of(after, &recovered);
        let (undoes, unsynced) = (self.undoes, self.unsynced);
        *self = Self { aftermath, undoes, unsynced, ..Self::of(&recovered) };
        verdict
    }

    /// Verdicts over what fsck finds; without a journal half an operation is legal until a sync.
    pub(super) fn judge_fsck<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        problems: &[Problem],
    ) -> Vec<Verdict> {
        let strict = self.is_strict(machine);
        let found = problems.iter().filter(|_| strict).map(Problem::verdict);
        let mut verdicts = vec![];
        found.for_each(|verdict| {
            if !verdicts.contains(&verdict) {
                verdicts.push(verdict);
            }
        });
        verdicts
    }

    /// What a word of a file still shows of the last power cut.
    pub(super) fn aftermath_at<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        at: MappingWord,
        value: Word,
    ) -> Option<Verdict> {
        if self.aftermath.is_empty() {
            return None;
        }
        let Home::File(ino, index) = home_of(machine, at) else { return None };
        let is = |it: &&Aftermath| (it.0, it.1, it.2, it.3) == (ino, index, at.word, value);
        self.aftermath.iter().find(is).map(|it| it.4)
    }
}
