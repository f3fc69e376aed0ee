//! Day 4: one cursor over many, and what a snapshot sees of it.

mod given;

use std::ops::Bound;

use given::*;
use memtable::{Cursor, InternalKey, Kind, MemTable, Merge, SEQ_MAX, Visible};
use wal::testing::{Workload, seeds};
use wal::{Direction, Entry, Error, KeyRange, Operation, Result};

use Direction::{Backward, Forward};
use Move::{First, Last, Next, Prev, Seek, SeekBack};

const ORDER: &str = "(rule 1 of day 4: every entry of every source, once, in order; of equal keys \
                     the newer source's is the first going forward, so the last going backward)";
const SIDES: &str = "(rule 2 of day 4: going forward all sources are at or behind the merge's \
                     entry, going backward at or before; to turn is to seek to the other side)";
const LAZY: &str = "(rule 3 of day 4: nothing is moved that need not be)";
const ERRORS: &str = "(rule 4 of day 4: an error comes out, and leaves the merge at no entry; a scan \
                      gives it once and ends)";
const DECIDES: &str = "(rule 5 of day 4: the first version that is not above the snapshot decides \
                       its key, a put as seen and a tombstone as gone)";

/// Sources that meet, end early on either side, hold the same key, and hold nothing.
const MIXED: [&str; 5] = ["a@9 c@8 f@7", "a@4 d@1 c@8", "", "b@2 c@3 c@8 a@4", "@5 e@1-"];

// The merge.

#[test]
fn a_merge_gives_the_entries_of_all_sources_in_order() {
    for seed in seeds(20) {
        for sources in [0, 1, 2, 3, 7, 8, 64] {
            let given = random(&mut Workload::new(seed), sources, 100);
            let (mut walk, count) = (Walk::new(&given, given.merge(), ORDER), given.all().len());
            walk.go(First);
            walk.go_on(Next, count + 1);
            walk.go(Last);
            walk.go_on(Prev, count + 1);
        }
    }
}

#[test]
fn of_equal_keys_the_newer_source_comes_first() {
    for sources in [2, 3, 7, 8, 64] {
        let given = given(&vec!["b@5 a@5"; sources]);
        let mut walk = Walk::new(&given, given.merge(), ORDER);
        walk.go(First);
        walk.go_on(Next, 2 * sources);
        walk.go(Last);
        walk.go_on(Prev, 2 * sources);
        // And where it turns, after each of them.
        let mut walk = Walk::new(&given, given.merge(), SIDES);
        for steps in 0..2 * sources {
            walk.forget();
            walk.go(First);
            walk.go_on(Next, steps);
            walk.go_on(Prev, 2);
            walk.go(Last);
            walk.go_on(Prev, steps);
            walk.go_on(Next, 2);
        }
    }
}

#[test]
fn seeks_find_the_first_at_or_behind_and_the_last_at_or_before() {
    let given = given(&MIXED);
    for user_key in [&b""[..], b"a", b"a\0", b"b", b"c", b"d", b"e", b"f", b"g"] {
        for seq in 0..=10 {
            for kind in [Kind::Put, Kind::Delete] {
                let target = InternalKey { user_key, seq, kind };
                for (seek, step) in [Seek(target), SeekBack(target)]
                    .into_iter()
                    .flat_map(|seek| [(seek, Next), (seek, Prev)])
                {
                    let mut walk = Walk::new(&given, given.merge(), SIDES);
                    walk.go(seek);
                    walk.go_on(step, 3);
                }
            }
        }
    }
}

#[test]
fn a_merge_turns_around_at_every_position() {
    let given = given(&MIXED);
    let count = given.all().len();
    let mut walk = Walk::new(&given, given.merge(), SIDES);
    for (start, there, back) in [(First, Next, Prev), (Last, Prev, Next)] {
        for (steps, steps_back) in (0..count).flat_map(|i| (0..=i).map(move |j| (i, j))) {
            walk.forget();
            walk.go(start);
            walk.go_on(there, steps);
            walk.go_on(back, steps_back);
            walk.go_on(there, count);
        }
    }
}

#[test]
fn a_merge_is_where_a_list_of_all_entries_would_be_after_any_moves() {
    for seed in seeds(300) {
        let mut dice = Workload::new(seed);
        let sources = [1, 2, 3, 7, 8, 64][dice.below(6)];
        let given = random(&mut dice, sources, 40);
        let targets = given.all();
        let mut walk = Walk::new(&given, given.merge(), SIDES);
        for _ in 0..60 {
            let target = match targets.len() {
                0 => InternalKey::lookup(b"a", 5),
                count => targets[dice.below(count)].internal_key(),
            };
            let moves = [First, Last, Seek(target), SeekBack(target), Next, Next, Prev, Prev];
            walk.go(moves[dice.below(8)]);
        }
    }
}

#[test]
fn a_merge_of_merges_is_a_merge() {
    let five = given(&["a@5 b@5", "a@5 b@5", "a@5 b@5 c@1", "a@5 b@5", "a@5 b@5"]);
    let count = five.all().len();
    for (steps, steps_back) in (0..count).flat_map(|i| (0..=i).map(move |j| (i, j))) {
        for (start, there, back) in [(First, Next, Prev), (Last, Prev, Next)] {
            let mut walk = Walk::new(&five, five.merge_of_merges(), SIDES);
            walk.go(start);
            walk.go_on(there, steps);
            walk.go_on(back, steps_back);
            walk.go_on(there, count);
        }
    }
    for seed in seeds(100) {
        let mut dice = Workload::new(seed);
        let sources = 1 + dice.below(8);
        let given = random(&mut dice, sources, 40);
        let mut walk = Walk::new(&given, given.merge_of_merges(), SIDES);
        for _ in 0..40 {
            walk.go([First, Last, Next, Next, Next, Prev, Prev, Prev][dice.below(8)]);
        }
    }
}

#[test]
fn steps_at_no_entry_do_nothing() {
    let given = given(&MIXED);
    let count = given.all().len();
    for (start, step) in [(First, Next), (Last, Prev)] {
        given.watch.start();
        let mut walk = Walk::new(&given, given.merge(), SIDES);
        walk.go(Next);
        walk.go(Prev);
        assert_eq!(
            given.watch.moves.get(),
            0,
            "a new merge is at no entry: no source moves {LAZY}"
        );
        walk.go(start);
        walk.go_on(step, count);
        given.watch.start();
        walk.go_on(Next, 2);
        walk.go_on(Prev, 2);
        let moves = given.watch.moves.get();
        assert_eq!(moves, 0, "{walk}\nat no entry a step moves no source {LAZY}");
        walk.go(start);
    }
}

#[test]
fn a_step_moves_one_source_and_compares_few() {
    for sources in [1_usize, 2, 3, 7, 8, 64] {
        // Each entry's neighbours are in other sources, so that each step sinks far.
        let entries = |source| (0..4).map(move |n| format!("{:03}@1 ", n * sources + source));
        let texts: Vec<String> = (0..sources).map(|source| entries(source).collect()).collect();
        let given = given(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let (mut merge, limit) = (given.merge(), 4 * sources.ilog2() as usize + 8);
        for (start, step) in [(First, Next), (Last, Prev)] {
            start.on(&mut merge).expect("no source fails");
            for number in 1..=4 * sources {
                given.watch.start();
                step.on(&mut merge).expect("no source fails");
                let (moves, looks) = (given.watch.moves.get(), given.watch.looks.get());
                assert_eq!(
                    moves, 1,
                    "{start}, {step} × {number} over {sources} sources: that step moves the source \
                     on top, and no other {LAZY}"
                );
                assert!(
                    looks <= limit,
                    "{start}, {step} × {number} over {sources} sources: that step called `key` of \
                     sources {looks} times; two comparisons a level of the heap are at most \
                     {limit} {LAZY}"
                );
            }
        }
    }
}

#[test]
fn a_merge_turns_by_its_key_while_sources_are_written() {
    for (start, there, back) in [(First, Next, Prev), (Last, Prev, Next)] {
        for steps in 0..9 {
            let tables = [MemTable::new(), MemTable::new(), MemTable::new()];
            let write = |key: &str, seq: usize| {
                let operation = Operation::Put { key: key.as_bytes(), value: b"" };
                tables[seq % 3].insert(seq as u64, operation);
            };
            (1..10).for_each(|seq| write(&format!("{seq}"), seq));
            let mut merge = Merge::new(tables.iter().map(MemTable::cursor).collect());
            start.on(&mut merge).expect("memory does not fail");
            (0..steps).for_each(|_| there.on(&mut merge).expect("memory does not fail"));
            // Now each source gets an entry before, between and behind all that it has.
            (10..40).for_each(|seq| write(&format!("{}-{seq}", (seq - 10) / 3), seq));
            let mut at = merge.key().expect("it is at one of nine").user_key.to_vec();
            loop {
                back.on(&mut merge).expect("memory does not fail");
                let next = written_beside(&tables, &at, back);
                let found = merge.key().map(|key| key.user_key.to_vec());
                assert_eq!(
                    found.as_deref().map(show_key),
                    next.as_deref().map(show_key),
                    "{start}, {there} × {steps}, then thirty entries are written, then {back} from \
                     {}: some of them lie between the merge and its sources {SIDES}",
                    show_key(&at)
                );
                let Some(next) = next else { break };
                at = next;
            }
        }
    }
}

#[test]
fn an_error_of_any_source_comes_out_and_leaves_no_entry() {
    let given = given(&MIXED);
    let count = given.all().len();
    let target = InternalKey::lookup(b"c", 8);
    let starts = (0..=count).flat_map(|steps| [(First, Next, steps), (Last, Prev, steps)]);
    for (start, step, steps) in starts {
        for failing in [First, Last, Seek(target), SeekBack(target), Next, Prev] {
            for number in 1.. {
                let mut walk = Walk::new(&given, given.merge(), ERRORS);
                walk.go(start);
                walk.go_on(step, steps);
                given.watch.fails_in.set(number);
                let result = failing.on(&mut walk.merge);
                if given.watch.fails_in.take() > 0 {
                    break; // It does not make so many moves.
                }
                let from = format!("{walk}\nthen {failing}, of whose moves number {number} fails");
                assert!(
                    matches!(result, Err(Error::Io { .. })),
                    "{from}: the merge says that all is well {ERRORS}"
                );
                let key = walk.merge.key();
                assert_eq!(key, None, "{from}: the merge is not at no entry {ERRORS}");
                given.watch.start();
                for step in [Next, Prev] {
                    step.on(&mut walk.merge).expect("at no entry, nothing is asked for");
                }
                let moves = given.watch.moves.get();
                assert_eq!(moves, 0, "{from}: a step then moves a source {ERRORS}");
                // The disk is well again, and so is the merge.
                walk.go(start);
                walk.go_on(step, count);
            }
        }
    }
}

// What a snapshot sees.

#[test]
fn a_scan_forward_sees_of_each_key_the_newest_version_not_above_the_snapshot() {
    let drawing = given(&["a@9 b@7- c@3", "a@4 b@2"]);
    for seq in 0..=10 {
        expect_scan(&drawing, drawing.merge(), &KeyRange::all(), Forward, seq);
    }
    for seed in seeds(150) {
        let mut dice = Workload::new(seed);
        let sources = 1 + dice.below(4);
        let given = random(&mut dice, sources, 40);
        for seq in 0..=10 {
            expect_scan(&given, given.merge(), &KeyRange::all(), Forward, seq);
        }
    }
}

#[test]
fn a_scan_backward_sees_the_same_from_the_other_end() {
    let drawing = given(&["a@9 b@7- c@3", "a@4 b@2"]);
    for seq in 0..=10 {
        expect_scan(&drawing, drawing.merge(), &KeyRange::all(), Backward, seq);
    }
    for seed in seeds(150) {
        let mut dice = Workload::new(seed);
        let sources = 1 + dice.below(4);
        let given = random(&mut dice, sources, 40);
        for seq in 0..=10 {
            expect_scan(&given, given.merge(), &KeyRange::all(), Backward, seq);
        }
    }
}

#[test]
fn a_tombstone_hides_what_is_older_in_all_sources_and_an_empty_value_does_not() {
    // Each is in the newest source what it is; below it lie values in two older ones.
    let given = given(&["@8- a@8- b@8= c@9- d@8 e@9=", "@5 a@5 b@5 c@5- d@5- e@5", "@2 a@2 c@2"]);
    let at = |seq, direction| {
        let scan = Visible::new(given.merge(), KeyRange::all(), direction, seq);
        let mut keys: Vec<_> = scan.map(|entry| entry.expect("no source fails").0).collect();
        keys.sort();
        keys.join(&b' ').escape_ascii().to_string()
    };
    for direction in [Forward, Backward] {
        assert_eq!(at(9, direction), "b d e", "{given}\n{direction:?}, a snapshot at 9 {DECIDES}");
        assert_eq!(at(8, direction), "b d e", "{given}\n{direction:?}, a snapshot at 8 {DECIDES}");
        // The empty key comes first; joined, it is nothing in front of a blank.
        assert_eq!(at(7, direction), " a b e", "{given}\n{direction:?}, a snapshot at 7 {DECIDES}");
        assert_eq!(at(4, direction), " a c", "{given}\n{direction:?}, a snapshot at 4 {DECIDES}");
    }
}

#[test]
fn a_scan_keeps_to_its_range() {
    let given = given(&["b@9- c@7 @4 a@9", "@2- a@3= b@4 b@2", "c@2- d@8", ""]);
    let bounds: Vec<_> = (["", "a", "b", "bb", "c", "e"].into_iter())
        .flat_map(|key| [Bound::Included(key.into()), Bound::Excluded(key.into())])
        .chain([Bound::Unbounded])
        .collect();
    for (start, end) in bounds.iter().flat_map(|start| bounds.iter().map(move |end| (start, end))) {
        let range = KeyRange { start: start.clone(), end: end.clone() };
        for (direction, seq) in [(Forward, 9), (Backward, 9), (Forward, 4), (Backward, 4)] {
            given.watch.start();
            expect_scan(&given, given.merge(), &range, direction, seq);
            let moves = given.watch.moves.get();
            assert!(moves == 0 || !range.is_empty(), "{range:?} holds no key: nothing is read");
        }
    }
}

#[test]
fn a_scan_reads_no_further_than_it_must() {
    let given = given(&["a@9 a@4 b@9- b@2 bb@9 c@3 c@2 d@7- e@9 f@8 f@1 g@1"]);
    let (versions, range) = (given.all(), KeyRange::half_open("b", "f"));
    for (seq, direction) in (0..=9).flat_map(|seq| [(seq, Forward), (seq, Backward)]) {
        given.watch.start();
        let cursor = given.sources().remove(0);
        let mut scan = Visible::new(cursor, range.clone(), direction, seq);
        let moves = given.watch.moves.get();
        assert_eq!(moves, 0, "nothing is read before the first entry is asked for {LAZY}");
        for entry in scan.by_ref() {
            let (key, _) = entry.expect("the source does not fail");
            // Forward, where that version is; backward, one in front of the key's first.
            let first = versions.partition_point(|version| version.key < key);
            let at = match direction {
                Forward => (first..versions.len()).find(|&at| versions[at].seq <= seq),
                Backward => first.checked_sub(1),
            };
            let found = given.watch.at.get();
            assert_eq!(
                found,
                at,
                "{given}\n{direction:?}, at {seq}: after {} was returned, the cursor must be at \
                 this position (counted from 0): forward at what is returned, backward at the \
                 version in front of that key {LAZY}",
                key.escape_ascii()
            );
        }
        let end = match direction {
            Forward => Some(versions.partition_point(|version| version.key < "f")),
            Backward => versions.partition_point(|version| version.key < "b").checked_sub(1),
        };
        assert_eq!(
            given.watch.at.get(),
            end,
            "{given}\n{direction:?}, at {seq}, of b up to f: the cursor stops at the first version \
             outside (position counted from 0, on the right), and reads nothing behind it {LAZY}"
        );
        given.watch.start();
        assert!(scan.next().is_none() && scan.next().is_none(), "a scan that is over stays over");
        assert_eq!(given.watch.moves.get(), 0, "a scan that is over reads nothing {LAZY}");
    }
}

#[test]
fn a_scan_gives_an_error_once_and_ends() {
    let given = given(&["a@9 c@8- f@7", "a@4 d@1 c@8", "b@2 c@3", "@5 e@1-"]);
    let scan = |direction| Visible::new(given.merge(), KeyRange::all(), direction, 8);
    for direction in [Forward, Backward] {
        let whole: Vec<Entry> = scan(direction).collect::<Result<_>>().expect("no source fails");
        for number in 1.. {
            given.watch.fails_in.set(number);
            let mut scan = scan(direction);
            let mut results: Vec<_> = scan.by_ref().take(whole.len() + 2).collect();
            if given.watch.fails_in.take() > 0 {
                break; // It does not make so many moves.
            }
            let last = results.pop();
            assert!(
                matches!(last, Some(Err(_))) && scan.next().is_none(),
                "{given}\n{direction:?}, move {number} of a source fails: the last thing that the \
                 scan gives must be that error, and it is {last:?} {ERRORS}"
            );
            let seen: Vec<Entry> = results.into_iter().flatten().collect();
            assert!(
                whole.starts_with(&seen),
                "{given}\n{direction:?}, move {number} of a source fails: before the error come \
                 entries that the snapshot sees, and no others\n  {}\nit sees\n  {}\n{DECIDES}",
                list(&seen),
                list(&whole)
            );
        }
    }
}

#[test]
fn a_scan_over_memtables_does_not_see_what_is_written_meanwhile() {
    for seed in seeds(30) {
        let mut dice = Workload::new(seed);
        let given = random(&mut dice, 3, 30);
        let tables: Vec<MemTable> = given.tables.iter().map(|_| MemTable::new()).collect();
        for (table, versions) in tables.iter().zip(&given.tables) {
            for at in versions.iter() {
                table.insert(
                    at.seq,
                    match at.kind {
                        Kind::Put => Operation::Put { key: &at.key, value: &at.value },
                        Kind::Delete => Operation::Delete { key: &at.key },
                    },
                );
            }
        }
        let mut seq = 10;
        for (snapshot, direction) in (0..10).flat_map(|seq| [(seq, Forward), (seq, Backward)]) {
            let merge = Merge::new(tables.iter().map(MemTable::cursor).collect());
            let all = KeyRange::all();
            let scan = Visible::new(merge, all.clone(), direction, snapshot).inspect(|_| {
                for key in [&b""[..], b"a", b"ab", b"c", b"d"] {
                    tables[0].insert(seq, Operation::Delete { key });
                    seq += 1;
                }
            });
            let found = scan.collect::<Result<Vec<Entry>>>().expect("memory does not fail");
            given.expect_seen(&found, &all, direction, snapshot);
        }
    }
}

/// Of all keys in `tables`, the one that comes next from `key` on.
fn written_beside(tables: &[MemTable], key: &[u8], step: Move<'_>) -> Option<Vec<u8>> {
    let near = tables.iter().filter_map(|table| {
        let mut cursor = table.cursor();
        match step {
            Next => cursor.seek(InternalKey::oldest(key)),
            _ => cursor.seek_back(InternalKey::lookup(key, SEQ_MAX)),
        }
        .expect("memory does not fail");
        cursor.key().map(|key| key.user_key.to_vec())
    });
    if step == Next { near.min() } else { near.max() }
}

fn show_key(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}
