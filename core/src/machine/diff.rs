//! The components of a machine one by one: which differ between two states, and each in words.

use super::frame::Frame;
use super::{Bio, Component, Inode, Machine, PteTarget, ThreadId, VmaId, Wait};
use crate::address_space::MappingId;
use crate::config::{EntryLayout, EntryPayload};
use crate::entry::EntryKind;
use crate::jbd::journal::Journal;
use crate::medium::{Medium, SimMedium};
use crate::narrate::{contents, labels, mapping_name};
use crate::units::{BlockNr, Ino, LineNr, PageIndex};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl<const FAN: usize> Machine<SimMedium, FAN> {
    /// Every component in which two states of one path differ: what [`super::Step::changed`] must
    /// not miss.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<Component> {
        let mut all: Vec<Component> = Vec::new();
        let threads = self.threads.len().max(other.threads.len());
        all.extend((0..threads).map(|n| Component::Thread(ThreadId(n as u8))));
        all.extend(self.mappings().map(Component::Counters));
        for machine in [self, other] {
            for mapping in machine.mappings() {
                let items = machine.mapping(mapping).i_pages.iter(..);
                all.extend(items.map(|(index, _)| Component::Slot(mapping, index)));
                let pages = machine.mapping(mapping).pages();
                all.extend(pages.map(|(index, _)| Component::Page(mapping, index)));
            }
            for (n, vma) in (0u8..).zip(&machine.vmas) {
                all.extend(vma.ptes().map(|(index, _)| Component::Pte(VmaId(n), index)));
            }
            all.extend(machine.medium.dirty_lines().map(Component::Line));
        }
        all.extend((0..self.medium.lines()).map(|line| Component::Line(LineNr(line))));
        for machine in [self, other] {
            all.extend(machine.inodes.iter().map(|inode| Component::Inode(inode.ino)));
            let heads = machine.journal.iter().flat_map(Journal::heads);
            all.extend(heads.map(|(block, _)| Component::JournalHead(block)));
        }
        all.extend([Component::Vmas, Component::WaitQueue, Component::Inodes]);
        all.extend([Component::Allocator, Component::Journal, Component::BdevInode]);
        all.push(Component::Bios);
        all.sort_unstable();
        all.dedup();
        all.retain(|component| self.differs_in(other, *component));
        all
    }

    /// Whether two states differ in a component.
    #[must_use]
    pub fn differs_in(&self, other: &Self, component: Component) -> bool {
        match component {
            Component::Thread(ThreadId(n)) => {
                self.threads.get(usize::from(n)) != other.threads.get(usize::from(n))
            }
            Component::Line(line) => {
                let (here, there) = (&self.medium, &other.medium);
                here.guaranteed(line) != there.guaranteed(line)
                    || here.stores(line) != there.stores(line)
                    || here.pending(line) != there.pending(line)
            }
            Component::Page(mapping, index) => {
                let page = |machine: &Self| {
                    let space = machine.mapping_if(mapping);
                    let page = space.and_then(|space| space.find_get_page(index)).cloned();
                    (page, space.and_then(|space| space.orphan(index)).cloned())
                };
                page(self) != page(other)
            }
            Component::Slot(mapping, index) => {
                let slot = |machine: &Self| {
                    let tree = machine.mapping_if(mapping).map(|space| &space.i_pages);
                    tree.map(|tree| (tree.lookup(index), tree.tags(index)))
                };
                slot(self) != slot(other)
            }
            Component::WaitQueue => self.waiters != other.waiters,
            Component::Inode(ino) => {
                let file = |inode: &&Inode<FAN>| inode.ino == ino;
                let here = self.inodes.iter().find(file).map(Inode::metadata);
                here != other.inodes.iter().find(file).map(Inode::metadata)
            }
            Component::Allocator => self.mounted != other.mounted,
            Component::Bios => self.bios != other.bios,
            Component::Journal => {
                self.journal.as_ref().map(Journal::without_heads)
                    != other.journal.as_ref().map(Journal::without_heads)
            }
            Component::JournalHead(block) => {
                let head = |machine: &Self| {
                    machine.journal.as_ref().and_then(|journal| journal.head_of(block)).cloned()
                };
                head(self) != head(other)
            }
            _ => self.describe(component) != other.describe(component),
        }
    }

    /// Where a component is, in words: `file a page 3`.
    #[must_use]
    pub fn place(&self, component: Component) -> String {
        match component {
            Component::Thread(ThreadId(n)) => {
                format!("thread {}", self.threads[usize::from(n)].program.name)
            }
            Component::Pte(VmaId(n), index) => {
                let Some(vma) = self.vmas.get(usize::from(n)) else {
                    return format!("PTE of page {index}");
                };
                let thread = &self.threads[usize::from(vma.thread.0)].program.name;
                match vma.mapping {
                    MappingId::File(ino) => {
                        format!("PTE of {thread}, {} page {index}", self.file_name(ino))
                    }
                    MappingId::Bdev => format!("PTE of {thread}, device b{index}"),
                }
            }
            Component::Vmas => "mappings of user memory".to_string(),
            Component::Slot(mapping, index) => format!("{} slot", self.page_name(mapping, index)),
            Component::Counters(mapping) => format!("counters of {}", mapping_name(self, mapping)),
            Component::Page(mapping, index) => self.page_name(mapping, index),
            Component::Inode(ino) => format!("inode of file {}", self.file_name(ino)),
            Component::Line(line) => {
                let block = self.geometry.block_of(line);
                format!("{block} line {}", line.0 - self.geometry.first_line(block).0)
            }
            Component::WaitQueue => "sleepers".to_string(),
            Component::BdevInode => "device inode".to_string(),
            Component::Bios => "writes under way".to_string(),
            Component::Inodes => "files in memory".to_string(),
            Component::Allocator => "allocator".to_string(),
            Component::Journal => "journal".to_string(),
            Component::JournalHead(block) => format!("journal head of {block}"),
        }
    }

    /// What a component holds, in words.
    #[must_use]
    pub fn describe(&self, component: Component) -> String {
        match component {
            Component::Thread(ThreadId(n)) => {
                let stack = self.threads.get(usize::from(n)).map(|thread| &thread.stack);
                stack
                    .and_then(|stack| stack.last())
                    .map_or("user mode", Frame::function)
                    .to_string()
            }
            Component::Pte(VmaId(n), index) => {
                let pte = self.vmas.get(usize::from(n)).and_then(|vma| vma.pte(index));
                pte.map_or("none".to_string(), |pte| {
                    let mode = if pte.writable { "writable" } else { "read-only" };
                    match pte.target {
                        PteTarget::Block(block) => format!("{block}, {mode}"),
                        PteTarget::Page => format!("the page, {mode}"),
                    }
                })
            }
            Component::Vmas => match self.vmas.len() {
                0 => "none".to_string(),
                1 => "1 mapping".to_string(),
                n => format!("{n} mappings"),
            },
            Component::Slot(mapping, index) => self.describe_slot(mapping, index),
            Component::Counters(mapping) => {
                let Some(space) = self.mapping_if(mapping) else { return "none".to_string() };
                format!("nrpages {}, nrexceptional {}", space.nrpages, space.nrexceptional)
            }
            Component::Page(mapping, index) => self.describe_page(mapping, index),
            Component::Inode(ino) => self.describe_inode(ino),
            Component::Line(line) => self.describe_line(line),
            Component::WaitQueue => {
                let name = |id: ThreadId| self.threads[usize::from(id.0)].program.name.as_str();
                let sleeper = |(id, wait): &(ThreadId, Wait)| {
                    format!("{} on {}", name(*id), self.wait_name(*wait))
                };
                let sleepers: Vec<_> = self.waiters.iter().map(sleeper).collect();
                if sleepers.is_empty() { "none".to_string() } else { sleepers.join(", ") }
            }
            Component::Bios => {
                let bio = |bio: &Bio| format!("{} to {}", labels(&bio.words), bio.block);
                let all: Vec<String> = self.bios.iter().map(bio).collect();
                if all.is_empty() { "none".to_string() } else { all.join(", ") }
            }
            Component::BdevInode => {
                let dax = if self.bdev.dax { "S_DAX" } else { "no S_DAX" };
                let size = if self.bdev.other_block_size { ", another block size" } else { "" };
                let half = if self.bdev.small_blocks { ", two blocks a page" } else { "" };
                format!("{dax}{size}{half}")
            }
            Component::Inodes => {
                let names: Vec<&str> = self.inodes.iter().map(|inode| &*inode.name).collect();
                if names.is_empty() { "none".to_string() } else { names.join(", ") }
            }
            Component::Allocator => match &self.mounted {
                None => "none".to_string(),
                Some(mounted) if mounted.orphans.is_empty() => {
                    format!("{} free blocks", mounted.free_blocks())
                }
                Some(mounted) => {
                    let (free, orphans) = (mounted.free_blocks(), mounted.orphans.len());
                    format!("{free} free blocks, inodes without a name: {orphans}")
                }
            },
            Component::Journal => self.describe_journal(),
            Component::JournalHead(block) => self.describe_head(block),
        }
    }

    fn describe_inode(&self, ino: Ino) -> String {
        let Some(inode) = self.inode_if(ino) else {
            return "none".to_string();
        };
        let mut words = Vec::new();
        if inode.dirty_pages {
            words.push("I_DIRTY_PAGES".to_string());
        }
        if let Some(tid) = inode.sync_tid {
            words.push(format!("changed by {tid}"));
        }
        if words.is_empty() { "clean".to_string() } else { words.join(", ") }
    }

    fn describe_journal(&self) -> String {
        let Some(journal) = &self.journal else { return "none".to_string() };
        let live = [("running", &journal.running), ("committing", &journal.committing)];
        let mut words = Vec::new();
        for (what, transaction) in live {
            if let Some(transaction) = transaction {
                words.push(format!("{what} {} {}", transaction.tid, transaction.state.name()));
            }
        }
        let waiting = journal.checkpoints.iter().map(|transaction| transaction.tid.to_string());
        let waiting: Vec<String> = waiting.collect();
        if !waiting.is_empty() {
            words.push(format!("to checkpoint {}", waiting.join(", ")));
        }
        words.push(format!("{} log blocks free", journal.free));
        words.join("; ")
    }

    fn describe_head(&self, block: BlockNr) -> String {
        let head = self.journal.as_ref().and_then(|journal| journal.head_of(block));
        let Some(head) = head else { return "none".to_string() };
        let mut words = Vec::new();
        if let Some(tid) = head.transaction {
            words.push(format!("{} of {tid}", head.list.name()));
        }
        if let Some(tid) = head.next {
            words.push(format!("next {tid}"));
        }
        if let Some(tid) = head.checkpoint {
            words.push(format!("checkpoint of {tid}"));
        }
        if head.frozen.is_some() {
            words.push("frozen copy".to_string());
        }
        words.join(", ")
    }

    fn describe_slot(&self, mapping: MappingId, index: PageIndex) -> String {
        let Some(space) = self.mapping_if(mapping) else { return "none".to_string() };
        let tree = &space.i_pages;
        let Some(entry) = tree.lookup(index) else {
            return "empty".to_string();
        };
        let tags = tree.tags(index);
        match entry.kind() {
            EntryKind::Page(_) => format!("page, tags {tags}"),
            EntryKind::Dax(dax) => {
                let lock = if dax.locked { ", locked" } else { "" };
                let block = if dax.empty { "no block".to_string() } else { dax.block.to_string() };
                let word = self.entry_word(dax);
                format!("entry {word:#x} for {block}, tags {tags}{lock}")
            }
        }
    }

    /// The word that the kernel of this epoch stores for an entry.
    #[must_use]
    pub fn entry_word(&self, dax: crate::entry::DaxEntry) -> u64 {
        let layout = self.semantics.entry_layout().unwrap_or(EntryLayout::Packed45);
        layout.pack(dax, self.semantics.entry_payload().unwrap_or(EntryPayload::Sector))
    }

    fn describe_page(&self, mapping: MappingId, index: PageIndex) -> String {
        let page = self.mapping_if(mapping).and_then(|space| space.find_get_page(index));
        let Some(page) = page else {
            return "none".to_string();
        };
        let flags = page.flags();
        let flags = if flags.is_empty() { "not uptodate".to_string() } else { flags.join(" ") };
        let buffers: Vec<String> = page.buffers.iter().map(|bh| format!(", bh {bh}")).collect();
        let words = match self.block_of(mapping, index) {
            Some(block) => contents(self, self.geometry.first_line(block), &page.words),
            None => labels(&page.words),
        };
        format!("{words}, {flags}{}", buffers.concat())
    }

    fn describe_line(&self, line: LineNr) -> String {
        let medium = &self.medium;
        let mut words = contents(self, line, &medium.guaranteed(line));
        for (n, version) in medium.versions(line).enumerate().skip(1) {
            let nt = if medium.stores(line)[n - 1].nt { " nt" } else { "" };
            words.push_str(&format!(", then {}{nt}", contents(self, line, &version)));
        }
        for mark in medium.pending(line) {
            let older = mark.version != medium.latest_version(line);
            let version = if older { format!(" at {}", mark.version) } else { String::new() };
            words.push_str(&format!(" [wb {}{version}]", mark.cpu));
        }
        words
    }
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// `the lock of page 3 of file a`.
    #[must_use]
    pub fn wait_name(&self, wait: Wait) -> String {
        match wait {
            Wait::Entry(mapping, index) => {
                format!("the entry lock of {}", self.page_name(mapping, index))
            }
            Wait::PageLock(mapping, index) => {
                format!("the lock of {}", self.page_name(mapping, index))
            }
            Wait::Writeback(mapping, index) => {
                format!("the writeback of {}", self.page_name(mapping, index))
            }
            Wait::Inode(ino) => format!("the operation on {}", self.file_name(ino)),
            Wait::Updates(tid) => format!("the handles of {tid}"),
            Wait::Commit(tid) => format!("the commit of {tid}"),
            Wait::Shadow(block) => format!("the copy of {block} to the log"),
        }
    }

    fn page_name(&self, mapping: MappingId, index: PageIndex) -> String {
        match mapping {
            MappingId::File(ino) => format!("file {} page {index}", self.file_name(ino)),
            MappingId::Bdev => format!("device page {index}"),
        }
    }
}
