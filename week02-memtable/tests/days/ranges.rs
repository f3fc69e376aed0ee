//! Lab ranges: one entry deletes every key between two.

mod given;

use std::ops::Bound;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;
use given::*;
use memtable::ranges::{
    self, Cover, Fragment, RangeTable, RangeTombstones, RangeView, Skip, Stretch,
};
use memtable::{Cursor, InternalKey, Kind, Lookup, Merge, SEQ_MAX, Visible};
use wal::testing::{Workload, seeds, show};
use wal::{Direction, Error, KeyRange, Operation, Seq};

use Direction::{Backward, Forward};

use crate::allocated_by;

const COVERS: &str = "(rule 1 of lab ranges: a tombstone covers every key of its range, whatever \
                      its bounds, and no other key)";
const CUT: &str = "(rule 2 of lab ranges: cut at every start and end and nowhere else, each \
                   fragment with the numbers of all that cover it, ascending; a set never changes)";
const LAYERS: &str = "(rule 3 of lab ranges: a version goes to the layer of as many tombstones as \
                      cover its key; in layer n is hidden what more than n cover that the snapshot \
                      sees)";
const DECIDES: &str = "(rule 4 of lab ranges: the newest version or tombstone that is not above the \
                       snapshot decides, and tombstones hide what older tables have)";
const SEEKS: &str = "(rule 5 of lab ranges: a hidden stretch costs one seek, however many entries \
                     and fragments it has)";

// Tombstones.

#[test]
fn a_tombstone_covers_the_keys_of_its_range_whatever_its_bounds() {
    let ends = ["", "a", "a\0", "b"].map(|key| key.as_bytes().to_vec());
    let bounds = || {
        let keys = ends.iter().cloned().map(Into::into);
        keys.flat_map(|key: Bytes| [Bound::Included(key.clone()), Bound::Excluded(key)])
            .chain([Bound::Unbounded])
    };
    for (start, end) in bounds().flat_map(|start| bounds().map(move |end| (start.clone(), end))) {
        let range = KeyRange { start, end };
        let set = RangeTombstones::new().with(&range, 5);
        for key in ["", "\0", "a", "a\0", "a\0\0", "a\u{1}", "ab", "b", "b\0", "c"] {
            for seq in [0, 4, 5, 6, Seq::MAX] {
                let want = usize::from(seq >= 5 && range.contains(key.as_bytes()));
                let came = set.covering(key.as_bytes(), seq);
                assert_eq!(
                    came,
                    want,
                    "of the tombstone {}@5, a snapshot at {seq} must see {want} over {}, and \
                     `covering` says {came} {COVERS}",
                    name_range(&range),
                    show(key.as_bytes())
                );
            }
        }
    }
}

#[test]
fn a_range_without_a_key_is_nothing_and_one_of_a_single_key_is_one() {
    let between =
        KeyRange { start: Bound::Excluded("a".into()), end: Bound::Excluded("a\0".into()) };
    for range in [half_open("b", "b"), half_open("c", "a"), half_open("", ""), between] {
        let table = history("a b").table();
        table.delete_range(3, &range);
        let (view, name) = (table.view(), name_range(&range));
        let fragments = view.tombstones().fragments();
        assert!(
            fragments.is_empty(),
            "no key lies in {name}, and there are {fragments:?} {COVERS}"
        );
        assert_eq!(table.get(b"zzz", 3), Lookup::Absent, "{name} deletes nothing {COVERS}");
    }
    let one = RangeTombstones::new().with(&half_open("a", "a\0"), 1);
    let covered = ["", "a", "a\0", "aa", "b"].map(|key| one.covering(key.as_bytes(), 1));
    assert_eq!(covered, [0, 1, 0, 0, 0], "from a up to a\\0 lies a, and no other key {COVERS}");
}

#[test]
fn all_overlaps_of_three_ranges_are_cut_at_their_ends() {
    for_all_overlaps_of_three(|set, three| {
        let places = (0..5).filter(|&place| three.is_edge(place));
        let want: Vec<_> = places.map(|at| (Three::PLACES[at].into(), three.seqs(at, 3))).collect();
        let parts = |fragment: &Fragment| {
            (fragment.start.escape_ascii().to_string(), fragment.seqs.to_vec())
        };
        let came: Vec<(String, Vec<Seq>)> = set.fragments().iter().map(parts).collect();
        assert_eq!(came, want, "{three}\nleft are your fragments, right what they must be {CUT}");
        for (place, seq) in (0..5).flat_map(|place| (0..5).map(move |seq| (place, seq))) {
            let (key, want) = (Three::PLACES[place], three.seqs(place, seq).len());
            for key in [key.to_owned(), format!("{key}\0")] {
                let came = set.covering(key.as_bytes(), seq);
                assert_eq!(
                    came, want,
                    "{three}\na snapshot at {seq} must see {want} of them over {key:?}, and \
                     `covering` says {came} {CUT}"
                );
            }
        }
    });
}

#[test]
fn the_next_set_shares_with_the_last_and_leaves_it_as_it_was() {
    let place = |n: usize| format!("{n:04000}");
    let range = |from, to| half_open(&place(from), &place(to));
    let set = (0..60)
        .fold(RangeTombstones::new(), |set, n| set.with(&range(4 * n, 4 * n + 2), n as Seq + 1));
    let before = set.fragments().to_vec();
    let next = set.with(&range(81, 101), 100);
    assert_eq!(set.fragments(), before, "the set that was there is another one now {CUT}");
    assert_eq!(next.fragments().len(), before.len() + 2, "one cut at each end {CUT}");
    for old in &before {
        let found = next.fragments().iter().find(|new| new.start == old.start);
        let new = found.expect("what was cut stays cut");
        assert_eq!(new.start.as_ptr(), old.start.as_ptr(), "a key was copied, not shared {CUT}");
        let outside = old.start < place(80) || old.start > place(101);
        let shared = Arc::ptr_eq(&new.seqs, &old.seqs);
        assert!(shared || !outside, "numbers outside of the new range were copied {CUT}");
    }
}

#[test]
fn a_stretch_goes_as_far_as_all_keys_are_hidden() {
    for_all_overlaps_of_three(|set, three| {
        for (under, seq) in (0..3).flat_map(|under| (0..5).map(move |seq| (under, seq))) {
            let hides = |place: usize| three.seqs(place, seq).len() > under;
            for place in 0..5 {
                let start = (0..=place).rev().take_while(|&place| hides(place)).last();
                let end = (place..5).find(|&place| !hides(place));
                let want = start.map(|start| Stretch {
                    start: Three::PLACES[start].as_bytes(),
                    end: end.map(|end| Three::PLACES[end].as_bytes()),
                });
                let key = format!("{}\0", Three::PLACES[place]);
                assert_eq!(
                    set.hidden(key.as_bytes(), under, seq),
                    want,
                    "{three}\nleft is your stretch around {key:?} where more than {under} cover a \
                     key that a snapshot at {seq} sees, right what it must be: from a up to b \
                     shows as 97 and 98 {SEEKS}"
                );
            }
        }
        assert_eq!(set.hidden(b"", 0, 3), None, "in front of all ranges nothing is hidden");
    });
}

// The table.

#[test]
fn a_version_goes_to_the_layer_of_the_tombstones_under_it() {
    let cases = [
        ("a c b..d c d a..e c c- f", "0: a@1 c@2 d@5 f@9; 1: c@4; 2: c@8- c@7"),
        ("a.. a.. b.. a b", "2: a@4; 3: b@5"),
        ("a..c b..b a b- c", "0: c@5; 1: a@3 b@4-"),
        ("a.. a b..c b a b", "1: a@5 a@2; 2: b@6 b@4"),
    ];
    for (text, want) in cases {
        let view = history(text).table().view();
        let layers = view.layers().map(|(number, layer)| {
            let words = versions(layer).into_iter().map(|(key, seq, kind)| {
                let kind = if kind == Kind::Delete { "-" } else { "" };
                format!(" {}@{seq}{kind}", key.escape_ascii())
            });
            format!("{number}:{}", words.collect::<String>())
        });
        let came = layers.collect::<Vec<_>>().join("; ");
        assert_eq!(
            came,
            want,
            "{}\nleft are your layers, right what they must be {LAYERS}",
            history(text)
        );
    }
}

#[test]
fn the_newest_of_versions_and_tombstones_decides_at_every_snapshot() {
    for text in ["a c b..d c d a..e c c- f", "a.. a a..c a a..b a- c", "b a..c b a..c b a..c"] {
        let (history, key) = (history(text), |key: &str| key.as_bytes().to_vec());
        let table = history.table();
        for seq in 0..=history.last_seq() {
            for key in ["a", "b", "c", "d", "e", "f"].map(key) {
                let (want, came) = (history.get(&key, seq), table.get(&key, seq));
                assert!(
                    came == want,
                    "{history}\na snapshot at {seq} must find {} under {}, and finds {} {DECIDES}",
                    name(&want),
                    show(&key),
                    name(&came)
                );
            }
        }
    }
}

#[test]
fn a_covered_key_is_deleted_and_any_other_is_absent() {
    let table = history("x b..d").table();
    let at = |seq| ["a", "b", "c", "d"].map(|key| table.get(key.as_bytes(), seq));
    let (deleted, absent) = (Lookup::Deleted, Lookup::Absent);
    assert_eq!(
        at(2),
        [absent.clone(), deleted.clone(), deleted, absent.clone()],
        "a, b, c, d in a table that knows nothing of them but that b..d was deleted: an older table \
         may have b and c, and must not be asked {DECIDES}"
    );
    assert_eq!(
        at(1),
        [(); 4].map(|()| absent.clone()),
        "that was later than the snapshot {DECIDES}"
    );
}

#[test]
fn reads_see_what_a_model_sees_at_every_snapshot_in_both_directions() {
    for seed in seeds(100) {
        let mut dice = Workload::new(seed);
        let count = 1 + dice.below(30);
        let history = History::random(&mut dice, count);
        let view = history.table().view();
        for seq in 0..=history.last_seq() {
            history.expect(&[&view], &KeyRange::all(), seq, DECIDES);
            history.expect(&[&view], &random_range(&mut dice), seq, DECIDES);
        }
    }
}

#[test]
fn a_tombstone_hides_what_older_tables_have() {
    for seed in seeds(100) {
        let mut dice = Workload::new(seed);
        let history = History::random(&mut dice, 24);
        // Each table has some of the operations, the newest table the last ones; some have none.
        let mut tables = vec![RangeTable::new()];
        for seq in 1..=history.last_seq() {
            if dice.below(8) == 0 {
                tables.insert(0, RangeTable::new());
            }
            history.write(&tables[0], seq);
        }
        let views: Vec<_> = tables.iter().map(RangeTable::view).collect();
        let views: Vec<&RangeView> = views.iter().map(|view| &**view).collect();
        for seq in 0..=history.last_seq() {
            let rule = format!("in {} tables {DECIDES}", tables.len());
            history.expect(&views, &KeyRange::all(), seq, &rule);
            history.expect(&views, &random_range(&mut dice), seq, &rule);
        }
    }
}

#[test]
fn every_view_answers_as_when_it_was_taken() {
    for seed in seeds(40) {
        let history = History::random(&mut Workload::new(seed), 30);
        let (table, mut views) = (RangeTable::new(), vec![]);
        for seq in 1..=history.last_seq() {
            history.write(&table, seq);
            views.push(table.view());
        }
        for (view, last_seq) in views.iter().zip(1..) {
            for seq in [last_seq, last_seq / 2] {
                let rule = format!("in a view that was taken after operation {last_seq} {DECIDES}");
                history.expect(&[view], &KeyRange::all(), seq, &rule);
            }
        }
    }
}

// The cursor.

#[test]
fn a_skip_is_a_cursor_over_what_is_not_hidden() {
    for seed in seeds(150) {
        let mut dice = Workload::new(seed);
        let history = History::random(&mut dice, 30);
        let newer = RangeTombstones::new().with(&random_range(&mut dice), 31);
        let (view, seq) = (history.table().view(), 20 + dice.below(14) as Seq);
        for (number, layer) in view.layers() {
            let is_left = |key: &[u8]| {
                let own = view.tombstones().covering(key, seq);
                own <= number && newer.covering(key, seq) == 0
            };
            let mut left = versions(layer);
            left.retain(|(key, ..)| is_left(key));
            let own = Cover { tombstones: view.tombstones(), under: number };
            let covers = vec![Cover { tombstones: &newer, under: 0 }, own];
            let skip = Skip::new(layer.cursor(), covers, seq);
            let given = format!("seed {seed}, layer {number}, a snapshot at {seq}");
            expect_walk(skip, &left, &mut dice, &format!("{given} {SEEKS}"));
        }
    }
}

#[test]
fn an_error_comes_out_of_every_move_of_a_skip() {
    let (table, watch) = (history("a b c d e").table().view(), Rc::new(Watch::default()));
    let (_, layer) = table.layers().next().expect("a layer has the entries");
    for range in [half_open("b", "d"), from("b"), half_open("", "d")] {
        let set = RangeTombstones::new().with(&range, 9);
        for (name, direction) in [("first and next", Forward), ("last and prev", Backward)] {
            for number in 1.. {
                let source = Watched::new(layer.cursor(), &watch);
                let mut skip = Skip::new(source, vec![Cover { tombstones: &set, under: 0 }], 9);
                watch.fails_in.set(number);
                let mut results = Vec::new();
                for at in 0..6 {
                    results.push(match (direction, at) {
                        (Forward, 0) => skip.first(),
                        (Forward, _) => skip.next(),
                        (Backward, 0) => skip.last(),
                        (Backward, _) => skip.prev(),
                    });
                    if results.last().is_some_and(|moved| moved.is_err()) || skip.key().is_none() {
                        break;
                    }
                }
                if watch.fails_in.take() > 0 {
                    break; // It does not make so many moves.
                }
                let failed = matches!(results.last(), Some(Err(Error::Io { .. })));
                assert!(
                    failed && skip.key().is_none(),
                    "{} hidden, {name}: move {number} of the cursor fails, and the results are \
                     {results:?}, at {:?}. An error that is lost looks like the end",
                    name_range(&range),
                    skip.key()
                );
            }
        }
    }
}

#[test]
fn readers_beside_a_writer_see_what_a_model_sees() {
    for seed in seeds(6) {
        let history = History::random(&mut Workload::new(seed), 500);
        let (table, published, start) = (RangeTable::new(), AtomicU64::new(0), Barrier::new(4));
        let write = || {
            start.wait();
            for seq in 1..=history.last_seq() {
                history.write(&table, seq);
                published.store(seq, Ordering::Release);
            }
        };
        let read = |reader: u64| {
            let mut dice = Workload::new(seed << 8 | reader);
            start.wait();
            for _ in 0..150 {
                // The number first, the view after.
                let seq = published.load(Ordering::Acquire);
                let view = table.view();
                let seq = seq.saturating_sub(dice.below(20) as Seq);
                let key = random_key(&mut dice).as_bytes();
                let (want, came) = (history.get(key, seq), table.get(key, seq));
                assert!(
                    came == want,
                    "seed {seed}, {} at {seq}: {came:?}, want {want:?}",
                    show(key)
                );
                let all = KeyRange::all();
                let scan = ranges::scan(&[&view], all.clone(), Forward, seq);
                let came: Vec<_> = scan.map(|entry| entry.expect("memory does not fail")).collect();
                let want = history.seen(&all, Forward, seq);
                assert_eq!(came, want, "seed {seed}, a scan at {seq} beside a writer {DECIDES}");
            }
        };
        thread::scope(|scope| {
            (1..4).for_each(|reader| drop(scope.spawn(move || read(reader))));
            write();
        });
    }
}

// What it costs.

mod cost;

// In many orders of steps.

mod schedule;
