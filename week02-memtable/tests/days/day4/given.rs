//! Sources that count and fail, and the sentences that day 4's tests speak about merges of them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::{fmt, io};

use bytes::Bytes;
use memtable::{Cursor, InternalKey, Kind, Merge, Visible};
use wal::testing::{Workload, show};
use wal::{Direction, Entry, Error, KeyRange, Result, Seq};

/// One entry of a source.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) key: Bytes,
    pub(super) seq: Seq,
    pub(super) kind: Kind,
    pub(super) value: Bytes,
}

impl Version {
    /// `a@9` is a put, `a@9-` a tombstone, `a@9=` a put of an empty value.
    fn parse(word: &str, source: usize) -> Version {
        let (key, rest) = word.split_once('@').expect("a version is written key@number");
        let (seq, kind, value) = match (rest.strip_suffix('-'), rest.split_once('=')) {
            (Some(seq), _) => (seq, Kind::Delete, String::new()),
            (_, Some((seq, value))) => (seq, Kind::Put, value.to_owned()),
            _ => (rest, Kind::Put, format!("of source {source}")),
        };
        let seq = seq.parse().expect("a version's number is a number");
        Version { key: Bytes::copy_from_slice(key.as_bytes()), seq, kind, value: value.into() }
    }

    pub(super) fn internal_key(&self) -> InternalKey<'_> {
        InternalKey { user_key: &self.key, seq: self.seq, kind: self.kind }
    }
}

/// What a test counts in all sources together, and when one of them fails.
#[derive(Default)]
pub(super) struct Watch {
    /// Moves of sources.
    pub(super) moves: Cell<usize>,
    /// Calls of `key`.
    pub(super) looks: Cell<usize>,
    /// Where the source is that moved last.
    pub(super) at: Cell<Option<usize>>,
    /// The move from now on that fails; 0 for none.
    pub(super) fails_in: Cell<usize>,
}

impl Watch {
    /// Counts from zero again.
    pub(super) fn start(&self) {
        self.moves.set(0);
        self.looks.set(0);
    }
}

/// A cursor over a list.
pub(super) struct Source {
    versions: Rc<Vec<Version>>,
    at: Option<usize>,
    watch: Rc<Watch>,
}

impl Source {
    fn put_at(&mut self, at: Option<usize>) -> Result<()> {
        let fails_in = self.watch.fails_in.get();
        self.watch.fails_in.set(fails_in.saturating_sub(1));
        self.at = at.filter(|&at| at < self.versions.len() && fails_in != 1);
        self.watch.moves.set(self.watch.moves.get() + 1);
        self.watch.at.set(self.at);
        if fails_in != 1 {
            return Ok(());
        }
        let source = io::Error::other("this is the move that fails");
        Err(Error::Io { operation: "read", path: "source".into(), source })
    }

    fn version(&self) -> Option<&Version> {
        self.at.map(|at| &self.versions[at])
    }
}

impl Cursor for Source {
    fn first(&mut self) -> Result<()> {
        self.put_at(Some(0))
    }

    fn last(&mut self) -> Result<()> {
        self.put_at(self.versions.len().checked_sub(1))
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.put_at(Some(self.versions.partition_point(|version| version.internal_key() < target)))
    }

    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        let end = self.versions.partition_point(|version| version.internal_key() <= target);
        self.put_at(end.checked_sub(1))
    }

    fn next(&mut self) -> Result<()> {
        self.put_at(self.at.map(|at| at + 1))
    }

    fn prev(&mut self) -> Result<()> {
        self.put_at(self.at.and_then(|at| at.checked_sub(1)))
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.watch.looks.set(self.watch.looks.get() + 1);
        self.version().map(Version::internal_key)
    }

    fn entry(&self) -> (Bytes, Bytes) {
        let version = self.version().expect("entry() of a source that is at none");
        (version.key.clone(), version.value.clone())
    }
}

/// Entries in several sources, the newest first.
pub(super) struct Given {
    pub(super) tables: Vec<Rc<Vec<Version>>>,
    pub(super) watch: Rc<Watch>,
}

/// The sources written down as `"a@9 c@8"`, in any order; see [`Version::parse`].
pub(super) fn given(sources: &[&str]) -> Given {
    let parse = |(source, text): (usize, &&str)| {
        text.split_whitespace().map(|word| Version::parse(word, source)).collect()
    };
    Given::of(sources.iter().enumerate().map(parse).collect())
}

/// Up to `entry_count` entries in so many sources, with numbers from 1 to 9: few keys, empty ones
/// among them, so that they meet again and again; and the very same key in several sources.
pub(super) fn random(random: &mut Workload, sources: usize, entry_count: usize) -> Given {
    let mut tables = vec![Vec::new(); sources];
    // Nothing goes to some of the sources.
    let used = 1 + random.below(sources.max(1));
    for _ in 0..random.below(entry_count + 1) {
        let key = ["", "\0", "a", "a\0", "ab", "b", "b\u{ff}", "c"][random.below(8)];
        let kind = ["", "", "", "=", "-"][random.below(5)];
        let source = random.below(used);
        if let Some(table) = tables.get_mut(source) {
            table.push(Version::parse(&format!("{key}@{}{kind}", 1 + random.below(9)), source));
        }
    }
    Given::of(tables)
}

impl Given {
    fn of(mut tables: Vec<Vec<Version>>) -> Given {
        for table in &mut tables {
            table.sort_by(|left, right| left.internal_key().cmp(&right.internal_key()));
            table.dedup_by(|left, right| (&left.key, left.seq) == (&right.key, right.seq));
        }
        Given { tables: tables.into_iter().map(Rc::new).collect(), watch: Rc::default() }
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        let source = |versions| Source { versions, at: None, watch: Rc::clone(&self.watch) };
        self.tables.iter().cloned().map(source).collect()
    }

    pub(super) fn merge(&self) -> Merge<Source> {
        Merge::new(self.sources())
    }

    /// A merge in which every source but the first is in a merge with its neighbour.
    pub(super) fn merge_of_merges(&self) -> Merge<Merge<Source>> {
        let (mut sources, mut merges) = (self.sources().into_iter(), Vec::new());
        merges.push(Merge::new(sources.by_ref().take(1).collect()));
        while let Some(source) = sources.next() {
            merges.push(Merge::new([source].into_iter().chain(sources.next()).collect()));
        }
        Merge::new(merges)
    }

    /// All entries, as a merge gives them.
    pub(super) fn all(&self) -> Vec<Version> {
        let mut all: Vec<Version> = self.tables.iter().flat_map(|table| table.to_vec()).collect();
        // The sort keeps equal ones in their order, which is that of age.
        all.sort_by(|left, right| left.internal_key().cmp(&right.internal_key()));
        all
    }

    /// Checks that `found` is exactly what a snapshot at `seq` sees.
    #[track_caller]
    pub(super) fn expect_seen(
        &self,
        found: &[Entry],
        range: &KeyRange,
        direction: Direction,
        seq: Seq,
    ) {
        let wanted = self.seen(range, direction, seq);
        let why = match found.iter().all(|(key, _)| range.contains(key)) {
            true => {
                "rule 5 of day 4: the first version that is not above the snapshot decides its key"
            }
            false => "day 4: `enter` sees to the range's near end, and your loops to the far one",
        };
        assert!(
            found == wanted,
            "{self}\n{direction:?} over {range:?}, a snapshot at {seq} must see\n  {}\nand the \
             scan gave\n  {}\n({why})",
            list(&wanted),
            list(found),
        );
    }

    /// What a snapshot at `seq` sees of `range`.
    fn seen(&self, range: &KeyRange, direction: Direction, seq: Seq) -> Vec<Entry> {
        let mut newest = BTreeMap::new();
        // From the newest to the oldest: what is collected last stays.
        for version in self.all().into_iter().rev().filter(|version| version.seq <= seq) {
            newest.insert(version.key.clone(), version);
        }
        newest.retain(|key, version| version.kind == Kind::Put && range.contains(key));
        let mut seen: Vec<_> = newest.into_iter().map(|(key, at)| (key, at.value)).collect();
        if direction == Direction::Backward {
            seen.reverse();
        }
        seen
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sources, the newest first:")?;
        for (index, table) in self.tables.iter().enumerate() {
            let words: Vec<_> = table.iter().map(|at| name(at.internal_key())).collect();
            write!(f, "\n  {index}  {}", words.join("  "))?;
        }
        Ok(())
    }
}

fn name(key: InternalKey<'_>) -> String {
    let kind = if key.kind == Kind::Delete { "-" } else { "" };
    format!("{}@{}{kind}", key.user_key.escape_ascii(), key.seq)
}

fn place(cursor: &impl Cursor) -> String {
    match cursor.key() {
        Some(key) => format!("at {}, value {}", name(key), show(&cursor.entry().1)),
        None => "at no entry".to_owned(),
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Move<'a> {
    First,
    Last,
    Seek(InternalKey<'a>),
    SeekBack(InternalKey<'a>),
    Next,
    Prev,
}

impl Move<'_> {
    pub(super) fn on(self, cursor: &mut impl Cursor) -> Result<()> {
        match self {
            Move::First => cursor.first(),
            Move::Last => cursor.last(),
            Move::Seek(target) => cursor.seek(target),
            Move::SeekBack(target) => cursor.seek_back(target),
            Move::Next => cursor.next(),
            Move::Prev => cursor.prev(),
        }
    }
}

impl fmt::Display for Move<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Move::First => f.write_str("first"),
            Move::Last => f.write_str("last"),
            Move::Seek(target) => write!(f, "seek({})", name(target)),
            Move::SeekBack(target) => write!(f, "seek_back({})", name(target)),
            Move::Next => f.write_str("next"),
            Move::Prev => f.write_str("prev"),
        }
    }
}

/// A merge, and beside it a list of all entries in order, which makes the same moves.
pub(super) struct Walk<'a, C> {
    given: &'a Given,
    pub(super) merge: C,
    list: Source,
    moves: Vec<Move<'a>>,
    rule: &'static str,
}

impl<'a, C: Cursor> Walk<'a, C> {
    pub(super) fn new(given: &'a Given, merge: C, rule: &'static str) -> Walk<'a, C> {
        let versions = Rc::new(given.all());
        let list = Source { versions, at: None, watch: Rc::default() };
        Walk { given, merge, list, moves: Vec::new(), rule }
    }

    /// Makes one move, and looks whether the merge is where it should be.
    #[track_caller]
    pub(super) fn go(&mut self, one: Move<'a>) {
        self.moves.push(one);
        if let Err(error) = one.on(&mut self.merge) {
            panic!("{self}\nno source has failed, but the merge does: {error}");
        }
        one.on(&mut self.list).expect("a list does not fail");
        let same = self.merge.key() == self.list.key()
            && (self.list.at.is_none() || self.merge.entry() == self.list.entry());
        if !same {
            let (found, wanted, rule) = (place(&self.merge), place(&self.list), self.rule);
            panic!("{self}\nthe merge should be {wanted}\nbut it is {found}\n{rule}");
        }
    }

    /// The same move, `times` times.
    #[track_caller]
    pub(super) fn go_on(&mut self, one: Move<'a>, times: usize) {
        (0..times).for_each(|_| self.go(one));
    }

    /// Back to the start: new moves, the same merge.
    pub(super) fn forget(&mut self) {
        self.moves.clear();
    }
}

impl<C> fmt::Display for Walk<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.moves.chunk_by(|left, right| left == right).map(|run| match run.len() {
            1 => run[0].to_string(),
            times => format!("{} × {times}", run[0]),
        });
        let runs: Vec<_> = runs.collect();
        write!(f, "{}\nafter: {}", self.given, runs.join(", "))
    }
}

/// Checks that a scan of `cursor` gives exactly what a snapshot at `seq` sees.
#[track_caller]
pub(super) fn expect_scan(
    given: &Given,
    cursor: impl Cursor,
    range: &KeyRange,
    direction: Direction,
    seq: Seq,
) {
    // Some more than there are: a scan that does not end is wrong, too.
    let limit = given.all().len() + 1;
    let scan = Visible::new(cursor, range.clone(), direction, seq).take(limit);
    let found: Vec<Entry> = scan
        .collect::<Result<_>>()
        .unwrap_or_else(|error| panic!("no source has failed, but the scan does: {error}"));
    given.expect_seen(&found, range, direction, seq);
}

pub(super) fn list(entries: &[Entry]) -> String {
    let words: Vec<_> =
        entries.iter().map(|(key, value)| format!("{} = {}", show(key), show(value))).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
