//! Memory of blocks that are gone, for those that come.
//!
//! A cache that is full lets a block go for each that it takes in. To give four kilobytes back to the
//! allocator, and ask it for four others, costs more than their checksum: it looks at what lies on
//! both sides of them, and nobody has touched that for long. So each thread keeps the last block that
//! it has let go.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};

thread_local! {
    static SPARE: RefCell<BytesMut> = RefCell::default();
}

/// Sizes are rounded up to multiples of this, so that blocks of nearly the same size fit each other's
/// memory.
const ROUND: usize = 128;

/// So many bytes, whatever they are: to be written over.
pub(crate) fn buffer(size: usize) -> BytesMut {
    let mut buffer = SPARE.take();
    if !(size..=2 * size).contains(&buffer.capacity()) {
        buffer = BytesMut::with_capacity(size.next_multiple_of(ROUND));
    }
    buffer.resize(size, 0);
    buffer
}

/// Keeps the memory of a block, if nobody else has a part of it.
pub(crate) fn keep(bytes: Bytes) {
    if let Ok(buffer) = bytes.try_into_mut() {
        // A thread that ends has no spare any more.
        let _ = SPARE.try_with(|spare| spare.replace(buffer));
    }
}
