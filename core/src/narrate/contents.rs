//! What lies on a line of memory, in a few words.

use super::labels;
use crate::EXT4;
use crate::fs::{DiskInode, Kind, Layout, Role, bitmap, block_map, dir};
use crate::jbd::format::{self, Superblock};
use crate::machine::Machine;
use crate::medium::Medium;
use crate::units::{BlockNr, LineNr, WORDS_PER_LINE, Word};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What whole lines hold, from `line` on, which must lie in one block: inodes by their number,
/// pointers and bits as blocks, names; file data and whatever is none of these as labels.
#[must_use]
pub fn contents<M: Medium, const FAN: usize>(
    machine: &Machine<M, FAN>,
    line: LineNr,
    words: &[Word],
) -> String {
    if !EXT4 {
        // The stage then shows blocks of file data only.
        return labels(words);
    }
    let block = machine.geometry.block_of(line);
    let layout = Layout::of(&machine.geometry);
    let first = line.0 - machine.geometry.first_line(block).0;
    let told = match layout.role(block) {
        Some(Role::Bitmap) => used(block, first, words, &layout),
        Some(Role::InodeTable) => inodes(words, &layout),
        Some(Role::JournalSuperblock) if first == 0 => {
            Superblock::peek(words).map(|log| match log.start {
                Some(_) => format!("log from {}", log.sequence),
                None => "log clean".to_string(),
            })
        }
        Some(Role::Log) => format::tid(words).map(|tid| format!("block of {tid}")),
        Some(Role::Pool) => match machine.owner_of(block) {
            Some((inode, _)) if inode.kind == Kind::Directory => names(words),
            _ => pointers(words, &layout),
        },
        _ => None,
    };
    told.unwrap_or_else(|| labels(words))
}

fn joined(items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<String> = items.collect();
    (!items.is_empty()).then(|| items.join(" "))
}

/// The blocks of the pool whose bits are set.
fn used(block: BlockNr, first: u64, words: &[Word], layout: &Layout) -> Option<String> {
    let before = (block.0 - Layout::BITMAP.0) * layout.geometry().words_per_block() * 64;
    let start = before + first * WORDS_PER_LINE as u64 * 64;
    let (pool, end) = (layout.pool(), start + words.len() as u64 * 64);
    let here = start.max(pool.start)..end.min(pool.end);
    let set: Vec<u64> = here.filter(|nr| bitmap::is_used(words, nr - start)).collect();
    if set.is_empty() && first == 0 {
        return Some("pool free".to_string());
    }
    let runs = set.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [only] => format!("b{only}"),
        run => format!("b{}-{}", run[0], run[run.len() - 1]),
    });
    joined(runs)
}

fn inodes(words: &[Word], layout: &Layout) -> Option<String> {
    let inode = |line: &[Word]| {
        let inode = DiskInode::decode(line, layout).ok()??;
        Some(format!("ino {} {}p", inode.ino.0, inode.pages(layout)))
    };
    joined(words.chunks_exact(WORDS_PER_LINE).filter_map(inode))
}

fn names(words: &[Word]) -> Option<String> {
    joined(dir::entries(words).flatten().map(|entry| format!("{}→{}", entry.name, entry.ino.0)))
}

/// Words that can be nothing but pointers to blocks of the pool.
fn pointers(words: &[Word], layout: &Layout) -> Option<String> {
    let all: Vec<Option<BlockNr>> =
        (0..2 * words.len()).map(|slot| block_map::pointer(words, slot)).collect();
    let sound = all.iter().flatten().all(|block| layout.in_pool(*block));
    joined(all.iter().flatten().filter(|_| sound).map(|block| format!("→{block}")))
}
