//! From a page of a file to its block: direct, indirect and double indirect pointers.
//!
//! Models: fs/ext4/indirect.c ext4_block_to_path, ext4_get_branch (4.5). An indirect block is full
//! of pointers of 32 bits, the lower half of a word first; pointer 0 is a hole. In the kernel a page
//! is one block of a file, here always. Omits: the triple indirect block.

use super::DiskInode;
use super::inode::DISK_INODE_POINTERS;
use super::layout::{Layout, index};
use crate::units::{BlockNr, PageIndex, Word};
use core::fmt;

/// Direct pointers of an inode.
pub const DIRECT: usize = 9;
/// The inode's pointer to its indirect block.
pub const INDIRECT_SLOT: usize = DIRECT;
/// The inode's pointer to its double indirect block.
pub const DOUBLE_SLOT: usize = DIRECT + 1;

/// The way from an inode to the pointer of a page: slots, from the outside in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Path {
    /// A slot of the inode's own pointers.
    Direct(usize),
    /// A slot of the indirect block, which [`INDIRECT_SLOT`] names.
    Indirect(usize),
    /// A slot of the double indirect block, which [`DOUBLE_SLOT`] names, and a slot of the indirect
    /// block that it names.
    Double(usize, usize),
}

/// A pointer on the medium that names no block of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutsidePool(pub BlockNr);

impl fmt::Display for OutsidePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pointer to {}, which is outside the pool", self.0)
    }
}

/// Pointers of an indirect block.
#[must_use]
pub const fn pointers_per_block(layout: &Layout) -> u64 {
    layout.block_bytes() / 4
}

/// Pages of the largest file.
#[must_use]
pub const fn pages_max(layout: &Layout) -> u64 {
    let per_block = pointers_per_block(layout);
    DIRECT as u64 + per_block + per_block * per_block
}

/// The way to the pointer of a page; `None` past the largest file (EFBIG).
#[must_use]
pub fn path(page: PageIndex, layout: &Layout) -> Option<Path> {
    let (direct, per_block) = (DIRECT as u64, pointers_per_block(layout));
    Some(match page.0 {
        page if page < direct => Path::Direct(index(page)),
        page if page < direct + per_block => Path::Indirect(index(page - direct)),
        page if page < pages_max(layout) => {
            let page = page - direct - per_block;
            Path::Double(index(page / per_block), index(page % per_block))
        }
        _ => return None,
    })
}

/// The pointer in slot `slot` of an indirect block's words; `None` is a hole. As the medium has it:
/// ask [`Layout::in_pool`] before going there.
///
/// # Panics
/// If the block has no such slot.
#[must_use]
pub fn pointer(words: &[Word], slot: usize) -> Option<BlockNr> {
    in_word(words[slot / 2], slot)
}

fn in_word(word: Word, slot: usize) -> Option<BlockNr> {
    let number = word.as_number() >> (32 * (slot % 2)) & u64::from(u32::MAX);
    (number != 0).then_some(BlockNr(number))
}

/// Stores a pointer, or a hole, into slot `slot` of an indirect block's words. The other pointer of
/// its word stays as it is.
///
/// # Panics
/// If the block has no such slot, or if the pointer is no number of 32 bits other than 0.
pub fn set_pointer(words: &mut [Word], slot: usize, pointer: Option<BlockNr>) {
    let number = pointer.map_or(0, |block| {
        assert!(block.0 != 0 && block.0 <= u64::from(u32::MAX), "{block} is no pointer");
        block.0
    });
    let shift = 32 * (slot % 2);
    let others = words[slot / 2].as_number() & !(u64::from(u32::MAX) << shift);
    words[slot / 2] = Word::number(others | number << shift);
}

/// The block of a page; `None` in a hole and past the largest file. `read` gives word `n` of a block
/// of the pool.
///
/// # Errors
/// If a pointer on the way, or the last one, leaves the pool; nothing outside it is read.
pub fn resolve(
    inode: &DiskInode,
    page: PageIndex,
    layout: &Layout,
    read: &mut dyn FnMut(BlockNr, usize) -> Word,
) -> Result<Option<BlockNr>, OutsidePool> {
    let (first, slots) = match path(page, layout) {
        None => return Ok(None),
        Some(Path::Direct(slot)) => (slot, [None, None]),
        Some(Path::Indirect(slot)) => (INDIRECT_SLOT, [Some(slot), None]),
        Some(Path::Double(outer, inner)) => (DOUBLE_SLOT, [Some(outer), Some(inner)]),
    };
    let mut at = checked(inode.pointers[first], layout)?;
    for slot in slots.into_iter().flatten() {
        let Some(block) = at else { return Ok(None) };
        at = checked(in_word(read(block, slot / 2), slot), layout)?;
    }
    Ok(at)
}

fn checked(at: Option<BlockNr>, layout: &Layout) -> Result<Option<BlockNr>, OutsidePool> {
    match at {
        Some(block) if !layout.in_pool(block) => Err(OutsidePool(block)),
        at => Ok(at),
    }
}

/// What an inode owns a block for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Use {
    /// It holds this page.
    Page(PageIndex),
    /// It holds pointers; the first of them is, or leads to, this page's.
    Pointers(PageIndex),
}

/// Calls `visit` for every pointer of an inode that is no hole, in the order of their pages, an
/// indirect block before what it names. A pointer is as the medium has it. `visit` says whether to
/// go into a block of pointers; one outside the pool is never gone into, and no more than two follow
/// one another, so that a cycle ends.
pub fn walk(
    pointers: &[Option<BlockNr>; DISK_INODE_POINTERS],
    layout: &Layout,
    read: &mut dyn FnMut(BlockNr, usize) -> Word,
    visit: &mut dyn FnMut(Use, BlockNr) -> bool,
) {
    for (slot, pointer) in pointers.iter().enumerate() {
        let per_block = pointers_per_block(layout);
        let (depth, first) = match slot {
            INDIRECT_SLOT => (1, DIRECT as u64),
            DOUBLE_SLOT => (2, DIRECT as u64 + per_block),
            direct => (0, direct as u64),
        };
        if let Some(block) = pointer {
            walk_branch((*block, depth, first), layout, read, visit);
        }
    }
}

/// [`walk`] from one pointer on: `depth` blocks of pointers lie between it and page `first`.
fn walk_branch(
    (block, depth, first): (BlockNr, u32, u64),
    layout: &Layout,
    read: &mut dyn FnMut(BlockNr, usize) -> Word,
    visit: &mut dyn FnMut(Use, BlockNr) -> bool,
) {
    if depth == 0 {
        visit(Use::Page(PageIndex(first)), block);
        return;
    }
    if !visit(Use::Pointers(PageIndex(first)), block) || !layout.in_pool(block) {
        return;
    }
    let per_block = pointers_per_block(layout);
    let pages_each = per_block.pow(depth - 1);
    for slot in 0..index(per_block) {
        if let Some(next) = in_word(read(block, slot / 2), slot) {
            let first = first + slot as u64 * pages_each;
            walk_branch((next, depth - 1, first), layout, read, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Geometry;
    use crate::fs::Kind;
    use crate::units::Ino;
    use std::vec::Vec;

    const TEACHING: Layout = Layout::of(&Geometry::TEACHING);

    #[test]
    fn the_way_changes_at_the_indirect_and_the_double_indirect_block() {
        let way = |page| path(PageIndex(page), &TEACHING);
        assert_eq!(way(0), Some(Path::Direct(0)));
        assert_eq!(way(8), Some(Path::Direct(8)));
        assert_eq!(way(9), Some(Path::Indirect(0)));
        assert_eq!(way(72), Some(Path::Indirect(63)));
        assert_eq!(way(73), Some(Path::Double(0, 0)));
        assert_eq!(way(73 + 64 * 5 + 7), Some(Path::Double(5, 7)));
        assert_eq!(way(9 + 64 + 64 * 64 - 1), Some(Path::Double(63, 63)));
        assert_eq!(way(9 + 64 + 64 * 64), None);
        let kernel = Layout::of(&Geometry::KERNEL);
        assert_eq!(path(PageIndex(9 + 1_024), &kernel), Some(Path::Double(0, 0)));
        assert_eq!(pages_max(&kernel), 9 + 1_024 + 1_024 * 1_024);
    }

    #[test]
    fn a_pointer_shares_its_word_and_leaves_the_other_alone() {
        let mut words = [Word::ZERO; 2];
        set_pointer(&mut words, 0, Some(BlockNr(4)));
        set_pointer(&mut words, 1, Some(BlockNr(u64::from(u32::MAX))));
        set_pointer(&mut words, 3, Some(BlockNr(9)));
        assert_eq!(words.map(Word::as_number), [0xffff_ffff_0000_0004, 9 << 32]);
        set_pointer(&mut words, 1, None);
        let all: Vec<_> = (0..4).map(|slot| pointer(&words, slot)).collect();
        assert_eq!(all, [Some(BlockNr(4)), None, None, Some(BlockNr(9))]);
    }

    /// Pages 1, 9, 73 and 73 + 65 of an inode: in b4, b5, b6, b7; b8 indirect, b9 double indirect
    /// with b10 and b11.
    fn inode() -> (DiskInode, Vec<Word>) {
        let mut image = std::vec![Word::ZERO; Geometry::TEACHING.words() as usize];
        let mut inode = DiskInode::new(Ino(11), Kind::File, 1);
        inode.pointers[1] = Some(BlockNr(4));
        inode.pointers[INDIRECT_SLOT] = Some(BlockNr(8));
        inode.pointers[DOUBLE_SLOT] = Some(BlockNr(9));
        for (block, slot, to) in [(8, 0, 5), (9, 0, 10), (9, 1, 11), (10, 0, 6), (11, 1, 7)] {
            let words = TEACHING.words_of_mut(&mut image, BlockNr(block));
            set_pointer(words, slot, Some(BlockNr(to)));
        }
        (inode, image)
    }

    #[test]
    fn every_page_is_found_and_the_rest_is_a_hole() {
        let (inode, image) = inode();
        let mut read = |block, word| TEACHING.words_of(&image, block)[word];
        let mut mapped = Vec::new();
        for page in 0..pages_max(&TEACHING) + 1 {
            let block = resolve(&inode, PageIndex(page), &TEACHING, &mut read).unwrap();
            mapped.extend(block.map(|block| (page, block.0)));
        }
        assert_eq!(mapped, [(1, 4), (9, 5), (73, 6), (73 + 65, 7)]);
    }

    #[test]
    fn a_walk_meets_every_block_once_in_order() {
        let (inode, image) = inode();
        let mut read = |block, word| TEACHING.words_of(&image, block)[word];
        let mut met = Vec::new();
        walk(&inode.pointers, &TEACHING, &mut read, &mut |what, block| {
            met.push((what, block.0));
            true
        });
        let (page, pointers) = (|n| Use::Page(PageIndex(n)), |n| Use::Pointers(PageIndex(n)));
        let expected = [
            (page(1), 4),
            (pointers(9), 8),
            (page(9), 5),
            (pointers(73), 9),
            (pointers(73), 10),
            (page(73), 6),
            (pointers(73 + 64), 11),
            (page(73 + 65), 7),
        ];
        assert_eq!(met, expected);
    }

    #[test]
    fn a_pointer_out_of_the_pool_is_refused_and_not_followed() {
        let (mut inode, mut image) = inode();
        set_pointer(TEACHING.words_of_mut(&mut image, BlockNr(9)), 1, Some(BlockNr(3)));
        inode.pointers[INDIRECT_SLOT] = Some(BlockNr(4_000_000_000));
        let mut asked = Vec::new();
        let mut read = |block: BlockNr, word| {
            asked.push(block.0);
            TEACHING.words_of(&image, block)[word]
        };
        let page = |n| PageIndex(n);
        let outside = |block| Err(OutsidePool(BlockNr(block)));
        assert_eq!(resolve(&inode, page(9), &TEACHING, &mut read), outside(4_000_000_000));
        assert_eq!(resolve(&inode, page(73 + 65), &TEACHING, &mut read), outside(3));
        let mut met = 0;
        walk(&inode.pointers, &TEACHING, &mut read, &mut |_, _| {
            met += 1;
            true
        });
        assert_eq!(met, 6, "b4, the indirect block, b9, b10, b6, and the pointer to b3");
        assert!(asked.iter().all(|block| [9, 10].contains(block)), "{asked:?}");
    }

    #[test]
    fn a_cycle_ends() {
        let (mut inode, mut image) = inode();
        for slot in 0..64 {
            set_pointer(TEACHING.words_of_mut(&mut image, BlockNr(9)), slot, Some(BlockNr(9)));
        }
        inode.pointers[INDIRECT_SLOT] = Some(BlockNr(9));
        let mut read = |block, word| TEACHING.words_of(&image, block)[word];
        let mut met = 0;
        walk(&inode.pointers, &TEACHING, &mut read, &mut |_, _| {
            met += 1;
            true
        });
        assert_eq!(met, 1 + (1 + 64) + (1 + 64 + 64 * 64));
    }
}
