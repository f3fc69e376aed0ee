//! What lab valuelog's tests are given: small stores whose values live apart, and what they hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lsm::compaction::Compaction;
use lsm::values::{INLINE, Pointer, References, Stored, ValueFile};
use lsm::{
    Edit, LEVEL_COUNT, LiveTable, Lsm, LsmOptions, Manifest, State, Strategy, TableMeta, Tree,
    Version, files,
};
use memtable::{Cursor, Flush, Frozen, InternalKey, Kind, LogMark, Lookup, Merge, StoreTable};
use sstable::{Codec, TableBuilder, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, batch, put, scan, show};
use wal::{Direction, Durability, Engine, Entry, KeyRange, Operation, Reader, Result, Seq};

use crate::entries;

pub(super) const TAGS: &str = "(rule 1 of lab valuelog: a store is made with a value log or without; \
                               with it every value has a tag from `write` to `get`, and large ones \
                               leave when a table is written)";
pub(super) const WHOLE: &str = "(rule 2 of lab valuelog: a value file is whole and durable before an \
                                edit names a table that points into it; a record is good only at its \
                                place and for its key)";
pub(super) const COUNTED: &str = "(rule 3 of lab valuelog: where a table points is in the edit that \
                                  adds it; what is live in a file is the sum over the live tables)";
pub(super) const STAYS: &str = "(rule 4 of lab valuelog: a value file goes when no live table points \
                                into it and nobody reads one that did, and not before)";
pub(super) const MOVES: &str = "(rule 5 of lab valuelog: what a merge finds in a file that is due goes \
                                to a new file; with nothing else to do, a table that points there is \
                                written anew in its place; and that ends)";

pub(super) const DIR: &str = "/db";

/// Values of so many bytes or more live apart here.
pub(super) const VALUE_MIN: usize = 40;

/// Memtables of a few entries, tables of two or three, values of 40 bytes apart.
pub(super) fn small() -> LsmOptions {
    LsmOptions {
        memtable_size: 600,
        cache_size: 10_000,
        table: TableOptions {
            block_size: 64,
            restart_interval: 3,
            codec: Codec::None,
            ..TableOptions::default()
        },
        table_size: 300,
        level0_tables: 2,
        level0_slow: 12,
        level0_stop: 12,
        base_level_size: 600,
        level_ratio: 3,
        value_min: Some(VALUE_MIN),
        ..LsmOptions::default()
    }
}

/// As [`small`], with everything that may differ chosen by dice.
pub(super) fn any_options(dice: &mut Workload) -> LsmOptions {
    LsmOptions {
        strategy: [Strategy::Leveled, Strategy::Tiered][dice.below(2)],
        memtable_size: 200 << dice.below(3),
        frozen_max: 1 + dice.below(3),
        table_size: 100 << dice.below(3),
        level0_tables: 1 + dice.below(4),
        base_level_size: 300 << dice.below(3),
        value_min: Some([0, 1, 10, 40, 400][dice.below(5)]),
        value_garbage_percent: [0, 20, 50, 90, 100][dice.below(5)],
        ..small()
    }
}

/// Options with which a store flushes and compacts nothing.
pub(super) fn quiet() -> LsmOptions {
    LsmOptions {
        memtable_size: 1 << 20,
        level0_tables: 100,
        base_level_size: 1 << 20,
        value_garbage_percent: 100,
        ..small()
    }
}

/// A value that lives apart.
pub(super) fn large(number: u64) -> String {
    format!("{number:-<60}")
}

/// A value as memory and tables have it.
pub(super) fn stored(value: &str) -> Vec<u8> {
    [&[INLINE], value.as_bytes()].concat()
}

// Parts of a store, made by hand: value files, tables, states.

pub(super) fn fs(sim: &SimFs) -> Arc<dyn Fs> {
    Arc::new(sim.clone())
}

/// Value file `number`, on disk, with so many bytes of records, all of them 0.
#[track_caller]
pub(super) fn value_file(sim: &SimFs, number: u32, size: u64) -> Arc<ValueFile> {
    let path = Path::new(DIR).join(name_of(number));
    sim.overwrite(path, &[&header_of(number)[..], &vec![0; size as usize]].concat());
    Arc::new(ValueFile::open(&fs(sim), Path::new(DIR), number).expect("its header is good"))
}

/// What stands in front of the first record.
pub(super) fn header_of(number: u32) -> Vec<u8> {
    [&b"CAIRNVAL"[..], &1u32.to_le_bytes(), &number.to_le_bytes()].concat()
}

/// The note of a table that points at so many bytes of each of these files.
pub(super) fn note_of(references: &[(u32, u64)]) -> Vec<u8> {
    let note = |&(file, size): &(u32, u64)| [&file.to_le_bytes()[..], &size.to_le_bytes()].concat();
    references.iter().flat_map(note).collect()
}

/// A table of one entry, whose key no other number has.
pub(super) fn meta(number: u64) -> TableMeta {
    TableMeta {
        number,
        size: 100,
        entry_count: 1,
        tombstone_count: 0,
        smallest_seq: number,
        largest_seq: number,
        smallest: format!("k{number:02}").into(),
        largest: format!("k{number:02}").into(),
    }
}

/// The same on disk, open, with what it is told of its values.
#[track_caller]
pub(super) fn live_table(
    sim: &SimFs,
    number: u64,
    values: Vec<(Arc<ValueFile>, u64)>,
) -> Arc<LiveTable> {
    let path = files::table_path(Path::new(DIR), number);
    let builder = TableBuilder::create(fs(sim), &path, TableOptions::plain());
    let mut builder = builder.expect("a good disk");
    let key = meta(number).smallest;
    let key = InternalKey { user_key: &key, seq: number, kind: Kind::Put };
    builder.add(key, &stored("x")).expect("a good disk");
    builder.finish().expect("a good disk");
    let table = LiveTable::open(&fs(sim), Path::new(DIR), number, None).expect("a good table");
    if !values.is_empty() {
        table.set_values(values);
    }
    Arc::new(table)
}

/// A table's level and number, and how many bytes of which value file it points at.
pub(super) type Table<'a> = (usize, u64, &'a [(u32, u64)]);

/// What a manifest knows of such tables.
#[track_caller]
pub(super) fn state_of(tables: &[Table<'_>]) -> State {
    let added = tables.iter().map(|&(level, number, _)| (level, Arc::new(meta(number))));
    let with_values = tables.iter().filter(|(_, _, values)| !values.is_empty());
    let notes = with_values.map(|&(_, number, values)| (number, note_of(values).into()));
    let edit = Edit {
        next_number: Some(100),
        added: added.collect(),
        notes: notes.collect(),
        ..Edit::default()
    };
    State::new().apply(&edit).expect("a good edit")
}

/// A version of such tables, and value files of these sizes.
#[track_caller]
pub(super) fn version_of(sim: &SimFs, files: &[(u32, u64)], tables: &[Table<'_>]) -> Version {
    let files: BTreeMap<u32, Arc<ValueFile>> =
        files.iter().map(|&(number, size)| (number, value_file(sim, number, size))).collect();
    let mut levels: [Vec<Arc<LiveTable>>; LEVEL_COUNT] = Default::default();
    for &(level, number, values) in tables {
        let values = values.iter().map(|&(file, size)| (Arc::clone(&files[&file]), size));
        levels[level].push(live_table(sim, number, values.collect()));
    }
    Version::new(levels, 0)
}

// Stores.

pub(super) fn try_open(sim: &SimFs, options: LsmOptions) -> Result<Lsm> {
    Lsm::open(Arc::new(sim.clone()), Path::new(DIR), options)
}

#[track_caller]
pub(super) fn open(sim: &SimFs, options: LsmOptions) -> Lsm {
    try_open(sim, options)
        .unwrap_or_else(|error| panic!("the store must open, and fails: {error} {TAGS}"))
}

#[track_caller]
pub(super) fn write(store: &Lsm, key: &str, value: impl AsRef<[u8]>) {
    let written = store.write(batch(&[put(key, value)]), Durability::Buffered);
    written.unwrap_or_else(|error| panic!("putting {key} fails on a good disk: {error} {MOVES}"));
}

/// Overwrites ten keys, so many times each, with large values and small ones.
#[track_caller]
pub(super) fn overwrite(store: &Lsm, rounds: std::ops::Range<u64>) {
    for round in rounds {
        for key in 0..10 {
            write(store, &format!("key{key}"), value_of(key, round));
        }
    }
}

/// What round `round` writes to key `key`: every third value is small.
pub(super) fn value_of(key: u64, round: u64) -> String {
    if key % 3 == 2 { round.to_string() } else { large(round) }
}

/// Ten keys as round `round` left them.
pub(super) fn after(round: u64) -> Vec<Entry> {
    (0..10).map(|key| (format!("key{key}").into(), value_of(key, round).into())).collect()
}

/// Waits until nothing is to be flushed or compacted any more: what is flushed late is due late.
#[track_caller]
pub(super) fn settle(store: &Lsm) {
    loop {
        let is_flushed = stat(store, "frozen_tables") == 0;
        store.settle().unwrap_or_else(|error| panic!("compaction fails: {error} {MOVES}"));
        if is_flushed {
            return;
        }
        std::thread::yield_now();
    }
}

/// That scans in both directions and lookups find this and nothing else.
#[track_caller]
pub(super) fn expect_all(reader: &dyn Reader, want: &[Entry], when: &str, rule: &str) {
    let found = scan(reader, KeyRange::all(), Direction::Forward);
    assert!(found == want, "{when} a scan gives\n{found:?}, and should\n{want:?}\n{rule}");
    let mut back = scan(reader, KeyRange::all(), Direction::Backward);
    back.reverse();
    assert!(back == want, "{when} a scan backward gives\n{back:?}, and should\n{want:?}\n{rule}");
    for (key, value) in want {
        let came = reader.get(key);
        let is_right = came.as_ref().is_ok_and(|came| came.as_ref() == Some(value));
        assert!(is_right, "{when} get({key:?}) gives {came:?}, and should {value:?} {rule}");
    }
}

/// One of the store's counters.
#[track_caller]
pub(super) fn stat(store: &Lsm, name: &str) -> u64 {
    let stats = store.stats();
    let counter = stats.counters.iter().find(|counter| counter.name == name);
    counter.unwrap_or_else(|| panic!("stats() has no counter {name}: {stats:?}")).value
}

// Files.

/// The names in the directory that end so, in order.
pub(super) fn names(sim: &SimFs, end: &str) -> Vec<String> {
    let mut names = sim.list(Path::new(DIR)).expect("it is there");
    names.retain(|name| name.ends_with(end));
    names.sort();
    names
}

/// The name of a value file.
pub(super) fn name_of(number: u32) -> String {
    format!("{number:06}.val")
}

/// The value files that a version's tables point into, by name.
pub(super) fn needed_by(version: &Version) -> Vec<String> {
    version.values().iter().map(|live| name_of(live.file.number())).collect()
}

#[track_caller]
pub(super) fn expect_only_needed(sim: &SimFs, version: &Version, when: &str) {
    let (there, needed) = (names(sim, ".val"), needed_by(version));
    assert_eq!(there, needed, "{when}: value files that are there, and that are needed {STAYS}");
}

/// A pointer, with the table that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) table: u64,
    pub(super) key: Vec<u8>,
    pub(super) seq: Seq,
    pub(super) pointer: Pointer,
}

/// All pointers of a version; and that each value has a tag.
#[track_caller]
pub(super) fn pointers_of(version: &Version) -> Vec<Found> {
    let mut all = Vec::new();
    for table in version.tables() {
        let mut cursor = table.table.cursor();
        cursor.first().expect("a good disk");
        while let Some(key) = cursor.key() {
            let value = cursor.value();
            match Stored::decode(value) {
                _ if key.kind == Kind::Delete => {}
                Some(Stored::Inline(_)) => {}
                Some(Stored::Apart(pointer)) => all.push(Found {
                    table: table.meta.number,
                    key: key.user_key.to_vec(),
                    seq: key.seq,
                    pointer,
                }),
                None => panic!(
                    "table {} has {} for {}@{}: neither a value nor a pointer {TAGS}",
                    table.meta.number,
                    show(value),
                    show(key.user_key),
                    key.seq
                ),
            }
            cursor.next().expect("a good disk");
        }
    }
    all
}

/// That a version, its tables and the manifest agree on where tables point.
#[track_caller]
pub(super) fn expect_counted(sim: &SimFs, version: &Version, when: &str) {
    let mut want: BTreeMap<u64, References> = BTreeMap::new();
    for found in pointers_of(version) {
        want.entry(found.table).or_default().add(&found.pointer);
    }
    let state = Manifest::recover(sim, Path::new(DIR)).expect("a good disk");
    let numbers = |references: &References| -> Vec<(u32, u64)> {
        references.iter().map(|(&file, &size)| (file, size)).collect()
    };
    for table in version.tables() {
        let number = table.meta.number;
        let want = want.get(&number).map(numbers).unwrap_or_default();
        let has = table.values().iter().map(|(file, size)| (file.number(), *size));
        assert_eq!(has.collect::<Vec<_>>(), want, "{when}: where table {number} points {COUNTED}");
        let note = state.notes.get(&number).map(|note| References::decode(note));
        let note = note.map(|note| note.expect("a good note"));
        let note = note.as_ref().map(numbers).unwrap_or_default();
        assert_eq!(note, want, "{when}: the manifest's note of table {number} {COUNTED}");
    }
    let tables: Vec<u64> = version.tables().map(|table| table.meta.number).collect();
    for (key, _) in state.notes.iter().filter(|(key, _)| **key != lsm::values::TAGGED) {
        let is_live = tables.contains(key);
        assert!(is_live, "{when}: the manifest has a note of table {key}, which is gone {COUNTED}");
    }
}

// Tables without threads: a flush, a compaction, a collection, when the test says so.

/// Level 0 is merged when the test says so.
pub(super) fn by_hand() -> LsmOptions {
    LsmOptions { level0_tables: 100, table_size: 10_000, ..small() }
}

pub(super) fn disk(seed: u64) -> SimFs {
    let sim = SimFs::new(seed);
    make_dir(&sim).expect("a good disk");
    sim
}

pub(super) fn make_dir(sim: &SimFs) -> Result<()> {
    sim.create_dir(Path::new(DIR))?;
    sim.sync_dir(Path::new("/"))
}

pub(super) fn try_tree(sim: &SimFs, options: LsmOptions) -> Result<Tree> {
    Tree::open(Arc::new(sim.clone()), Path::new(DIR), options)
}

#[track_caller]
pub(super) fn tree(sim: &SimFs) -> Tree {
    tree_with(sim, by_hand())
}

#[track_caller]
pub(super) fn tree_with(sim: &SimFs, options: LsmOptions) -> Tree {
    let tree = try_tree(sim, options)
        .unwrap_or_else(|error| panic!("the tables must open, and fail: {error} {WHOLE}"));
    tree.remove_orphans().expect("a good disk");
    tree
}

/// A full memtable of these entries, in which `LARGE` stands for a large value of that number.
fn frozen(text: &str, lsn: u64) -> Frozen {
    let (table, mut end) = (StoreTable::new(), 0);
    for entry in entries::entries(text) {
        let (key, seq) = (&entry.user_key[..], entry.seq);
        let value = match &entry.value[..] {
            b"LARGE" => large(seq),
            value => std::str::from_utf8(value).expect("a text").to_owned(),
        };
        match entry.kind {
            Kind::Put => table.insert(seq, Operation::Put { key, value: &stored(&value) }),
            Kind::Delete => table.insert(seq, Operation::Delete { key }),
        };
        end = end.max(seq);
    }
    Frozen { table: Arc::new(table), end: LogMark { lsn, seq: end } }
}

pub(super) fn try_flush(tree: &Tree, text: &str) -> Result<()> {
    tree.flush(&frozen(text, tree.flushed().lsn + 100))
}

#[track_caller]
pub(super) fn flush(tree: &Tree, text: &str) {
    let flushed = try_flush(tree, text);
    flushed.unwrap_or_else(|error| panic!("flushing {text} fails: {error} {WHOLE}"));
}

/// All tables of `levels`, to be made into a run for `output_level`.
pub(super) fn all_of(tree: &Tree, levels: &[usize], output_level: usize) -> Compaction {
    let version = tree.version();
    let inputs = levels.iter().flat_map(|&level| {
        let tables: Vec<Arc<TableMeta>> =
            version.level(level).iter().map(|table| Arc::clone(&table.meta)).collect();
        tables.into_iter().map(move |table| (level, table))
    });
    Compaction { inputs: inputs.collect(), output_level }
}

#[track_caller]
pub(super) fn compact(tree: &Tree, compaction: &Compaction) {
    let compacted = tree.compact(compaction);
    compacted.unwrap_or_else(|error| panic!("the compaction {compaction} fails: {error} {MOVES}"));
}

/// Does what is due, until nothing is.
#[track_caller]
pub(super) fn collect(tree: &Tree) -> usize {
    for count in 0..100 {
        match tree.pick() {
            None => return count,
            Some(compaction) => compact(tree, &compaction),
        }
    }
    panic!("after a hundred compactions {:?} is still due {MOVES}", tree.pick());
}

/// What a version has for `key` at `seq`, as text.
#[track_caller]
pub(super) fn look(version: &Version, key: &str, seq: Seq) -> Option<String> {
    match version.get(key.as_bytes(), seq) {
        Ok(Lookup::Value(stored)) => {
            let value = lsm::values::untag(Path::new(DIR), &stored);
            let value = value.unwrap_or_else(|error| panic!("{key} at {seq}: {error} {TAGS}"));
            Some(String::from_utf8(value.to_vec()).expect("a text"))
        }
        Ok(_) => None,
        Err(error) => panic!("{key} at {seq} cannot be read: {error} {STAYS}"),
    }
}

/// That a version has these entries for whoever sees all: `a=LARGE3 b=x`.
#[track_caller]
pub(super) fn expect_values(version: &Version, want: &str, when: &str, rule: &str) {
    for word in want.split_whitespace() {
        let (key, value) = word.split_once('=').expect("a key and a value");
        let value = match value.strip_prefix("LARGE") {
            Some(number) => large(number.parse().expect("a number")),
            None => value.to_owned(),
        };
        let came = look(version, key, Seq::MAX >> 8);
        assert_eq!(came.as_deref(), Some(&*value), "{when}: {key} {rule}");
    }
}

/// All entries of a version's tables, as they are stored.
pub(super) fn stored_in(version: &Version) -> Vec<(Vec<u8>, Seq, Vec<u8>)> {
    let mut cursor = Merge::new(version.cursors());
    cursor.first().expect("a good disk");
    let mut found = Vec::new();
    while let Some(key) = cursor.key() {
        found.push((key.user_key.to_vec(), key.seq, cursor.entry().1.to_vec()));
        cursor.next().expect("a good disk");
    }
    found
}

/// How many tables each level has, without the empty levels at the end.
pub(super) fn shape(version: &Version) -> Vec<usize> {
    let counts: Vec<usize> = (0..LEVEL_COUNT).map(|level| version.level(level).len()).collect();
    let used = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    counts[..used].to_vec()
}
