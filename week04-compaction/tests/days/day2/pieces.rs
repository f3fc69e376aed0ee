//! Edits that are larger than a record.

use lsm::manifest::PIECE_SIZE;
use wal::fs::SimFs;
use wal::testing::seeds;

use super::given::*;

/// Sizes around one piece and two.
const SIZES: [usize; 7] = [
    PIECE_SIZE - 1,
    PIECE_SIZE,
    PIECE_SIZE + 1,
    2 * PIECE_SIZE - 1,
    2 * PIECE_SIZE,
    2 * PIECE_SIZE + 1,
    3 * PIECE_SIZE + 1000,
];

/// A manifest with two small tables, and behind it the pieces of an edit of this size, which adds
/// table 8.
fn manifest_with(size: usize) -> Vec<u8> {
    let (first, edit) = (bytes_of(&first_edit()), bytes_of(&edit_of_size(8, size)));
    let pieces =
        edit.chunks(PIECE_SIZE).chain(edit.len().is_multiple_of(PIECE_SIZE).then_some(&[][..]));
    // All pieces of an edit were written when what is in front of it was on disk.
    let mut bytes = file_of(7, &[&first]);
    let base = lsm::manifest::base_of(7);
    let synced = base + bytes.len() as u64;
    for payload in pieces {
        let record = wal::Record { lsn: base + bytes.len() as u64, synced, payload };
        wal::encode(&record, &mut bytes).expect("it is not too large");
    }
    bytes
}

#[test]
fn an_edit_is_cut_into_pieces_and_a_full_one_is_never_the_last() {
    for size in SIZES {
        let sim = disk(1);
        let mut manifest = open(&sim);
        let number = manifest.new_number().expect("there are enough");
        append(&mut manifest, edit_of_size(number, size));
        let (path, own) = current(&sim);
        let sizes: Vec<usize> = records_of(&sim.contents(path), own)[1..]
            .iter()
            .map(|(_, _, piece)| piece.len())
            .collect();
        let want = [vec![PIECE_SIZE; size / PIECE_SIZE], vec![size % PIECE_SIZE]].concat();
        assert_eq!(sizes, want, "records of an edit of {size} bytes {COUNTS}");
        expect_tables(&sim, &[&[number]], &format!("an edit of {size} bytes"), RECOVERS);
    }
}

#[test]
fn an_edit_counts_when_its_last_piece_is_there() {
    for size in SIZES {
        let bytes = manifest_with(size);
        let what = format!("an edit of {size} bytes");
        expect_tables(&disk_with(&bytes), &[&[8, 2], &[1]], &what, RECOVERS);
        let records = records_of(&bytes, 7);
        let ends: Vec<usize> = records[..records.len() - 1].iter().map(|record| record.1).collect();
        for end in ends {
            for cut in [end, end + 1, end + 15] {
                let what = format!("{what}, cut off at byte {cut} of {}", bytes.len());
                expect_tables(&disk_with(&bytes[..cut]), &[&[2], &[1]], &what, RECOVERS);
            }
        }
    }
}

#[test]
fn a_small_edit_behind_a_large_one_is_read() {
    for size in SIZES {
        let sim = disk_with(&manifest_with(size));
        let mut manifest = open(&sim);
        let small = append_flush(&mut manifest);
        let what = format!("an edit of {size} bytes, and one of a flush behind it");
        expect_tables(&sim, &[&[small, 8, 2], &[1]], &what, RECOVERS);
        let large = manifest.new_number().expect("there are enough");
        append(&mut manifest, edit_of_size(large, size));
        let small_too = append_flush(&mut manifest);
        expect_tables(&sim, &[&[small_too, large, small, 8, 2], &[1]], &what, RECOVERS);
    }
}

#[test]
fn damage_to_a_piece_is_that_of_its_edit() {
    let (size, small) =
        (2 * PIECE_SIZE + 1000, bytes_of(&add(&[(2, table(5, (1, 1), ("a", "b")))])));
    let large = manifest_with(size);
    let mut both = large.clone();
    let lsn = lsm::manifest::base_of(7) + both.len() as u64;
    wal::encode(&wal::Record { lsn, synced: lsn, payload: &small }, &mut both)
        .expect("it is small");
    expect_tables(&disk_with(&both), &[&[8, 2], &[1], &[5]], "nothing damaged", RECOVERS);
    for (start, end, _) in &records_of(&large, 7)[1..] {
        for at in [*start, start + 20, end - 1] {
            let flipped = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                bytes[at] ^= 0x10;
                disk_with(&bytes)
            };
            let what = format!("byte {at} flipped, in a piece of the last edit");
            expect_tables(&flipped(&large), &[&[2], &[1]], &what, RECOVERS);
            let what = format!("byte {at} flipped, and an edit behind that was written later");
            expect_damage(&flipped(&both), "MANIFEST-000007", Some(*start as u64), &what);
        }
    }
}

#[test]
fn a_power_cut_while_a_large_edit_is_written_leaves_all_of_it_or_nothing() {
    for seed in seeds(30) {
        for operation in 1..=2 {
            let sim: SimFs = disk(seed);
            let mut manifest = open(&sim);
            let small = append_flush(&mut manifest);
            let number = manifest.new_number().expect("there are enough");
            sim.crash_at(operation);
            let _ = manifest.append(edit_of_size(number, PIECE_SIZE + 1000));
            sim.power_cycle();
            let came = numbers(&recover(&sim, COUNTS).levels);
            let is_new = came == [[number, small]];
            assert!(
                is_new || came == [[small]],
                "seed {seed}: tables after a power cut: {came:?} {COUNTS}"
            );
        }
    }
}

#[test]
fn a_state_of_many_tables_is_one_edit() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    let added: Vec<_> = (0..20_000)
        .map(|index| {
            let number = manifest.new_number().expect("there are enough");
            let key = |end: &str| format!("key{index:08}{end}").into_bytes();
            (1, table_of(number, (1, 9), key("a"), key("z")))
        })
        .collect();
    append(&mut manifest, add(&added));
    let mut manifest = open(&sim);
    assert_eq!(manifest.state().levels.level(1).len(), 20_000, "tables of level 1 {RECOVERS}");
    let (flushed, moved) = (append_flush(&mut manifest), &added[10_000].1);
    append(
        &mut manifest,
        lsm::Edit { removed: vec![(1, moved.number)], ..add(&[(2, moved.clone())]) },
    );
    let state = recover(&sim, RECOVERS);
    let counts: Vec<usize> = (0..3).map(|level| state.levels.level(level).len()).collect();
    assert_eq!(
        counts,
        [1, 19_999, 1],
        "tables of each level, with {flushed} in level 0 {RECOVERS}"
    );
}
