//! The real medium, as far as software can see it: on memory, on files, and in `DAXSCOPE_PMEM_DIR` if it
//! is set, where `MAP_SYNC` is demanded.
#![cfg(target_os = "linux")]

use daxscope_core::machine::{FileWord, Op};
use daxscope_core::medium::{LineRange, Medium, SimMedium};
use daxscope_core::units::{Cpu, Ino, LineNr, PageIndex, Word, WordAddr};
use daxscope_native::pmem::{
    CountedMedium, Counts, FlushInstruction, Mapping, NoMapSync, Options, Persists, PmemMedium,
    Wanted, best_flush, has_flush,
};
use daxscope_native::torture::{Next, Stream, Universe, Writer};
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

/// What is on a medium, seen as bytes.
fn contents(medium: &impl Medium) -> Vec<Word> {
    let mut words = vec![Word::ZERO; medium.words() as usize];
    medium.load(WordAddr(0), &mut words);
    words
}

/// Counts what the machine asks of a simulated medium; every `store_nt` as lines.
struct Asked {
    medium: SimMedium,
    counts: Counts,
}

impl Medium for Asked {
    fn words(&self) -> u64 {
        self.medium.words()
    }

    fn load(&self, at: WordAddr, into: &mut [Word]) {
        self.medium.load(at, into);
    }

    fn store(&mut self, cpu: Cpu, at: WordAddr, words: &[Word]) {
        self.counts.words += words.len() as u64;
        self.medium.store(cpu, at, words);
    }

    fn store_nt(&mut self, cpu: Cpu, at: WordAddr, words: &[Word]) {
        self.counts.words += words.len() as u64;
        self.counts.nt_lines += LineRange::of_words(at, words.len() as u64).count;
        self.medium.store_nt(cpu, at, words);
    }

    fn write_back(&mut self, cpu: Cpu, lines: LineRange) {
        self.counts.write_backs += lines.count;
        self.medium.write_back(cpu, lines);
    }

    fn fence(&mut self, cpu: Cpu) {
        self.counts.fences += 1;
        self.medium.fence(cpu);
    }
}

/// The same operations on the simulated and on a real medium: the same bytes now and then, and at the
/// end exactly the same stores, write-backs and fences.
fn same_as_simulated<const FAN: usize>(
    universe: &Universe,
    real: CountedMedium,
    seed: u64,
    operations: usize,
) {
    let simulated = SimMedium::with_words(universe.geometry.words());
    let asked = Asked { medium: simulated, counts: Counts::default() };
    let mut simulated = Writer::<_, FAN>::new(universe, None, asked);
    let mut real = Writer::<_, FAN>::new(universe, None, real);
    for (n, next) in Stream::new(universe, seed).take(operations).enumerate() {
        simulated.call(&next).unwrap();
        real.call(&next).unwrap();
        if n % (operations / 3) == 0 {
            let (simulated, real) = (&simulated.machine.medium, &real.machine.medium);
            assert!(contents(simulated) == contents(real), "seed {seed}, after {next:?}");
        }
    }
    let (simulated, real) = (&simulated.machine.medium, &real.machine.medium);
    assert!(contents(simulated) == contents(real), "seed {seed}, at the end");
    let counts = Counts { msyncs: 0, ..real.counts() };
    assert_eq!(counts, simulated.counts);
    assert!(counts.fences >= 8 && counts.write_backs > 0 && counts.nt_lines > 0, "{counts:?}");
}

/// Every place, with everything around the cache, so that lines of `store_nt` count as such; where
/// `DAXSCOPE_PMEM_DIR` is set, only there: such a machine may be an emulated one, and slow.
fn everywhere(name: &str, len: u64, mut test: impl FnMut(CountedMedium)) {
    let mut folders = folders();
    if pmem_dir().is_some() {
        folders.drain(..folders.len() - 1);
    }
    for (folder, persists) in folders {
        let file = scratch(&folder, name);
        let sync = match persists {
            Some(Persists::DaxMapSync) => Wanted::DemandMapSync,
            _ => Wanted::TryMapSync,
        };
        let options = Options { sync, nt_threshold: Some(0), ..Options::new(len) };
        test(CountedMedium::create(&file.0, &options).unwrap());
    }
}

#[test]
fn the_machine_does_the_same_on_a_real_medium_as_on_the_simulated_one() {
    let universe = Universe::teaching();
    for seed in 0..8 {
        everywhere("machine", universe.bytes(), |medium| {
            same_as_simulated::<8>(&universe, medium, seed, 120);
        });
    }
}

#[test]
fn the_machine_of_kernel_size_does_the_same_too() {
    let universe = Universe::kernel();
    everywhere("kernel", universe.bytes(), |medium| {
        same_as_simulated::<64>(&universe, medium, 1, 200);
    });
}

/// What one fsync costs, by its instructions.
#[test]
fn fsync_of_a_stored_word_writes_back_its_page_and_fences_a_fixed_number_of_times() {
    let universe = Universe::kernel();
    everywhere("fsync", universe.bytes(), |medium| {
        let mut writer = Writer::<_, 64>::new(&universe, None, medium);
        let (ino, index) = (Ino(13), PageIndex(0));
        let mut call = |op| {
            writer.machine.medium.reset_counts();
            writer.call(&Next { number: 1, op, expected: Ok(()) }).unwrap();
            Counts { msyncs: 0, ..writer.machine.medium.counts() }
        };
        let store =
            |word, n| Op::Store { at: FileWord { ino, index, word }, value: Word::number(n) };
        for op in [
            Op::Create { ino },
            Op::Truncate { ino, pages: 1 },
            Op::Mmap { ino },
            store(0, 1),
            Op::Fsync { ino },
        ] {
            call(op);
        }
        // The block is there and the metadata are clean: what is left is the flush of the page.
        let stored = call(store(9, 2));
        assert_eq!(stored, Counts { words: 1, ..Counts::default() });
        let synced = call(Op::Fsync { ino });
        // One fence ends the flush of the mapping, one is the flush of the device.
        assert_eq!(synced, Counts { write_backs: 64, fences: 2, ..Counts::default() });
        let again = call(Op::Fsync { ino });
        assert_eq!(again, Counts { fences: 2, ..Counts::default() }, "nothing is dirty");
    });
}

#[test]
fn what_was_written_is_there_after_mapping_again() {
    for (folder, _) in folders() {
        let file = scratch(&folder, "again");
        let mut medium = PmemMedium::create(&file.0, &Options::new(LEN)).unwrap();
        medium.store_nt(CPU, WordAddr(0), &words(0, LEN / 8));
        medium.fence(CPU);
        drop(medium);
        assert_eq!(std::fs::metadata(&file.0).unwrap().len(), LEN);
        let medium = PmemMedium::open(&file.0, &Options::new(0)).unwrap();
        assert!(contents(&medium) == words(0, LEN / 8));
        drop(medium);
        let medium = PmemMedium::create(&file.0, &Options::new(4096)).unwrap();
        assert!(contents(&medium) == words(0, 512), "a file that is there keeps what it holds");
    }
}

#[test]
fn the_best_mapping_that_is_granted_is_used_and_why_not_a_better_one_is_kept() {
    for (folder, persists) in folders() {
        let file = scratch(&folder, "granted");
        let plain = Options { sync: Wanted::Plain, ..Options::new(LEN) };
        let medium = PmemMedium::create(&file.0, &plain).unwrap();
        let granted = medium.granted();
        assert!(matches!(granted.mapping, Mapping::Shared { why: NoMapSync::NotAsked }));
        let in_memory = persists == Some(Persists::DramBacked);
        let expected = if in_memory { Persists::DramBacked } else { Persists::FileMsync };
        assert!(granted.persists == expected || persists.is_none());
        assert_eq!(granted.flush, best_flush(granted.persistence_domain.as_deref()));
        drop(medium);
        let demand = Options { sync: Wanted::DemandMapSync, ..Options::new(LEN) };
        let demanded = PmemMedium::open(&file.0, &demand);
        let tried = PmemMedium::open(&file.0, &Options::new(LEN));
        match demanded {
            Ok(medium) => {
                assert!(matches!(medium.granted().mapping, Mapping::MapSync));
                assert_eq!(medium.granted().persists, Persists::DaxMapSync);
                let why = tried.err().expect("the file is mapped already").to_string();
                assert!(why.contains("is in use"), "{why}");
            }
            Err(why) => {
                assert!(persists != Some(Persists::DaxMapSync), "{why}");
                let why = why.to_string();
                assert!(why.contains("MAP_SYNC") && why.contains("os error 95"), "{why}");
                let tried = tried.unwrap();
                let Mapping::Shared { why } = &tried.granted().mapping else { panic!() };
                assert!(why.to_string().contains("os error 95"), "{why}");
            }
        }
    }
    let medium = PmemMedium::anonymous(LEN).unwrap();
    assert!(matches!(medium.granted().mapping, Mapping::Anonymous));
    assert_eq!(medium.granted().persists, Persists::DramBacked);
}

/// The error's text, of something that must not be mapped.
fn refusal(path: &Path, options: &Options) -> String {
    PmemMedium::open(path, options).err().expect("it must not be mapped").to_string()
}

#[test]
fn what_cannot_be_mapped_is_an_error_that_names_the_path() {
    let folder = std::env::temp_dir();
    let file = scratch(&folder, "errors");
    let says = |why: String, words: &str| assert!(why.contains(words), "no {words:?} in {why}");
    says(refusal(&file.0, &Options::new(LEN)), "errors: cannot be opened: No such file");
    says(refusal(&folder, &Options::new(LEN)), "cannot be opened: Is a directory");
    std::fs::write(&file.0, vec![0; 8192]).unwrap();
    says(refusal(&file.0, &Options::new(LEN)), "has 8192 bytes, expected 65536 or more");
    says(refusal(&file.0, &Options::new(100)), "expected a multiple of 4096");
    says(refusal(Path::new("/dev/null"), &Options::new(LEN)), "/dev/null: is no DAX device");
    std::fs::write(&file.0, "").unwrap();
    says(refusal(&file.0, &Options::new(0)), "a length of 0 bytes");
    let why = PmemMedium::create(&file.0, &Options::new(0)).err().unwrap();
    says(why.to_string(), "a length of 0 bytes");
    says(PmemMedium::anonymous(5).err().unwrap().to_string(), "a length of 5 bytes");
}

#[test]
fn no_address_beyond_the_end_is_touched() {
    let words = [Word::ZERO; 2];
    let beyond: [fn(&mut PmemMedium, &[Word; 2]); 7] = [
        |medium, _| _ = medium.load_word(WordAddr(512)),
        |medium, words| medium.store_word(CPU, WordAddr(512), words[0]),
        |medium, words| medium.store(CPU, WordAddr(511), words),
        |medium, words| medium.store_nt(CPU, WordAddr(1 << 60), words),
        |medium, words| medium.load(WordAddr(511), &mut words.clone()),
        |medium, _| medium.write_back(CPU, LineRange::new(LineNr(63), 2)),
        |medium, _| medium.write_back(CPU, LineRange::new(LineNr(u64::MAX / 8), 1)),
    ];
    for touch in beyond {
        let mut medium = PmemMedium::anonymous(4096).unwrap();
        let touch = std::panic::AssertUnwindSafe(|| touch(&mut medium, &words));
        let panic = std::panic::catch_unwind(touch).expect_err("it is beyond the end");
        let why = panic.downcast_ref::<String>().unwrap();
        assert!(why.contains("beyond the medium"), "{why}");
    }
}
