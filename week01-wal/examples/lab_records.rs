//! Day 1's experiment: thousands of damaged records, and which of them four checks take for good.
//!
//! A record fills eight sectors of a disk. Each is damaged in a way that disks, cables and crashes
//! do, and shown to a check that knows nothing but the bytes and the place they were read from.

use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use wal::{Decoded, HEADER_SIZE, Lsn, Record, decode, encode};

const SECTOR_SIZE: usize = 512;
const SECTOR_COUNT: usize = 8;
const RECORD_SIZE: usize = SECTOR_SIZE * SECTOR_COUNT;
/// Records for each damage and check.
const TRIALS: u64 = 5_000;

/// A way to write a record, and to say whether bytes are one.
struct Check {
    name: &'static str,
    write: fn(&Record<'_>) -> Vec<u8>,
    accepts: fn(&[u8], Lsn) -> bool,
}

const CHECKS: [Check; 4] = [
    Check { name: "length alone", write: |record| with_sum(record, |_| 0), accepts: fits },
    Check {
        name: "length and sum of the bytes",
        write: |record| with_sum(record, sum),
        accepts: |bytes, _| fits(bytes, 0) && stored_sum(bytes) == sum(&bytes[4..]),
    },
    Check {
        name: "length and CRC-32 of the bytes",
        write: |record| with_sum(record, crc32fast::hash),
        accepts: |bytes, _| fits(bytes, 0) && stored_sum(bytes) == crc32fast::hash(&bytes[4..]),
    },
    Check {
        name: "your record",
        write: |record| {
            let mut bytes = Vec::new();
            encode(record, &mut bytes).expect("the payload is small");
            bytes
        },
        accepts: |bytes, lsn| matches!(decode(bytes, lsn), Decoded::Record(_)),
    },
];

/// What happens to a record on its way: to its bytes, or to the place where they are found.
struct Damage {
    name: &'static str,
    /// Gets the record's bytes, those of an older record, and where the record will be looked for.
    happen: fn(&mut SmallRng, &mut [u8], &[u8], &mut Lsn),
}

const DAMAGES: [Damage; 6] = [
    Damage { name: "one bit flipped", happen: |dice, bytes, _, _| flip(dice, bytes) },
    Damage {
        name: "two bits flipped",
        happen: |dice, bytes, _, _| {
            flip(dice, bytes);
            flip(dice, bytes);
        },
    },
    Damage { name: "a sector of zeros", happen: |dice, bytes, _, _| bytes[sector(dice)].fill(0) },
    Damage {
        name: "two sectors swapped",
        happen: |dice, bytes, _, _| {
            for (a, b) in sector(dice).zip(sector(dice)) {
                bytes.swap(a, b);
            }
        },
    },
    Damage {
        name: "a sector of an older record",
        happen: |dice, bytes, older, _| {
            let sector = sector(dice);
            bytes[sector.clone()].copy_from_slice(&older[sector]);
        },
    },
    Damage {
        name: "found in another place",
        happen: |dice, _, _, lsn| *lsn += dice.random_range(1..1_000) * RECORD_SIZE as Lsn,
    },
];

fn main() {
    println!("# title: Damaged records that a check takes for good");
    println!("# x: kind of damage");
    println!("# y: records taken for good (%)");
    println!("# kind: bar");
    println!("series,x,y");
    let mut overall = Vec::new();
    for check in &CHECKS {
        let shares = DAMAGES.iter().map(|damage| {
            let share = share_accepted(check, damage);
            println!("{},{},{share:.2}", check.name, damage.name);
            share
        });
        overall.push(shares.sum::<f64>() / DAMAGES.len() as f64);
    }
    println!(
        "# says: Of {} damaged records, a length alone takes {:.0} % for good, a sum {:.0} %, a \
         CRC-32 {:.0} %, and your record {:.0} %.",
        DAMAGES.len() as u64 * TRIALS,
        overall[0],
        overall[1],
        overall[2],
        overall[3],
    );
}

/// How many of a hundred damaged records `check` accepts.
fn share_accepted(check: &Check, damage: &Damage) -> f64 {
    let (mut damaged, mut accepted) = (0, 0);
    for seed in 0..TRIALS {
        let mut dice = SmallRng::seed_from_u64(seed);
        let lsn = seed * RECORD_SIZE as Lsn;
        let record = (check.write)(&Record { lsn, synced: lsn, payload: &entries(&mut dice) });
        let older = (check.write)(&Record { lsn, synced: 0, payload: &entries(&mut dice) });
        let (mut bytes, mut found_at) = (record.clone(), lsn);
        (damage.happen)(&mut dice, &mut bytes, &older, &mut found_at);
        if bytes != record || found_at != lsn {
            damaged += 1;
            accepted += u64::from((check.accepts)(&bytes, found_at));
        }
    }
    100.0 * accepted as f64 / damaged as f64
}

/// A payload such as a store writes: many small entries that look alike, zeros at the end.
fn entries(dice: &mut SmallRng) -> Vec<u8> {
    let mut payload = Vec::new();
    while payload.len() < RECORD_SIZE - HEADER_SIZE - 200 {
        let (user, amount) = (dice.random_range(0..10_000), dice.random_range(0..1_000));
        payload.extend_from_slice(format!("user:{user:08}={amount};").as_bytes());
    }
    payload.resize(RECORD_SIZE - HEADER_SIZE, 0);
    payload
}

fn flip(dice: &mut SmallRng, bytes: &mut [u8]) {
    let bit = dice.random_range(0..bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// One of the record's sectors.
fn sector(dice: &mut SmallRng) -> Range<usize> {
    let start = dice.random_range(0..SECTOR_COUNT) * SECTOR_SIZE;
    start..start + SECTOR_SIZE
}

/// The record as it is drawn, with another sum over bytes 4 .. 16 + len.
fn with_sum(record: &Record<'_>, sum: fn(&[u8]) -> u32) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&(record.payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&record.synced.to_le_bytes());
    bytes.extend_from_slice(record.payload);
    let sum = sum(&bytes[4..]);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Whether the length that the header says is the one that is there.
fn fits(bytes: &[u8], _: Lsn) -> bool {
    let len = u32::from_le_bytes(bytes[4..8].try_into().expect("four bytes"));
    HEADER_SIZE as u64 + u64::from(len) == bytes.len() as u64
}

fn stored_sum(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"))
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(*byte)).sum()
}
