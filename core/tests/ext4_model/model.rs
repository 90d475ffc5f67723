//! The reference: names, files, pages, words, and what every operation must return.

use daxscope_core::fs::block_map::DIRECT;
use daxscope_core::machine::{Errno, KnownFile, Op};
use daxscope_core::units::{Ino, Word};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A file: its size, and the pages that are no holes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct File {
    pub(crate) pages: u64,
    pub(crate) data: BTreeMap<u64, Rc<Vec<Word>>>,
}

impl File {
    pub(crate) fn word(&self, page: u64, word: usize) -> Word {
        self.data.get(&page).map_or(Word::ZERO, |words| words[word])
    }

    fn page_mut(&mut self, page: u64, words: usize) -> &mut Vec<Word> {
        self.pages = self.pages.max(page + 1);
        Rc::make_mut(self.data.entry(page).or_insert_with(|| Rc::new(vec![Word::ZERO; words])))
    }

    /// Whether its inode alone does not name all its pages.
    fn has_pointer_blocks(&self) -> bool {
        self.data.range(DIRECT as u64..).next().is_some()
    }
}

/// All files.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) names: BTreeMap<String, Ino>,
    pub(crate) files: BTreeMap<Ino, File>,
    known: Rc<Vec<KnownFile>>,
    words_per_page: usize,
}

impl Model {
    /// Without any file; `known` is what the setup says of files.
    pub(crate) fn new(known: &[KnownFile], words_per_page: usize) -> Self {
        let known = Rc::new(known.to_vec());
        Self { names: BTreeMap::new(), files: BTreeMap::new(), known, words_per_page }
    }

    /// Adds a file that is there at the start.
    pub(crate) fn add(&mut self, ino: Ino, file: File) {
        self.names.insert(self.setup_name(ino).to_string(), ino);
        self.files.insert(ino, file);
    }

    fn setup_name(&self, ino: Ino) -> &str {
        &self.known.iter().find(|known| known.ino == ino).expect("a file of the setup").name
    }

    pub(crate) fn name_of(&self, ino: Ino) -> Option<&str> {
        self.names.iter().find(|(_, named)| **named == ino).map(|(name, _)| name.as_str())
    }

    /// The files that an operation may change.
    pub(crate) fn touched(&self, op: &Op) -> Vec<Ino> {
        let named = |name: &str| self.names.get(name).copied();
        match op {
            Op::Create { ino }
            | Op::Truncate { ino, .. }
            | Op::PunchHole { ino, .. }
            | Op::CollapseRange { ino, .. } => vec![*ino],
            Op::Write { at, .. } | Op::Store { at, .. } => vec![at.ino],
            Op::Unlink { ino } => named(self.setup_name(*ino)).into_iter().collect(),
            Op::Rename { ino, to } => {
                let both = [named(self.setup_name(*ino)), named(&to.to_string())];
                both.into_iter().flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Does an operation; says what it must return if there is room on the device.
    pub(crate) fn apply(&mut self, op: &Op) -> Result<(), Errno> {
        match op {
            Op::Create { ino } => self.create(*ino),
            Op::Unlink { ino } => {
                let name = self.setup_name(*ino).to_owned();
                let victim = self.names.remove(&name);
                self.files.remove(&victim.ok_or(Errno::Enoent)?);
                Ok(())
            }
            Op::Rename { ino, to } => {
                let from = self.setup_name(*ino).to_owned();
                self.rename(&from, &to.to_string())
            }
            Op::Write { at, words } => {
                let size = self.words_per_page;
                let page = self.file(at.ino)?.page_mut(at.index.0, size);
                page[usize::from(at.word)..][..words.len()].copy_from_slice(words);
                Ok(())
            }
            Op::Store { at, value } => {
                let size = self.words_per_page;
                self.file(at.ino)?.page_mut(at.index.0, size)[usize::from(at.word)] = *value;
                Ok(())
            }
            Op::Truncate { ino, pages } => {
                let file = self.file(*ino)?;
                file.data.split_off(pages);
                file.pages = *pages;
                Ok(())
            }
            Op::PunchHole { ino, first, count } => {
                let gone = first.0..first.0.saturating_add(*count);
                self.file(*ino)?.data.retain(|page, _| !gone.contains(page));
                Ok(())
            }
            Op::CollapseRange { ino, first, count } => self.collapse(*ino, first.0, *count),
            Op::Mmap { ino }
            | Op::MmapSync { ino }
            | Op::Read { ino, .. }
            | Op::Fsync { ino }
            | Op::Fdatasync { ino } => self.file(*ino).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn file(&mut self, ino: Ino) -> Result<&mut File, Errno> {
        self.files.get_mut(&ino).ok_or(Errno::Enoent)
    }

    fn create(&mut self, ino: Ino) -> Result<(), Errno> {
        let name = self.setup_name(ino).to_string();
        if self.names.contains_key(&name) || self.files.contains_key(&ino) {
            return Err(Errno::Eexist);
        }
        self.names.insert(name, ino);
        self.files.insert(ino, File::default());
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let ino = *self.names.get(from).ok_or(Errno::Enoent)?;
        let victim = self.names.get(to).copied();
        if victim == Some(ino) {
            return Ok(());
        }
        victim.map(|victim| self.files.remove(&victim));
        self.names.remove(from);
        self.names.insert(to.to_string(), ino);
        Ok(())
    }

    fn collapse(&mut self, ino: Ino, first: u64, count: u64) -> Result<(), Errno> {
        let file = self.file(ino)?;
        if file.has_pointer_blocks() || first + count >= file.pages {
            return Err(Errno::Einval);
        }
        let later = file.data.split_off(&(first + count));
        file.data.split_off(&first);
        file.data.extend(later.into_iter().map(|(page, words)| (page - count, words)));
        file.pages -= count;
        Ok(())
    }
}
