//! Day 1's experiment: the history of four keys in the order of `cmp`, and what two snapshots see.
//!
//! Each operation is a point: to the right its place in the order, upward its number. So every key
//! is a line that falls, from its newest version to its oldest. A snapshot joins the versions that
//! it finds, one search a key.

use std::cmp::Ordering;

use memtable::{InternalKey, Kind, compare_encoded};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use wal::Seq;

const KEYS: [&str; 4] = ["flint", "moss", "stone", "stones"];
const OPERATIONS: Seq = 30;
const SNAPSHOTS: [Seq; 2] = [10, 20];

fn main() {
    let mut entries = history();
    entries.sort();

    println!("# title: {OPERATIONS} operations on four keys, in the order of their versions");
    println!("# x: place in the order");
    println!("# y: number of the operation");
    println!("series,x,y");
    for key in KEYS {
        for (place, entry) in entries.iter().enumerate() {
            if entry.user_key == key.as_bytes() {
                println!("{key},{place},{}", entry.seq);
            }
        }
    }
    let (mut found, mut tombstones) = (0, 0);
    for snapshot in SNAPSHOTS {
        for place in KEYS.iter().filter_map(|key| find(&entries, key.as_bytes(), snapshot)) {
            println!("snapshot at {snapshot},{place},{}", entries[place].seq);
            found += 1;
            tombstones += usize::from(entries[place].kind == Kind::Delete);
        }
    }
    let (pairs, wrong) = compared_as_plain_bytes(&entries);
    println!(
        "# says: {OPERATIONS} operations are {} entries. With one search for each of {} keys, two \
         snapshots find {found} versions, {tombstones} of them a tombstone. As plain bytes, {wrong} \
         of {pairs} pairs of encoded keys would stand the wrong way round.",
        entries.len(),
        KEYS.len(),
    );
}

/// Each operation puts one of the keys, or now and then deletes it.
fn history() -> Vec<InternalKey<'static>> {
    let mut dice = SmallRng::seed_from_u64(2_689);
    let mut operation = |seq| {
        let user_key = KEYS[dice.random_range(0..KEYS.len())].as_bytes();
        let kind = if dice.random_range(0..5) == 0 { Kind::Delete } else { Kind::Put };
        InternalKey { user_key, seq, kind }
    };
    (1..=OPERATIONS).map(&mut operation).collect()
}

/// Where in sorted `entries` the version stands that a snapshot sees of `key`.
fn find(entries: &[InternalKey<'_>], key: &[u8], snapshot: Seq) -> Option<usize> {
    let lookup = InternalKey::lookup(key, snapshot);
    let place = entries.partition_point(|entry| *entry < lookup);
    entries.get(place).filter(|entry| entry.user_key == key).map(|_| place)
}

/// How many pairs of encoded keys there are, and how many of them `<` on bytes has the wrong way
/// round.
fn compared_as_plain_bytes(entries: &[InternalKey<'_>]) -> (usize, usize) {
    let encode = |entry: &InternalKey<'_>| {
        let mut out = Vec::new();
        entry.encode(&mut out);
        out
    };
    let encoded: Vec<Vec<u8>> = entries.iter().map(encode).collect();
    let (mut pairs, mut wrong) = (0, 0);
    for (place, left) in encoded.iter().enumerate() {
        for right in &encoded[place + 1..] {
            pairs += 1;
            let in_order = compare_encoded(left, right) == Ordering::Less;
            wrong += usize::from((left < right) != in_order);
        }
    }
    (pairs, wrong)
}
