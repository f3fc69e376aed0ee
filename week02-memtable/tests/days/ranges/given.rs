//! What the lab's tests are given: histories written as text, a model that believes nothing but
//! them, and a cursor that counts.

use std::cell::Cell;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::ops::Bound;
use std::rc::Rc;

use bytes::Bytes;
use memtable::ranges::{self, RangeTable, RangeTombstones, RangeView};
use memtable::{Cursor, InternalKey, Kind, Lookup, MemTable};
use wal::testing::{Workload, show};
use wal::{Direction, Entry, Error, KeyRange, Operation, Result, Seq};

/// Keys that are empty, prefixes of each other, or right behind each other.
pub(super) const KEYS: [&str; 9] = ["", "\0", "a", "a\0", "ab", "b", "c", "d", "e"];

/// One operation of a history.
#[derive(Clone)]
pub(super) enum Step {
    Put(String),
    Delete(String),
    DeleteRange(KeyRange),
}

/// Operations, numbered from 1.
#[derive(Clone, Default)]
pub(super) struct History(pub(super) Vec<Step>);

/// `a` puts a, `a-` deletes it, `a..c` deletes what lies from a up to c, `a..` all from a on.
pub(super) fn history(text: &str) -> History {
    let parse = |word: &str| match (word.split_once(".."), word.strip_suffix('-')) {
        (Some((start, "")), _) => Step::DeleteRange(from(start)),
        (Some((start, end)), _) => Step::DeleteRange(half_open(start, end)),
        (_, Some(key)) => Step::Delete(key.to_owned()),
        _ => Step::Put(word.to_owned()),
    };
    History(text.split_whitespace().map(parse).collect())
}

pub(super) fn half_open(start: &str, end: &str) -> KeyRange {
    KeyRange::half_open(start.to_owned(), end.to_owned())
}

/// All keys from `start` on.
pub(super) fn from(start: &str) -> KeyRange {
    KeyRange { start: Bound::Included(start.to_owned().into()), end: Bound::Unbounded }
}

/// A range with any bounds, often empty or upside down.
pub(super) fn random_range(dice: &mut Workload) -> KeyRange {
    let mut bound = || match dice.below(5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(random_key(dice).into()),
        _ => Bound::Excluded(random_key(dice).into()),
    };
    let (start, end) = (bound(), bound());
    KeyRange { start, end }
}

pub(super) fn random_key(dice: &mut Workload) -> &'static str {
    KEYS[dice.below(KEYS.len())]
}

impl History {
    /// So many operations at random; one in five deletes a range.
    pub(super) fn random(dice: &mut Workload, count: usize) -> History {
        let step = |_| {
            let key = random_key(dice).to_owned();
            match dice.below(10) {
                0 | 1 => Step::DeleteRange(random_range(dice)),
                2 => Step::Delete(key),
                _ => Step::Put(key),
            }
        };
        History((0..count).map(step).collect())
    }

    pub(super) fn last_seq(&self) -> Seq {
        self.0.len() as Seq
    }

    /// Writes operation number `seq` to `table`.
    pub(super) fn write(&self, table: &RangeTable, seq: Seq) {
        let value = seq.to_string();
        match &self.0[seq as usize - 1] {
            Step::Put(key) => {
                let (key, value) = (key.as_bytes(), value.as_bytes());
                table.insert(seq, Operation::Put { key, value });
            }
            Step::Delete(key) => table.insert(seq, Operation::Delete { key: key.as_bytes() }),
            Step::DeleteRange(range) => table.delete_range(seq, range),
        }
    }

    /// A table with all operations.
    pub(super) fn table(&self) -> RangeTable {
        let table = RangeTable::new();
        (1..=self.last_seq()).for_each(|seq| self.write(&table, seq));
        table
    }

    /// What a snapshot sees: the last operation up to it that touched the key.
    pub(super) fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        for number in (1..=seq).rev() {
            match &self.0[number as usize - 1] {
                Step::Put(put) if put.as_bytes() == key => {
                    return Lookup::Value(number.to_string().into());
                }
                Step::Delete(deleted) if deleted.as_bytes() == key => return Lookup::Deleted,
                Step::DeleteRange(range) if range.contains(key) => return Lookup::Deleted,
                _ => {}
            }
        }
        Lookup::Absent
    }

    /// What a snapshot sees of a range.
    pub(super) fn seen(&self, range: &KeyRange, direction: Direction, seq: Seq) -> Vec<Entry> {
        let keys = KEYS.iter().filter(|key| range.contains(key.as_bytes()));
        let mut seen: Vec<Entry> = keys
            .filter_map(|key| match self.get(key.as_bytes(), seq) {
                Lookup::Value(value) => Some((Bytes::from(*key), value)),
                _ => None,
            })
            .collect();
        if direction == Direction::Backward {
            seen.reverse();
        }
        seen
    }

    /// Checks what a snapshot at `seq` sees in `views`, the newest first: of each key, and of all of
    /// `range` in both directions.
    #[track_caller]
    pub(super) fn expect(&self, views: &[&RangeView], range: &KeyRange, seq: Seq, rule: &str) {
        for key in KEYS {
            let (want, came) =
                (self.get(key.as_bytes(), seq), ranges::get(views, key.as_bytes(), seq));
            assert!(
                came == want,
                "{self}\na snapshot at {seq} must find {} under {}, and `get` found {} {rule}",
                name(&want),
                show(key.as_bytes()),
                name(&came)
            );
        }
        for direction in [Direction::Forward, Direction::Backward] {
            let want = self.seen(range, direction, seq);
            // One more than is right will do: a scan that does not end is as wrong.
            let scan = ranges::scan(views, range.clone(), direction, seq).take(want.len() + 1);
            let came = scan.collect::<Result<Vec<Entry>>>().expect("memory does not fail");
            assert!(
                came == want,
                "{self}\n{direction:?} over {}, a snapshot at {seq} must see\n  {}\nand the scan \
                 gave\n  {}\n{rule}",
                name_range(range),
                list(&want),
                list(&came)
            );
        }
    }
}

impl Display for History {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "operations:")?;
        for (step, seq) in self.0.iter().zip(1..) {
            match step {
                Step::Put(key) => write!(f, "  {seq} put {}", show(key.as_bytes()))?,
                Step::Delete(key) => write!(f, "  {seq} delete {}", show(key.as_bytes()))?,
                Step::DeleteRange(range) => write!(f, "  {seq} delete {}", name_range(range))?,
            }
        }
        Ok(())
    }
}

pub(super) fn name_range(range: &KeyRange) -> String {
    let start = match &range.start {
        Bound::Included(key) => format!("[{}", show(key)),
        Bound::Excluded(key) => format!("({}", show(key)),
        Bound::Unbounded => "(..".into(),
    };
    match &range.end {
        Bound::Included(key) => format!("{start}, {}]", show(key)),
        Bound::Excluded(key) => format!("{start}, {})", show(key)),
        Bound::Unbounded => format!("{start}, ..)"),
    }
}

pub(super) fn name(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Value(value) => format!("the value of operation {}", value.escape_ascii()),
        Lookup::Deleted => "that it was deleted".into(),
        Lookup::Absent => "nothing (`Absent`)".into(),
    }
}

fn list(entries: &[Entry]) -> String {
    let words =
        entries.iter().map(|(key, value)| format!("{} of {}", show(key), value.escape_ascii()));
    words.collect::<Vec<_>>().join(", ")
}

/// The versions of a layer, in order.
pub(super) fn versions(layer: &MemTable) -> Vec<Version> {
    let (mut cursor, mut versions) = (layer.cursor(), Vec::new());
    cursor.first().expect("memory does not fail");
    while let Some(key) = cursor.key() {
        versions.push((Bytes::copy_from_slice(key.user_key), key.seq, key.kind));
        cursor.next().expect("memory does not fail");
    }
    versions
}

/// A version of a layer.
pub(super) type Version = (Bytes, Seq, Kind);

fn internal((user_key, seq, kind): &Version) -> InternalKey<'_> {
    InternalKey { user_key, seq: *seq, kind: *kind }
}

/// Moves `cursor` at random, and checks that it is where a cursor over `left` would be.
#[track_caller]
pub(super) fn expect_walk(
    mut cursor: impl Cursor,
    left: &[Version],
    dice: &mut Workload,
    rule: &str,
) {
    let (mut at, mut moves) = (None, String::new());
    for _ in 0..40 {
        let key = random_key(dice).as_bytes();
        let target = InternalKey::lookup(key, 1 + dice.below(30) as Seq);
        let before = left.partition_point(|version| internal(version) < target);
        let up_to = left.partition_point(|version| internal(version) <= target);
        let (name, moved, to) = match dice.below(8) {
            0 => ("first".to_owned(), cursor.first(), Some(0)),
            1 => ("last".to_owned(), cursor.last(), left.len().checked_sub(1)),
            2 => (format!("seek({}@{})", show(key), target.seq), cursor.seek(target), Some(before)),
            3 => {
                let name = format!("seek_back({}@{})", show(key), target.seq);
                (name, cursor.seek_back(target), up_to.checked_sub(1))
            }
            4 | 5 => ("next".to_owned(), cursor.next(), at.map(|at: usize| at + 1)),
            _ => ("prev".to_owned(), cursor.prev(), at.and_then(|at: usize| at.checked_sub(1))),
        };
        moved.expect("memory does not fail");
        at = to.filter(|&at| at < left.len());
        moves += &format!(" {name}");
        assert_eq!(
            cursor.key(),
            at.map(|at| internal(&left[at])),
            "{rule}\nafter{moves}\nleft is where your cursor is, right where one is over the entries \
             that are not hidden: {left:?}"
        );
    }
}

/// Calls `check` with all sets of three tombstones whose ends are among six places, written in all
/// orders. The places are the keys a to e and the end of all keys; numbers are 1 to 3.
pub(super) fn for_all_overlaps_of_three(check: impl Fn(&RangeTombstones, &Three)) {
    let ends = (0..5).flat_map(|start| (start + 1..6).map(move |end| (start, end)));
    let ranges: Vec<(usize, usize)> = ends.collect();
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for (n, &first) in ranges.iter().enumerate() {
        for (m, &second) in ranges.iter().enumerate() {
            for (l, &third) in ranges.iter().enumerate() {
                let three =
                    Three { ranges: [first, second, third], order: orders[(n + m + l) % 6] };
                let mut set = RangeTombstones::new();
                for seq in three.order {
                    set = set.with(&three.range(seq), seq);
                }
                check(&set, &three);
            }
        }
    }
}

/// Three tombstones: of number n, the ends are `ranges[n - 1]`.
pub(super) struct Three {
    ranges: [(usize, usize); 3],
    order: [Seq; 3],
}

impl Three {
    pub(super) const PLACES: [&'static str; 5] = ["a", "b", "c", "d", "e"];

    fn range(&self, seq: Seq) -> KeyRange {
        let (start, end) = self.ranges[seq as usize - 1];
        match Three::PLACES.get(end) {
            Some(end) => half_open(Three::PLACES[start], end),
            None => from(Three::PLACES[start]),
        }
    }

    /// The numbers of those that cover a place, up to `seq`.
    pub(super) fn seqs(&self, place: usize, seq: Seq) -> Vec<Seq> {
        let covers = |number: &Seq| {
            let (start, end) = self.ranges[*number as usize - 1];
            start <= place && place < end
        };
        (1..=seq.min(3)).filter(covers).collect()
    }

    /// Whether one of them begins or ends at a place.
    pub(super) fn is_edge(&self, place: usize) -> bool {
        self.ranges.iter().any(|&(start, end)| start == place || end == place)
    }
}

impl Display for Three {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "added in this order:")?;
        for seq in self.order {
            write!(f, "  {}@{seq}", name_range(&self.range(seq)))?;
        }
        Ok(())
    }
}

/// A cursor that counts its moves, and fails at one of them.
pub(super) struct Watched<C> {
    pub(super) cursor: C,
    pub(super) watch: Rc<Watch>,
    failed: bool,
}

/// What is counted in all cursors together.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) moves: Cell<usize>,
    /// The move from now on that fails; 0 for none.
    pub(super) fails_in: Cell<usize>,
}

impl<C: Cursor> Watched<C> {
    pub(super) fn new(cursor: C, watch: &Rc<Watch>) -> Watched<C> {
        Watched { cursor, watch: Rc::clone(watch), failed: false }
    }

    fn go(&mut self, go: impl FnOnce(&mut C) -> Result<()>) -> Result<()> {
        let fails_in = self.watch.fails_in.get();
        self.watch.fails_in.set(fails_in.saturating_sub(1));
        self.watch.moves.set(self.watch.moves.get() + 1);
        self.failed = fails_in == 1;
        if !self.failed {
            return go(&mut self.cursor);
        }
        let source = io::Error::other("this is the move that fails");
        Err(Error::Io { operation: "read", path: "source".into(), source })
    }
}

impl<C: Cursor> Cursor for Watched<C> {
    fn first(&mut self) -> Result<()> {
        self.go(C::first)
    }

    fn last(&mut self) -> Result<()> {
        self.go(C::last)
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.go(|cursor| cursor.seek(target))
    }

    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.go(|cursor| cursor.seek_back(target))
    }

    fn next(&mut self) -> Result<()> {
        self.go(C::next)
    }

    fn prev(&mut self) -> Result<()> {
        self.go(C::prev)
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        if self.failed { None } else { self.cursor.key() }
    }

    fn entry(&self) -> (Bytes, Bytes) {
        self.cursor.entry()
    }
}
