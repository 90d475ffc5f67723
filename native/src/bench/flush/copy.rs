//! Copies that are durable when they return, by size: around the cache or through it.

use super::{CPU, libpmem, map};
use crate::bench::measure::{Bench, Case, Subject, subject};
use crate::bench::report::Counts;
use crate::pmem::{CountedMedium, NT_THRESHOLD, Options, PmemMedium};
use anyhow::Result;
use bytemuck::TransparentWrapper;
use daxscope_core::medium::Medium;
use daxscope_core::units::{Word, WordAddr};
use std::rc::Rc;

/// The device, in bytes: larger than the caches of one core, and gone round by every side.
const LEN: u64 = 32 << 20;

/// Every size, the medium's own choice beside each way and libpmem.
pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let sizes: &[u64] = if bench.is_quick() {
        &[64, 4096]
    } else {
        &[64, 128, 256, 512, 1 << 10, 2 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 2 << 20]
    };
    sizes.iter().try_for_each(|size| copies(bench, *size))
}

fn copies(bench: &mut Bench, size: u64) -> Result<()> {
    let dir = bench.dir().to_owned();
    let path = |name: &str| dir.join(name);
    let count = bench.so_many((4 << 20) / size).max(1);
    // One source for all: how it lies to the page that is copied to is worth 10 % at 4 KiB.
    let source: Rc<[Word]> = vec![Word(*b"UUUUUUUU"); (size / 8) as usize].into();
    let side = |medium| store_side(medium, source.clone(), count);
    let with = |name: &str, nt_threshold| {
        let options = Options { nt_threshold: Some(nt_threshold), ..Options::new(LEN) };
        PmemMedium::create(&path(name), &options)
    };
    let mut case = Case::new(name(size), "copy", count, side(map(&path("copy"), LEN)?))
        .functions(if size == 4096 { &["pmem_make_request"] } else { &[] })
        .sweep("copy and persist", "bytes", size)
        .counts(counts(size)?)
        .note(format!("from {NT_THRESHOLD} bytes on the medium stores around the cache"))
        .peer("always around the cache", side(with("nt", 0)?))
        .peer("always through it, then written back", side(with("clwb", usize::MAX)?));
    if let Some(mut mapped) = libpmem(bench, LEN)? {
        let source = source.clone();
        (0..LEN / 64).for_each(|line| mapped.store((line * 64) as usize, 0));
        let peer = subject(
            (mapped, 0),
            |_| {},
            move |(mapped, at)| {
                let bytes = Word::peel_slice(&source).as_flattened();
                for _ in 0..count {
                    mapped.memcpy_persist(*at as usize, bytes);
                    *at = (*at + size) % LEN;
                }
                count
            },
        );
        case = case.peer("libpmem", peer);
    }
    bench.measure(case)
}

fn name(size: u64) -> String {
    match size {
        size if size < 1 << 10 => format!("copy {size} B"),
        size if size < 1 << 20 => format!("copy {} KiB", size >> 10),
        size => format!("copy {} MiB", size >> 20),
    }
}

/// A side that copies the words to one place after the other, with a fence after each.
fn store_side(mut medium: PmemMedium, words: Rc<[Word]>, count: u64) -> Box<dyn Subject> {
    let size = words.len() as u64 * 8;
    // Every page is mapped before anything is timed.
    (0..LEN / 64).for_each(|line| medium.store_word(CPU, WordAddr(line * 8), Word::ZERO));
    subject(
        (medium, 0),
        |_| {},
        move |(medium, at)| {
            for _ in 0..count {
                medium.store_nt(CPU, WordAddr(*at / 8), &words);
                medium.fence(CPU);
                *at = (*at + size) % LEN;
            }
            count
        },
    )
}

/// What one copy asks of the hardware.
fn counts(size: u64) -> Result<Counts> {
    let mut medium = CountedMedium::anonymous(size.next_multiple_of(4096))?;
    medium.store_nt(CPU, WordAddr(0), &vec![Word::ZERO; (size / 8) as usize]);
    medium.fence(CPU);
    let counted = medium.counts();
    Ok(Counts::per_operation(counted.write_backs, counted.fences, 1))
}
