//! The reference: names, files, pages, words, and what every operation must return.

use daxscope_core::fs::block_map::DIRECT;
use daxscope_core::machine::{Errno, Op};
use daxscope_core::units::{Ino, Word};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A file: its size in pages, and the pages that are no holes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct File {
    /// Pages.
    pub pages: u64,
    /// The words of those that are no holes.
    pub data: BTreeMap<u64, Rc<Vec<Word>>>,
}

impl File {
    /// A word; zero in a hole.
    #[must_use]
    pub fn word(&self, page: u64, word: usize) -> Word {
        self.data.get(&page).map_or(Word::ZERO, |words| words[word])
    }

    fn page_mut(&mut self, page: u64, words: usize) -> &mut Vec<Word> {
        self.pages = self.pages.max(page + 1);
        Rc::make_mut(self.data.entry(page).or_insert_with(|| Rc::new(vec![Word::ZERO; words])))
    }
}

/// All files. A copy shares with the original what neither changes.
#[derive(Clone, Debug)]
pub struct Model {
    /// The names in the root directory.
    pub names: BTreeMap<String, Ino>,
    /// The files.
    pub files: BTreeMap<Ino, Rc<File>>,
    /// The name under which a file is created.
    first_names: Rc<BTreeMap<Ino, String>>,
    words_per_page: usize,
}

impl Model {
    /// Without any file.
    #[must_use]
    pub fn new(first_names: BTreeMap<Ino, String>, words_per_page: usize) -> Self {
        let first_names = Rc::new(first_names);
        Self { names: BTreeMap::new(), files: BTreeMap::new(), first_names, words_per_page }
    }

    /// The name that a file has now.
    #[must_use]
    pub fn name_of(&self, ino: Ino) -> Option<&str> {
        self.names.iter().find(|(_, named)| **named == ino).map(|(name, _)| name.as_str())
    }

    /// Pages of all files that are no holes.
    #[must_use]
    pub fn data_pages(&self) -> u64 {
        self.files.values().map(|file| file.data.len() as u64).sum()
    }

    /// Does an operation; says what it must return as long as there is room on the device.
    ///
    /// # Errors
    /// What the call must return; nothing has changed then.
    pub fn apply(&mut self, op: &Op) -> Result<(), Errno> {
        let words = self.words_per_page;
        match op {
            Op::Create { ino } => self.create(*ino),
            Op::Unlink { ino } => {
                let victim = self.names.remove(&self.first_names[ino]).ok_or(Errno::Enoent)?;
                self.files.remove(&victim);
                Ok(())
            }
            Op::Rename { ino, to } => self.rename(*ino, &to.to_string()),
            Op::Write { at, words: new } | Op::DirectWrite { at, words: new } => {
                let page = self.file(at.ino)?.page_mut(at.index.0, words);
                page[usize::from(at.word)..][..new.len()].copy_from_slice(new);
                Ok(())
            }
            Op::Store { at, value } => {
                self.file(at.ino)?.page_mut(at.index.0, words)[usize::from(at.word)] = *value;
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
            Op::CollapseRange { ino, first, count } => collapse(self.file(*ino)?, first.0, *count),
            Op::Mmap { ino } | Op::Fsync { ino } | Op::Fdatasync { ino } => {
                self.file(*ino).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, ino: Ino) -> Result<&mut File, Errno> {
        self.files.get_mut(&ino).map(Rc::make_mut).ok_or(Errno::Enoent)
    }

    fn create(&mut self, ino: Ino) -> Result<(), Errno> {
        let name = &self.first_names[&ino];
        if self.names.contains_key(name) || self.files.contains_key(&ino) {
            return Err(Errno::Eexist);
        }
        self.names.insert(name.clone(), ino);
        self.files.insert(ino, Rc::default());
        Ok(())
    }

    fn rename(&mut self, ino: Ino, to: &str) -> Result<(), Errno> {
        let from = &self.first_names[&ino];
        let ino = *self.names.get(from).ok_or(Errno::Enoent)?;
        if from == to {
            return Ok(());
        }
        self.names.remove(from);
        let victim = self.names.insert(to.to_owned(), ino);
        victim.map(|victim| self.files.remove(&victim));
        Ok(())
    }
}

fn collapse(file: &mut File, first: u64, count: u64) -> Result<(), Errno> {
    let has_pointer_blocks = file.data.range(DIRECT as u64..).next().is_some();
    if has_pointer_blocks || first + count >= file.pages {
        return Err(Errno::Einval);
    }
    let later = file.data.split_off(&(first + count));
    file.data.split_off(&first);
    file.data.extend(later.into_iter().map(|(page, words)| (page - count, words)));
    file.pages -= count;
    Ok(())
}
