//! Files, contents and threads: what becomes the core's `Setup`.

use super::variants::Merged;
use super::{names, steps};
use crate::error::{Reporter, Span};
use crate::raw::{RawContent, RawFile, RawSystem, RawThread, Text};
use daxscope_core::config::Geometry;
use daxscope_core::fs::block_map::{DIRECT, pages_max};
use daxscope_core::fs::{Kind, Layout};
use daxscope_core::machine::THREADS_MAX;
use daxscope_core::machine::{FileSetup, IndexBlock, Place, Program, System};
use daxscope_core::units::{BlockNr, Cpu, Ino, Tid, WORDS_PER_LINE, Word};
use toml::Spanned;

/// The actor that is no thread.
pub(super) const HARDWARE: &str = "hardware";

pub(super) fn files(
    raw: &[Spanned<RawFile>],
    geometry: &Geometry,
    report: &mut Reporter<'_>,
) -> Vec<FileSetup> {
    let layout = Layout::of(geometry);
    let files_max = layout.inodes_max();
    for file in raw.iter().skip(usize::try_from(files_max).unwrap_or(usize::MAX)) {
        report.at(&file.span(), format!("too many files; expected at most {files_max}"));
    }
    let file = |raw: &Spanned<RawFile>| {
        let raw = raw.get_ref();
        let most = if raw.indirect.is_none() { DIRECT as u64 } else { pages_max(&layout) };
        let blocks = page_blocks(&raw.pages, most, report);
        let indirect = raw.indirect.as_ref().and_then(|block| names::block(block, report));
        FileSetup {
            ino: Ino(raw.ino),
            name: raw.name.get_ref().clone(),
            kind: if raw.directory { Kind::Directory } else { Kind::File },
            dax: raw.dax,
            absent: raw.absent,
            pages: raw.size.unwrap_or(blocks.len() as u64),
            blocks,
            index_blocks: indirect.map(|block| (IndexBlock::Indirect, block)).into_iter().collect(),
        }
    };
    raw.iter().map(file).collect()
}

/// The file system: mounted and without a journal unless the file says otherwise.
pub(super) fn system(raw: Option<&RawSystem>, report: &mut Reporter<'_>) -> System {
    let Some(raw) = raw else { return System::PLAIN };
    System {
        journal: raw.journal.map(Tid),
        goal: raw.goal.as_ref().and_then(|block| names::block(block, report)),
        mounted: raw.mounted.unwrap_or(true),
        disk: raw.disk,
        other_block_size: raw.other_block_size,
        small_blocks: raw.small_blocks,
        found: false,
    }
}

/// The blocks of a file's pages: each `b10`, `hole`, or `4 holes` for four of them.
fn page_blocks(pages: &[Text], most: u64, report: &mut Reporter<'_>) -> Vec<Option<BlockNr>> {
    let mut blocks = Vec::new();
    for page in pages {
        let holes = holes(page.get_ref());
        if holes.unwrap_or(1) > most - blocks.len() as u64 {
            report.at(&page.span(), format!("too many pages; expected at most {most}"));
            break;
        }
        match holes {
            Some(count) => blocks.extend((0..count).map(|_| None)),
            None => blocks.push(names::block(page, report)),
        }
    }
    blocks
}

/// How many holes that is, if it is no block.
fn holes(page: &str) -> Option<u64> {
    if page == "hole" { Some(1) } else { page.strip_suffix(" holes")?.parse().ok() }
}

pub(super) fn contents(
    raw: &[Spanned<RawContent>],
    geometry: &Geometry,
    report: &mut Reporter<'_>,
) -> Vec<(BlockNr, Vec<Word>)> {
    let mut contents: Vec<(BlockNr, Vec<Word>)> = Vec::new();
    for raw in raw {
        let (span, raw) = (raw.span(), raw.get_ref());
        let words = line_words(raw.lines.as_deref(), raw.fill.as_ref(), geometry, &span, report);
        let block = names::block(&raw.block, report);
        let (Some(block), Some(mut words)) = (block, words) else {
            continue;
        };
        words.resize(words_per_block(geometry), Word::ZERO);
        if contents.iter().any(|(earlier, _)| *earlier == block) {
            report.at(&raw.block.span(), format!("the content of {block} is there twice"));
        }
        contents.push((block, words));
    }
    contents
}

fn words_per_block(geometry: &Geometry) -> usize {
    usize::try_from(geometry.words_per_block()).expect("a block fits memory")
}

/// Lines of which only the first word is given, the rest being zero: `lines` one by one, `fill` the
/// same for each line of a block.
pub(super) fn line_words(
    lines: Option<&[Text]>,
    fill: Option<&Text>,
    geometry: &Geometry,
    span: &Span,
    report: &mut Reporter<'_>,
) -> Option<Vec<Word>> {
    let lines_max = words_per_block(geometry) / WORDS_PER_LINE;
    let firsts: Vec<&Text> = match (lines, fill) {
        (Some(lines), None) => lines.iter().collect(),
        (None, Some(fill)) => vec![fill; lines_max],
        _ => {
            report.at(span, "expected either `lines` or `fill`");
            return None;
        }
    };
    if let Some(extra) = firsts.get(lines_max) {
        report.at(&extra.span(), format!("too many lines; a block has {lines_max}"));
    }
    let mut words = Vec::new();
    for first in firsts {
        words.push(names::word(first, report)?);
        words.resize(words.len().next_multiple_of(WORDS_PER_LINE), Word::ZERO);
    }
    Some(words)
}

pub(super) fn programs(
    raw: &[Spanned<RawThread>],
    files: &[FileSetup],
    geometry: &Geometry,
    report: &mut Reporter<'_>,
) -> Vec<Program> {
    for thread in raw.iter().skip(THREADS_MAX) {
        report.at(&thread.span(), format!("too many threads; expected at most {THREADS_MAX}"));
    }
    let mut programs: Vec<Program> = Vec::new();
    for raw in raw {
        let raw = raw.get_ref();
        let name = raw.name.get_ref();
        if name == HARDWARE || programs.iter().any(|program| &program.name == name) {
            let message = format!("thread `{name}` is there twice; expected a name of its own");
            report.at(&raw.name.span(), message);
        }
        let context = steps::Context { files, geometry };
        let ops = raw.steps.iter().filter_map(|step| context.op(step, report)).collect();
        programs.push(Program { name: name.clone(), cpu: Cpu(raw.cpu), ops, boot: raw.boot });
    }
    programs
}

/// Where the core's complaint belongs in the file.
pub(super) fn place(place: &Place, raw: &Merged<'_>, variant: &Text) -> Span {
    match *place {
        Place::Semantics => variant.span(),
        Place::File(n) => raw.files[n].get_ref().name.span(),
        Place::FileBlock(n, page) => {
            let mut rest = page as u64;
            let mut pages = raw.files[n].get_ref().pages.iter();
            let found = pages.find(|element| {
                let width = holes(element.get_ref()).unwrap_or(1);
                let is_it = rest < width;
                rest = rest.saturating_sub(width);
                is_it
            });
            found.expect("the page came from one of them").span()
        }
        Place::Contents(n) => raw.contents[n].get_ref().block.span(),
        Place::Program(n) => raw.threads[n].get_ref().name.span(),
        Place::Op(n, at) => raw.threads[n].get_ref().steps[at].span(),
    }
}
