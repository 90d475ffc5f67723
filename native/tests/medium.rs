//! The real medium, as far as software can see it: on memory, on files, and in `DAXSCOPE_PMEM_DIR` if it
//! is set, where `MAP_SYNC` is demanded.
#![cfg(target_os = "linux")]

use daxscope_core::medium::{LineRange, Medium};
use daxscope_core::units::{Cpu, LineNr, Word, WordAddr};
use daxscope_native::pmem::{
    CountedMedium, FlushInstruction, Options, Persists, Wanted, has_flush,
};
use std::path::{Path, PathBuf};

const CPU: Cpu = Cpu(0);
const LEN: u64 = 64 * 1024;

/// A file that is removed at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn scratch(folder: &Path, name: &str) -> Scratch {
    Scratch(folder.join(format!("daxscope-{}-{name}", std::process::id())))
}

/// Where to test: a folder, and what a fence makes durable there.
fn folders() -> Vec<(PathBuf, Option<Persists>)> {
    let mut folders = vec![(std::env::temp_dir(), None)];
    if Path::new("/dev/shm").is_dir() {
        folders.push(("/dev/shm".into(), Some(Persists::DramBacked)));
    }
    folders.extend(pmem_dir().map(|folder| (folder, Some(Persists::DaxMapSync))));
    folders
}

fn pmem_dir() -> Option<PathBuf> {
    std::env::var_os("DAXSCOPE_PMEM_DIR").map(PathBuf::from)
}

/// Calls `test` with a medium for every place, kind of mapping, flush instruction and threshold.
fn on_every_medium(name: &str, mut test: impl FnMut(CountedMedium, usize)) {
    let mut tested = 0;
    for (folder, persists) in folders() {
        let file = scratch(&folder, name);
        for flush in FlushInstruction::ALL.into_iter().filter(|flush| has_flush(*flush)) {
            for threshold in [0, 256, usize::MAX] {
                let sync = match persists {
                    Some(Persists::DaxMapSync) => Wanted::DemandMapSync,
                    _ => Wanted::TryMapSync,
                };
                let (flush, nt_threshold) = (Some(flush), Some(threshold));
                let options = Options { len: LEN, sync, flush, nt_threshold };
                let medium = CountedMedium::create(&file.0, &options).unwrap();
                let granted = medium.granted();
                assert_eq!(Some(granted.flush), flush);
                assert!(persists.is_none_or(|persists| granted.persists == persists));
                test(medium, threshold);
                tested += 1;
            }
        }
    }
    test(CountedMedium::anonymous(LEN).unwrap(), daxscope_native::pmem::NT_THRESHOLD);
    assert!(tested > 0);
}

fn word(n: u64) -> Word {
    Word::number(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
}

fn words(first: u64, count: u64) -> Vec<Word> {
    (first..first + count).map(word).collect()
}

#[test]
fn what_is_stored_is_loaded_at_every_place_and_length() {
    on_every_medium("stores", |mut medium, _| {
        assert_eq!(medium.words(), LEN / 8);
        let mut expected = vec![Word::ZERO; (LEN / 8) as usize];
        medium.store(CPU, WordAddr(0), &expected);
        let mut value = 0;
        for at in 0..17 {
            for count in 0..70 {
                for nt in [false, true] {
                    let new = words(value, count);
                    value += count;
                    let at = at + value % 1000;
                    if nt {
                        medium.store_nt(CPU, WordAddr(at), &new);
                    } else {
                        medium.store(CPU, WordAddr(at), &new);
                    }
                    expected[at as usize..][..count as usize].copy_from_slice(&new);
                }
            }
        }
        let mut found = vec![Word::ZERO; expected.len()];
        medium.load(WordAddr(0), &mut found);
        assert!(found == expected);
        assert!((0..1100).all(|at| medium.load_word(WordAddr(at)) == expected[at as usize]));
    });
}

#[test]
fn write_backs_and_fences_are_counted_exactly() {
    on_every_medium("counts", |mut medium, threshold| {
        medium.store(CPU, WordAddr(3), &words(0, 10));
        medium.write_back(CPU, LineRange::new(LineNr(0), 2));
        medium.fence(CPU);
        let counts = medium.counts();
        assert_eq!((counts.words, counts.write_backs, counts.fences), (10, 2, 1));
        let synced = u64::from(medium.granted().persists == Persists::FileMsync);
        assert_eq!((counts.nt_lines, counts.msyncs), (0, synced));
        medium.reset_counts();
        // 40 words from the last word of a line on touch six lines.
        medium.store_nt(CPU, WordAddr(7), &words(0, 40));
        let counts = medium.counts();
        let around = threshold <= 320;
        assert_eq!(counts.words, 40);
        assert_eq!((counts.nt_lines, counts.write_backs), if around { (6, 0) } else { (0, 6) });
        assert_eq!((counts.fences, counts.msyncs), (0, 0));
        medium.fence(CPU);
        medium.fence(CPU);
        let counts = medium.counts();
        assert_eq!((counts.fences, counts.msyncs), (2, synced), "the second has nothing to sync");
    });
}
