//! The packed form: strings and numbers only, the strings borrowed. Each struct mirrors one of
//! [`crate::lecture`] or of the core; the fields are documented there.
//!
//! Every change here, the order of fields included, is another [`super::FORMAT_VERSION`].

use super::codec::packed;

/// Kind and name.
pub(super) type Landmark<'a> = (&'a str, &'a str);

packed! {
    /// What the bytes begin with.
    #[derive(PartialEq, Eq)]
    pub(super) struct Versions {
        pub(super) format: u32,
        pub(super) model: u32,
    }
}

packed! {
    pub(super) struct Lecture<'a> {
        pub(super) file: &'a str,
        pub(super) id: &'a str,
        pub(super) slug: &'a str,
        pub(super) question: &'a str,
        pub(super) teaches: &'a str,
        pub(super) status: &'a str,
        pub(super) rules: Vec<&'a str>,
        pub(super) claims: Vec<&'a str>,
        pub(super) sources: Vec<(&'a str, &'a str)>,
        pub(super) geometry: &'a str,
        pub(super) epoch: &'a str,
        pub(super) epochs: Vec<&'a str>,
        pub(super) variants: Vec<Variant<'a>>,
    }
}

packed! {
    pub(super) struct Variant<'a> {
        pub(super) name: &'a str,
        pub(super) title: &'a str,
        pub(super) status: &'a str,
        pub(super) sets: Vec<(&'a str, &'a str)>,
        /// Journal, goal, mounted, disk, other block size.
        pub(super) system: (Option<u32>, Option<u64>, bool, bool, (bool, bool)),
        pub(super) files: Vec<File<'a>>,
        /// Block and words.
        pub(super) contents: Vec<(u64, Vec<u64>)>,
        pub(super) programs: Vec<Program<'a>>,
        pub(super) schedule: Vec<Segment<'a>>,
        pub(super) cuts: Vec<(&'a str, Moment<'a>)>,
        pub(super) sentences: Vec<Sentence<'a>>,
        pub(super) predictions: Vec<Prediction<'a>>,
        pub(super) expects: Vec<Expect<'a>>,
    }
}

packed! {
    pub(super) struct File<'a> {
        pub(super) ino: u32,
        pub(super) name: &'a str,
        pub(super) directory: bool,
        pub(super) absent: bool,
        pub(super) dax: bool,
        pub(super) pages: u64,
        pub(super) blocks: Vec<Option<u64>>,
        pub(super) indirect: Option<u64>,
    }
}

packed! {
    pub(super) struct Program<'a> {
        pub(super) name: &'a str,
        pub(super) cpu: u8,
        pub(super) boot: bool,
        pub(super) ops: Vec<Op<'a>>,
    }
}

packed! {
    /// An operation by its word in lecture files; what it has no use for is 0. A block of the device is
    /// its `index`.
    #[derive(Default)]
    pub(super) struct Op<'a> {
        pub(super) op: &'a str,
        pub(super) ino: u32,
        pub(super) index: u64,
        pub(super) word: u16,
        pub(super) words: Vec<u64>,
        /// Pages: a size or how many.
        pub(super) count: u64,
        /// A name.
        pub(super) name: String,
    }
}

packed! {
    /// A thread's, or without one the hardware's.
    pub(super) struct Segment<'a> {
        pub(super) thread: Option<u8>,
        pub(super) until: Vec<Landmark<'a>>,
        pub(super) line: u64,
        /// A block and its mapping: a file, or 0 for the device.
        pub(super) complete: Option<(u64, u32)>,
        /// Lines and the stores that they keep in a power cut, if it is one; the survivor is in `place`.
        pub(super) power_cut: Option<Vec<(u64, u32)>>,
        pub(super) place: &'a str,
    }
}

packed! {
    pub(super) struct Moment<'a> {
        pub(super) at: Vec<Landmark<'a>>,
        pub(super) thread: Option<u8>,
        pub(super) nth: u32,
        pub(super) last: bool,
    }
}

packed! {
    pub(super) struct Sentence<'a> {
        pub(super) moment: Moment<'a>,
        pub(super) epochs: Vec<&'a str>,
        /// Empty for any.
        pub(super) verdict: &'a str,
        pub(super) text: &'a str,
    }
}

packed! {
    pub(super) struct Prediction<'a> {
        pub(super) moment: Moment<'a>,
        pub(super) epochs: Vec<&'a str>,
        pub(super) ask: &'a str,
        pub(super) about: Landmark<'a>,
        pub(super) answers: Vec<&'a str>,
    }
}

packed! {
    pub(super) struct Expect<'a> {
        pub(super) epochs: Vec<&'a str>,
        pub(super) verdicts: Vec<&'a str>,
        pub(super) breaks: Vec<&'a str>,
        pub(super) basis: &'a str,
        pub(super) because: &'a str,
        pub(super) reads: Vec<(u8, Vec<&'a str>)>,
        pub(super) images: Vec<(&'a str, u64)>,
        /// File, page and tags.
        pub(super) tags: Vec<(u32, u64, &'a str)>,
        pub(super) counts: Vec<(Landmark<'a>, u64)>,
        pub(super) unreachable: Vec<&'a str>,
    }
}

/// The words of [`Op::op`], as lecture files have them.
pub(super) mod op {
    pub(in crate::pack) const MMAP: &str = "mmap";
    pub(in crate::pack) const LOAD: &str = "load";
    pub(in crate::pack) const STORE: &str = "store";
    pub(in crate::pack) const CLWB: &str = "clwb";
    pub(in crate::pack) const SFENCE: &str = "sfence";
    pub(in crate::pack) const WRITE: &str = "write";
    pub(in crate::pack) const READ: &str = "read";
    pub(in crate::pack) const RAW_MMAP: &str = "raw-mmap";
    pub(in crate::pack) const RAW_LOAD: &str = "raw-load";
    pub(in crate::pack) const RAW_STORE: &str = "raw-store";
    pub(in crate::pack) const RAW_WRITE: &str = "raw-write";
    pub(in crate::pack) const RAW_READ: &str = "raw-read";
    pub(in crate::pack) const RAW_FSYNC: &str = "raw-fsync";
    pub(in crate::pack) const FSYNC: &str = "fsync";
    pub(in crate::pack) const MSYNC: &str = "msync";
    pub(in crate::pack) const SYNC: &str = "sync";
    pub(in crate::pack) const PERIODIC_WRITEBACK: &str = "periodic-writeback";
    pub(in crate::pack) const INVALIDATE_BDEV: &str = "invalidate-bdev";
    pub(in crate::pack) const FADVISE_DONTNEED: &str = "fadvise-dontneed";
    pub(in crate::pack) const PARTITION_READ: &str = "partition-read";
    pub(in crate::pack) const MMAP_SYNC: &str = "mmap-sync";
    pub(in crate::pack) const CREATE: &str = "create";
    pub(in crate::pack) const UNLINK: &str = "unlink";
    pub(in crate::pack) const RENAME: &str = "rename";
    pub(in crate::pack) const TRUNCATE: &str = "truncate";
    pub(in crate::pack) const PUNCH_HOLE: &str = "punch-hole";
    pub(in crate::pack) const COLLAPSE_RANGE: &str = "collapse-range";
    pub(in crate::pack) const FDATASYNC: &str = "fdatasync";
    pub(in crate::pack) const COMMIT: &str = "commit";
    pub(in crate::pack) const CHECKPOINT: &str = "checkpoint";
    pub(in crate::pack) const MOUNT: &str = "mount";
    pub(in crate::pack) const UMOUNT: &str = "umount";
    pub(in crate::pack) const FSCK: &str = "fsck";
}
