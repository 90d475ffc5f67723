//! PMDK's libpmem and libpmemlog, loaded when the benchmark runs.
//!
//! The one place of the benchmark that needs `unsafe`: calls into C. Each block says why it holds.
#![allow(unsafe_code, reason = "functions of C libraries, loaded at run time")]

use super::{LogPeer, Record};
use anyhow::{Context, Result, bail};
use libloading::{Library, Symbol};
use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;

/// The file name of libpmem.
pub const LIBPMEM: &str = "libpmem.so.1";
/// The file name of libpmemlog.
pub const LIBPMEMLOG: &str = "libpmemlog.so.1";

/// `PMEM_FILE_CREATE`.
const FILE_CREATE: c_int = 1;
/// Who may read the files: their owner.
const MODE: u32 = 0o600;

/// Has the libraries flush lines on every mapping, as our medium does, instead of calling msync where
/// they are not sure that it is persistent memory. Before they are loaded first.
pub fn treat_files_as_pmem() {
    // SAFETY: the benchmark calls it before it measures anything; no other thread is there yet that
    // could read the environment.
    unsafe { std::env::set_var("PMEM_IS_PMEM_FORCE", "1") }
}

/// Loads a library; `None` if the machine has none.
fn load(name: &str) -> Option<Library> {
    // SAFETY: the initialisers of these two libraries read the environment and the processor's
    // features and have no other precondition.
    unsafe { Library::new(name) }.ok()
}

/// Whether the machine has a library.
#[must_use]
pub fn has(name: &str) -> bool {
    load(name).is_some()
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).context("a path with a zero byte")
}

/// A file mapped by libpmem, and the functions that make stores to it durable.
pub struct Mapped {
    base: NonNull<u8>,
    len: usize,
    persist: unsafe extern "C" fn(*const c_void, usize),
    flush: unsafe extern "C" fn(*const c_void, usize),
    drain: unsafe extern "C" fn(),
    memcpy_persist: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void,
    unmap: unsafe extern "C" fn(*mut c_void, usize) -> c_int,
    /// Dropped last: the functions above are its.
    _library: Library,
}

impl Mapped {
    /// Creates and maps a file of `len` bytes; `None` if the machine has no libpmem.
    ///
    /// # Errors
    /// If it cannot be mapped.
    pub fn create(path: &Path, len: usize) -> Result<Option<Self>> {
        let Some(library) = load(LIBPMEM) else {
            return Ok(None);
        };
        type MapFile = unsafe extern "C" fn(
            *const c_char,
            usize,
            c_int,
            u32,
            *mut usize,
            *mut c_int,
        ) -> *mut c_void;
        let name = c_path(path)?;
        let (mut mapped, mut is_pmem) = (0, 0);
        // SAFETY: the types are those of libpmem.h (1.12): a zero-terminated path and two places
        // for results, all of which live until the call returns.
        let base = unsafe {
            let map_file: Symbol<'_, MapFile> = library.get(b"pmem_map_file\0")?;
            map_file(name.as_ptr(), len, FILE_CREATE, MODE, &raw mut mapped, &raw mut is_pmem)
        };
        let Some(base) = NonNull::new(base.cast::<u8>()) else {
            bail!("libpmem cannot map {}: {}", path.display(), std::io::Error::last_os_error());
        };
        // SAFETY: names and types are those of libpmem.h (1.12). They are used while the library
        // is loaded: it is dropped with them.
        unsafe {
            Ok(Some(Self {
                base,
                len: mapped,
                persist: *library.get(b"pmem_persist\0")?,
                flush: *library.get(b"pmem_flush\0")?,
                drain: *library.get(b"pmem_drain\0")?,
                memcpy_persist: *library.get(b"pmem_memcpy_persist\0")?,
                unmap: *library.get(b"pmem_unmap\0")?,
                _library: library,
            }))
        }
    }

    /// The address of `len` bytes from `at` on.
    fn at(&self, at: usize, len: usize) -> *mut u8 {
        let end = at.checked_add(len).expect("an offset into a file");
        assert!(end <= self.len, "{end} is past the end of the mapping, {}", self.len);
        // SAFETY: within the mapping, as just seen.
        unsafe { self.base.as_ptr().add(at) }
    }

    /// Stores eight bytes; nothing is durable yet.
    pub fn store(&mut self, at: usize, value: u64) {
        assert!(at.is_multiple_of(8), "words are aligned");
        let to = self.at(at, 8).cast::<u64>();
        // SAFETY: aligned and within the mapping, which nobody else uses while `self` is borrowed.
        unsafe { to.write_volatile(value) }
    }

    /// `pmem_persist`: the bytes are written back and fenced.
    pub fn persist(&mut self, at: usize, len: usize) {
        let from = self.at(at, len);
        // SAFETY: within the mapping.
        unsafe { (self.persist)(from.cast(), len) }
    }

    /// `pmem_flush`: the bytes are written back, without a fence.
    pub fn flush(&mut self, at: usize, len: usize) {
        let from = self.at(at, len);
        // SAFETY: within the mapping.
        unsafe { (self.flush)(from.cast(), len) }
    }

    /// `pmem_drain`: the fence.
    pub fn drain(&mut self) {
        // SAFETY: no precondition.
        unsafe { (self.drain)() }
    }

    /// `pmem_memcpy_persist`: copies the bytes and makes them durable.
    pub fn memcpy_persist(&mut self, at: usize, bytes: &[u8]) {
        let to = self.at(at, bytes.len());
        // SAFETY: `to` is within the mapping, which no Rust reference leads to; so the two do not
        // overlap.
        unsafe {
            (self.memcpy_persist)(to.cast(), bytes.as_ptr().cast(), bytes.len());
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: what `pmem_map_file` gave, once.
        unsafe {
            (self.unmap)(self.base.as_ptr().cast(), self.len);
        }
    }
}

/// A log of libpmemlog.
pub struct Log {
    pool: NonNull<c_void>,
    append: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> c_int,
    rewind: unsafe extern "C" fn(*mut c_void),
    close: unsafe extern "C" fn(*mut c_void),
    _library: Library,
}

/// The size of a log, in bytes.
const LOG_LEN: usize = 16 << 20;

impl Log {
    /// Creates a log; `None` if the machine has no libpmemlog.
    ///
    /// # Errors
    /// If it cannot be created, or a record of `record_len` bytes is too long for it.
    pub fn create(path: &Path, record_len: usize) -> Result<Option<Self>> {
        let Some(library) = load(LIBPMEMLOG) else {
            return Ok(None);
        };
        if record_len > LOG_LEN / 4 {
            bail!("a record of {record_len} bytes is too long for the log of {LOG_LEN}");
        }
        type Create = unsafe extern "C" fn(*const c_char, usize, u32) -> *mut c_void;
        let name = c_path(path)?;
        // SAFETY: the types are those of libpmemlog.h (1.12); the path lives until the call
        // returns.
        let pool = unsafe {
            let create: Symbol<'_, Create> = library.get(b"pmemlog_create\0")?;
            create(name.as_ptr(), LOG_LEN, MODE)
        };
        let Some(pool) = NonNull::new(pool) else {
            let why = std::io::Error::last_os_error();
            bail!("libpmemlog cannot create {}: {why}", path.display());
        };
        // SAFETY: names and types are those of libpmemlog.h (1.12); dropped with the library.
        unsafe {
            Ok(Some(Self {
                pool,
                append: *library.get(b"pmemlog_append\0")?,
                rewind: *library.get(b"pmemlog_rewind\0")?,
                close: *library.get(b"pmemlog_close\0")?,
                _library: library,
            }))
        }
    }

    /// Appends; `false` if the log is full.
    fn append(&mut self, record: &[u8]) -> bool {
        // SAFETY: an open pool and as many bytes as it is told.
        let result =
            unsafe { (self.append)(self.pool.as_ptr(), record.as_ptr().cast(), record.len()) };
        result == 0
    }
}

impl LogPeer for Log {
    fn name(&self) -> String {
        "libpmemlog".into()
    }

    fn commit(&mut self, record: &Record) -> Result<()> {
        if self.append(record.bytes()) {
            return Ok(());
        }
        // SAFETY: an open pool.
        unsafe { (self.rewind)(self.pool.as_ptr()) }
        if self.append(record.bytes()) {
            return Ok(());
        }
        bail!("pmemlog_append: {}", std::io::Error::last_os_error())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // SAFETY: an open pool, closed once.
        unsafe { (self.close)(self.pool.as_ptr()) }
    }
}
