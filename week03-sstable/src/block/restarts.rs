//! Searching a block in which every entry is a restart point: a binary search and nothing else.
//!
//! ```text
//!   target  lime@7
//!
//!   c   fig   kiwi   n   r   stove@9
//!             ▲      ▲
//!             │      └ the next one: the first at or behind the target
//!             └ the last restart point before the target: `restart_before`
//! ```

use std::cmp::Ordering;

use memtable::InternalKey;

use super::{BadBlock, Block, compare};

impl Block {
    /// The value of the first entry at or behind `target`, in a block of which every entry is a
    /// restart point; `None` if there is no such entry.
    ///
    /// **Lab partitions**, chapter `week03/lab-partitions.md`. Any bytes may stand in the block,
    /// and none may make it panic.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if an entry that it looks at is none.
    ///
    /// # Cost
    ///
    /// A binary search, in place: no copy, no allocation.
    pub(crate) fn find_at_restarts(
        &self,
        target: &InternalKey<'_>,
    ) -> Result<Option<&[u8]>, BadBlock> {
        // `restart_before` gives the last one before the target, or the first of all if none is.
        // Look at that one, and at the next. `compare` knows the order.
        todo!("lab partitions: find at restarts")
    }
}
