//! What one step of a recovery did.

use crate::jbd::format::NotControl;
use crate::units::{BlockNr, Tid, Word};
use alloc::vec::Vec;

/// One observable action of a [`Recovery`](super::Recovery). Blocks are blocks of the device.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RecoveryStep {
    /// SCAN looked at a control block and goes on behind it and its copies.
    Scanned {
        /// The control block.
        at: BlockNr,
        /// Its transaction.
        tid: Tid,
        /// What it is.
        found: Found,
    },
    /// SCAN has found the end of the log; nothing from here on counts.
    ScanEnded {
        /// Where it stopped: a block that is not the next control block.
        at: BlockNr,
        /// The first transaction without a valid commit block.
        end: Tid,
        /// Why the log ends here.
        why: End,
    },
    /// REVOKE took in a revoke block.
    Revoked {
        /// The revoke block.
        at: BlockNr,
        /// Its transaction.
        tid: Tid,
        /// The blocks that it revokes, as the block lists them.
        blocks: Vec<BlockNr>,
    },
    /// REVOKE has come to the end of the log.
    RevokeEnded {
        /// How many different blocks are revoked.
        revoked: u32,
    },
    /// REPLAY has a block to go home. The caller must write it: `words` are the contents.
    Replayed {
        /// Where it belongs.
        home: BlockNr,
        /// Where its copy stands in the log.
        from: BlockNr,
        /// The transaction that logged it.
        tid: Tid,
        /// What to write, no longer escaped.
        words: Vec<Word>,
    },
    /// REPLAY leaves a logged block alone.
    Skipped {
        /// Where it would belong.
        home: BlockNr,
        /// Where its copy stands in the log.
        from: BlockNr,
        /// The transaction that logged it.
        tid: Tid,
        /// Why it must not go home.
        why: Skip,
    },
    /// The log is replayed. Once everything written has been made durable, the log may be marked
    /// clean, with `next` as its sequence; but not if something was damaged: the mount fails then
    /// and the log stays as it is.
    Done {
        /// The number of the next transaction.
        next: Tid,
        /// How many logged blocks should have gone home and could not.
        damaged: u32,
    },
    /// The log cannot be trusted; recovery gives up, and so does the mount.
    Failed {
        /// The block at fault, or the commit block that makes it count.
        at: BlockNr,
        /// Its transaction.
        tid: Tid,
        /// What is wrong.
        why: NotControl,
    },
}

/// What SCAN found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Found {
    /// A descriptor block, followed by so many copies.
    Descriptor {
        /// How many.
        copies: u32,
    },
    /// A descriptor block with a wrong checksum, which seems to be followed by so many copies.
    BadDescriptor {
        /// How many.
        copies: u32,
    },
    /// A revoke block.
    Revoke,
    /// A valid commit block.
    Commit,
}

impl Found {
    /// How many copies follow.
    #[must_use]
    pub const fn copies(self) -> u32 {
        match self {
            Self::Descriptor { copies } | Self::BadDescriptor { copies } => copies,
            Self::Revoke | Self::Commit => 0,
        }
    }
}

/// Why SCAN ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum End {
    /// The block there is not a valid control block of the expected transaction.
    Block(NotControl),
    /// The whole ring has been looked at.
    WentAround,
}

/// Why REPLAY skipped a logged block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Skip {
    /// It was revoked, last by this transaction, which is the block's own or a later one.
    Revoked {
        /// The last transaction that revoked it.
        by: Tid,
    },
    /// The copy does not match the checksum in its tag.
    BadChecksum,
    /// Its home is off the device or inside the journal.
    NoHome,
}
