//! From lectures to the packed form.

use super::mirror::{self, op};
use crate::landmark::{AnyOf, Landmark};
use crate::lecture::{
    Expect, Lecture, Moment, Prediction, Segment, Sentence, Source, Survivor, Variant,
};
use crate::vocabulary::GEOMETRIES;
use daxscope_core::config::Epoch;
use daxscope_core::fs::Kind;
use daxscope_core::machine::{BlockWord, FileSetup, FileWord, Op, Program};
use daxscope_core::units::{Ino, PageIndex, Word};

pub(super) fn lecture(lecture: &Lecture) -> mirror::Lecture<'_> {
    let geometry = GEOMETRIES.iter().find(|(_, geometry)| *geometry == lecture.geometry);
    mirror::Lecture {
        file: &lecture.file,
        id: &lecture.id,
        slug: &lecture.slug,
        question: &lecture.question,
        teaches: &lecture.teaches,
        status: lecture.status.name(),
        rules: lecture.rules.iter().map(|rule| rule.rule().id).collect(),
        claims: strings(&lecture.claims),
        sources: lecture.sources.iter().map(source).collect(),
        geometry: geometry.expect("a lecture's sizes have a name").0,
        epoch: lecture.epoch.name(),
        epochs: epochs(&lecture.epochs),
        variants: lecture.variants.iter().map(variant).collect(),
    }
}

fn source(source: &Source) -> (&str, &str) {
    (&source.reference, &source.says)
}

fn strings(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn epochs(list: &[Epoch]) -> Vec<&'static str> {
    list.iter().map(|epoch| epoch.name()).collect()
}

fn words(list: &[Word]) -> Vec<u64> {
    list.iter().map(|word| word.as_number()).collect()
}

fn variant(variant: &Variant) -> mirror::Variant<'_> {
    let cuts = variant.cuts.iter();
    mirror::Variant {
        name: &variant.name,
        title: &variant.title,
        status: variant.status.name(),
        sets: variant.sets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        system: (
            variant.system.journal.map(|tid| tid.0),
            variant.system.goal.map(|block| block.0),
            variant.system.mounted,
            variant.system.disk,
            (variant.system.other_block_size, variant.system.small_blocks),
        ),
        files: variant.files.iter().map(file).collect(),
        contents: variant.contents.iter().map(|(block, list)| (block.0, words(list))).collect(),
        programs: variant.programs.iter().map(program).collect(),
        schedule: variant.schedule.iter().map(segment).collect(),
        cuts: cuts.map(|cut| (cut.name.as_str(), moment(&cut.moment))).collect(),
        sentences: variant.sentences.iter().map(sentence).collect(),
        predictions: variant.predictions.iter().map(prediction).collect(),
        expects: variant.expects.iter().map(expect).collect(),
    }
}

fn file(file: &FileSetup) -> mirror::File<'_> {
    mirror::File {
        ino: file.ino.0,
        name: &file.name,
        directory: file.kind == Kind::Directory,
        dax: file.dax,
        absent: file.absent,
        pages: file.pages,
        blocks: file.blocks.iter().map(|block| block.map(|block| block.0)).collect(),
        indirect: file.index_blocks.first().map(|(_, block)| block.0),
    }
}

fn program(program: &Program) -> mirror::Program<'_> {
    let ops = program.ops.iter().map(operation).collect();
    mirror::Program { name: &program.name, cpu: program.cpu.0, boot: program.boot, ops }
}

fn operation(operation: &Op) -> mirror::Op<'_> {
    let nothing = mirror::Op::default;
    let of = |op: &'static str, at: &FileWord, words: &[Word]| mirror::Op {
        op,
        ino: at.ino.0,
        index: at.index.0,
        word: at.word,
        words: self::words(words),
        ..nothing()
    };
    let range = |op: &'static str, ino: Ino, first: PageIndex, count: u64| mirror::Op {
        op,
        ino: ino.0,
        index: first.0,
        count,
        ..nothing()
    };
    let raw = |op: &'static str, at: &BlockWord, words: &[Word]| mirror::Op {
        op,
        index: at.block.0,
        word: at.word,
        words: self::words(words),
        ..nothing()
    };
    match operation {
        Op::Mmap { ino } => mirror::Op { op: op::MMAP, ino: ino.0, ..nothing() },
        Op::Load { at } => of(op::LOAD, at, &[]),
        Op::Store { at, value } => of(op::STORE, at, &[*value]),
        Op::Clwb { at } => of(op::CLWB, at, &[]),
        Op::Sfence => mirror::Op { op: op::SFENCE, ..nothing() },
        Op::Write { at, words } => of(op::WRITE, at, words),
        Op::Read { ino, index } => {
            mirror::Op { op: op::READ, ino: ino.0, index: index.0, ..nothing() }
        }
        Op::RawMmap => mirror::Op { op: op::RAW_MMAP, ..nothing() },
        Op::RawLoad { at } => raw(op::RAW_LOAD, at, &[]),
        Op::RawStore { at, value } => raw(op::RAW_STORE, at, &[*value]),
        Op::RawWrite { at, words } => raw(op::RAW_WRITE, at, words),
        Op::RawFsync => mirror::Op { op: op::RAW_FSYNC, ..nothing() },
        Op::RawRead { index } => mirror::Op { op: op::RAW_READ, index: index.0, ..nothing() },
        Op::Fsync { ino } => mirror::Op { op: op::FSYNC, ino: ino.0, ..nothing() },
        Op::Msync { ino, first, count } => range(op::MSYNC, *ino, *first, *count),
        Op::Sync => mirror::Op { op: op::SYNC, ..nothing() },
        Op::PeriodicWriteback => mirror::Op { op: op::PERIODIC_WRITEBACK, ..nothing() },
        Op::InvalidateBdev => mirror::Op { op: op::INVALIDATE_BDEV, ..nothing() },
        Op::FadviseDontneed { ino, first, count } => {
            range(op::FADVISE_DONTNEED, *ino, *first, *count)
        }
        Op::MmapSync { ino } => mirror::Op { op: op::MMAP_SYNC, ino: ino.0, ..nothing() },
        Op::PartitionRead { index } => {
            mirror::Op { op: op::PARTITION_READ, index: index.0, ..nothing() }
        }
        Op::Create { ino } => mirror::Op { op: op::CREATE, ino: ino.0, ..nothing() },
        Op::Unlink { ino } => mirror::Op { op: op::UNLINK, ino: ino.0, ..nothing() },
        Op::Rename { ino, to } => {
            mirror::Op { op: op::RENAME, ino: ino.0, name: to.to_string(), ..nothing() }
        }
        Op::Truncate { ino, pages } => {
            mirror::Op { op: op::TRUNCATE, ino: ino.0, count: *pages, ..nothing() }
        }
        Op::PunchHole { ino, first, count } => range(op::PUNCH_HOLE, *ino, *first, *count),
        Op::CollapseRange { ino, first, count } => range(op::COLLAPSE_RANGE, *ino, *first, *count),
        Op::Fdatasync { ino } => mirror::Op { op: op::FDATASYNC, ino: ino.0, ..nothing() },
        Op::Commit => mirror::Op { op: op::COMMIT, ..nothing() },
        Op::Checkpoint => mirror::Op { op: op::CHECKPOINT, ..nothing() },
        Op::Mount => mirror::Op { op: op::MOUNT, ..nothing() },
        Op::Umount => mirror::Op { op: op::UMOUNT, ..nothing() },
        Op::Fsck => mirror::Op { op: op::FSCK, ..nothing() },
    }
}

fn landmarks(any: &AnyOf) -> Vec<mirror::Landmark<'static>> {
    any.0.iter().map(Landmark::parts).collect()
}

fn segment(segment: &Segment) -> mirror::Segment<'_> {
    let (mut thread, mut until, mut line_number, mut completed) = (None, Vec::new(), 0, None);
    let place = match segment {
        Segment::Run { thread: runner, until: landmark } => {
            (thread, until) = (Some(runner.0), landmarks(landmark));
            ""
        }
        Segment::Evict { line, place } => {
            line_number = line.0;
            place
        }
        Segment::PowerCut { survivor } => survivor.word(),
        Segment::Complete { block, mapping, place } => {
            completed = Some((block.0, mapping.ino().map_or(0, |ino| ino.0)));
            place
        }
    };
    let power_cut = match segment {
        Segment::PowerCut { survivor: Survivor::Kept(lines) } => Some(lines.as_slice()),
        Segment::PowerCut { .. } => Some(&[][..]),
        _ => None,
    };
    let power_cut =
        power_cut.map(|lines| lines.iter().map(|(line, kept)| (line.0, *kept)).collect());
    mirror::Segment { thread, until, line: line_number, complete: completed, power_cut, place }
}

fn moment(moment: &Moment) -> mirror::Moment<'_> {
    let thread = moment.thread.map(|thread| thread.0);
    mirror::Moment { at: landmarks(&moment.at), thread, nth: moment.nth, last: moment.last }
}

fn sentence(sentence: &Sentence) -> mirror::Sentence<'_> {
    mirror::Sentence {
        moment: moment(&sentence.moment),
        epochs: epochs(&sentence.epochs),
        verdict: sentence.verdict.map_or("", |verdict| verdict.word()),
        text: &sentence.text,
    }
}

fn prediction(prediction: &Prediction) -> mirror::Prediction<'_> {
    mirror::Prediction {
        moment: moment(&prediction.moment),
        epochs: epochs(&prediction.epochs),
        ask: &prediction.ask,
        about: prediction.about.parts(),
        answers: strings(&prediction.answers),
    }
}

fn expect(expect: &Expect) -> mirror::Expect<'_> {
    let tags = expect.tags.iter().map(|tags| {
        let file = u32::try_from(tags.file).expect("a lecture has a handful of files");
        (file, tags.page.0, tags.tags.as_str())
    });
    mirror::Expect {
        epochs: epochs(&expect.epochs),
        verdicts: expect.verdicts.iter().map(|verdict| verdict.word()).collect(),
        breaks: expect.breaks.iter().map(|invariant| invariant.id()).collect(),
        basis: expect.basis.name(),
        because: &expect.because,
        reads: expect.reads.iter().map(|(thread, words)| (thread.0, strings(words))).collect(),
        images: expect.images.iter().map(|(cut, n)| (cut.as_str(), *n)).collect(),
        tags: tags.collect(),
        counts: expect.counts.iter().map(|(mark, n)| (mark.parts(), *n)).collect(),
        unreachable: strings(&expect.unreachable),
    }
}
