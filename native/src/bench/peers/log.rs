//! Logs and stores, all of which take records and promise that each survives.
//!
//! Each is set up to be durable at every commit, and otherwise as it comes. Where a peer is a store
//! and no log, a commit puts one record under one of [`KEYS`] keys in turn, so that it does not
//! grow for as long as it is measured.

use super::{LogPeer, Record, pmdk};
use crate::bench::Subject;
use crate::pmem::{Options, PmemMedium};
use anyhow::Result;
use daxscope_core::medium::Medium;
use daxscope_core::units::{Cpu, WordAddr};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How many keys a store's commits go round.
pub const KEYS: u64 = 256;

/// Whose write-backs and fences they are.
const CPU: Cpu = Cpu(0);

/// Every peer that this build and this machine have, each with its files in a folder of its own in
/// `dir`. A record will have `record_len` bytes.
///
/// # Errors
/// If one that is there cannot be set up.
pub fn all(dir: &Path, record_len: usize) -> Result<Vec<Box<dyn LogPeer>>> {
    let folder = |name: &str| -> Result<_> {
        let folder = dir.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let mut peers: Vec<Box<dyn LogPeer>> = vec![
        Box::new(Bare::new(&folder("bare")?.join("log"))?),
        Box::new(Append::new(&folder("append")?)?),
    ];
    if let Some(log) = pmdk::Log::create(&folder("pmemlog")?.join("log"), record_len)? {
        peers.push(Box::new(log));
    }
    #[cfg(feature = "peers")]
    {
        peers.push(Box::new(crates::Sqlite::new(&folder("sqlite")?)?));
        peers.push(Box::new(crates::Redb::new(&folder("redb")?)?));
        peers.push(Box::new(crates::Fjall::new(&folder("fjall")?)?));
        peers.push(Box::new(crates::Okaywal::new(&folder("okaywal")?)?));
    }
    Ok(peers)
}

/// A side of a case whose run commits the record `commits` times; its answer is `commits`.
#[must_use]
pub fn commits(peer: Box<dyn LogPeer>, record: Record, commits: u64) -> Box<dyn Subject> {
    Box::new(Commits { peer, record, commits })
}

struct Commits {
    peer: Box<dyn LogPeer>,
    record: Record,
    commits: u64,
}

impl Subject for Commits {
    fn run(&mut self) -> Result<u64> {
        for _ in 0..self.commits {
            self.peer.commit(&self.record)?;
        }
        Ok(self.commits)
    }
}

/// The limit: the bytes stored to the mapping, their lines written back, one fence. No log could be
/// read back from it.
pub struct Bare {
    medium: PmemMedium,
    at: u64,
}

impl Bare {
    fn new(path: &Path) -> Result<Self> {
        let medium = PmemMedium::create(path, &Options::new(LOG_LEN))?;
        Ok(Self { medium, at: 0 })
    }
}

impl LogPeer for Bare {
    fn name(&self) -> String {
        "bare copy, write-back, fence".into()
    }

    fn commit(&mut self, record: &Record) -> Result<()> {
        let words = record.words();
        if self.at + words.len() as u64 > self.medium.words() {
            self.at = 0;
        }
        self.medium.store_nt(CPU, WordAddr(self.at), words);
        self.medium.fence(CPU);
        self.at += words.len() as u64;
        Ok(())
    }
}

/// An ordinary file: write(2) at its end, then fdatasync(2). It begins again at its start from time
/// to time, so that it does not grow for as long as it is measured.
pub struct Append {
    file: File,
    at: u64,
}

/// Where [`Bare`] and [`Append`] begin again, in bytes.
const LOG_LEN: u64 = 16 << 20;

impl Append {
    fn new(folder: &Path) -> Result<Self> {
        let file = File::create_new(folder.join("log"))?;
        // Written once, so that no commit pays for blocks to be allocated.
        file.write_all_at(&vec![0; LOG_LEN as usize], 0)?;
        file.sync_all()?;
        Ok(Self { file, at: 0 })
    }
}

impl LogPeer for Append {
    fn name(&self) -> String {
        "write + fdatasync".into()
    }

    fn commit(&mut self, record: &Record) -> Result<()> {
        if self.at + record.bytes().len() as u64 > LOG_LEN {
            self.at = 0;
        }
        self.file.write_all_at(record.bytes(), self.at)?;
        self.file.sync_data()?;
        self.at += record.bytes().len() as u64;
        Ok(())
    }
}

/// Peers from other crates.
#[cfg(feature = "peers")]
mod crates {
    use super::{KEYS, LogPeer, Record};
    use anyhow::Result;
    use std::path::Path;

    /// SQLite, write-ahead log, synchronous=FULL: one row a commit.
    pub(super) struct Sqlite {
        connection: rusqlite::Connection,
        next: u64,
    }

    impl Sqlite {
        pub(super) fn new(folder: &Path) -> Result<Self> {
            let connection = rusqlite::Connection::open(folder.join("db"))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, record BLOB)", ())?;
            Ok(Self { connection, next: 0 })
        }
    }

    impl LogPeer for Sqlite {
        fn name(&self) -> String {
            "SQLite WAL, synchronous=FULL".into()
        }

        fn commit(&mut self, record: &Record) -> Result<()> {
            let mut put = self.connection.prepare_cached("REPLACE INTO records VALUES (?1, ?2)")?;
            put.execute((self.next as i64, record.bytes()))?;
            self.next = (self.next + 1) % KEYS;
            Ok(())
        }
    }

    /// redb, durability immediate.
    pub(super) struct Redb {
        database: redb::Database,
        next: u64,
    }

    const TABLE: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("records");

    impl Redb {
        pub(super) fn new(folder: &Path) -> Result<Self> {
            Ok(Self { database: redb::Database::create(folder.join("db"))?, next: 0 })
        }
    }

    impl LogPeer for Redb {
        fn name(&self) -> String {
            "redb, durable".into()
        }

        fn commit(&mut self, record: &Record) -> Result<()> {
            let transaction = self.database.begin_write()?;
            transaction.open_table(TABLE)?.insert(self.next, record.bytes())?;
            transaction.commit()?;
            self.next = (self.next + 1) % KEYS;
            Ok(())
        }
    }

    /// fjall, persisted with fdatasync.
    pub(super) struct Fjall {
        database: fjall::Database,
        records: fjall::Keyspace,
        next: u64,
    }

    impl Fjall {
        pub(super) fn new(folder: &Path) -> Result<Self> {
            let database = fjall::Database::builder(folder).open()?;
            let records = database.keyspace("records", fjall::KeyspaceCreateOptions::default)?;
            Ok(Self { database, records, next: 0 })
        }
    }

    impl LogPeer for Fjall {
        fn name(&self) -> String {
            "fjall, SyncData".into()
        }

        fn commit(&mut self, record: &Record) -> Result<()> {
            self.records.insert(self.next.to_be_bytes(), record.bytes())?;
            self.database.persist(fjall::PersistMode::SyncData)?;
            self.next = (self.next + 1) % KEYS;
            Ok(())
        }
    }

    /// okaywal: one entry with one chunk a commit.
    pub(super) struct Okaywal(okaywal::WriteAheadLog);

    impl Okaywal {
        pub(super) fn new(folder: &Path) -> Result<Self> {
            Ok(Self(okaywal::WriteAheadLog::recover(folder, okaywal::LogVoid)?))
        }
    }

    impl LogPeer for Okaywal {
        fn name(&self) -> String {
            "okaywal".into()
        }

        fn commit(&mut self, record: &Record) -> Result<()> {
            let mut entry = self.0.begin_entry()?;
            entry.write_chunk(record.bytes())?;
            entry.commit()?;
            Ok(())
        }
    }
}
