//! Making a block, one entry after the other.

use memtable::InternalKey;

use crate::varint;

/// A block that is being filled.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    /// The entries so far; after [`finish`](BlockBuilder::finish), the whole block.
    bytes: Vec<u8>,
    /// Where the restart points are in `bytes`.
    restarts: Vec<u32>,
    /// Entries from one restart point to the next; 0 counts as 1.
    restart_interval: usize,
    /// Entries since the last restart point, that one included.
    run_length: usize,
    /// The user key that was added last.
    last_user_key: Vec<u8>,
}

impl BlockBuilder {
    /// An empty block with a restart point every `restart_interval` entries; 0 counts as 1.
    pub fn new(restart_interval: usize) -> BlockBuilder {
        BlockBuilder {
            bytes: Vec::new(),
            restarts: Vec::new(),
            restart_interval,
            run_length: 0,
            last_user_key: Vec::new(),
        }
    }

    /// Adds an entry. Keys come in ascending order: whoever calls has seen to that.
    ///
    /// **Day 1**, chapter `week03/day1-block.md`. The format is drawn at the top of `block.rs`.
    ///
    /// # Panics
    ///
    /// If the entry begins at 4 GiB of the block or further on: a table's builder ends it long
    /// before.
    ///
    /// # Cost
    ///
    /// A comparison with the key before, and a copy of what is new; no allocation but growing the
    /// block.
    pub fn add(&mut self, key: InternalKey<'_>, value: &[u8]) {
        // Is it a restart point? Then it shares nothing, and where it begins is noted. The rest of
        // the user key, then the trailer's eight bytes.
        todo!("day 1: add")
    }

    /// Size of the block in bytes if it were finished now.
    pub fn size(&self) -> usize {
        self.bytes.len() + 4 * self.restarts.len() + 4
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// Puts the restart points behind the entries: the block is whole. Call
    /// [`clear`](BlockBuilder::clear) before the next is begun.
    ///
    /// **Day 1**.
    ///
    /// # Panics
    ///
    /// If nothing was added: there is no empty block.
    pub fn finish(&mut self) -> &[u8] {
        // Each in four bytes, and then how many there are.
        todo!("day 1: finish")
    }

    /// Empties the block and keeps its memory for the next.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.restarts.clear();
        self.run_length = 0;
        self.last_user_key.clear();
    }
}

/// How many first bytes two keys have in common.
#[inline]
pub(crate) fn shared_prefix(left: &[u8], right: &[u8]) -> usize {
    // Eight bytes at a time: where two numbers differ, their lowest bit that does says in which
    // byte.
    let (left_words, right_words) = (left.as_chunks::<8>().0, right.as_chunks::<8>().0);
    let mut at = 0;
    for (left, right) in left_words.iter().zip(right_words) {
        let difference = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        if difference != 0 {
            return at + difference.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = left[at..].iter().zip(&right[at..]);
    at + rest.take_while(|(left, right)| left == right).count()
}
