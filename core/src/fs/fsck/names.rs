//! Pass 3: names and link counts.

use super::{Check, Found, Problem};
use crate::fs::{Kind, Name, ROOT, dir};
use crate::units::{Ino, PageIndex};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

impl Check<'_> {
    /// Follows the names from the root directory, and compares what an inode counts with them.
    /// Without a root directory there are no names, every inode counts 1, and none is a directory.
    pub(super) fn check_names(&mut self, root: bool) {
        let is_dir = |found: &Found| found.inode.kind == Kind::Directory;
        let is_root = |found: &Found| is_dir(found) && found.inode.ino == ROOT;
        let names = match self.inodes.iter().position(is_root) {
            Some(at) if root => self.follow_names(at),
            None if !root && !self.inodes.iter().any(is_dir) => vec![1; self.inodes.len()],
            _ => {
                self.problems.push(Problem::RootMissing);
                return;
            }
        };
        for (Found { inode, .. }, names) in self.inodes.iter().zip(names) {
            let (ino, links) = (inode.ino, inode.links);
            let is_dir = inode.kind == Kind::Directory;
            let expected = if is_dir { 1 } else { names };
            if names == 0 {
                self.problems.push(Problem::Unnamed { ino });
            } else if u64::from(links) != expected {
                self.problems.push(Problem::LinkCount { ino, links, expected });
            }
            if is_dir && names > 1 {
                self.problems.push(Problem::DirectoryTwice { dir: ino });
            }
        }
    }

    /// Counts the names of every inode, by its place in the list of inodes. Goes into each directory
    /// once, so that directories that contain each other end. The root counts as named by the file
    /// system.
    fn follow_names(&mut self, root: usize) -> Vec<u64> {
        let mut names = vec![0; self.inodes.len()];
        names[root] = 1;
        let mut dirs = vec![root];
        while let Some(at) = dirs.pop() {
            for ino in self.check_directory(at) {
                let named = self.inodes.iter().position(|found| found.inode.ino == ino);
                // One that could not be read is in the table all the same.
                let Some(named) = named else { continue };
                names[named] += 1;
                if names[named] == 1 && self.inodes[named].inode.kind == Kind::Directory {
                    dirs.push(named);
                }
            }
        }
        names
    }

    /// Checks the entries of a directory, and returns the inodes in use that they name.
    fn check_directory(&mut self, at: usize) -> Vec<Ino> {
        let Self { image, layout, inodes, numbers, problems, .. } = self;
        let Found { inode, dir_pages } = &inodes[at];
        let dir = inode.ino;
        let hole = (0..).zip(dir_pages).find(|(n, (page, _))| page.0 != *n);
        let first_gap = hole.map_or(dir_pages.len() as u64, |(n, _)| n);
        if first_gap < inode.pages(layout) {
            problems.push(Problem::DirectoryHole { dir, page: PageIndex(first_gap) });
        }
        let (mut seen, mut named) = (BTreeSet::<Name>::new(), Vec::new());
        for (page, block) in dir_pages {
            let words = block.map_or(&[][..], |block| layout.words_of(image, block));
            for entry in dir::entries(words) {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(slot) => {
                        problems.push(Problem::EntryCorrupt { dir, page: *page, slot });
                        continue;
                    }
                };
                let (name, ino) = (entry.name, entry.ino);
                if !seen.insert(name) {
                    problems.push(Problem::NameTwice { dir, name });
                }
                if numbers.binary_search(&ino).is_ok() {
                    named.push(ino);
                } else {
                    problems.push(Problem::NamesFreeInode { dir, name, ino });
                }
            }
        }
        named
    }
}
