//! Group `fs`: storms on the ext-like file system, at the kernel's sizes, epoch 6.12, journal and all.
//!
//! Each file of the storm is created, written, synced, truncated and written again, through the page
//! cache and as a DAX file. On a file system that has a device, the kernel does the same to files of
//! its own beside it; in memory its fsync(2) does nothing, and is no peer.

use super::machine::{FIRST_INO, Host, WORDS, empty_file};
use super::measure::{Bench, Case, Subject, subject};
use crate::pmem::{Options, Persists, PmemMedium};
use anyhow::{Context, Result};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::{Kind, Layout, ROOT};
use daxscope_core::machine::{FileSetup, FileWord, Op, Setup, System};
use daxscope_core::units::{BlockNr, Ino, PageIndex, Tid, Word};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

/// Files of a storm.
const FILES: u32 = 32;
/// Bytes of a page.
const PAGE: usize = WORDS as usize * 8;

/// Runs the group.
///
/// # Errors
/// If a file cannot be mapped, an operation fails, or fsck finds something.
pub fn run(bench: &mut Bench) -> Result<()> {
    bench.time_per_case(Duration::from_millis(500));
    let note = "the clock by itself, read twice around each run";
    let nothing = subject((), |()| {}, |()| 1);
    bench.measure(Case::new("noop", "run", 1, nothing).runs(10_000).note(note))?;
    for dax in [false, true] {
        for storm in Storm::ALL {
            measure(bench, storm, dax)?;
        }
        remount(bench, dax)?;
    }
    Ok(())
}

/// What is done to every file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Storm {
    Create,
    Overwrite,
    Truncate,
    Reallocate,
    Unlink,
}

impl Storm {
    const ALL: [Self; 5] =
        [Self::Create, Self::Overwrite, Self::Truncate, Self::Reallocate, Self::Unlink];

    const fn words(self) -> &'static str {
        match self {
            Self::Create => "create, write 4 KiB, fsync",
            Self::Overwrite => "overwrite 4 KiB, fsync",
            Self::Truncate => "truncate to nothing, fsync",
            Self::Reallocate => "write 4 KiB where there was a hole, fsync",
            Self::Unlink => "unlink, commit",
        }
    }

    const fn functions(self, dax: bool) -> &'static [&'static str] {
        match (self, dax) {
            (Self::Create, _) => &["ext4_create"],
            (Self::Overwrite, false) => &["generic_perform_write", "write_cache_pages"],
            (Self::Overwrite, true) => &["sys_write"],
            (Self::Truncate, _) => &["ext4_truncate"],
            (Self::Reallocate, _) => &["ext4_map_blocks"],
            (Self::Unlink, _) => &["ext4_unlink"],
        }
    }

    /// What has to be there first, and what is done then, to each file in turn.
    fn steps(self) -> (&'static [Step], &'static [Step]) {
        use Step::{Create, Fsync, Truncate, Unlink, Write};
        const GONE: &[Step] = &[Unlink, Fsync];
        const WRITTEN: &[Step] = &[Create, Write, Fsync];
        const EMPTY: &[Step] = &[Create, Write, Truncate, Fsync];
        match self {
            Self::Create => (GONE, &[Create, Write, Fsync]),
            Self::Overwrite => (WRITTEN, &[Write, Fsync]),
            Self::Truncate => (WRITTEN, &[Truncate, Fsync]),
            Self::Reallocate => (EMPTY, &[Write, Fsync]),
            Self::Unlink => (WRITTEN, &[Unlink, Fsync]),
        }
    }
}

/// One call on one file. After `Unlink`, `Fsync` is a commit, or an fsync of the folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Create,
    Write,
    Truncate,
    Unlink,
    Fsync,
}

/// Who can do these calls.
trait Files {
    fn exists(&self, file: u32) -> bool;

    fn call(&mut self, file: u32, step: Step) -> Result<()>;
}

/// A side of a storm.
struct Side<F> {
    files: F,
    storm: Storm,
}

impl<F: Files> Subject for Side<F> {
    fn prepare(&mut self) -> Result<()> {
        for file in 0..FILES {
            for step in self.storm.steps().0 {
                let there = self.files.exists(file);
                if !(*step == Step::Create && there || *step == Step::Unlink && !there) {
                    self.files.call(file, *step)?;
                }
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        for file in 0..FILES {
            for step in self.storm.steps().1 {
                self.files.call(file, *step)?;
            }
        }
        Ok(u64::from(FILES))
    }
}

fn measure(bench: &mut Bench, storm: Storm, dax: bool) -> Result<()> {
    let device = bench.dir().join("device");
    let ours = Side { files: Ours::create(device.clone(), dax)?, storm };
    let how = if dax { "DAX file" } else { "page cache" };
    let name = format!("{}, {how}", storm.words());
    let mut case = Case::new(name, "file", u64::from(FILES), Box::new(ours))
        .functions(storm.functions(dax))
        .runs(4);
    if bench.persists() != Persists::DramBacked {
        let files = Kernels::create(bench.dir().join("files"))?;
        case = case.peer("the kernel's file system here", Box::new(Side { files, storm }));
    }
    bench.measure(case)?;
    std::fs::remove_file(device)?;
    std::fs::remove_dir_all(bench.dir().join("files")).ok();
    Ok(())
}

/// A mounted file system is left in peace: unmounted, mounted again, and checked.
fn remount(bench: &mut Bench, dax: bool) -> Result<()> {
    let device = bench.dir().join("device");
    let mut ours = Ours::create(device.clone(), dax)?;
    for file in 0..FILES {
        for step in [Step::Create, Step::Write, Step::Fsync] {
            ours.call(file, step)?;
        }
    }
    let how = if dax { "DAX files" } else { "page cache" };
    let case =
        Case::new(format!("umount, mount, fsck, {how}"), "remount", 1, Box::new(Remount(ours)))
            .functions(&["sys_umount", "sys_mount"])
            .note("fsck reads the whole device and must find nothing");
    bench.measure(case)?;
    Ok(std::fs::remove_file(device)?)
}

struct Remount(Ours);

impl Subject for Remount {
    fn prepare(&mut self) -> Result<()> {
        self.0.call(0, Step::Write)
    }

    fn run(&mut self) -> Result<u64> {
        for op in [Op::Umount, Op::Mount, Op::Fsck] {
            self.0.host.succeed(op)?;
        }
        Ok(1)
    }
}

/// The model's file system on a mapped device.
struct Ours {
    host: Host<PmemMedium>,
    page: Vec<Word>,
}

impl Ours {
    fn create(device: PathBuf, dax: bool) -> Result<Self> {
        let geometry = Geometry::KERNEL;
        let root = FileSetup {
            ino: ROOT,
            name: "root".into(),
            kind: Kind::Directory,
            pages: 1,
            blocks: vec![Some(BlockNr(Layout::of(&geometry).pool().start))],
            ..empty_file(ROOT, false)
        };
        let files = (0..FILES).map(|file| FileSetup { dax, ..empty_file(ino(file), true) });
        let setup = Setup {
            geometry,
            semantics: Semantics::preset(Epoch::V6_12),
            files: std::iter::once(root).chain(files).collect(),
            contents: Vec::new(),
            system: System { journal: Some(Tid(1)), ..System::PLAIN },
            programs: Vec::new(),
            planted: None,
        };
        let make = |len| Ok(PmemMedium::create(&device, &Options::new(len))?);
        let page = (0..WORDS).map(Word::number).collect();
        Ok(Self { host: Host::create(setup, make)?, page })
    }
}

fn ino(file: u32) -> Ino {
    Ino(FIRST_INO + file)
}

impl Files for Ours {
    fn exists(&self, file: u32) -> bool {
        self.host.machine.inode_if(ino(file)).is_some()
    }

    fn call(&mut self, file: u32, step: Step) -> Result<()> {
        let ino = ino(file);
        let at = FileWord { ino, index: PageIndex(0), word: 0 };
        let op = match step {
            Step::Create => Op::Create { ino },
            Step::Write => Op::Write { at, words: self.page.clone() },
            Step::Truncate => Op::Truncate { ino, pages: 0 },
            Step::Unlink => Op::Unlink { ino },
            Step::Fsync if self.exists(file) => Op::Fsync { ino },
            Step::Fsync => Op::Commit,
        };
        self.host.succeed(op)
    }
}

/// The kernel's files in the same folder.
struct Kernels {
    folder: PathBuf,
    files: Vec<Option<File>>,
}

impl Kernels {
    fn create(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir(&folder)?;
        Ok(Self { folder, files: (0..FILES).map(|_| None).collect() })
    }

    fn path(&self, file: u32) -> PathBuf {
        self.folder.join(file.to_string())
    }

    fn open(&self, file: u32) -> Result<&File> {
        self.files[file as usize].as_ref().context("a file that is not there")
    }
}

impl Files for Kernels {
    fn exists(&self, file: u32) -> bool {
        self.files[file as usize].is_some()
    }

    fn call(&mut self, file: u32, step: Step) -> Result<()> {
        match step {
            Step::Create => {
                let new = OpenOptions::new().create_new(true).write(true).open(self.path(file))?;
                self.files[file as usize] = Some(new);
            }
            Step::Write => self.open(file)?.write_all_at(&[0x55; PAGE], 0)?,
            Step::Truncate => self.open(file)?.set_len(0)?,
            Step::Unlink => {
                self.files[file as usize] = None;
                std::fs::remove_file(self.path(file))?;
            }
            Step::Fsync if self.exists(file) => self.open(file)?.sync_all()?,
            Step::Fsync => File::open(&self.folder)?.sync_all()?,
        }
        Ok(())
    }
}
