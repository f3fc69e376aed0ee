//! Where a memtable keeps the bytes of its entries: one behind the other, in chunks.
//!
//! An allocation an entry costs time, a header of its own, and a reference count of its own as soon
//! as a value is handed out. In a chunk, some hundred entries share all three. LevelDB has the idea
//! from older allocators (`util/arena.h`).

use bytes::{Bytes, BytesMut};

use crate::sync::Mutex;

/// Size of a chunk, in bytes. The last one of a table is half empty on average.
const CHUNK_SIZE: usize = 32 << 10;

/// Bytes that live until the last of them is let go of, chunk by chunk.
pub(crate) struct Arena {
    /// The chunk that is being filled; its room is its capacity.
    chunk: Mutex<BytesMut>,
}

impl Arena {
    /// An arena without a chunk.
    pub(crate) fn new() -> Arena {
        Arena { chunk: Mutex::new(BytesMut::new()) }
    }

    /// Copies `key`, and `value` behind it. The bytes come shared: to clone or slice them allocates
    /// nothing.
    ///
    /// **Day 2**, chapter `week02/day2-memtable.md`. What would fill a sixteenth of a chunk or more
    /// gets an allocation of its own, of just that size, so that no chunk is left with much room.
    ///
    /// # Cost
    ///
    /// A copy. Of what goes to a chunk, under a lock that is held for no more than that.
    pub(crate) fn keep(&self, key: &[u8], value: &[u8]) -> Bytes {
        // `split` takes off a chunk what was written to it, and leaves the room; `freeze` makes
        // that shareable. Never let the chunk grow: that would move it, or allocate at random.
        todo!("day 2: keep")
    }
}
