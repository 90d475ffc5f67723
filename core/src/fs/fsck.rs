//! Names what is wrong with a file system.
//!
//! Three passes, as in e2fsck: inodes and the blocks they own, then the block bitmap against these,
//! then names and link counts from the root directory on. Every number is checked before it is used,
//! and a block is gone into for its first owner only, so that any bytes whatever come to an end: at
//! most one look at each pointer and each entry of the device. Nothing is repaired.

mod names;
mod problem;

pub use problem::Problem;

use super::block_map::{self, Use};
use super::layout::{Layout, index};
use super::{
    DISK_INODE_POINTERS, DiskInode, Kind, Role, bitmap, check_superblock, inode, slot_line,
};
use crate::config::Geometry;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::vec;
use alloc::vec::Vec;

/// Everything that is wrong with the file system in an image of the whole device: the superblock's
/// fault alone if that cannot be trusted, else problems of inodes, of the bitmap and of names, in
/// this order. Of a kind that may hold for many pointers of an inode only the first is named.
///
/// An empty list says that the file system is consistent: every block has one owner or is free, the
/// bitmap agrees, and, if there is a root directory, every inode has as many names as it counts.
#[must_use]
pub fn fsck(image: &[Word], geometry: &Geometry) -> Vec<Problem> {
    let layout = Layout::of(geometry);
    let root = match check_superblock(image, &layout) {
        Ok(root) => root,
        Err(fault) => return vec![Problem::Superblock(fault)],
    };
    let owners = vec![Owner::Nobody; index(geometry.blocks)];
    let mut check = Check {
        image,
        layout,
        owners,
        inodes: Vec::new(),
        numbers: Vec::new(),
        problems: Vec::new(),
    };
    check.check_inodes();
    check.check_bitmap();
    check.check_names(root);
    check.problems
}

/// Who owns a block of the pool.
#[derive(Clone, Copy)]
enum Owner {
    Nobody,
    One(Ino),
    /// More than one; the first found.
    Several(Ino),
}

/// A page of a directory and its block; `None` if the directory is not its first owner, or if it is
/// outside the pool.
type DirPage = (PageIndex, Option<BlockNr>);

/// An inode that could be read.
struct Found {
    inode: DiskInode,
    /// A directory's pages within its size, in order.
    dir_pages: Vec<DirPage>,
}

/// What the passes hand on.
struct Check<'a> {
    image: &'a [Word],
    layout: Layout,
    /// By block number.
    owners: Vec<Owner>,
    /// One for each number, in the order of the table.
    inodes: Vec<Found>,
    /// Every number in the table, of inodes that could not be read too; sorted.
    numbers: Vec<Ino>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// Pass 1: every slot of the inode table, and who owns which block.
    fn check_inodes(&mut self) {
        for slot in 0..self.layout.inodes_max() {
            let (block, in_block) = self.layout.slot_of(slot);
            let line = slot_line(self.layout.words_of(self.image, block), in_block);
            let ino = inode::number(line);
            let found = match DiskInode::decode(line, &self.layout) {
                Ok(None) => continue,
                Ok(found) => found,
                Err(fault) => {
                    self.problems.push(Problem::InodeCorrupt { slot, ino, fault });
                    None
                }
            };
            // What an inode that cannot be read points to is not free for that.
            let dir_pages = self.claim_blocks(ino, found.as_ref(), &inode::pointers(line));
            match self.numbers.binary_search(&ino) {
                // No number at all was said above.
                _ if ino == Ino(0) => {}
                Ok(_) => self.problems.push(Problem::InodeTwice { ino }),
                Err(at) => {
                    self.numbers.insert(at, ino);
                    self.inodes.extend(found.map(|inode| Found { inode, dir_pages }));
                }
            }
        }
    }

    /// Notes an inode as the owner of all its blocks. Returns a directory's pages within its size.
    fn claim_blocks(
        &mut self,
        ino: Ino,
        found: Option<&DiskInode>,
        pointers: &[Option<BlockNr>; DISK_INODE_POINTERS],
    ) -> Vec<DirPage> {
        let Self { image, layout, owners, problems, .. } = self;
        let size = found.map_or(u64::MAX, |inode| inode.pages(layout));
        let is_dir = found.is_some_and(|inode| inode.kind == Kind::Directory);
        let (mut dir_pages, mut outside, mut past_end) = (Vec::new(), None, None);
        let mut read = |block, word| layout.words_of(image, block)[word];
        block_map::walk(pointers, layout, &mut read, &mut |what, block| {
            let first_owner = layout.in_pool(block) && claim(owners, block, ino, problems);
            if !layout.in_pool(block) {
                outside.get_or_insert(Problem::PointerOutside { ino, pointer: block });
            }
            let (Use::Page(page) | Use::Pointers(page)) = what;
            if page.0 >= size {
                past_end.get_or_insert(Problem::PastEnd { ino, page, block });
            } else if is_dir && matches!(what, Use::Page(_)) {
                dir_pages.push((page, first_owner.then_some(block)));
            }
            first_owner
        });
        problems.extend(outside.into_iter().chain(past_end));
        dir_pages
    }

    /// Pass 2: the bitmap says of every block what the inodes and the layout say.
    fn check_bitmap(&mut self) {
        let (layout, blocks) = (self.layout, self.layout.geometry().blocks);
        let used = |block: &BlockNr| {
            let (at, bit) = layout.bit_of(*block);
            bitmap::is_used(layout.words_of(self.image, at), bit)
        };
        for block in (0..blocks).map(BlockNr) {
            let in_pool = layout.role(block) == Some(Role::Pool);
            let problem = match (used(&block), self.owners[index(block.0)]) {
                (true, Owner::Nobody) if in_pool => Problem::Leak { block },
                (false, Owner::Nobody) if !in_pool => Problem::FixedButFree { block },
                (false, Owner::One(ino) | Owner::Several(ino)) => {
                    Problem::OwnedButFree { block, ino }
                }
                _ => continue,
            };
            self.problems.push(problem);
        }
        let past_end = (blocks..layout.bits()).map(BlockNr).find(used);
        self.problems.extend(past_end.map(|block| Problem::BitPastEnd { block }));
    }
}

/// Notes `ino` as an owner of a block of the pool, and says whether it is the first.
fn claim(owners: &mut [Owner], block: BlockNr, ino: Ino, problems: &mut Vec<Problem>) -> bool {
    let owner = &mut owners[index(block.0)];
    match *owner {
        Owner::Nobody => {
            *owner = Owner::One(ino);
            return true;
        }
        Owner::One(first) => {
            *owner = Owner::Several(first);
            problems.push(Problem::OwnedTwice { block, first, second: ino });
        }
        Owner::Several(_) => {}
    }
    false
}
