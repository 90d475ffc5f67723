//! The superblock: what the file system says of itself.

use super::{Layout, ROOT};
use crate::config::Geometry;
use crate::units::Word;
use core::fmt;

const MAGIC: Word = Word(*b"DAXSCOPE");
const VERSION: u64 = 2;

/// The words after the magic: what each one is, in order. The last says which inode is the root
/// directory: [`ROOT`], or 0 if the file system has no names.
const FIELDS: [&str; 6] = ["version", "blocks", "lines of a block", "log blocks", "inodes", "root"];

/// Why a superblock is none of this file system, or not the one of this device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SuperblockFault {
    /// The image is shorter or longer than the device.
    Length {
        /// Words found.
        found: u64,
        /// Words of the device.
        expected: u64,
    },
    /// It does not begin with the magic.
    Magic(Word),
    /// A number in it is another one than this device must have.
    Field {
        /// Which number.
        field: &'static str,
        /// What it says.
        found: u64,
        /// What it must say.
        expected: u64,
    },
}

impl fmt::Display for SuperblockFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, expected } => write!(f, "{found} words, expected {expected}"),
            Self::Magic(found) => write!(f, "no file system: the superblock begins with {found}"),
            Self::Field { field, found, expected } => {
                write!(f, "the superblock says {field} {found}, expected {expected}")
            }
        }
    }
}

/// The words after the magic, as they must be.
fn expected(layout: &Layout, root: bool) -> [u64; FIELDS.len()] {
    let Geometry { blocks, lines_per_block, log_blocks, .. } = *layout.geometry();
    let root = if root { u64::from(ROOT.0) } else { 0 };
    [VERSION, blocks, lines_per_block, log_blocks, layout.inodes_max(), root]
}

/// Writes the superblock into its block's words. The words after its fields stay as they are.
pub(super) fn write(words: &mut [Word], layout: &Layout, root: bool) {
    words[0] = MAGIC;
    for (word, value) in words[1..].iter_mut().zip(expected(layout, root)) {
        *word = Word::number(value);
    }
}

/// Checks an image's length and its superblock, and says whether there is a root directory.
///
/// After: the image has a word for every address of the device.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn check_superblock(image: &[Word], layout: &Layout) -> Result<bool, SuperblockFault> {
    let length = layout.geometry().words();
    if image.len() as u64 != length {
        return Err(SuperblockFault::Length { found: image.len() as u64, expected: length });
    }
    let words = layout.words_of(image, Layout::SUPERBLOCK);
    if words[0] != MAGIC {
        return Err(SuperblockFault::Magic(words[0]));
    }
    let root = words[FIELDS.len()] != Word::ZERO;
    for (n, expected) in expected(layout, root).into_iter().enumerate() {
        let found = words[1 + n].as_number();
        if found != expected {
            return Err(SuperblockFault::Field { field: FIELDS[n], found, expected });
        }
    }
    Ok(root)
}
