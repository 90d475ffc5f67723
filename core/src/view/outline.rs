//! A moment in short: what a timeline shows of it, at a fraction of the price of a scene.

use super::scene::{crash_or_invariant_changed, promises};
use crate::address_space::MappingId;
use crate::jbd::recover::RecoveryStep;
use crate::machine::{Component, Event, Machine, Step};
use crate::medium::SimMedium;
use crate::narrate::{START, actor_name, narrate};
use crate::path::Path;
use crate::units::BlockNr;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A moment in short.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline {
    /// Who acted; empty at step 0.
    pub actor: String,
    /// The sentence of the step.
    pub sentence: String,
    /// The verdict words that showed in this step.
    pub verdicts: Vec<String>,
    /// Whether one would stop here: a verdict, a change in what a power cut leaves, a promise, the end
    /// of a part of a recovery, the last step.
    pub stop: bool,
    /// The blocks of which the step changed something.
    pub blocks: Vec<BlockNr>,
}

/// The moment after `step` steps of a path, in short.
///
/// # Panics
/// If the path is shorter.
#[must_use]
pub fn outline<const FAN: usize>(path: &Path<FAN>, step: usize) -> Outline {
    let moment = path.moment(step);
    let machine = &moment.machine;
    let verdicts = moment.verdicts.iter().map(ToString::to_string).collect();
    let Some((_, report)) = &moment.step else {
        let sentence = START.to_string();
        return Outline {
            actor: String::new(),
            sentence,
            verdicts,
            stop: true,
            blocks: Vec::new(),
        };
    };
    let stop = !moment.verdicts.is_empty()
        || crash_or_invariant_changed(moment, path.moment(step - 1)).is_some()
        || promises(report)
        || ends_a_part(report)
        || step + 1 == path.len();
    Outline {
        actor: actor_name(machine, report.actor),
        sentence: narrate(machine, report, &moment.verdicts),
        verdicts,
        stop,
        blocks: blocks_of(machine, report).collect(),
    }
}

/// Whether a pass of a recovery, a mount or a check ends with the step.
fn ends_a_part(step: &Step) -> bool {
    step.events.iter().any(|event| match event {
        Event::Recovering { step } => matches!(
            step,
            RecoveryStep::ScanEnded { .. }
                | RecoveryStep::RevokeEnded { .. }
                | RecoveryStep::Done { .. }
                | RecoveryStep::Failed { .. }
        ),
        event => matches!(event, Event::Mounted | Event::Fsck { .. } | Event::PowerCut { .. }),
    })
}

/// The blocks outside the log that a step changed, first those it reports first.
pub(super) fn blocks_of<'a, const FAN: usize>(
    machine: &'a Machine<SimMedium, FAN>,
    step: &'a Step,
) -> impl Iterator<Item = BlockNr> + use<'a, FAN> {
    let columns = machine.geometry.first_log_block();
    step.changed.iter().filter_map(move |component| {
        let block = match component {
            Component::JournalHead(block) => *block,
            Component::Page(MappingId::Bdev, index) => BlockNr(index.0),
            Component::Page(mapping, index) if machine.mapping_if(*mapping).is_some() => {
                machine.block_of(*mapping, *index)?
            }
            Component::Line(line) => machine.geometry.block_of(*line),
            _ => return None,
        };
        (block < columns).then_some(block)
    })
}
