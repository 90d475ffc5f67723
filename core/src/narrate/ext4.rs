//! Sentences about metadata, the journal, and mounts.

use super::{Teller, listed, plural};
use crate::config::MetadataInDax;
use crate::fs::Problem;
use crate::jbd::recover::{End, Found, RecoveryStep, Skip};
use crate::machine::frame::{Edit, LogWrite, UndoAt};
use crate::machine::{Call, Errno, Event, Forgot};
use crate::medium::Medium;
use crate::units::{BlockNr, PageIndex, Tid};
use alloc::format;
use alloc::string::{String, ToString};

impl<M: Medium, const FAN: usize> Teller<'_, M, FAN> {
    /// What the file system and its journal do.
    #[cfg(feature = "ext4")]
    pub(super) fn tell_ext4(&self, event: &Event) -> Option<String> {
        self.tell_metadata(event)
            .or_else(|| self.tell_journal(event))
            .or_else(|| self.tell_mount(event))
    }

    /// A build without them has nothing to tell of them.
    #[cfg(not(feature = "ext4"))]
    pub(super) fn tell_ext4(&self, _: &Event) -> Option<String> {
        None
    }

    /// A call that failed.
    pub(super) fn tell_failure(&self, event: &Event) -> Option<String> {
        let Event::CallReturned { call, ino, result: Err(error) } = event else { return None };
        let of = ino.map(|ino| format!("({})", self.machine.file_name(ino)));
        let (of, error) = (of.unwrap_or_default(), error.name());
        Some(format!("{}{of} fails with {error} for {}.", call.name(), self.who))
    }

    /// Buffers, edits and the allocator.
    fn tell_metadata(&self, event: &Event) -> Option<String> {
        let who = &self.who;
        Some(match event {
            Event::GetblkRetries { block } => format!(
                "A DAX entry is where the page of {block} belongs: __getblk gets EINVAL and tries again, for ever."
            ),
            Event::AliasCleaned { block, found: false, .. } => {
                format!(
                    "{who} looks for a buffer of {block} in the device's mapping: there is none."
                )
            }
            Event::AliasCleaned { block, was_dirty: true, .. } => format!(
                "The stale buffer of {block} loses its Dirty flag: the flusher will not write it."
            ),
            Event::AliasCleaned { block, .. } => {
                format!("The device has a buffer of {block}, but it is not Dirty: nothing to do.")
            }
            Event::OtherBufferDirtied { block } => {
                format!("{who} has dirtied the page of {block}, and so this buffer as well.")
            }
            Event::DirtyBufferSpotted { block } => {
                format!("jbd2 spots its buffer of {block} dirty: it warns, and takes it back.")
            }
            Event::BioSubmitted { mapping, index, block } => {
                let page = self.slot(*mapping, *index);
                format!(
                    "{who} submits the write of {page} to {block}: the disk does it when it likes."
                )
            }
            Event::FreshPageRead { block } => {
                format!("{who} reads {block} into a page of its own, which no tree holds.")
            }
            Event::BlockZeroed { block, fenced } => {
                let safe = if *fenced { "durably" } else { "not durable yet" };
                format!("{who} zeroes the new block {block} in persistent memory, {safe}.")
            }
            Event::PutBack { blocks } if blocks.is_empty() => {
                format!("{who} clears the undo record and fences: nothing is left to undo.")
            }
            Event::PutBack { blocks } => {
                let blocks = listed(blocks.iter().map(ToString::to_string));
                format!("{who} puts the old {blocks} back and fences: the operation is undone.")
            }
            Event::UndoLogged { at, blocks } => self.tell_undo(*at, blocks),
            Event::MetadataChanged { block, edit, tid } => self.tell_edit(*block, edit, *tid),
            Event::Forgot { block, forgot, revoked } => {
                let page = self.machine.bdev.mapping.find_get_page(PageIndex(block.0));
                let under_way = page.is_some_and(|page| page.writeback);
                tell_forgot(*block, *forgot, *revoked, under_way)
            }
            Event::CacheTruncated { ino, indices, unmapped, .. } => {
                let name = self.machine.file_name(*ino);
                let dropped = plural(indices.len() as u64, "slot");
                let ptes = plural(*unmapped as u64, "PTE");
                format!("{who} drops what is cached of {name}: {dropped} of its tree, {ptes}.")
            }
            Event::CallReturned { call: Call::Fdatasync, ino: Some(ino), .. } => {
                let name = self.machine.file_name(*ino);
                format!(
                    "fdatasync({name}) returns to {who}: the data of {name} is promised to survive."
                )
            }
            _ => return None,
        })
    }

    fn tell_undo(&self, at: UndoAt, blocks: &[BlockNr]) -> String {
        let (who, blocks) = (&self.who, listed(blocks.iter().map(ToString::to_string)));
        match at {
            UndoAt::Images => format!("{who} copies the old {blocks} to the log and fences."),
            UndoAt::Record => {
                format!(
                    "{who} fences the undo record: from now on a power cut undoes the operation."
                )
            }
            UndoAt::Flush => format!("{who} writes {blocks} back and fences."),
            UndoAt::Clear => {
                format!("{who} clears the undo record and fences: the operation stands.")
            }
        }
    }

    /// Where an edit of metadata goes.
    fn metadata_place(&self) -> &'static str {
        match self.machine.semantics.metadata_in_dax() {
            Ok(MetadataInDax::Yes) => "in place",
            Ok(MetadataInDax::Flushed) => "in place and fenced",
            _ => "in DRAM",
        }
    }

    fn tell_edit(&self, block: BlockNr, edit: &Edit, tid: Option<Tid>) -> String {
        let whose = tid.map_or_else(|| self.who.clone(), |tid| tid.to_string());
        let name = |ino| self.machine.file_name(ino);
        match edit {
            Edit::Inode(ino) => {
                let place = self.metadata_place();
                format!(
                    "{whose} copies the inode of {} to the inode table {block}, {place}.",
                    name(*ino)
                )
            }
            Edit::ClearInode { ino, .. } => {
                format!("{whose} frees the inode of {} in the inode table {block}.", name(*ino))
            }
            Edit::Use(used) => {
                let place = self.metadata_place();
                format!("{whose} sets the bit of {used} in the bitmap {block}, {place}: in use.")
            }
            Edit::Free { block: freed, .. } => {
                let place = self.metadata_place();
                format!("{whose} clears the bit of {freed} in the bitmap {block}, {place}: free.")
            }
            Edit::Forget(_) => format!("{whose} forgets {block}."),
            Edit::Zero(_) => {
                let place = self.metadata_place();
                format!("{whose} makes {block} a fresh metadata block: all zeros, {place}.")
            }
            Edit::ZeroPage { dir, .. } => {
                format!("{whose} makes a fresh page of directory {}.", name(*dir))
            }
            Edit::Pointer { slot, to: Some(to), .. } => {
                format!("{whose} sets pointer {slot} of {block} to {to}.")
            }
            Edit::Pointer { slot, to: None, .. } => {
                format!("{whose} clears pointer {slot} of {block}.")
            }
            Edit::AddEntry { name: entry, ino, .. } => {
                format!("{whose} adds the name {entry} for {ino} to the directory in {block}.")
            }
            Edit::RemoveEntry { name: entry, .. } => {
                format!("{whose} removes the name {entry} from the directory in {block}.")
            }
        }
    }

    /// Handles, commits and checkpoints.
    fn tell_journal(&self, event: &Event) -> Option<String> {
        let who = &self.who;
        Some(match event {
            Event::HandleStarted { tid } => format!("{who} opens a handle of transaction {tid}."),
            Event::HandleStopped { tid } => format!("{who} closes its handle of {tid}."),
            Event::Frozen { block } => {
                format!("The committing transaction keeps a frozen copy of {block}.")
            }
            Event::RevokeCancelled { block } => {
                format!("{block} is metadata again: its revoke record is taken back.")
            }
            Event::TransactionLocked { tid, updates: 0 } => {
                format!("{tid} is locked: it takes no new handle, and none is open.")
            }
            Event::TransactionLocked { tid, updates } => {
                let handles = plural(u64::from(*updates), "handle");
                format!("{tid} is locked; {who} waits for {handles} to close.")
            }
            Event::TransactionSwitched { tid } => {
                format!("{tid} is the committing transaction now; a new one may run.")
            }
            Event::LogWritten { what, tid, block, fenced, .. } => {
                let safe = if *fenced { ", fenced at once" } else { "" };
                match what {
                    LogWrite::Descriptor => {
                        format!("{tid}: a descriptor block goes to the log at {block}{safe}.")
                    }
                    LogWrite::Copy(home) => {
                        format!("{tid}: a copy of {home} goes to the log at {block}{safe}.")
                    }
                    LogWrite::Revoke => {
                        format!("{tid}: a revoke block goes to the log at {block}{safe}.")
                    }
                    LogWrite::Commit => {
                        format!("{tid}: the commit block goes to the log at {block}{safe}.")
                    }
                    LogWrite::Superblock => {
                        format!(
                            "The journal superblock {block} is written: the log begins with {tid}{safe}."
                        )
                    }
                }
            }
            Event::CopiesWritten { tid, blocks } => {
                let blocks = listed(blocks.iter().map(BlockNr::to_string));
                format!(
                    "{tid}: the copies of {blocks} are in the log; their buffers may change again."
                )
            }
            Event::BufferReleased { block, tid, to_checkpoint, next } => {
                match (to_checkpoint, next) {
                    (_, Some(next)) => format!("{tid} hands the buffer of {block} to {next}."),
                    (true, None) => format!(
                        "{block} is ordinary dirty now: the flusher may write it home; it waits for {tid}'s checkpoint."
                    ),
                    (false, None) => {
                        format!("{tid} drops the buffer of {block}: nothing is left to write.")
                    }
                }
            }
            Event::Committed { tid, freed } if freed.is_empty() => {
                format!("The commit of {tid} has ended.")
            }
            Event::Committed { tid, freed } => {
                let freed = listed(freed.iter().map(BlockNr::to_string));
                format!("The commit of {tid} has ended; {freed} may be given out again.")
            }
            Event::Checkpointed { block } => {
                format!("{block} is home: it leaves its checkpoint list.")
            }
            Event::TailMoved { tid, freed, .. } => {
                let freed = plural(u64::from(*freed), "log block");
                format!("The tail of the log moves to {tid}: {freed} free again.")
            }
            _ => return None,
        })
    }

    /// Mounts and recovery.
    fn tell_mount(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::NotMapped { .. } => {
                format!("{} uses memory that nothing is mapped to: SIGSEGV.", self.who)
            }
            Event::SDaxCleared => {
                "The mount clears S_DAX of the device's inode; what its tree holds stays."
                    .to_string()
            }
            Event::BdevPurged { indices, dirty, unmapped } => {
                let slots = plural(indices.len() as u64, "slot");
                let ptes = plural(*unmapped, "PTE");
                format!(
                    "All {slots} of the device's mapping are dropped, {dirty} of them dirty, with {ptes}."
                )
            }
            Event::Mounted => "The file system is mounted: its inodes are in memory.".to_string(),
            Event::Unmounted { indices } => {
                let pages = plural(indices.len() as u64, "clean page");
                format!("The file system is unmounted; {pages} of the device are dropped.")
            }
            Event::PowerCut { lost, .. } => tell_power_cut(lost.len()),
            Event::Fsck { problems, unrecovered } => tell_fsck(problems, *unrecovered),
            Event::Recovering { step } => tell_recovery(step),
            _ => return None,
        })
    }
}

fn tell_forgot(block: BlockNr, forgot: Forgot, revoked: Option<Tid>, under_way: bool) -> String {
    let revoked = revoked.map_or(String::new(), |tid| format!(" {tid} revokes the block."));
    let what = match forgot {
        Forgot::NoBuffer => format!("{block} is freed; it has no buffer."),
        Forgot::Bforget => format!("{block} is freed: its buffer is not Dirty any more."),
        Forgot::LeftAlone => format!("{block} is freed, and nobody forgets its buffer."),
        Forgot::Running => format!("{block} is freed: the running transaction drops its buffer."),
        Forgot::CommittingKept => {
            format!("{block} is freed, but the committing transaction keeps its buffer JBDDirty.")
        }
        Forgot::CommittingFreed => {
            format!("{block} is freed: its buffer is marked Freed, so the commit will drop it.")
        }
        Forgot::CheckpointKept if under_way => {
            format!("{block} is freed, and its buffer goes on waiting for its checkpoint.")
        }
        Forgot::CheckpointKept => {
            format!("{block} is freed, but its buffer stays Dirty, waiting for its checkpoint.")
        }
        Forgot::CheckpointCleaned => {
            format!("{block} is freed: its buffer waited for a checkpoint and is clean now.")
        }
    };
    let under_way = if under_way { " Its write is under way." } else { "" };
    format!("{what}{revoked}{under_way}")
}

fn tell_power_cut(lost: usize) -> String {
    let medium = match lost {
        0 => "; the medium keeps every store".to_string(),
        lost => format!(", and so are stores to {} of the medium", plural(lost as u64, "line")),
    };
    format!("The power fails. All memory is gone{medium}. The machine boots.")
}

fn tell_fsck(problems: &[Problem], unrecovered: bool) -> String {
    let Some((first, more)) = problems.split_first() else {
        let found = match unrecovered {
            false => "fsck finds nothing wrong with the file system.",
            true => "fsck finds nothing wrong, but nobody has recovered the log.",
        };
        return found.to_string();
    };
    let before = if unrecovered { ", before any recovery" } else { "" };
    let more = match more.len() {
        0 => String::new(),
        n => format!(" And {n} more."),
    };
    format!("fsck finds{before}: {first}.{more}")
}

fn tell_recovery(step: &RecoveryStep) -> String {
    match step {
        RecoveryStep::Scanned { at, tid, found } => {
            let what = match found {
                Found::Descriptor { copies } => {
                    format!("a descriptor block and {}", plural(u64::from(*copies), "copy"))
                }
                Found::BadDescriptor { .. } => "a damaged descriptor block".to_string(),
                Found::Revoke => "a revoke block".to_string(),
                Found::Commit => "a commit block: the transaction counts".to_string(),
            };
            format!("Scan: {at} of {tid} is {what}.")
        }
        RecoveryStep::ScanEnded { at, end, why: End::Block(why) } => {
            format!("Scan ends at {at}: {why}. {end} has no commit block, so it never happened.")
        }
        RecoveryStep::ScanEnded { end, .. } => {
            format!("Scan has gone around the whole log; it ends before {end}.")
        }
        RecoveryStep::Revoked { tid, blocks, .. } => {
            let blocks = listed(blocks.iter().map(BlockNr::to_string));
            format!("Revoke: no image of {blocks} from {tid} or before may be replayed.")
        }
        RecoveryStep::RevokeEnded { revoked } => {
            format!("Revoke ends: {} revoked.", plural(u64::from(*revoked), "block"))
        }
        RecoveryStep::Replayed { home, from, tid, .. } => {
            format!("Replay: {tid}'s image of {home} goes from {from} into the device's page.")
        }
        RecoveryStep::Skipped { home, tid, why: Skip::Revoked { by }, .. } => {
            format!("Replay: {tid}'s image of {home} is skipped: {by} revoked it.")
        }
        RecoveryStep::Skipped { home, tid, why: Skip::BadChecksum, .. } => {
            format!("Replay: {tid}'s image of {home} does not match its checksum.")
        }
        RecoveryStep::Skipped { home, tid, why: Skip::NoHome, .. } => {
            format!("Replay: {tid} names {home}, which is no home of anything.")
        }
        RecoveryStep::Done { next, damaged: 0 } => {
            format!("The log is replayed; the next transaction is {next}.")
        }
        RecoveryStep::Done { damaged, .. } => {
            format!(
                "{} could not be replayed: the mount fails.",
                plural(u64::from(*damaged), "image")
            )
        }
        RecoveryStep::Failed { at, tid, why } => {
            format!("The log cannot be trusted: {at} of {tid}: {why}. The mount fails.")
        }
    }
}

impl Errno {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eio => "EIO",
            Self::Enoent => "ENOENT",
            Self::Eexist => "EEXIST",
            Self::Einval => "EINVAL",
            Self::Ebusy => "EBUSY",
            Self::Efbig => "EFBIG",
            Self::Enospc => "ENOSPC",
            Self::Eagain => "EAGAIN",
            Self::Enomem => "ENOMEM",
        }
    }
}
