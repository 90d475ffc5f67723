//! All `unsafe` code of the real medium: the mapping, and the instructions that work on it.
//!
//! What is safe here is safe for every caller. The invariants that make it so:
//! - **I1** [`Region`]`::base` is the start of a mapping of `bytes` bytes, readable and writable, which
//!   lives as long as the `Region`. Only `drop` unmaps it. It is aligned to a page, so word `n` is an
//!   aligned 8-byte word, and a line an aligned 64-byte one.
//! - **I2** No Rust reference into the mapping ever exists: it is touched by raw loads, raw stores and
//!   instructions. Its bytes may be anything, and every value of a `Word` is valid.
//! - **I3** A word address is turned into a pointer by [`Region::place`] and by
//!   [`Region::place_of_lines`] only, which compare with the size first.
//! - **I4** A `Region` is neither `Send` nor `Sync` (the raw pointer sees to that), so stores, loads and
//!   non-temporal stores of one mapping are one thread's and appear to it in program order.
//!   Another process that maps the file is kept out by a lock on it, as far as it asks for the lock.
//! - **I5** An instruction that not every CPU has is executed only with a [`Flush`], which exists only
//!   where [`Flush::of`] has found that the CPU has it.
//! - **I6** The blocks of assembly change memory only through the pointers that they are given, and no
//!   register but their outputs; none of them says `nomem`, so the compiler keeps stores before them
//!   before them.
//!
//! A file that shrinks while it is mapped makes the kernel kill the process (SIGBUS): not undefined,
//! and nothing that a check could prevent.
#![allow(unsafe_code)]

use super::granted::FlushInstruction;
use daxscope_core::units::{Word, WordAddr};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MsyncFlags, ProtFlags};
use std::ffi::c_void;
use std::fs::File;
use std::ops::Range;
use std::ptr::{self, NonNull};

/// Bytes of a word.
const WORD: usize = size_of::<Word>();
/// Bytes of a cache line.
pub(super) const LINE: usize = 64;
/// Words of a cache line.
const WORDS: usize = LINE / WORD;
/// Which kind of mapping to ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    /// `MAP_SHARED_VALIDATE | MAP_SYNC`.
    MapSync,
    /// `MAP_SHARED`.
    Shared,
}

/// A mapping.
pub(super) struct Region {
    base: NonNull<u8>,
    bytes: usize,
    /// Holds the lock.
    _file: Option<File>,
}

impl Region {
    /// Maps the first `bytes` bytes, a multiple of a page.
    pub(super) fn map(file: File, bytes: usize, how: How) -> Result<Self, (File, Errno)> {
        let flags = match how {
            How::MapSync => MapFlags::SHARED_VALIDATE | MapFlags::SYNC,
            How::Shared => MapFlags::SHARED,
        };
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses overlaps nothing (I1, I2).
        let mapped = unsafe { rustix::mm::mmap(ptr::null_mut(), bytes, both, flags, &file, 0) };
        match mapped {
            Ok(base) => Ok(Self { base: not_null(base), bytes, _file: Some(file) }),
            Err(errno) => Err((file, errno)),
        }
    }

    /// Whether the kernel grants `MAP_SYNC` for the first `bytes` bytes. The file may be open for reading
    /// only; nothing of it is touched.
    pub(super) fn grants_map_sync(file: &File, bytes: usize) -> Result<(), Errno> {
        let flags = MapFlags::SHARED_VALIDATE | MapFlags::SYNC;
        // SAFETY: as above; and what is mapped is unmapped at once.
        unsafe {
            let base = rustix::mm::mmap(ptr::null_mut(), bytes, ProtFlags::READ, flags, file, 0)?;
            rustix::mm::munmap(base, bytes)
        }
    }

    /// Anonymous memory of this process alone.
    pub(super) fn anonymous(bytes: usize) -> Result<Self, Errno> {
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: as above.
        let base =
            unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), bytes, both, MapFlags::PRIVATE)? };
        Ok(Self { base: not_null(base), bytes, _file: None })
    }

    /// Words of the mapping.
    pub(super) const fn words(&self) -> u64 {
        (self.bytes / WORD) as u64
    }

    /// The pointer to the first of `count` words (I3).
    #[inline]
    fn place(&self, at: WordAddr, count: usize) -> *mut Word {
        let end = at.0.checked_add(count as u64);
        assert!(end.is_some_and(|end| end <= self.words()), "{at} + {count} is beyond the medium");
        // SAFETY: `at` is within the mapping or at its end (I1).
        unsafe { self.base.as_ptr().cast::<Word>().add(at.0 as usize) }
    }

    /// The pointer to the first of these lines (I3).
    #[inline]
    fn place_of_lines(&self, lines: &Range<u64>) -> *mut u8 {
        let inside = lines.start <= lines.end && lines.end <= (self.bytes / LINE) as u64;
        assert!(inside, "lines {lines:?} are beyond the medium");
        // SAFETY: as above.
        unsafe { self.base.as_ptr().add(lines.start as usize * LINE) }
    }

    /// Reads words.
    #[inline]
    pub(super) fn load(&self, at: WordAddr, into: &mut [Word]) {
        let from = self.place(at, into.len());
        // SAFETY: `from` leads to as many words (I3); no reference leads there (I2), so `into` is
        // elsewhere.
        unsafe { ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
    }

    /// Reads one word.
    #[inline]
    pub(super) fn load_word(&self, at: WordAddr) -> Word {
        let from = self.place(at, 1);
        // SAFETY: an aligned word of the mapping (I1, I3).
        Word(unsafe { from.cast::<u64>().read_volatile() }.to_ne_bytes())
    }

    /// Stores words in order of address, each by one instruction, alone or together with its neighbour.
    #[inline]
    pub(super) fn store(&mut self, at: WordAddr, words: &[Word]) {
        let to = self.place(at, words.len());
        // SAFETY: `to` leads to as many words (I3), aligned (I1), outside of `words` (I2).
        unsafe { put::<false>(words, at.in_line(), to) };
    }

    /// Stores one word, by one instruction.
    #[inline]
    pub(super) fn store_word(&mut self, at: WordAddr, word: Word) {
        let to = self.place(at, 1);
        // SAFETY: an aligned word of the mapping (I1, I3).
        unsafe { to.cast::<u64>().write_volatile(u64::from_ne_bytes(word.0)) };
    }

    /// Stores words around the cache: they are on their way to the memory, and the next fence of this
    /// thread waits for them.
    #[inline]
    pub(super) fn stream(&mut self, at: WordAddr, words: &[Word]) {
        let to = self.place(at, words.len());
        // SAFETY: as above.
        unsafe { put::<true>(words, at.in_line(), to) };
    }

    /// Begins the write-back of lines.
    #[inline]
    pub(super) fn write_back(&self, lines: Range<u64>, flush: Flush) {
        let from = self.place_of_lines(&lines);
        // SAFETY: the lines lie within the mapping (I3); the CPU has the instruction (I5).
        unsafe { flush.lines(from, (lines.end - lines.start) as usize) };
    }

    /// Has the kernel write the pages of these lines back, and waits for it.
    pub(super) fn msync(&self, lines: Range<u64>) -> Result<(), Errno> {
        let from = self.place_of_lines(&lines);
        let before = from.addr() % rustix::param::page_size();
        let bytes = before + (lines.end - lines.start) as usize * LINE;
        // SAFETY: rounded down to a page, still within the mapping (I1); what msync does to memory
        // is nothing.
        unsafe { rustix::mm::msync(from.sub(before).cast::<c_void>(), bytes, MsyncFlags::SYNC) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours (I1), and nothing leads into it any more (I2). It can fail only
        // for arguments that are not a mapping.
        let unmapped = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.bytes) };
        assert_eq!(unmapped, Ok(()), "a mapping can be unmapped");
    }
}

fn not_null(base: *mut c_void) -> NonNull<u8> {
    NonNull::new(base.cast()).expect("the kernel maps nothing at address 0 unless asked to")
}

/// Waits for the write-backs and non-temporal stores of this CPU.
#[inline]
pub(super) fn fence() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 has it; it changes nothing (I6).
    unsafe {
        std::arch::asm!("sfence", options(nostack, preserves_flags));
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

/// Whether there are instructions here that write lines back; without them only `msync` makes durable.
pub(super) const WRITES_BACK: bool = cfg!(all(target_arch = "x86_64", not(miri)));

/// A flush instruction that this CPU has (I5).
#[derive(Clone, Copy, Debug)]
pub(super) struct Flush(FlushInstruction);

impl Flush {
    /// If the CPU has it.
    pub(super) fn of(wanted: FlushInstruction) -> Option<Self> {
        let has = match wanted {
            FlushInstruction::Clwb => cpu_has(24),
            FlushInstruction::Clflushopt => cpu_has(23),
            FlushInstruction::Clflush => WRITES_BACK,
            FlushInstruction::None => true,
        };
        has.then_some(Self(wanted))
    }

    /// # Safety
    /// `from` is the start of a line, and as many lines are mapped.
    #[inline]
    unsafe fn lines(self, from: *const u8, count: usize) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            macro_rules! each_line {
                ($instruction:literal) => {
                    for n in 0..count {
                        // SAFETY: a line that is mapped, by the caller; (I5), (I6).
                        unsafe {
                            std::arch::asm!($instruction, in(reg) from.add(n * LINE),
                                options(nostack, preserves_flags));
                        }
                    }
                };
            }
            match self.0 {
                FlushInstruction::Clwb => each_line!("clwb [{}]"),
                FlushInstruction::Clflushopt => each_line!("clflushopt [{}]"),
                FlushInstruction::Clflush => each_line!("clflush [{}]"),
                FlushInstruction::None => {}
            }
        }
        #[cfg(any(not(target_arch = "x86_64"), miri))]
        let _ = (self.0, from, count);
    }
}

/// Whether a bit is set in what the CPU says of its structured extended features (leaf 7, EBX).
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn cpu_has(bit: u32) -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    #[allow(unused_unsafe, reason = "these two are unsafe functions before Rust 1.94")]
    // SAFETY: every x86-64 has the instruction.
    unsafe {
        __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx >> bit & 1 == 1
    }
}

#[cfg(any(not(target_arch = "x86_64"), miri))]
fn cpu_has(_: u32) -> bool {
    false
}

/// Stores words in order of address, whole lines 16 or 32 bytes at a time, the words before and after one
/// by one; around the cache or not. `in_line` is the first word's place in its line.
///
/// Not `memcpy`: that promises neither an order nor that a word is stored by one instruction.
///
/// # Safety
/// `to` leads to as many words that may be written, aligned to 8, and not into `words`.
#[inline]
unsafe fn put<const AROUND: bool>(words: &[Word], in_line: usize, to: *mut Word) {
    let before = ((WORDS - in_line) % WORDS).min(words.len());
    let (head, rest) = words.split_at(before);
    let (lines, tail) = rest.split_at(rest.len() / WORDS * WORDS);
    // SAFETY: the three parts of `words` go to three parts of the target, of which the middle one
    // begins with a line.
    unsafe {
        put_words::<AROUND>(head, to);
        put_lines::<AROUND>(lines, to.add(before));
        put_words::<AROUND>(tail, to.add(before + lines.len()));
    }
}

/// # Safety
/// As for [`put`].
#[inline]
unsafe fn put_words<const AROUND: bool>(words: &[Word], to: *mut Word) {
    for (n, word) in words.iter().enumerate() {
        let value = u64::from_ne_bytes(word.0);
        // SAFETY: by the caller; (I4), (I6). A volatile store of 8 aligned bytes is one instruction.
        unsafe {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            if AROUND {
                std::arch::asm!("movnti [{to}], {value}", to = in(reg) to.add(n),
                    value = in(reg) value, options(nostack, preserves_flags));
                continue;
            }
            to.add(n).cast::<u64>().write_volatile(value);
        }
    }
}

/// # Safety
/// As for [`put`]; whole lines, and `to` is the start of one.
#[inline]
unsafe fn put_lines<const AROUND: bool>(words: &[Word], to: *mut Word) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if words.len() >= WIDE && std::arch::is_x86_feature_detected!("avx") {
        // SAFETY: by the caller; the CPU has AVX (I5).
        unsafe { put_wide_lines::<AROUND>(words, to) };
    } else {
        // SAFETY: by the caller.
        unsafe { put_narrow_lines::<AROUND>(words, to) };
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    // SAFETY: by the caller.
    unsafe {
        put_words::<AROUND>(words, to);
    }
}

/// From so many words on a function call costs less than wide registers save: four lines.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const WIDE: usize = 4 * WORDS;

/// 32 bytes at a time: to the cache twice as fast as 16, around it by 7 in a hundred.
///
/// # Safety
/// As for [`put_lines`]; the CPU has AVX.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx")]
unsafe fn put_wide_lines<const AROUND: bool>(words: &[Word], to: *mut Word) {
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256};
    for (n, line) in words.chunks_exact(WORDS).enumerate() {
        // SAFETY: by the caller; both halves of a line are aligned to 32; (I4), (I6).
        unsafe {
            let from = line.as_ptr().cast::<__m256i>();
            let to = to.add(n * WORDS).cast::<__m256i>();
            let (low, high) = (_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1)));
            if AROUND {
                std::arch::asm!("vmovntdq [{to}], {low}", "vmovntdq [{to} + 32], {high}",
                    to = in(reg) to, low = in(ymm_reg) low, high = in(ymm_reg) high,
                    options(nostack, preserves_flags));
            } else {
                to.write_volatile(low);
                to.add(1).write_volatile(high);
            }
        }
    }
}

/// 16 bytes at a time, which every x86-64 can (SSE2).
///
/// # Safety
/// As for [`put_lines`].
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn put_narrow_lines<const AROUND: bool>(words: &[Word], to: *mut Word) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128};
    for (n, both) in words.chunks_exact(2).enumerate() {
        // SAFETY: by the caller; two words from an even one on are aligned to 16; (I4), (I6).
        unsafe {
            let to = to.add(n * 2).cast::<__m128i>();
            let both = _mm_loadu_si128(both.as_ptr().cast());
            if AROUND {
                std::arch::asm!("movntdq [{to}], {both}", to = in(reg) to,
                    both = in(xmm_reg) both, options(nostack, preserves_flags));
            } else {
                to.write_volatile(both);
            }
        }
    }
}
