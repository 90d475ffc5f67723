//! What may be on a device when its writer has died.

use super::model::{File, Model};
use super::stream::{Stream, Universe};
use daxscope_core::crash::{self, Recovered, RecoveredFile};
use daxscope_core::fs::{Kind, NameRecord};
use daxscope_core::jbd::LogLayout;
use daxscope_core::machine::Op;
use daxscope_core::units::{Ino, Word};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What was found on a device on which nothing is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Files.
    pub files: usize,
    /// Pages of them that are no holes.
    pub pages: usize,
    /// Operations that may have been the last.
    pub candidates: usize,
}

/// Recovers the image of a device on which a writer with this seed died, and compares it with what
/// may be there.
///
/// `acked` is the last operation known to have been acknowledged, 0 if there is none; behind it, so many
/// acknowledgements as `lost_acks` may have been given and lost on their way.
///
/// # Errors
/// What is not as it may be: the file system cannot be mounted, fsck finds something, something
/// acknowledged is lost, something was never written.
///
/// # Panics
/// If the image has another length than the universe's device.
pub fn verify(
    universe: &Universe,
    image: &[Word],
    seed: u64,
    acked: u64,
    lost_acks: u64,
) -> Result<Verified, String> {
    let geometry = &universe.geometry;
    assert_eq!(image.len() as u64, geometry.words(), "words of the device");
    let log = LogLayout::of(geometry);
    let (found, names) = match crash::recover(image, geometry, Some(&log)) {
        Recovered::Unreadable(why) => return Err(format!("cannot be mounted: {why}")),
        Recovered::Files { problems, .. } if !problems.is_empty() => {
            return Err(format!("fsck: {problems:?}"));
        }
        Recovered::Files { files, names, .. } => (files, names),
    };
    let history = History::new(universe, seed, acked, lost_acks);
    history.check_metadata(&found, &names)?;
    let mut files = 0;
    let mut pages = 0;
    for known in &universe.files {
        let file = found.iter().find(|file| file.ino == known.ino);
        history.check_file(known.ino, file, &names)?;
        files += usize::from(file.is_some());
        pages += file.map_or(0, |file| file.pages.len());
    }
    Ok(Verified { files, pages, candidates: history.states.len() })
}

/// The states since everything was promised for the last time.
struct History {
    /// The state after operation `first`, and after each one since.
    states: Vec<Model>,
    first: u64,
    /// The last operation whose return has promised a file alone, by file.
    promised: BTreeMap<Ino, u64>,
    /// Files of which pages have moved since `first`: until a commit their blocks serve both places.
    collapsed: BTreeSet<Ino>,
}

impl History {
    fn new(universe: &Universe, seed: u64, acked: u64, lost_acks: u64) -> Self {
        let mut stream = Stream::new(universe, seed);
        let mut history = Self {
            states: vec![stream.model.clone()],
            first: 0,
            promised: BTreeMap::new(),
            collapsed: BTreeSet::new(),
        };
        let mut unacked = 0;
        while let Some(next) = stream.next() {
            history.states.push(stream.model.clone());
            match next.op {
                Op::Sync if next.number <= acked => history.all_promised(next.number),
                Op::Fsync { ino } if next.number <= acked && next.promises() => {
                    history.promised.insert(ino, next.number);
                    history.collapsed.remove(&ino);
                }
                Op::CollapseRange { ino, .. } if next.expected.is_ok() => {
                    history.collapsed.insert(ino);
                }
                _ => {}
            }
            if next.number > acked && next.promises() {
                unacked += 1;
                if unacked > lost_acks {
                    break;
                }
            }
        }
        history
    }

    fn all_promised(&mut self, number: u64) {
        self.states.drain(..self.states.len() - 1);
        self.first = number;
        self.promised.clear();
        self.collapsed.clear();
    }

    /// Names and sizes are those after one of the operations: of no operation there is only half, and
    /// none is there without those before it.
    fn check_metadata(&self, files: &[RecoveredFile], names: &[NameRecord]) -> Result<(), String> {
        let named: BTreeMap<String, Ino> =
            names.iter().map(|record| (record.name.to_string(), record.ino)).collect();
        let files = files.iter().filter(|file| file.kind == Kind::File);
        let sizes: BTreeMap<Ino, u64> = files.map(|file| (file.ino, file.size)).collect();
        let same = |state: &Model| {
            let expected = state.files.iter().map(|(ino, file)| (ino, &file.pages));
            state.names == named && sizes.iter().eq(expected)
        };
        if self.states.iter().any(same) {
            return Ok(());
        }
        Err(format!("the names {named:?} with the sizes {sizes:?} never were together"))
    }

    /// A file is one of those that it may be since its last promise.
    fn check_file(
        &self,
        ino: Ino,
        found: Option<&RecoveredFile>,
        names: &[NameRecord],
    ) -> Result<(), String> {
        let since = self.promised.get(&ino).map_or(0, |number| number - self.first);
        let states = &self.states[since as usize..];
        let Some(found) = found else {
            let may_be_gone = states.iter().any(|state| !state.files.contains_key(&ino));
            return if may_be_gone { Ok(()) } else { Err(format!("{ino} is gone")) };
        };
        let name = names.iter().find(|record| record.ino == ino).map(|record| record.name);
        let name = name.map(|name| name.to_string());
        if !states.iter().any(|state| state.name_of(ino) == name.as_deref()) {
            return Err(format!("{ino} is called {name:?}, a name from before its promise"));
        }
        let mut files: Vec<&Rc<File>> =
            states.iter().filter_map(|state| state.files.get(&ino)).collect();
        files.dedup_by(|b, a| Rc::ptr_eq(a, b));
        if !files.iter().any(|file| file.pages == found.size) {
            return Err(format!("{ino} has {} pages, no size since its promise", found.size));
        }
        self.check_pages(ino, &files, found).map_err(|why| format!("{ino} {why}"))
    }

    fn check_pages(
        &self,
        ino: Ino,
        files: &[&Rc<File>],
        found: &RecoveredFile,
    ) -> Result<(), String> {
        let collapsed = self.collapsed.contains(&ino);
        let mut wanted: BTreeSet<u64> = found.pages.iter().map(|page| page.index.0).collect();
        wanted.extend(files.iter().flat_map(|file| file.data.range(..found.size).map(|(n, _)| *n)));
        for page in wanted {
            let may_be_hole = files.iter().any(|file| !file.data.contains_key(&page));
            let Some(found) = found.pages.iter().find(|found| found.index.0 == page) else {
                if may_be_hole || collapsed {
                    continue;
                }
                return Err(format!("page {page} is a hole"));
            };
            for (n, word) in found.words.iter().enumerate() {
                let held = |file: &&Rc<File>| {
                    file.word(page, n) == *word
                        || collapsed && file.data.values().any(|words| words[n] == *word)
                };
                if !files.iter().any(held) {
                    return Err(format!("page {page} word {n} is {word}: lost or never written"));
                }
            }
        }
        Ok(())
    }
}
