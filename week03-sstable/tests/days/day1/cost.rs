//! What a move reads and allocates.

use bytes::Bytes;
use memtable::Kind;
use sstable::{Block, BlockBuilder};

use super::given::Move::{First, Last, Next, Prev, Seek, SeekBack};
use super::given::*;
use crate::allocated_by;

#[test]
fn a_builder_that_has_room_allocates_nothing() {
    let entries = mixed();
    let mut builder = BlockBuilder::new(3);
    let allocated = allocated_by(3000, || {
        builder.clear();
        entries.iter().for_each(|entry| builder.add(entry.key(), &entry.value));
        builder.finish().len()
    });
    assert_eq!(allocated, 0, "bytes allocated to fill a cleared builder the second time {READS}");
}

#[test]
fn a_block_and_its_values_stay_where_their_bytes_are() {
    let bytes = Bytes::from(by_hand(&mixed(), 4));
    let allocated = allocated_by(3000, || Block::parse(bytes.clone()).expect("a good block"));
    assert_eq!(allocated, 0, "bytes allocated by `parse` {READS}");
    let mut cursor = Block::parse(bytes.clone()).expect("a good block").cursor();
    cursor.first().expect("a good block");
    while let Some(entry) = entry_of(&cursor) {
        for value in [cursor.value(), &cursor.shared_value()] {
            let is_inside = bytes.as_ptr_range().contains(&value.as_ptr());
            assert!(is_inside, "the value of {entry} was copied out of the block {READS}");
        }
        cursor.next().expect("a good block");
    }
}

#[test]
fn moves_allocate_nothing_once_the_key_has_room() {
    let entries = numbered(100);
    let (targets, mut cursor) = (targets(&entries), parsed(&by_hand(&entries, 7)).cursor());
    let mut run = |what: &str, moves: &dyn Fn(usize) -> Move<'static>| {
        let allocated = allocated_by(3000, || {
            (0..100).for_each(|n| moves(n).on(&mut cursor).expect("a good block"));
        });
        assert_eq!(allocated, 0, "bytes allocated by 100 moves, {what} {READS}");
    };
    run("forward", &|n| if n == 0 { First } else { Next });
    run("backward", &|n| if n == 0 { Last } else { Prev });
    let allocated = allocated_by(3000, || {
        for target in &targets {
            Seek(target).on(&mut cursor).expect("a good block");
            SeekBack(target).on(&mut cursor).expect("a good block");
        }
    });
    assert_eq!(allocated, 0, "bytes allocated by seeks {READS}");
}

/// Whether a move reads an entry shows when that entry is damaged.
#[test]
fn a_seek_reads_a_few_restart_points_and_one_run() {
    for entries in [numbered(256), (0..256).map(|number| version(1000, number)).collect()] {
        let (bytes, kinds) = by_hand_with_kinds(&entries, 4);
        let mut reads = [0; 256];
        for damaged in kinds {
            let mut cursor = parsed(&damage(&bytes, &[damaged])).cursor();
            for (target, reads) in entries.iter().zip(&mut reads).step_by(5) {
                *reads += usize::from(cursor.seek(target.key()).is_err());
            }
        }
        // 64 restart points are halved six times; then come four entries, and one more.
        for (target, reads) in entries.iter().zip(reads).step_by(5) {
            assert!(
                (1..=11).contains(&reads),
                "of 256 entries, four to a restart point, seek {target} read {reads}: at least \
                 the one that it finds, and at most six restart points and five entries {READS}"
            );
        }
    }
}

#[test]
fn a_seek_back_reads_no_more_than_a_seek_and_a_step_back() {
    let entries = numbered(64);
    let (bytes, kinds) = by_hand_with_kinds(&entries, 4);
    let (mut forward, mut backward) = ([0; 64], [0; 64]);
    for damaged in kinds {
        let mut cursor = parsed(&damage(&bytes, &[damaged])).cursor();
        for (place, entry) in entries.iter().enumerate() {
            let behind = Entry { seq: entry.seq - 1, ..entry.clone() };
            forward[place] += usize::from(cursor.seek(entry.key()).is_err());
            backward[place] += usize::from(cursor.seek_back(behind.key()).is_err());
        }
    }
    // Sixteen restart points are halved four times; a step back may need one run more.
    for (entry, (forward, backward)) in entries.iter().zip(forward.into_iter().zip(backward)) {
        assert!(
            (1..=4 + 5).contains(&forward) && (1..=4 + 5 + 4).contains(&backward),
            "of 64 entries, four to a restart point, seek {entry} read {forward}, of at most four \
             restart points and five entries; seek_back, to it from just behind, read {backward}, \
             of at most one run more {READS}"
        );
    }
}

#[test]
fn a_seek_reads_nothing_behind_the_entry_that_it_finds() {
    let entries = numbered(16);
    let (bytes, kinds) = by_hand_with_kinds(&entries, 16);
    for (place, target) in entries.iter().enumerate() {
        let block = parsed(&damage(&bytes, &kinds[place + 1..]));
        for step in [Seek(target), SeekBack(target)] {
            let (mut cursor, said) = (block.cursor(), format!("{step}, all behind it damaged"));
            assert_eq!(step.on(&mut cursor), Ok(()), "{said}: the walk ends there {READS}");
            let came = entry_of(&cursor);
            let is_right = came.as_ref() == Some(target);
            assert!(is_right, "{said}: got {} {PLACES}", show_entry(came.as_ref()));
        }
    }
}

/// Whoever reads all entries before it for each step does not end in this life.
#[test]
fn a_walk_over_a_large_block_takes_a_step_for_each_entry() {
    const COUNT: usize = 200_000;
    let entries: Vec<Entry> =
        (0..COUNT as u64).map(|number| version(COUNT as u64, number)).collect();
    for (interval, start, step) in [(COUNT, First, Next), (1, First, Next), (1, Last, Prev)] {
        let mut cursor = parsed(&by_hand(&entries, interval)).cursor();
        let mut result = start.on(&mut cursor);
        let mut steps = 0;
        while result.is_ok() && cursor.key().is_some() {
            result = step.on(&mut cursor);
            steps += 1;
        }
        assert_eq!(
            (result, steps),
            (Ok(()), COUNT),
            "{start}, then {step} to the end, restart interval {interval}: steps {READS}"
        );
    }
}

#[test]
fn a_step_back_reads_one_run_and_a_step_forward_one_entry() {
    let entries = numbered(48);
    let (bytes, kinds) = by_hand_with_kinds(&entries, 8);
    for (damaged, &kind) in kinds.iter().enumerate() {
        let block = parsed(&damage(&bytes, &[kind]));
        let (mut forward, mut backward) = (block.cursor(), block.cursor());
        let mut result = forward.first();
        for entry in &entries[..damaged] {
            assert_eq!(
                result,
                Ok(()),
                "before entry {damaged}, which is damaged, at {entry} {READS}"
            );
            result = forward.next();
        }
        assert!(result.is_err(), "entry {damaged} has a kind that is none {HOSTILE}");
        let mut result = backward.last();
        for entry in entries[(damaged / 8 + 1) * 8..].iter().rev() {
            assert_eq!(
                result,
                Ok(()),
                "going backward, at {entry}: entry {damaged}, which is damaged, is in another run, \
                 and was read; the walk begins at the last restart point before {READS}"
            );
            result = backward.prev();
        }
        assert!(
            result.is_err(),
            "entry {damaged} is passed on the way to the end of its run {HOSTILE}"
        );
    }
}

#[test]
fn parsing_reads_no_entry() {
    let (bytes, kinds) = by_hand_with_kinds(&mixed(), 4);
    let mut cursor = parsed(&damage(&bytes, &kinds)).cursor();
    assert!(cursor.first().is_err(), "an entry is checked when it is read {READS}");
}

fn version(newest: u64, number: u64) -> Entry {
    let user_key = b"stone".to_vec();
    Entry { user_key, seq: newest - number, kind: Kind::Put, value: Vec::new() }
}

/// `bytes` with a kind that is none at each of these places.
fn damage(bytes: &[u8], kinds: &[usize]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    kinds.iter().for_each(|&at| bytes[at] = 0xff);
    bytes
}
