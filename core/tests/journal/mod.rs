//! A writer of logs, much simpler than the kernel's, and what recovery must make of them.

use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::format::{self, LoggedBlock, Superblock};
use daxscope_core::units::{BlockNr, LogBlockNr, Tid, Word};

/// What one transaction does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transaction {
    /// The blocks that it logs, each once, and their contents.
    pub(crate) logged: Vec<(BlockNr, Vec<Word>)>,
    /// The blocks that it revokes.
    pub(crate) revoked: Vec<BlockNr>,
}

/// The transaction's blocks in the order of the log, the commit block last.
pub(crate) fn blocks(words: usize, tid: Tid, transaction: &Transaction) -> Vec<Vec<Word>> {
    let mut blocks = vec![];
    for revoked in transaction.revoked.chunks(format::revokes_per_block(words)) {
        blocks.push(format::revoke_block(words, tid, revoked));
    }
    for logged in transaction.logged.chunks(format::tags_per_descriptor(words)) {
        let escaped: Vec<_> = logged.iter().map(|(_, block)| format::escape(block)).collect();
        let copies = logged.iter().zip(&escaped).map(|((home, block), escaped)| LoggedBlock {
            home: *home,
            copy: escaped.as_ref().unwrap_or(block),
            escaped: escaped.is_some(),
        });
        let copies: Vec<_> = copies.collect();
        blocks.push(format::descriptor_block(tid, &copies));
        blocks.extend(copies.iter().map(|copy| copy.copy.to_vec()));
    }
    blocks.push(format::commit_block(words, tid));
    blocks
}

/// The words of a block in an image.
pub(crate) fn block_mut<'a>(
    image: &'a mut [Word],
    layout: &LogLayout,
    nr: BlockNr,
) -> &'a mut [Word] {
    let size = layout.words_per_block as usize;
    &mut image[nr.0 as usize * size..][..size]
}

/// Writes these blocks into the ring, from `start` on.
///
/// # Panics
/// If the ring is too short.
pub(crate) fn write_log(
    image: &mut [Word],
    layout: &LogLayout,
    start: LogBlockNr,
    log: &[Vec<Word>],
) {
    assert!(log.len() <= layout.len as usize, "{} blocks in {layout:?}", log.len());
    for (number, block) in log.iter().enumerate() {
        let at = layout.device_block(layout.advance(start, number as u32));
        block_mut(image, layout, at).copy_from_slice(block);
    }
}

/// Writes the journal superblock; `None` is a clean log.
pub(crate) fn write_superblock(
    image: &mut [Word],
    layout: &LogLayout,
    sequence: Tid,
    start: Option<LogBlockNr>,
) {
    let superblock = Superblock { sequence, start }.encode(layout);
    block_mut(image, layout, layout.superblock).copy_from_slice(&superblock);
}

/// Applies committed transactions the plain way, with no log: the last contents of each block win,
/// unless its own transaction or a later one has revoked it.
pub(crate) fn apply(image: &mut [Word], layout: &LogLayout, committed: &[Transaction]) {
    for (number, transaction) in committed.iter().enumerate() {
        for (home, words) in &transaction.logged {
            let revoked = committed[number..].iter().any(|later| later.revoked.contains(home));
            if !revoked {
                block_mut(image, layout, *home).copy_from_slice(words);
            }
        }
    }
}
