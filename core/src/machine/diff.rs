//! The components of a machine one by one: which differ between two states, and each in words.

use super::{Component, Machine, ThreadId, VmaId, Wait};
use crate::address_space::MappingId;
use crate::config::{EntryLayout, EntryPayload};
use crate::entry::EntryKind;
use crate::medium::{Medium, SimMedium};
use crate::narrate::{labels, mapping_name};
use crate::units::{LineNr, PageIndex};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl<const FAN: usize> Machine<SimMedium, FAN> {
    /// Every component in which two states of one path differ: what [`super::Step::changed`] must
    /// not miss.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<Component> {
        let mut all: Vec<Component> = Vec::new();
        all.extend((0..self.threads.len()).map(|n| Component::Thread(ThreadId(n as u8))));
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
        all.extend(self.inodes.iter().map(|inode| Component::Inode(inode.ino)));
        all.extend([Component::Vmas, Component::WaitQueue]);
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
                self.threads[usize::from(n)] != other.threads[usize::from(n)]
            }
            Component::Line(line) => {
                let (here, there) = (&self.medium, &other.medium);
                here.guaranteed(line) != there.guaranteed(line)
                    || here.stores(line) != there.stores(line)
                    || here.pending(line) != there.pending(line)
            }
            Component::Page(mapping, index) => {
                let page = |machine: &Self| machine.mapping(mapping).find_get_page(index).cloned();
                page(self) != page(other)
            }
            Component::Slot(mapping, index) => {
                let slot = |machine: &Self| {
                    let tree = &machine.mapping(mapping).i_pages;
                    (tree.lookup(index), tree.tags(index))
                };
                slot(self) != slot(other)
            }
            Component::WaitQueue => self.waiters != other.waiters,
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
                let vma = &self.vmas[usize::from(n)];
                let thread = &self.threads[usize::from(vma.thread.0)].program.name;
                match vma.mapping {
                    MappingId::File(ino) => {
                        format!("PTE of {thread}, {} page {index}", self.inode(ino).name)
                    }
                    MappingId::Bdev => format!("PTE of {thread}, device b{index}"),
                }
            }
            Component::Vmas => "mappings of user memory".to_string(),
            Component::Slot(mapping, index) => format!("{} slot", self.page_name(mapping, index)),
            Component::Counters(mapping) => format!("counters of {}", mapping_name(self, mapping)),
            Component::Page(mapping, index) => self.page_name(mapping, index),
            Component::Inode(ino) => format!("inode of file {}", self.inode(ino).name),
            Component::Line(line) => {
                let block = self.geometry.block_of(line);
                format!("{block} line {}", line.0 - self.geometry.first_line(block).0)
            }
            Component::WaitQueue => "sleepers".to_string(),
        }
    }

    /// What a component holds, in words.
    #[must_use]
    pub fn describe(&self, component: Component) -> String {
        match component {
            Component::Thread(ThreadId(n)) => {
                let thread = &self.threads[usize::from(n)];
                thread.stack.last().map_or("user mode", |frame| frame.function()).to_string()
            }
            Component::Pte(VmaId(n), index) => {
                let pte = self.vmas.get(usize::from(n)).and_then(|vma| vma.pte(index));
                pte.map_or("none".to_string(), |pte| {
                    let mode = if pte.writable { "writable" } else { "read-only" };
                    format!("{}, {mode}", pte.block)
                })
            }
            Component::Vmas => match self.vmas.len() {
                0 => "none".to_string(),
                1 => "1 mapping".to_string(),
                n => format!("{n} mappings"),
            },
            Component::Slot(mapping, index) => self.describe_slot(mapping, index),
            Component::Counters(mapping) => {
                let space = self.mapping(mapping);
                format!("nrpages {}, nrexceptional {}", space.nrpages, space.nrexceptional)
            }
            Component::Page(mapping, index) => self.describe_page(mapping, index),
            Component::Inode(ino) => match self.inode(ino).dirty_pages {
                true => "I_DIRTY_PAGES".to_string(),
                false => "clean".to_string(),
            },
            Component::Line(line) => self.describe_line(line),
            Component::WaitQueue => {
                let name = |id: ThreadId| self.threads[usize::from(id.0)].program.name.as_str();
                let sleeper = |(id, wait): &(ThreadId, Wait)| {
                    format!("{} on {}", name(*id), self.wait_name(*wait))
                };
                let sleepers: Vec<_> = self.waiters.iter().map(sleeper).collect();
                if sleepers.is_empty() { "none".to_string() } else { sleepers.join(", ") }
            }
        }
    }

    fn describe_slot(&self, mapping: MappingId, index: PageIndex) -> String {
        let tree = &self.mapping(mapping).i_pages;
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
        let Some(page) = self.mapping(mapping).find_get_page(index) else {
            return "none".to_string();
        };
        let flags = page.flags();
        let flags = if flags.is_empty() { "not uptodate".to_string() } else { flags.join(" ") };
        format!("{}, {flags}", labels(&page.words))
    }

    fn describe_line(&self, line: LineNr) -> String {
        let medium = &self.medium;
        let mut words = labels(&medium.guaranteed(line));
        for (n, version) in medium.versions(line).enumerate().skip(1) {
            let nt = if medium.stores(line)[n - 1].nt { " nt" } else { "" };
            words.push_str(&format!(", then {}{nt}", labels(&version)));
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
        }
    }

    fn page_name(&self, mapping: MappingId, index: PageIndex) -> String {
        match mapping {
            MappingId::File(ino) => format!("file {} page {index}", self.inode(ino).name),
            MappingId::Bdev => format!("device page {index}"),
        }
    }
}
