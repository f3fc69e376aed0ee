//! An array that grows while others read it: nothing in it ever moves.
//!
//! ```text
//!   index   0          256        512          4096          4608            12288
//!           ├── 256 ───┼── 256 ───┼── … ───────┼──── 512 ────┼──── … ────────┼─────── 1024 ── …
//!           └───────── sixteen of 256 ─────────┴─ sixteen of 512 ────────────┴─ sixteen of …
//! ```
//!
//! It is made of segments. When the last one is full, the next is allocated, and those before it
//! stay where they are. They grow with the array, so that there are never many, and the last one,
//! which is half empty on average, is about a sixteenth of the whole at most.

use std::ops::Index;
use std::sync::OnceLock;

/// Length of the first segments, as a power of two.
const FIRST_BITS: u32 = 8;
/// So many segments have the same length, as a power of two.
const EQUAL_BITS: u32 = 4;
/// So many things are taken at once at most.
const AT_ONCE_MAX: u32 = 16;
/// All indexes are below this power of two: 67 million entries, some gigabytes. More would make the
/// list of segments longer, which an empty table has, too.
const INDEX_BITS: u32 = 26;
const SEGMENTS: usize = ((INDEX_BITS - EQUAL_BITS - FIRST_BITS) as usize) << EQUAL_BITS;

/// Things by index; at first, all of them are as `T::default` makes them.
pub(super) struct Segments<T>(Box<[OnceLock<Box<[T]>>]>);

impl<T: Default> Segments<T> {
    /// An array without a segment.
    pub(super) fn new() -> Segments<T> {
        Segments((0..SEGMENTS).map(|_| OnceLock::new()).collect())
    }

    /// Makes the segment of `index`, and of the few indexes before it, if they are not there.
    /// Whoever comes first makes it, and who comes at the same time waits for that.
    ///
    /// # Panics
    ///
    /// If there are too many: a memtable is full long before that.
    pub(super) fn reach(&self, index: u32) {
        // What is taken at once is less than a segment, and may begin in the one before.
        for index in [index.saturating_sub(AT_ONCE_MAX), index] {
            let (segment, _) = place(index);
            self.0[segment]
                .get_or_init(|| (0..segment_size(segment)).map(|_| T::default()).collect());
        }
    }
}

impl<T> Index<u32> for Segments<T> {
    type Output = T;

    /// What is at an index that was reached.
    fn index(&self, index: u32) -> &T {
        let (segment, offset) = place(index);
        &self.0[segment].get().expect("an index is reached before it is used")[offset]
    }
}

/// Segment and offset of an index.
fn place(index: u32) -> (usize, usize) {
    // Shifted by the length of a first row of segments, rows begin at powers of two.
    let index = u64::from(index) + (1 << (FIRST_BITS + EQUAL_BITS));
    let size_bits = index.ilog2() - EQUAL_BITS;
    let row = (size_bits - FIRST_BITS) as usize;
    let in_row = (index >> size_bits) as usize - (1 << EQUAL_BITS);
    ((row << EQUAL_BITS) + in_row, (index & ((1 << size_bits) - 1)) as usize)
}

fn segment_size(segment: usize) -> usize {
    1 << (FIRST_BITS as usize + (segment >> EQUAL_BITS))
}
