//! Day 5: one record is one atomic batch, and a sequence number orders the world.

mod given;

use std::sync::Arc;

use given::*;
use wal::fs::{Fault, Fs, Operation as Call};
use wal::segment;
use wal::testing::{
    Workload, batch, crash_at_every_operation, for_each_seed, kill_at_every_operation, put, seeds,
    show,
};
use wal::{
    Batch, Durability, LogOptions, LogReader, Lsn, Operation, RecoveryMode, Seq, Wal, WriteBatch,
    recover,
};

// The format.

#[test]
fn a_batch_is_these_bytes_and_no_others() {
    // ANCHOR: listing_golden
    let mut batch = WriteBatch::new();
    batch.put(b"stone", b"flint");
    batch.delete(b"moss");
    let golden = b"\x07\0\0\0\0\0\0\0\x02\0\0\0\x01\x05stone\x05flint\x00\x04moss";
    // ANCHOR_END: listing_golden
    assert_eq!(
        show(batch.encode(7)).to_string(),
        show(golden).to_string(),
        "number and count, then one put and one delete (day 5, the drawing in `batch.rs`)"
    );
}

#[test]
fn a_length_takes_as_few_bytes_as_it_can() {
    let lengths: [(usize, &[u8]); 7] = [
        (0, b"\x00"),
        (1, b"\x01"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
    ];
    for (len, varint) in lengths {
        let mut batch = WriteBatch::new();
        batch.delete(&vec![b'k'; len]);
        let operation = &batch.encode(1)[12..];
        let found = &operation[1..operation.len() - len];
        assert!(
            found == varint,
            "a length of {len} is {varint:02x?}: seven bits a byte, lowest first (rule 3 of day \
             5); it was written as {found:02x?}"
        );
        expect_round_trip(1, &batch);
    }
}

#[test]
fn what_was_put_into_a_batch_comes_out_of_it() {
    for_each_seed(20, |fs| {
        let mut random = Workload::new(fs.seed());
        for first_seq in [0, 1, 1 << 40] {
            expect_round_trip(first_seq, &batch(&random.batch()));
        }
    });
}

#[test]
fn empty_and_long_keys_and_values_come_back() {
    let sizes = [0, 1, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_151, 2_097_152];
    for size in sizes {
        let (long, mut batch) = (vec![b'x'; size], WriteBatch::new());
        batch.put(&long, b"");
        batch.put(b"", &long);
        batch.delete(&long);
        batch.delete(b"");
        expect_round_trip(1, &batch);
    }
}

#[test]
fn operations_come_in_the_order_they_were_added() {
    let mut batch = WriteBatch::new();
    batch.put(b"b", b"1");
    batch.delete(b"a");
    batch.put(b"a", b"2");
    batch.delete(b"b");
    let names = |operation| match operation {
        Operation::Put { key, .. } => format!("put {}", key.escape_ascii()),
        Operation::Delete { key } => format!("delete {}", key.escape_ascii()),
    };
    let order = batch.iter().map(names).collect::<Vec<_>>().join(", ");
    assert_eq!(
        order, "put b, delete a, put a, delete b",
        "the last operation on a key decides, so their order is what they mean (rule 1 of day 5)"
    );
    assert_eq!(batch.iter().len(), 4, "an iterator over operations knows how many are left");
}

#[test]
fn len_and_size_count_what_was_added() {
    let mut batch = WriteBatch::new();
    assert!(batch.is_empty(), "a new batch has no operations");
    for count in 1..=300 {
        let size = batch.size();
        if count % 3 == 0 {
            batch.delete(b"key");
            assert_eq!(batch.size(), size + 5, "a delete adds tag, length and key");
        } else {
            batch.put(b"key", b"value");
            assert_eq!(batch.size(), size + 11, "a put adds tag, two lengths, key and value");
        }
        assert_eq!(batch.len(), count, "each put and each delete is one operation");
    }
    assert_eq!(batch.encode(1).len(), batch.size(), "`size` is what the log will be given");
}

#[test]
fn a_cleared_batch_is_like_a_new_one() {
    let mut used = WriteBatch::new();
    used.put(b"old", b"value");
    used.encode(9);
    used.clear();
    assert_eq!((used.len(), used.size()), (0, 12), "a cleared batch is its header, counting none");
    assert!(used == WriteBatch::new(), "and equals a new one: the number of `encode` is gone, too");
    assert_eq!(used.iter().next(), None, "a cleared batch has no operations");
    let mut fresh = WriteBatch::new();
    for batch in [&mut used, &mut fresh] {
        batch.delete(b"new");
    }
    assert!(
        used.encode(1) == fresh.encode(1),
        "a batch that was cleared and filled again must be written like a new one, and its bytes \
         differ: something of the old operations is left"
    );
}

#[test]
fn a_batch_that_is_appended_comes_behind_operation_by_operation() {
    let mut random = Workload::new(1);
    for _ in 0..50 {
        let (mut first, mut second) = (random.batch(), random.batch());
        second.truncate(random.below(second.len() + 1));
        let (mut all, mut other) = (batch(&first), batch(&second));
        all.encode(7);
        other.encode(9);
        all.append(&other);
        first.extend(second);
        let expected = batch(&first);
        assert_eq!(all.encode(1), expected.clone().encode(1), "as if added one by one");
    }
}

#[test]
fn encoding_fills_in_the_number_and_nothing_else() {
    let mut batch = WriteBatch::new();
    batch.put(b"a", b"1");
    let first = batch.encode(1).to_vec();
    let again = batch.encode(0x0102_0304_0506_0708).to_vec();
    assert_eq!(again[..8], [8, 7, 6, 5, 4, 3, 2, 1], "the number is little-endian, in eight bytes");
    assert_eq!(again[8..], first[8..], "count and operations do not depend on the number");
    batch.put(b"b", b"2");
    assert_eq!(batch.len(), 2, "after `encode`, a batch can still grow");
    expect_round_trip(3, &batch);
}

#[test]
fn each_operation_has_the_number_after_the_one_before() {
    let mut batch = WriteBatch::new();
    let last_seq =
        |payload: &[u8]| Batch::decode(payload).expect("a batch that was just encoded").last_seq();
    assert_eq!(last_seq(batch.encode(8)), 7, "a batch without operations takes no number");
    assert_eq!(last_seq(batch.encode(0)), 0, "there is no number below 0");
    for count in 1..=3 {
        batch.put(b"k", b"v");
        let found = last_seq(batch.encode(8));
        assert_eq!(found, 7 + count, "{count} operations from 8 on (rule 2 of day 5)");
    }
}

// Bytes that are no batch.

#[test]
fn every_cut_of_a_batch_is_refused() {
    let payload = example();
    for cut in 0..payload.len() {
        let error = refused(&payload[..cut], "it was cut off");
        assert!(
            error.offset <= cut,
            "cut after {cut} bytes, the error points behind the end: {error}"
        );
    }
}

#[test]
fn every_bit_flip_of_a_batch_is_refused_or_is_another_batch() {
    let payload = example();
    for bit in 0..payload.len() * 8 {
        let mut flipped = payload.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        expect_refused_or_canonical(&flipped);
    }
}

#[test]
fn random_bytes_are_refused_or_are_a_batch() {
    for seed in seeds(3_000) {
        // Mostly small bytes, so that some of it looks like tags and lengths.
        let mut random = Workload::new(seed);
        let mut payload = vec![0; random.below(40)];
        for byte in &mut payload {
            let end = [3, 8, 256][random.below(3)];
            *byte = random.below(end) as u8;
        }
        if payload.len() >= 12 {
            payload[8] = random.below(5) as u8;
            payload[9..12].fill(0);
        }
        expect_refused_or_canonical(&payload);
    }
}

#[test]
fn a_count_that_lies_is_refused_and_costs_no_memory() {
    let mut payload = example();
    for count in [5, 0xffff, 0xff_ffff, u32::MAX] {
        payload[8..12].copy_from_slice(&count.to_le_bytes());
        let error = refused(&payload, "it counts more operations than it has");
        assert_eq!(error.offset, payload.len(), "the first missing operation is at the end");
    }
}

#[test]
fn a_length_beyond_the_end_is_refused_where_it_begins() {
    let lengths: [&[u8]; 5] = [
        b"\x02",                                     // 2, and one byte is left
        b"\x80\x01",                                 // 128
        b"\xff\xff\xff\xff\x0f",                     // 2^32 − 1
        b"\xff\xff\xff\xff\x7f",                     // 2^35 − 1
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", // 2^64 − 1
    ];
    for length in lengths {
        let key = raw(1, &[b"\0", length, b"k"]);
        expect_refused_at(13, &key, "the key's length says more than is there");
        let value = raw(1, &[b"\x01\x01k", length, b"v"]);
        expect_refused_at(15, &value, "the value's length says more than is there");
    }
}

#[test]
fn a_length_in_more_bytes_than_it_takes_is_refused() {
    let overlong: [&[u8]; 4] =
        [b"\x80\x00", b"\x81\x00k", b"\x81\x80\x00k", b"\x81\x80\x80\x80\x00k"];
    for length in overlong {
        let payload = raw(1, &[b"\0", length]);
        expect_refused_at(13, &payload, "one length has one encoding (rule 3 of day 5)");
    }
}

#[test]
fn a_length_without_an_end_is_refused() {
    for size in [1, 4, 5, 6, 11, 64] {
        let payload = raw(1, &[b"\0", &vec![0x80; size]]);
        expect_refused_at(13, &payload, "every byte of its length has the top bit set");
    }
}

#[test]
fn an_unknown_kind_of_operation_is_refused() {
    for tag in 2..=u8::MAX {
        let payload = raw(2, &[b"\0\x01k", &[tag], b"\x01k\x01v"]);
        expect_refused_at(15, &payload, "its second operation is neither a put nor a delete");
    }
}

#[test]
fn bytes_behind_the_last_operation_are_refused() {
    let payload = example();
    let end = payload.len();
    for tail in [&b"\0"[..], b"\0\x04moss", &[0; 100]] {
        let longer = [&payload, tail].concat();
        expect_refused_at(end, &longer, "a record holds one batch and nothing else");
    }
    let empty = raw(0, &[b"\0\x01k"]);
    expect_refused_at(12, &empty, "it counts no operation, and has one");
}

#[test]
fn numbers_beyond_the_largest_are_refused() {
    let mut batch = batch(&[put("a", "1"), put("b", "2")]);
    let error = refused(batch.encode(Seq::MAX - 1), "the number after its last would be too large");
    assert_eq!(error.offset, 0, "what is wrong is the number, which stands at the beginning");
    expect_round_trip(Seq::MAX - 2, &batch);
}

// A batch and the log.

#[test]
fn a_batch_is_one_record_of_the_log() {
    let fs = disk();
    let log = Wal::open(Arc::clone(&fs), dir(), 0, LogOptions::default()).unwrap();
    let mut changes = batch(&[put("from", "90"), put("to", "110")]);
    log.commit(changes.encode(1), Durability::Synced).unwrap();
    assert_eq!(log.stats().records, 1, "one batch is one record (rule 1 of day 5)");
    let mut reader = LogReader::open(fs, dir(), 0).unwrap();
    assert!(reader.advance().unwrap(), "the record must be in the log");
    let found = Batch::decode(reader.record().payload).expect("the log gives back what it got");
    assert_eq!((found.first_seq, found.last_seq()), (1, 2), "two operations, numbers 1 and 2");
    assert!(found.operations.eq(changes.iter()), "the operations come back as they were");
}

/// Each batch moves a coin from one purse to another: seen in part, it makes or loses one.
#[test]
fn a_power_cut_anywhere_leaves_no_batch_in_part() {
    let options = LogOptions { segment_size: 300, buffer_size: 64, ..LogOptions::default() };
    crash_at_every_operation(
        |fs, synced: &mut Seq| {
            let fs: Arc<dyn Fs> = Arc::new(fs.clone());
            make_dir(&*fs)?;
            let log = Wal::open(fs, dir(), 0, options.clone())?;
            for first_seq in (1..30).step_by(2) {
                let mut coin = batch(&[put("from", "-1"), put("to", "+1")]);
                let durable = first_seq % 3 == 0;
                let durability = if durable { Durability::Synced } else { Durability::Buffered };
                log.commit(coin.encode(first_seq), durability)?;
                *synced = if durable { first_seq + 1 } else { *synced };
            }
            Ok(())
        },
        |fs, synced| {
            let fs: Arc<dyn Fs> = Arc::new(fs.clone());
            make_dir(&*fs).unwrap();
            let mut last = 0;
            recover(&fs, dir(), 0, RecoveryMode::TolerateTail, &mut |record| {
                let batch = Batch::decode(record.payload).expect("a record is a whole batch");
                assert_eq!(batch.first_seq, last + 1, "numbers go on (rule 2 of day 5)");
                assert_eq!(batch.operations.len(), 2, "a batch was seen in part (rule 1 of day 5)");
                last = batch.last_seq();
                Ok(())
            })
            .expect("after a power cut the log is recovered");
            assert!(last >= *synced, "number {synced} was synced, and the log ends at {last}");
        },
    );
}

mod purge;
