//! Blocks, day 1, and `find` in them, day 3.

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use sstable::{Block, BlockBuilder};

use crate::entries::{Entry, around, ascend, entries};
use crate::moves::{Move, Walk, expect_list, expect_moves, try_to_go, walk};

/// The fewest bytes of an entry: three lengths and a trailer.
const ENTRY_SIZE_MIN: usize = 11;

/// Any bytes as a block; or entries, built, read and searched.
pub fn block(data: &[u8]) {
    match data.split_first() {
        Some((0..0x80, bytes)) => any_bytes(bytes),
        // Bytes that end too early are no entries.
        Some((_, input)) => _ = built(&mut Unstructured::new(input)),
        None => {}
    }
}

/// What is no block is refused; walks end; both ways come by the same entries; and if these are in
/// order, all that day 1 promises holds.
fn any_bytes(bytes: &[u8]) {
    let Ok(block) = Block::parse(Bytes::copy_from_slice(bytes)) else { return };
    assert_eq!(block.size(), bytes.len(), "size of a block of {} bytes", bytes.len());
    let limit = bytes.len() / ENTRY_SIZE_MIN;
    let mut cursor = block.cursor();
    let Walk { entries, end } = walk(&mut cursor, true, limit);
    let back = walk(&mut cursor, false, limit);
    if end.is_ok() {
        assert_eq!(back.end, Ok(()), "a walk back, of entries that a walk forward came by");
        assert!(back.entries.iter().rev().eq(&entries), "{:?} are {entries:?}", back.entries);
        if ascend(&entries) {
            expect_list(&mut cursor, &entries);
            expect_finds(&block, bytes, &entries);
            return;
        }
    }
    assert!(end.is_err() || back.end.is_ok(), "a walk forward found no damage: {:?}", back.end);
    for target in &around(&entries) {
        if try_to_go(&mut cursor, Move::Seek(target)).is_ok()
            && let Some(key) = cursor.key()
        {
            assert!(key >= target.key(), "seek {target:?} went to {key:?}");
        }
        _ = try_to_go(&mut cursor, Move::Prev);
        _ = try_to_go(&mut cursor, Move::SeekBack(target));
        _ = try_to_go(&mut cursor, Move::Next);
        if let Ok(Some(found)) = block.find(target.key()) {
            assert!(found.value.end <= bytes.len(), "the value of {target:?} is at {found:?}");
        }
    }
}

/// Entries come back as they went in, whatever the interval.
fn built(input: &mut Unstructured<'_>) -> Result<()> {
    let interval = usize::from(input.arbitrary::<u8>()? % 20);
    let list = entries(input)?;
    let mut builder = BlockBuilder::new(interval);
    let mut build = || {
        builder.clear();
        list.iter().for_each(|entry| builder.add(entry.key(), &entry.value));
        let size = builder.size();
        let bytes = builder.finish().to_vec();
        assert_eq!(bytes.len(), size, "size of a block, before and after it is finished");
        bytes
    };
    let bytes = build();
    assert_eq!(build(), bytes, "the same entries a second time");
    let block = Block::parse(bytes.clone().into()).expect("a builder makes blocks");
    expect_list(&mut block.cursor(), &list);
    expect_finds(&block, &bytes, &list);
    expect_moves(&mut block.cursor(), &list, input)
}

/// `find` is a seek that wants the same user key. The value is a range of the block's `bytes`.
fn expect_finds(block: &Block, bytes: &[u8], list: &[Entry]) {
    for target in &around(list) {
        let next = list.iter().find(|entry| entry.key() >= target.key());
        let want = next.filter(|entry| entry.user_key == target.user_key);
        let want = want.map(|entry| (entry.kind, &entry.value[..]));
        let found = block.find(target.key()).expect("a good block");
        let came = found.map(|found| (found.kind, &bytes[found.value]));
        assert_eq!(came, want, "find {target:?}");
    }
}
