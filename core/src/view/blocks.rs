//! Who believes they own a block, and what is known of it in full.

use super::journal::{Ring, Rings};
use super::matrix::{Moment, empty, row};
use super::outline::blocks_of;
use super::{Cell, Content, Detail, Fact, METADATA, Row, RowKind};
use crate::buffer_head::Bh;
use crate::fs::{Kind, Layout, Role, bitmap};
use crate::machine::{Component, IndexBlock, Machine};
use crate::medium::SimMedium;
use crate::units::{BlockNr, Tid};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What memory and medium say about the owner of a block.
struct Beliefs {
    /// Files in memory that have it: `a p3`, `a indirect`.
    claims: Vec<String>,
    /// The newest copy of the bitmap: it is in use.
    used: bool,
    /// The medium's copy.
    used_on_medium: bool,
    /// The allocator will not give it out; `None` if nothing is mounted.
    taken: Option<bool>,
    /// Freed by this transaction, and kept back until it has committed (REUSE-6).
    kept: Option<Tid>,
}

impl Beliefs {
    fn of<const FAN: usize>(machine: &Machine<SimMedium, FAN>, block: BlockNr) -> Self {
        let (at, bit) = Layout::of(&machine.geometry).bit_of(block);
        let medium = machine.load_block(at);
        let newest = machine.buffer_words(at).unwrap_or(&medium);
        let live = machine.journal.iter().flat_map(|j| j.running.iter().chain(&j.committing));
        Self {
            claims: claims(machine, block),
            used: bitmap::is_used(newest, bit),
            used_on_medium: bitmap::is_used(&medium, bit),
            taken: machine.mounted.as_ref().map(|mounted| mounted.is_taken(block)),
            kept: live.into_iter().find(|t| t.freed.contains(&block)).map(|t| t.tid),
        }
    }

    /// Who does not agree with the files in memory.
    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.claims.len() > 1 {
            doubts.push("two owners".to_string());
        }
        let owned = !self.claims.is_empty();
        match (self.taken, self.kept) {
            (Some(true), Some(tid)) if !owned => doubts.push(format!("kept for {tid}")),
            (Some(true), None) if !owned => doubts.push("given out".to_string()),
            (Some(false), _) if owned => doubts.push("allocator: free".to_string()),
            _ => {}
        }
        if self.taken.is_some() && self.used != owned {
            doubts.push(format!("bitmap: {}", in_use(self.used)));
        }
        doubts
    }
}

const fn in_use(used: bool) -> &'static str {
    if used { "used" } else { "free" }
}

fn claims<const FAN: usize>(machine: &Machine<SimMedium, FAN>, block: BlockNr) -> Vec<String> {
    let mut claims = Vec::new();
    for inode in &machine.inodes {
        let pages = inode.blocks().filter(|(_, owned)| *owned == block);
        claims.extend(pages.map(|(page, _)| format!("{} p{page}", inode.name)));
        let pointers = inode.index_blocks().filter(|(_, owned)| *owned == block);
        claims.extend(pointers.map(|(which, _)| match which {
            IndexBlock::Indirect => format!("{} indirect", inode.name),
            IndexBlock::Double => format!("{} double", inode.name),
            IndexBlock::Leaf(leaf) => format!("{} leaf {leaf}", inode.name),
        }));
    }
    claims
}

/// Whether a block holds something: a file's page, or metadata that moves somewhere on the path.
pub(super) fn is_used<const FAN: usize>(now: &Moment<'_, FAN>, block: BlockNr) -> bool {
    let machine = now.machine();
    let role = Layout::of(&machine.geometry).role(block);
    let metadata = role != Some(Role::Pool) || !claims(machine, block).is_empty();
    machine.owner_of(block).is_some() || now.used.metadata && metadata
}

/// Whether a block has a newest content: not one that was freed and that nobody has used since.
pub(super) fn is_comparable<const FAN: usize>(now: &Moment<'_, FAN>, block: BlockNr) -> bool {
    let judge = &now.path.moment(now.step).judge;
    !now.used.metadata || is_used(now, block) || judge.has_changed(now.machine(), block)
}

fn role_name(role: Option<Role>) -> Option<(&'static str, &'static str)> {
    Some(match role? {
        Role::Superblock => ("super", "superblock"),
        Role::Bitmap => ("bitmap", "block bitmap"),
        Role::InodeTable => ("inodes", "inode table"),
        Role::JournalSuperblock => ("jsuper", "journal superblock"),
        Role::Pool | Role::Log => return None,
    })
}

pub(super) fn owners<const FAN: usize>(now: &Moment<'_, FAN>) -> Row {
    row(now, (RowKind::Owner, "owner", "owner", ""), |block| {
        let owner_now = owner(now, block);
        let changed = !now.changed.is_empty() && owner_now != owner(&now.earlier(), block);
        let (names, doubts) = owner_now;
        let mut words = names.join(" and ");
        doubts.iter().for_each(|doubt| words.push_str(&format!(", {doubt}")));
        if words == "free" {
            return Cell { changed, words, ..empty() };
        }
        Cell { content: Content::Owner { names, doubts }, changed, words, ..empty() }
    })
}

/// Who owns a block, and who believes otherwise.
fn owner<const FAN: usize>(now: &Moment<'_, FAN>, block: BlockNr) -> (Vec<String>, Vec<String>) {
    let machine = now.machine();
    if let Some((name, _)) = role_name(Layout::of(&machine.geometry).role(block)) {
        return (alloc::vec![name.to_string()], Vec::new());
    }
    let beliefs = Beliefs::of(machine, block);
    let mut doubts = beliefs.doubts();
    doubts.extend(stale_buffer(now, block));
    let unowned = || match beliefs.taken {
        None if beliefs.used => "in use",
        _ => "free",
    };
    let names = match beliefs.claims {
        claims if claims.is_empty() => alloc::vec![unowned().to_string()],
        claims => claims,
    };
    (names, doubts)
}

/// A buffer left from a former life of the block: of old content under a file's data, or dirty
/// although nobody owns the block.
fn stale_buffer<const FAN: usize>(now: &Moment<'_, FAN>, block: BlockNr) -> Option<String> {
    let machine = now.machine();
    let bh = machine.buffer(block)?;
    let dirty = bh.is(Bh::Dirty) || bh.is(Bh::JbdDirty);
    match machine.owner_of(block) {
        Some((inode, _)) if inode.kind == Kind::File => {
            let stale = machine.buffer_words(block)? != now.path.newest_content(block, now.step);
            stale.then(|| if dirty { "stale dirty buffer" } else { "stale buffer" }.to_string())
        }
        Some(_) => None,
        None if claims(machine, block).is_empty() => dirty.then(|| "dirty buffer".to_string()),
        None => None,
    }
}

/// Everything that is known of each block.
pub(super) fn details<const FAN: usize>(now: &Moment<'_, FAN>, rings: Rings<'_>) -> Vec<Detail> {
    if !METADATA || !now.used.metadata {
        return Vec::new();
    }
    let earlier = now.earlier();
    let detail = |block: BlockNr| Detail {
        title: block.to_string(),
        facts: compared(facts(now, block, rings.now), &facts(&earlier, block, rings.before)),
    };
    now.columns().map(detail).collect()
}

/// Marks what the step changed.
pub(super) fn compared(
    now: Vec<(&'static str, String)>,
    before: &[(&'static str, String)],
) -> Vec<Fact> {
    let fact = |(name, says): (&'static str, String)| {
        let changed = !before.contains(&(name, says.clone()));
        Fact { name, says, changed }
    };
    now.into_iter().map(fact).collect()
}

fn facts<const FAN: usize>(
    now: &Moment<'_, FAN>,
    block: BlockNr,
    ring: &Ring,
) -> Vec<(&'static str, String)> {
    let machine = now.machine();
    let none = || "none".to_string();
    let mut facts = Vec::new();
    match role_name(Layout::of(&machine.geometry).role(block)) {
        Some((_, name)) => facts.push(("role", name.to_string())),
        None => {
            let beliefs = Beliefs::of(machine, block);
            let kept = beliefs.kept.map(|tid| format!("keeps it until {tid} has committed"));
            let allocator = match beliefs.taken {
                None => "not mounted".to_string(),
                Some(true) => kept.unwrap_or_else(|| "has given it out".to_string()),
                Some(false) => "may give it out".to_string(),
            };
            let mut bitmap = in_use(beliefs.used).to_string();
            if beliefs.used != beliefs.used_on_medium {
                bitmap += &format!(", {} on the medium", in_use(beliefs.used_on_medium));
            }
            let owner = beliefs.claims.join(" and ");
            facts.push(("owner", if owner.is_empty() { "nobody".to_string() } else { owner }));
            facts.extend([("bitmap", bitmap), ("allocator", allocator)]);
        }
    }
    let bh = machine.buffer(block).map(|bh| bh.to_string());
    facts.push(("buffer head", bh.unwrap_or_else(none)));
    let Some(journal) = &machine.journal else { return facts };
    facts.push(("journal head", machine.describe(Component::JournalHead(block))));
    let live = journal.running.iter().chain(&journal.committing);
    let revoked: Vec<String> =
        live.filter(|t| t.revoked.contains(&block)).map(|t| t.tid.to_string()).collect();
    facts.push(("revoked by", if revoked.is_empty() { none() } else { revoked.join(", ") }));
    let copies = ring.copies_in_words(block);
    facts.push(("in the log", if copies.is_empty() { none() } else { copies }));
    facts
}

/// The block that was touched last: where the newest step that touched one began.
pub(super) fn touched<const FAN: usize>(now: &Moment<'_, FAN>) -> String {
    if !METADATA || !now.used.metadata {
        return String::new();
    }
    let steps = (0..=now.step).rev().filter_map(|step| now.path.moment(step).step.as_ref());
    let mut touched = steps.filter_map(|(_, report)| blocks_of(now.machine(), report).next());
    touched.next().map(|block| block.to_string()).unwrap_or_default()
}
