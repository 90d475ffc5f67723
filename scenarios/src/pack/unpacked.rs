//! From the packed form to lectures: every name is looked up.

use super::mirror::{self, op};
use crate::landmark::{AnyOf, Landmark};
use crate::lecture::{
    About, Basis, Cut, Expect, Lecture, Moment, Prediction, Segment, Sentence, Source, Status,
    Survivor, TagExpect, Variant,
};
use crate::vocabulary::{GEOMETRIES, invariant_named, rule_named};
use daxscope_core::EXT4;
use daxscope_core::address_space::MappingId;
use daxscope_core::check::Verdict;
use daxscope_core::config::Epoch;
use daxscope_core::fs::{Kind, Name};
use daxscope_core::machine::{
    BlockWord, FileSetup, FileWord, IndexBlock, Op, Program, System, ThreadId,
};
use daxscope_core::units::{BlockNr, Cpu, Ino, LineNr, PageIndex, Tid, Word};

type Result<T> = std::result::Result<T, String>;

pub(super) fn lecture(packed: &mirror::Lecture<'_>) -> Result<Lecture> {
    let geometry = GEOMETRIES.iter().find(|(name, _)| *name == packed.geometry);
    let source = |(reference, says): &(&str, &str)| {
        Ok(Source { reference: (*reference).to_owned(), says: (*says).to_owned() })
    };
    Ok(Lecture {
        file: packed.file.to_owned(),
        id: packed.id.to_owned(),
        slug: packed.slug.to_owned(),
        question: packed.question.to_owned(),
        teaches: packed.teaches.to_owned(),
        status: status(packed.status)?,
        rules: each(&packed.rules, |id| known("rule", id, rule_named(id)))?,
        claims: strings(&packed.claims)?,
        sources: each(&packed.sources, source)?,
        geometry: known("geometry", packed.geometry, geometry)?.1,
        epoch: epoch(&packed.epoch)?,
        epochs: each(&packed.epochs, epoch)?,
        variants: each(&packed.variants, variant)?,
    })
}

/// Reads each; the first that cannot be read is the error.
fn each<P, T>(list: &[P], read: impl Fn(&P) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(list.len());
    for packed in list {
        all.push(read(packed)?);
    }
    Ok(all)
}

fn strings(list: &[&str]) -> Result<Vec<String>> {
    each(list, |text| Ok((*text).to_owned()))
}

fn known<T>(what: &str, name: &str, found: Option<T>) -> Result<T> {
    found.ok_or_else(|| format!("unknown {what} `{name}`"))
}

fn status(name: &str) -> Result<Status> {
    known("status", name, Status::from_name(name))
}

fn epoch(name: &&str) -> Result<Epoch> {
    known("epoch", name, Epoch::from_name(name))
}

fn verdict(word: &&str) -> Result<Verdict> {
    known("verdict", word, Verdict::from_word(word))
}

fn words(list: &[u64]) -> Vec<Word> {
    list.iter().map(|number| Word::number(*number)).collect()
}

fn variant(packed: &mirror::Variant<'_>) -> Result<Variant> {
    let set = |(name, value): &(&str, &str)| Ok(((*name).to_owned(), (*value).to_owned()));
    let content = |(block, list): &(u64, Vec<u64>)| Ok((BlockNr(*block), words(list)));
    let cut = |(name, at): &(&str, mirror::Moment<'_>)| {
        Ok(Cut { name: (*name).to_owned(), moment: moment(at)? })
    };
    Ok(Variant {
        name: packed.name.to_owned(),
        title: packed.title.to_owned(),
        status: status(packed.status)?,
        sets: each(&packed.sets, set)?,
        system: System {
            journal: packed.system.0.map(Tid),
            goal: packed.system.1.map(BlockNr),
            mounted: packed.system.2,
            disk: packed.system.3,
            other_block_size: packed.system.4.0,
            small_blocks: packed.system.4.1,
            found: false,
        },
        files: each(&packed.files, file)?,
        contents: each(&packed.contents, content)?,
        programs: each(&packed.programs, program)?,
        schedule: each(&packed.schedule, segment)?,
        cuts: each(&packed.cuts, cut)?,
        sentences: each(&packed.sentences, sentence)?,
        predictions: each(&packed.predictions, prediction)?,
        expects: each(&packed.expects, expect)?,
    })
}

fn file(packed: &mirror::File<'_>) -> Result<FileSetup> {
    let indirect = packed.indirect.map(|block| (IndexBlock::Indirect, BlockNr(block)));
    Ok(FileSetup {
        ino: Ino(packed.ino),
        name: packed.name.to_owned(),
        kind: if packed.directory { Kind::Directory } else { Kind::File },
        dax: packed.dax,
        absent: packed.absent,
        pages: packed.pages,
        blocks: packed.blocks.iter().map(|block| block.map(BlockNr)).collect(),
        index_blocks: indirect.into_iter().collect(),
    })
}

fn program(packed: &mirror::Program<'_>) -> Result<Program> {
    let ops = each(&packed.ops, operation)?;
    Ok(Program { name: packed.name.to_owned(), cpu: Cpu(packed.cpu), ops, boot: packed.boot })
}

fn operation(packed: &mirror::Op<'_>) -> Result<Op> {
    let (ino, index) = (Ino(packed.ino), PageIndex(packed.index));
    let at = FileWord { ino, index, word: packed.word };
    let raw = BlockWord { block: BlockNr(packed.index), word: packed.word };
    let words = words(&packed.words);
    Ok(match packed.op {
        op::MMAP => Op::Mmap { ino },
        op::LOAD => Op::Load { at },
        op::STORE => Op::Store { at, value: only(&words)? },
        op::CLWB => Op::Clwb { at },
        op::SFENCE => Op::Sfence,
        op::WRITE => Op::Write { at, words },
        op::DIRECT_WRITE => Op::DirectWrite { at, words },
        op::DIRECT_READ => Op::DirectRead { ino, index },
        op::READ => Op::Read { ino, index },
        op::RAW_MMAP => Op::RawMmap,
        op::RAW_LOAD => Op::RawLoad { at: raw },
        op::RAW_STORE => Op::RawStore { at: raw, value: only(&words)? },
        op::RAW_WRITE => Op::RawWrite { at: raw, words },
        op::RAW_READ => Op::RawRead { index },
        op::RAW_FSYNC => Op::RawFsync,
        op::FSYNC => Op::Fsync { ino },
        op::MSYNC => Op::Msync { ino, first: index, count: packed.count },
        op::SYNC => Op::Sync,
        op::PERIODIC_WRITEBACK => Op::PeriodicWriteback,
        op::INVALIDATE_BDEV => Op::InvalidateBdev,
        op::FADVISE_DONTNEED => Op::FadviseDontneed { ino, first: index, count: packed.count },
        op::MMAP_SYNC => Op::MmapSync { ino },
        op::PARTITION_READ => Op::PartitionRead { index },
        op::CREATE => Op::Create { ino },
        op::UNLINK => Op::Unlink { ino },
        op::RENAME => {
            let to =
                Name::new(&packed.name).ok_or_else(|| format!("`{}` is no name", packed.name))?;
            Op::Rename { ino, to }
        }
        op::TRUNCATE => Op::Truncate { ino, pages: packed.count },
        op::PUNCH_HOLE => Op::PunchHole { ino, first: index, count: packed.count },
        op::COLLAPSE_RANGE => Op::CollapseRange { ino, first: index, count: packed.count },
        op::FDATASYNC => Op::Fdatasync { ino },
        op::COMMIT => Op::Commit,
        op::CHECKPOINT => Op::Checkpoint,
        op::MOUNT => Op::Mount,
        op::UMOUNT => Op::Umount,
        op::FSCK => Op::Fsck,
        other => return known("op", other, None),
    })
}

/// The one word of a store.
fn only(words: &[Word]) -> Result<Word> {
    match words {
        [value] => Ok(*value),
        _ => Err(format!("a store of {} words", words.len())),
    }
}

fn landmark((kind, name): &mirror::Landmark<'_>) -> Result<Landmark> {
    Landmark::from_parts(kind, name)
}

fn landmarks(packed: &[mirror::Landmark<'_>]) -> Result<AnyOf> {
    each(packed, landmark).map(AnyOf)
}

fn segment(packed: &mirror::Segment<'_>) -> Result<Segment> {
    let place = packed.place.to_owned();
    if let Some(kept) = &packed.power_cut
        && EXT4
    {
        let kept: Vec<_> = kept.iter().map(|(line, kept)| (LineNr(*line), *kept)).collect();
        let survivor = match Survivor::from_word(packed.place) {
            None if !kept.is_empty() => Survivor::Kept(kept),
            found => known("survivor", packed.place, found)?,
        };
        return Ok(Segment::PowerCut { survivor });
    }
    Ok(match (packed.thread, packed.complete) {
        (Some(thread), _) => {
            Segment::Run { thread: ThreadId(thread), until: landmarks(&packed.until)? }
        }
        (None, Some((block, ino))) => {
            let mapping = if ino == 0 { MappingId::Bdev } else { MappingId::File(Ino(ino)) };
            Segment::Complete { block: BlockNr(block), mapping, place }
        }
        (None, None) => Segment::Evict { line: LineNr(packed.line), place },
    })
}

fn moment(packed: &mirror::Moment<'_>) -> Result<Moment> {
    Ok(Moment {
        at: landmarks(&packed.at)?,
        thread: packed.thread.map(ThreadId),
        nth: packed.nth,
        last: packed.last,
    })
}

fn sentence(packed: &mirror::Sentence<'_>) -> Result<Sentence> {
    let any = packed.verdict.is_empty();
    Ok(Sentence {
        moment: moment(&packed.moment)?,
        epochs: each(&packed.epochs, epoch)?,
        verdict: if any { None } else { Some(verdict(&packed.verdict)?) },
        text: packed.text.to_owned(),
    })
}

fn prediction(packed: &mirror::Prediction<'_>) -> Result<Prediction> {
    let (kind, name) = packed.about;
    Ok(Prediction {
        moment: moment(&packed.moment)?,
        epochs: each(&packed.epochs, epoch)?,
        ask: packed.ask.to_owned(),
        about: About::from_parts(kind, name)?,
        answers: strings(&packed.answers)?,
    })
}

fn expect(packed: &mirror::Expect<'_>) -> Result<Expect> {
    let read = |(thread, words): &(u8, Vec<&str>)| Ok((ThreadId(*thread), strings(words)?));
    let image = |(cut, images): &(&str, u64)| Ok(((*cut).to_owned(), *images));
    let tag = |(file, page, tags): &(u32, u64, &str)| {
        let (file, page) = (*file as usize, PageIndex(*page));
        Ok(TagExpect { file, page, tags: (*tags).to_owned() })
    };
    let count = |(mark, steps): &(mirror::Landmark<'_>, u64)| Ok((landmark(mark)?, *steps));
    Ok(Expect {
        epochs: each(&packed.epochs, epoch)?,
        verdicts: each(&packed.verdicts, verdict)?,
        breaks: each(&packed.breaks, |id| known("invariant", id, invariant_named(id)))?,
        basis: known("basis", packed.basis, Basis::from_name(packed.basis))?,
        because: packed.because.to_owned(),
        reads: each(&packed.reads, read)?,
        images: each(&packed.images, image)?,
        tags: each(&packed.tags, tag)?,
        counts: each(&packed.counts, count)?,
        unreachable: strings(&packed.unreachable)?,
    })
}
