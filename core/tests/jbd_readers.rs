//! Independent readers of the journal: e2fsprogs reads and replays logs that this project wrote.
//!
//! At TEACHING geometry `debugfs logdump` lists a log of 256-byte blocks. At KERNEL geometry the
//! log stands in the journal inode of a file system by `mke2fs`; `e2fsck` replays it, and its home
//! blocks must equal those of our own recovery. Without e2fsprogs these tests fail and say what to
//! type, unless `DAXSCOPE_WITHOUT_E2FSPROGS=1` is set.

use crate::journal::{Transaction, apply, block_mut, blocks, write_log, write_superblock};
use daxscope_core::config::Geometry;
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::format::{MAGIC, Superblock};
use daxscope_core::jbd::recover::{BadDescriptor, recover_image};
use daxscope_core::units::{BlockNr, LogBlockNr, Tid, Word};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tool, from the path or from where Debian has it; `None` if the tests are to do without.
///
/// # Panics
/// If it is missing though nobody has said so.
fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/sbin", "/usr/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|tool| tool.is_file());
    if found.is_none() && std::env::var_os("DAXSCOPE_WITHOUT_E2FSPROGS").is_some_and(|v| v == "1") {
        println!("skipped: {name} is not installed");
        return None;
    }
    let missing = "is missing: type `sudo apt-get install -y e2fsprogs`, or set \
        DAXSCOPE_WITHOUT_E2FSPROGS=1 to do without independent readers of the journal";
    Some(found.unwrap_or_else(|| panic!("{name} {missing}")))
}

/// Runs a tool that must end with one of these statuses; what it wrote, errors included.
fn run(tool: &Path, arguments: &[&str], statuses: &[i32]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    let ended = output.status.code().is_some_and(|status| statuses.contains(&status));
    assert!(ended, "{} {arguments:?}: {}\n{text}", tool.display(), output.status);
    text
}

fn path_of(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    path.into_os_string().into_string().expect("a path of ordinary letters")
}

fn write(path: &str, image: &[Word]) {
    let bytes: Vec<u8> = image.iter().flat_map(|word| word.0).collect();
    fs::write(path, bytes).unwrap();
}

fn read(path: &str) -> Vec<Word> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(8).map(|eight| Word(eight.try_into().unwrap())).collect()
}

/// What a transaction logs for a block: every word different; every fifth block must be escaped.
fn contents(words: u32, tid: Tid, home: BlockNr) -> Vec<Word> {
    let word = |n: u32| Word::number(u64::from(tid.0) << 48 | home.0 << 24 | u64::from(n));
    let mut block: Vec<Word> = (0..words).map(word).collect();
    if home.0.is_multiple_of(5) {
        block[0].0[..4].copy_from_slice(&MAGIC.to_be_bytes());
    }
    block
}

fn transaction(words: u32, tid: Tid, logged: &[u64], revoked: &[u64]) -> Transaction {
    let logged = logged.iter().map(|home| BlockNr(*home));
    Transaction {
        logged: logged.map(|home| (home, contents(words, tid, home))).collect(),
        revoked: revoked.iter().map(|block| BlockNr(*block)).collect(),
    }
}

/// What `logdump` says of the control blocks, tags and revokes, in its order.
fn facts(dump: &str) -> Vec<Vec<u32>> {
    let numbers = |line: &str| -> Vec<u32> {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let number = |word: &str| match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        };
        words.filter_map(number).collect()
    };
    let fact = |line: &&str| {
        ["Found", "FS block", "Revoke FS", "No magic"].iter().any(|start| line.starts_with(start))
    };
    dump.lines().map(str::trim_start).filter(fact).map(numbers).collect()
}

#[test]
fn logdump_lists_a_teaching_log() {
    let Some(debugfs) = tool("debugfs") else { return };
    // A journal in a file of its own: the ring follows the superblock.
    let layout = LogLayout {
        superblock: BlockNr(0),
        first: BlockNr(1),
        device_blocks: 17,
        ..LogLayout::of(&Geometry::TEACHING)
    };
    let mut image = vec![Word::ZERO; 17 * 32];
    let log = [
        blocks(32, Tid(5), &transaction(32, Tid(5), &[9, 10, 11], &[])),
        blocks(32, Tid(6), &transaction(32, Tid(6), &[12], &[9, 13])),
    ];
    let start = LogBlockNr(13);
    write_log(&mut image, &layout, start, &log.concat());
    write_superblock(&mut image, &layout, Tid(5), Some(start));
    let path = path_of("teaching.journal");
    write(&path, &image);
    let dump = run(&debugfs, &["-R", &format!("logdump -a -f {path}")], &[0]);
    let expected: [&[u32]; 12] = [
        // Sequence, type, block of the log.
        &[5, 1, 13],
        // Home, block of the log, flags: ESCAPE 1, SAME_UUID 2, LAST_TAG 8.
        &[9, 14, 0],
        &[10, 15, 1 | 2],
        &[11, 16, 2 | 8],
        &[5, 2, 1],
        &[6, 5, 2],
        &[9],
        &[13],
        &[6, 1, 3],
        &[12, 4, 8],
        &[6, 2, 5],
        &[6],
    ];
    assert_eq!(facts(&dump), expected, "{dump}");
}

/// e2fsprogs, and where its file system of KERNEL size has a journal.
struct Tools {
    mke2fs: PathBuf,
    debugfs: PathBuf,
    e2fsck: PathBuf,
}

const WORDS: u32 = 512;
/// [`daxscope_core::jbd::format::UUID`] as tools write it.
const UUID_TEXT: &str = "64617873-636f-7065-206a-6f75726e616c";
/// Where the journal inode is to begin.
const JOURNAL: u64 = 4_096;
/// Home blocks from here on; the file system does not use them.
const HOMES: u64 = 6_000;
const HOMES_COUNT: u64 = 500;

/// KERNEL geometry, with the journal where mke2fs has put its inode. That has 1,280 blocks; the
/// journal superblock may claim fewer.
fn kernel_layout() -> LogLayout {
    let layout = LogLayout::of(&Geometry::KERNEL);
    assert_eq!((layout.len, layout.words_per_block), (1_024, WORDS));
    LogLayout { superblock: BlockNr(JOURNAL), first: BlockNr(JOURNAL + 1), ..layout }
}

impl Tools {
    fn find() -> Option<Self> {
        Some(Self { mke2fs: tool("mke2fs")?, debugfs: tool("debugfs")?, e2fsck: tool("e2fsck")? })
    }

    /// A new file system in this file whose journal is the one that [`kernel_layout`] describes.
    fn mke2fs(&self, path: &str) -> Vec<Word> {
        let _ = fs::remove_file(path);
        let journal = format!("size=5,location={JOURNAL}");
        let features = "has_journal,extent,metadata_csum,^64bit,^resize_inode";
        // The UUID of the file system, which debugfs hands on to the journal, is that of our format.
        let size = [
            "-U", UUID_TEXT, "-b", "4096", "-I", "256", "-J", &journal, "-O", features, path,
            "8192",
        ];
        run(&self.mke2fs, &[&["-F", "-q", "-t", "ext4"], &size[..]].concat(), &[0]);
        let numbers = |command: &str| -> Vec<u64> {
            let text = run(&self.debugfs, &["-R", command, path], &[0]);
            text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
        };
        let inode: Vec<u64> = (JOURNAL..JOURNAL + 1_280).collect();
        assert_eq!(numbers("blocks <8>"), inode, "the journal inode is one run of blocks");
        let unused: Vec<u64> = (HOMES..HOMES + HOMES_COUNT).collect();
        assert_eq!(numbers(&format!("ffb {HOMES_COUNT} {HOMES}")), unused);
        run(&self.debugfs, &["-w", "-R", "feature needs_recovery", path], &[0]);
        let mut image = read(path);
        for home in HOMES..HOMES + HOMES_COUNT {
            block_mut(&mut image, &kernel_layout(), BlockNr(home))
                .fill(Word::label("OLD").unwrap());
        }
        image
    }

    /// The image after e2fsck, and what it said.
    fn e2fsck(&self, path: &str, image: &[Word]) -> (Vec<Word>, String) {
        write(path, image);
        // 0: nothing wrong; 1: something put right, as a replayed journal is.
        let said = run(&self.e2fsck, &["-f", "-y", path], &[0, 1]);
        (read(path), said)
    }
}

fn homes(image: &mut [Word]) -> Vec<Vec<Word>> {
    let homes = (HOMES..HOMES + HOMES_COUNT).map(BlockNr);
    homes.map(|home| block_mut(image, &kernel_layout(), home).to_vec()).collect()
}

/// Four transactions, T5 to T8, that leave no case out; the last shares a ring with what follows.
fn transactions() -> Vec<Transaction> {
    let all: Vec<u64> = (HOMES..HOMES + 300).collect();
    // More than one revoke block holds, most of them of blocks that nobody logs.
    let revoked: Vec<u64> = (HOMES - 1_500..HOMES).chain(HOMES..HOMES + 20).collect();
    vec![
        transaction(WORDS, Tid(5), &all, &[]),
        transaction(WORDS, Tid(6), &[HOMES + 400], &revoked),
        transaction(WORDS, Tid(7), &all[10..30], &[]),
        transaction(WORDS, Tid(8), &[HOMES + 25, HOMES + 401], &[HOMES + 25, HOMES + 26]),
    ]
}

/// Where the log begins: it wraps around within the copies of the first transaction.
const START: LogBlockNr = LogBlockNr(900);

/// The file system of `mke2fs` with a log of these blocks, from T5 on.
fn with_log(image: &[Word], log: &[Vec<Word>]) -> Vec<Word> {
    let mut image = image.to_vec();
    write_log(&mut image, &kernel_layout(), START, log);
    write_superblock(&mut image, &kernel_layout(), Tid(5), Some(START));
    image
}

/// T5 to T8, and T9 without its commit block.
fn log() -> Vec<Vec<Word>> {
    let mut log = vec![];
    for (tid, transaction) in (5..).map(Tid).zip(&transactions()) {
        log.extend(blocks(WORDS as usize, tid, transaction));
    }
    log.extend(blocks(WORDS as usize, Tid(9), &transaction(WORDS, Tid(9), &[HOMES], &[])));
    log.pop();
    log
}

fn superblock(image: &mut [Word]) -> Result<Superblock, String> {
    let layout = kernel_layout();
    Superblock::decode(block_mut(image, &layout, layout.superblock), &layout)
}

#[test]
fn e2fsck_replays_a_kernel_size_log_as_our_recovery_does() {
    let Some(tools) = Tools::find() else { return };
    let path = path_of("replay.ext4");
    let image = with_log(&tools.mke2fs(&path), &log());
    let (mut theirs, said) = tools.e2fsck(&path, &image);
    let (mut ours, mut plain) = (image.clone(), image);
    recover_image(&mut ours, &kernel_layout(), BadDescriptor::Fails, &mut |_| true).unwrap();
    apply(&mut plain, &kernel_layout(), &transactions());
    assert!(homes(&mut ours) == homes(&mut plain), "our recovery and no log at all");
    assert!(homes(&mut theirs) == homes(&mut ours), "{said}");
    let clean = Superblock { sequence: Tid(10), start: None };
    assert_eq!(superblock(&mut theirs), Ok(clean), "{said}");
    assert_eq!(superblock(&mut ours), Ok(clean));
}

/// Where the log has the blocks that get damaged.
const FIFTIETH_COPY_OF_T5: usize = 50;
const DESCRIPTOR_OF_T7: usize = 308;
const COMMIT_OF_T8: usize = 334;
const DESCRIPTOR_OF_T9: usize = 335;

#[test]
fn e2fsck_makes_of_a_damaged_log_what_our_recovery_makes_of_it() {
    let Some(tools) = Tools::find() else { return };
    let path = path_of("damaged.ext4");
    let fresh = tools.mke2fs(&path);
    let recover = |image: &mut [Word]| {
        // e2fsprogs has this code of the kernel since 1.46.
        recover_image(image, &kernel_layout(), BadDescriptor::WaitsForCommit, &mut |_| true)
    };
    let mut undamaged = with_log(&fresh, &log());
    recover(&mut undamaged).unwrap();
    for (block, word, next) in [
        (COMMIT_OF_T8, 2, Some(Tid(9))),
        (DESCRIPTOR_OF_T9, 511, Some(Tid(10))),
        (DESCRIPTOR_OF_T7, 511, None),
        (FIFTIETH_COPY_OF_T5, 9, None),
    ] {
        let mut log = log();
        log[block][word].0[7] ^= 0x10;
        let image = with_log(&fresh, &log);
        let (mut theirs, said) = tools.e2fsck(&path, &image);
        let mut ours = image;
        let summary = recover(&mut ours);
        assert!(homes(&mut theirs) == homes(&mut ours), "block {block} of the log: {said}");
        assert_eq!(summary.map(|summary| summary.next).ok(), next, "block {block} of the log");
        let same = homes(&mut ours) == homes(&mut undamaged);
        assert_eq!(same, block == DESCRIPTOR_OF_T9, "block {block} of the log counts");
    }
}

#[test]
fn our_recovery_replays_a_log_that_debugfs_has_written() {
    let Some(tools) = Tools::find() else { return };
    let path = path_of("debugfs.ext4");
    let image = tools.mke2fs(&path);
    write(&path, &image);
    // Like the kernel, debugfs takes over all of the journal inode.
    let layout = LogLayout { len: 1_279, ..kernel_layout() };
    let copies: Vec<u64> = (HOMES..HOMES + 300).collect();
    let t1 = transaction(WORDS, Tid(1), &copies, &[]);
    let t2 = transaction(WORDS, Tid(2), &[HOMES + 8], &[HOMES + 5, HOMES + 6]);
    let journal_write = |transaction: &Transaction| {
        let data = path_of(&format!("debugfs.{}", transaction.logged.len()));
        let words: Vec<Word> =
            transaction.logged.iter().flat_map(|(_, words)| words.clone()).collect();
        write(&data, &words);
        let list = |blocks: &mut dyn Iterator<Item = BlockNr>| {
            blocks.map(|block| block.0.to_string()).collect::<Vec<_>>().join(",")
        };
        let mut command =
            format!("jw -b {}", list(&mut transaction.logged.iter().map(|(home, _)| *home)));
        if !transaction.revoked.is_empty() {
            command += &format!(" -r {}", list(&mut transaction.revoked.iter().copied()));
        }
        format!("{command} {data}\n")
    };
    let commands = path_of("debugfs.commands");
    // It gives no checksums to a journal that still waits for its recovery.
    let text = format!(
        "feature ^needs_recovery\njo -c -v 3\n{}{}jc\n",
        journal_write(&t1),
        journal_write(&t2)
    );
    fs::write(&commands, text).unwrap();
    run(&tools.debugfs, &["-w", "-f", &commands, &path], &[0]);
    let mut ours = read(&path);
    let (mut plain, mut theirs) = (ours.clone(), tools.e2fsck(&path, &ours).0);
    recover_image(&mut ours, &layout, BadDescriptor::Fails, &mut |_| true).unwrap();
    apply(&mut plain, &layout, &[t1, t2]);
    assert!(homes(&mut ours) == homes(&mut plain), "our recovery and no log at all");
    assert!(homes(&mut theirs) == homes(&mut plain), "e2fsck and no log at all");
}
