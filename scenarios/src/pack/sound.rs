//! Whether an unpacked lecture keeps what the rest of this crate relies on.

use crate::lecture::{Lecture, Moment, Segment, Variant};
use crate::session::{Choice, setup};
use daxscope_core::machine::THREADS_MAX;
use daxscope_core::machine::ThreadId;

/// Says the first thing that is wrong; `earlier` are the lectures before it.
pub(super) fn check(lecture: &Lecture, earlier: &[Lecture]) -> Result<(), String> {
    let taken = |other: &Lecture| other.id == lecture.id || other.slug == lecture.slug;
    demand(!earlier.iter().any(taken), "its id or slug is there already")?;
    demand(!lecture.variants.is_empty(), "it has no variant")?;
    demand(lecture.epochs.contains(&lecture.epoch), "it lacks the epoch that it shows first")?;
    for variant in &lecture.variants {
        check_variant(lecture, variant).map_err(|why| format!("{}: {why}", variant.name))?;
    }
    Ok(())
}

fn demand(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn check_variant(lecture: &Lecture, variant: &Variant) -> Result<(), String> {
    let setup = setup(lecture, variant, &Choice::default()).map_err(|why| why.to_string())?;
    setup.check().map_err(|why| why.message)?;
    demand(variant.programs.len() <= THREADS_MAX, "it has too many threads")?;
    let moments = variant.cuts.iter().map(|cut| &cut.moment);
    let moments = moments.chain(variant.sentences.iter().map(|sentence| &sentence.moment));
    let mut moments = moments.chain(variant.predictions.iter().map(|asked| &asked.moment));
    demand(moments.all(|moment: &Moment| moment.nth > 0), "it counts moments from 0")?;
    demand(lecture.epochs.iter().all(|it| variant.expect(*it).is_some()), "it expects nothing")?;
    let files = variant.files.len();
    let mut tags = variant.expects.iter().flat_map(|expect| &expect.tags);
    demand(tags.all(|tag| tag.file < files), "it expects tags of no file")?;
    let exists = |thread: &ThreadId| usize::from(thread.0) < variant.programs.len();
    let mut reads = variant.expects.iter().flat_map(|expect| &expect.reads);
    let mut actors = variant.schedule.iter().filter_map(|segment| match segment {
        Segment::Run { thread, .. } => Some(thread),
        Segment::Evict { .. } | Segment::Complete { .. } | Segment::PowerCut { .. } => None,
    });
    demand(reads.all(|(it, _)| exists(it)) && actors.all(exists), "it runs a thread it lacks")
}
