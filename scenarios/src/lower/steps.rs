//! One element of `steps`: an operation of a user program.

use super::{body, names};
use crate::error::{Reporter, Span};
use crate::raw::{RawStep, Text};
use crate::suggest::unknown;
use daxscope_core::config::Geometry;
use daxscope_core::fs::Name;
use daxscope_core::machine::{BlockWord, FileSetup, FileWord, Op};
use daxscope_core::units::{Ino, PageIndex, WORDS_PER_LINE, Word};
use toml::Spanned;

/// The operations, the keys that each needs and those that it may have.
pub(super) const OPS: &[(&str, &[&str], &[&str])] = &[
    ("mmap", &["file"], &[]),
    ("mmap-sync", &["file"], &[]),
    ("load", &["file", "page"], &["line", "word"]),
    ("store", &["file", "page", "value"], &["line", "word"]),
    ("clwb", &["file", "page"], &["line"]),
    ("sfence", &[], &[]),
    ("write", &["file", "page"], &["lines", "fill", "values", "line", "word"]),
    ("read", &["file", "page"], &[]),
    ("direct-write", &["file", "page"], &["lines", "fill", "values", "line", "word"]),
    ("direct-read", &["file", "page"], &[]),
    ("raw-mmap", &[], &[]),
    ("raw-load", &["block"], &["line", "word"]),
    ("raw-store", &["block", "value"], &["line", "word"]),
    ("raw-write", &["block"], &["lines", "fill", "values", "line", "word"]),
    ("raw-read", &["block"], &[]),
    ("raw-fsync", &[], &[]),
    ("fsync", &["file"], &[]),
    ("msync", &["file", "page", "pages"], &[]),
    ("sync", &[], &[]),
    ("periodic-writeback", &[], &[]),
    ("invalidate-bdev", &[], &[]),
    ("fadvise-dontneed", &["file", "page", "pages"], &[]),
    ("partition-read", &["block"], &[]),
    ("create", &["file"], &[]),
    ("unlink", &["file"], &[]),
    ("rename", &["file", "to"], &[]),
    ("truncate", &["file", "pages"], &[]),
    ("punch-hole", &["file", "page", "pages"], &[]),
    ("collapse-range", &["file", "page", "pages"], &[]),
    ("fdatasync", &["file"], &[]),
    ("commit", &[], &[]),
    ("checkpoint", &[], &[]),
    ("mount", &[], &[]),
    ("umount", &[], &[]),
    ("fsck", &[], &[]),
];

pub(super) struct Context<'a> {
    pub(super) files: &'a [FileSetup],
    pub(super) geometry: &'a Geometry,
}

impl Context<'_> {
    /// The operation; `None` if something is wrong with it, which is noted.
    pub(super) fn op(&self, raw: &Spanned<RawStep>, report: &mut Reporter<'_>) -> Option<Op> {
        let (span, step) = (raw.span(), raw.get_ref());
        let name = step.op.get_ref().as_str();
        let Some((_, needed, allowed)) = OPS.iter().find(|(op, ..)| *op == name) else {
            report.at(&step.op.span(), unknown("op", name, OPS.iter().map(|(op, ..)| *op)));
            return None;
        };
        if !check_keys(step, &span, needed, allowed, report) {
            return None;
        }
        Some(match name {
            "mmap" => Op::Mmap { ino: self.file(step, report)? },
            "mmap-sync" => Op::MmapSync { ino: self.file(step, report)? },
            "load" => Op::Load { at: self.place(step, report)? },
            "store" => {
                let value = names::word(step.value.as_ref()?, report);
                Op::Store { at: self.place(step, report)?, value: value? }
            }
            "clwb" => Op::Clwb { at: self.place(step, report)? },
            "sfence" => Op::Sfence,
            "write" => {
                let at = self.place(step, report);
                let words = self.words(step, &span, report);
                Op::Write { at: at?, words: words? }
            }
            "direct-write" => {
                let at = self.place(step, report);
                let words = self.words(step, &span, report);
                Op::DirectWrite { at: at?, words: words? }
            }
            "direct-read" => Op::DirectRead { ino: self.file(step, report)?, index: page(step)? },
            "raw-mmap" => Op::RawMmap,
            "raw-load" => Op::RawLoad { at: self.block_word(step, report)? },
            "raw-store" => {
                let value = names::word(step.value.as_ref()?, report);
                Op::RawStore { at: self.block_word(step, report)?, value: value? }
            }
            "raw-write" => {
                let at = self.block_word(step, report);
                let words = self.words(step, &span, report);
                Op::RawWrite { at: at?, words: words? }
            }
            "raw-fsync" => Op::RawFsync,
            "read" => Op::Read { ino: self.file(step, report)?, index: page(step)? },
            "raw-read" => {
                let block = names::block(step.block.as_ref()?, report)?;
                Op::RawRead { index: PageIndex(block.0) }
            }
            "fsync" => Op::Fsync { ino: self.file(step, report)? },
            "msync" => {
                let (ino, first, count) = self.range(step, report)?;
                Op::Msync { ino, first, count }
            }
            "sync" => Op::Sync,
            "periodic-writeback" => Op::PeriodicWriteback,
            "invalidate-bdev" => Op::InvalidateBdev,
            "fadvise-dontneed" => {
                let (ino, first, count) = self.range(step, report)?;
                Op::FadviseDontneed { ino, first, count }
            }
            "partition-read" => {
                let block = names::block(step.block.as_ref()?, report)?;
                Op::PartitionRead { index: PageIndex(block.0) }
            }
            "create" => Op::Create { ino: self.file(step, report)? },
            "unlink" => Op::Unlink { ino: self.file(step, report)? },
            "rename" => {
                let to = step.to.as_ref()?;
                let name = Name::new(to.get_ref());
                if name.is_none() {
                    let message = format!("`{to}` is no name that a directory can hold");
                    report.at(&to.span(), message);
                }
                Op::Rename { ino: self.file(step, report)?, to: name? }
            }
            "truncate" => Op::Truncate {
                ino: self.file(step, report)?,
                pages: *step.pages.as_ref()?.get_ref(),
            },
            "punch-hole" => {
                let (ino, first, count) = self.range(step, report)?;
                Op::PunchHole { ino, first, count }
            }
            "collapse-range" => {
                let (ino, first, count) = self.range(step, report)?;
                Op::CollapseRange { ino, first, count }
            }
            "fdatasync" => Op::Fdatasync { ino: self.file(step, report)? },
            "commit" => Op::Commit,
            "checkpoint" => Op::Checkpoint,
            "mount" => Op::Mount,
            "umount" => Op::Umount,
            "fsck" => Op::Fsck,
            other => unreachable!("{other} is in OPS but not here"),
        })
    }

    fn file(&self, step: &RawStep, report: &mut Reporter<'_>) -> Option<Ino> {
        let name = step.file.as_ref()?;
        let file = self.files.iter().find(|file| &file.name == name.get_ref());
        if file.is_none() {
            let names = self.files.iter().map(|file| file.name.as_str());
            report.at(&name.span(), unknown("file", name.get_ref(), names));
        }
        file.map(|file| file.ino)
    }

    /// File, first page, and how many pages.
    fn range(&self, step: &RawStep, report: &mut Reporter<'_>) -> Option<(Ino, PageIndex, u64)> {
        let ino = self.file(step, report)?;
        Some((ino, page(step)?, *step.pages.as_ref()?.get_ref()))
    }

    /// File, page, line and word.
    fn place(&self, step: &RawStep, report: &mut Reporter<'_>) -> Option<FileWord> {
        let word = self.word(step, report);
        let ino = self.file(step, report);
        Some(FileWord { ino: ino?, index: page(step)?, word: word? })
    }

    /// Block, line and word.
    fn block_word(&self, step: &RawStep, report: &mut Reporter<'_>) -> Option<BlockWord> {
        let word = self.word(step, report);
        let block = names::block(step.block.as_ref()?, report);
        Some(BlockWord { block: block?, word: word? })
    }

    /// Line and word, which count from 0 and are 0 unless given, as a word of the page.
    fn word(&self, step: &RawStep, report: &mut Reporter<'_>) -> Option<u16> {
        let lines = self.geometry.lines_per_block;
        let line = below("line", step.line.as_ref(), lines, report);
        let word = below("word", step.word.as_ref(), WORDS_PER_LINE as u64, report);
        let word = line? * WORDS_PER_LINE as u64 + word?;
        Some(u16::try_from(word).expect("a page has fewer words than a u16 counts"))
    }

    /// What is written.
    fn words(&self, step: &RawStep, span: &Span, report: &mut Reporter<'_>) -> Option<Vec<Word>> {
        if let Some(values) = &step.values {
            if step.lines.is_some() || step.fill.is_some() {
                report.at(&values.span(), "expected either `values`, `lines` or `fill`");
            }
            let values: &[Text] = values.get_ref();
            values.iter().map(|value| names::word(value, report)).collect::<Option<Vec<Word>>>()
        } else {
            let given = [("line", &step.line), ("word", &step.word)];
            for (key, number) in given.iter().filter_map(|(k, n)| Some((k, n.as_ref()?))) {
                let message = format!("`{key}` goes with `values`; `lines` and `fill` start at 0");
                report.at(&number.span(), message);
            }
            let lines = step.lines.as_ref().map(|lines| lines.get_ref().as_slice());
            body::line_words(lines, step.fill.as_ref(), self.geometry, span, report)
        }
    }
}

fn page(step: &RawStep) -> Option<PageIndex> {
    step.page.as_ref().map(|page| PageIndex(*page.get_ref()))
}

/// The number, 0 if not given; reported if it is not below `end`.
fn below(
    what: &str,
    number: Option<&Spanned<u64>>,
    end: u64,
    report: &mut Reporter<'_>,
) -> Option<u64> {
    let Some(number) = number else { return Some(0) };
    let found = *number.get_ref();
    if found >= end {
        let message = format!("{what} {found} is out of range; expected 0 to {}", end - 1);
        report.at(&number.span(), message);
        return None;
    }
    Some(found)
}

/// Reports keys that the operation needs and lacks, and keys that it has no use for.
fn check_keys(
    step: &RawStep,
    span: &Span,
    needed: &[&str],
    allowed: &[&str],
    report: &mut Reporter<'_>,
) -> bool {
    let op = step.op.get_ref();
    let given = [
        ("file", step.file.as_ref().map(Spanned::span)),
        ("page", step.page.as_ref().map(Spanned::span)),
        ("line", step.line.as_ref().map(Spanned::span)),
        ("word", step.word.as_ref().map(Spanned::span)),
        ("value", step.value.as_ref().map(Spanned::span)),
        ("values", step.values.as_ref().map(Spanned::span)),
        ("lines", step.lines.as_ref().map(Spanned::span)),
        ("fill", step.fill.as_ref().map(Spanned::span)),
        ("block", step.block.as_ref().map(Spanned::span)),
        ("pages", step.pages.as_ref().map(Spanned::span)),
        ("to", step.to.as_ref().map(Spanned::span)),
    ];
    let mut ok = true;
    for key in needed {
        if given.iter().any(|(name, place)| name == key && place.is_none()) {
            report.at(span, format!("op `{op}` lacks the key `{key}`"));
            ok = false;
        }
    }
    for (key, place) in given {
        let Some(place) = place else { continue };
        if !needed.contains(&key) && !allowed.contains(&key) {
            let keys: Vec<&str> = needed.iter().chain(allowed).copied().collect();
            let expected = match keys.as_slice() {
                [] => "expected no key besides `op`".to_owned(),
                keys => format!("expected `{}`", keys.join("`, `")),
            };
            report.at(&place, format!("op `{op}` has no use for the key `{key}`; {expected}"));
            ok = false;
        }
    }
    ok
}
