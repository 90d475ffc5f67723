//! What a power cut may leave of each file: what it held when it was last promised, or anything
//! newer.

use super::model::{File, Model};
use daxscope_core::config::DataMode;
use daxscope_core::fs::{FileSystem, InodeRecord, Layout};
use daxscope_core::units::{Ino, PageIndex, Word};
use std::collections::BTreeMap;

/// A file at one moment: its name and contents, or `None` if it did not exist.
pub(crate) type State = Option<(String, File)>;

/// The states of one file since its last promise.
struct History {
    states: Vec<State>,
    /// The newest state whose operation has returned.
    settled: usize,
    /// Pages have moved within the file: their blocks serve both places until a commit.
    collapsed: bool,
}

/// The histories of all files.
#[derive(Default)]
pub(crate) struct Histories(BTreeMap<Ino, History>);

/// A moment: how far each history had come.
pub(crate) type Moment = Vec<(Ino, usize)>;

/// The file as the model has it.
pub(crate) fn state(model: &Model, ino: Ino) -> State {
    let file = model.files.get(&ino)?;
    Some((model.name_of(ino).expect("a file has a name").to_string(), file.clone()))
}

impl Histories {
    /// A file whose first state is on the medium, or which does not exist yet.
    pub(crate) fn begin(&mut self, ino: Ino, state: State) {
        self.0.insert(ino, History { states: vec![state], settled: 0, collapsed: false });
    }

    /// An operation may make this state from now on.
    pub(crate) fn may_become(&mut self, ino: Ino, state: State, collapsed: bool) {
        let history = self.0.get_mut(&ino).expect("a file of the setup");
        history.collapsed |= collapsed;
        history.states.push(state);
    }

    /// It has failed for want of space.
    pub(crate) fn has_not_become(&mut self, ino: Ino) {
        let history = self.0.get_mut(&ino).expect("a file of the setup");
        history.states.pop();
        assert_eq!(history.states.len() - 1, history.settled, "one operation on a file at a time");
    }

    /// Its operation has returned: a sync that begins now covers it.
    pub(crate) fn settle(&mut self, ino: Ino) {
        let history = self.0.get_mut(&ino).expect("a file of the setup");
        history.settled = history.states.len() - 1;
    }

    /// Whether a file has had several names since its last promise.
    pub(crate) fn renamed(&self, ino: Ino) -> bool {
        let Some(History { states, .. }) = self.0.get(&ino) else { return false };
        let name = |state: &State| state.as_ref().map(|(name, _)| name.clone());
        states.iter().any(|state| name(state) != name(&states[0]))
    }

    /// What a call that promises `which` would cover if it began now.
    pub(crate) fn moment(&self, which: impl Fn(Ino) -> bool) -> Moment {
        let all = self.0.iter().filter(|(ino, _)| which(**ino));
        all.map(|(ino, history)| (*ino, history.settled)).collect()
    }

    /// That call has returned: older states are gone for good. `moment` counts from the oldest.
    pub(crate) fn promise(&mut self, moment: &Moment, others: &mut [Moment]) {
        for (ino, at) in moment {
            let history = self.0.get_mut(ino).expect("it is in the moment");
            history.states.drain(..at);
            history.settled -= at;
            // A second thread's call may have begun before this one.
            let later = others.iter_mut().flatten().filter(|(other, _)| other == ino);
            later.for_each(|(_, place)| *place = place.saturating_sub(*at));
            if history.states.len() == 1 {
                history.collapsed = false;
            }
        }
    }

    /// What recovery found must be something that each file may hold.
    pub(crate) fn check(
        &self,
        image: &[Word],
        layout: &Layout,
        found: &FileSystem,
        mode: DataMode,
    ) -> Result<(), String> {
        self.0.iter().try_for_each(|(ino, history)| {
            let record = found.inode(*ino);
            let names: Vec<_> = found.names.iter().filter(|name| name.ino == *ino).collect();
            let Some(record) = record else {
                let may_be_gone = history.states.iter().any(Option::is_none);
                return may_be_gone.then_some(()).ok_or_else(|| format!("{ino} is gone"));
            };
            let files: Vec<_> = history.states.iter().flatten().collect();
            let named = |(name, _): &&(String, File)| {
                names.iter().any(|found| found.name.to_string() == *name)
            };
            if !files.iter().any(named) {
                return Err(format!("{ino} is called {names:?}, expected one of {files:?}"));
            }
            let pages = record.size / layout.block_bytes();
            if !files.iter().any(|(_, file)| file.pages == pages) {
                return Err(format!("{ino} has {pages} pages, expected those of {files:?}"));
            }
            let files: Vec<_> = files.into_iter().map(|(_, file)| file).collect();
            history
                .check_pages(&files, record, pages, mode, &|block| layout.words_of(image, block))
                .map_err(|why| format!("{ino} {why}"))
        })
    }
}

impl History {
    fn check_pages<'a>(
        &self,
        files: &[&File],
        record: &InodeRecord,
        pages: u64,
        mode: DataMode,
        words_of: &dyn Fn(daxscope_core::units::BlockNr) -> &'a [Word],
    ) -> Result<(), String> {
        let mut wanted: Vec<u64> = record.pages.iter().map(|(page, _)| page.0).collect();
        wanted.extend(files.iter().flat_map(|file| file.data.keys().copied()));
        wanted.retain(|page| *page < pages);
        wanted.sort_unstable();
        wanted.dedup();
        let was_gone = self.states.iter().any(Option::is_none);
        for page in wanted {
            let holes = files.iter().filter(|file| !file.data.contains_key(&page)).count();
            // Mode writeback: a block that was freed may be another file's before the free commits,
            // and a new one may be committed before its data.
            let unordered = self.collapsed || was_gone || holes > 0;
            if mode == DataMode::Writeback && unordered && files.len() + usize::from(was_gone) > 1 {
                continue;
            }
            let block = record.block(PageIndex(page));
            if let Some(words) = block.map(words_of) {
                self.check_words(files, page, words)?;
            } else if holes == 0 && !self.collapsed {
                return Err(format!("page {page} is a hole"));
            }
        }
        Ok(())
    }

    fn check_words(&self, files: &[&File], page: u64, words: &[Word]) -> Result<(), String> {
        let whole = |file: &&File| file.data.get(&page).is_some_and(|held| **held == *words);
        if files.iter().rev().any(whole) {
            return Ok(());
        }
        for (n, word) in words.iter().enumerate() {
            let held = |file: &&File| {
                file.word(page, n) == *word
                    || self.collapsed && file.data.values().any(|words| words[n] == *word)
            };
            if !files.iter().any(held) {
                let held: Vec<_> = files.iter().map(|f| f.word(page, n).to_string()).collect();
                return Err(format!("page {page} word {n} is {word}, expected one of {held:?}"));
            }
        }
        Ok(())
    }
}
