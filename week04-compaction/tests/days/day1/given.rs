//! What day 1's tests are given: tables in levels, beside a list of their entries.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::{LEVEL_COUNT, LevelCursor, LiveTable, Source, Version, files};
use memtable::{Kind, Lookup, Merge, StoreTable, Visible};
use sstable::{BlockCache, TableBuilder, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, show};
use wal::{Direction, Error, KeyRange, Operation, Result, Seq};

pub(super) use crate::entries::{Entry, entries, in_order};
pub(super) use crate::walk::{First, Last, Move, Next, Prev, Seek, SeekBack, Walk};

pub(super) const DECIDES: &str = "(rule 1 of day 1: the first table that knows anything of the key \
                                  decides, level 0 from the newest on, then level by level; a \
                                  tombstone is an answer)";
pub(super) const ASKED: &str = "(rule 2 of day 1: asked are only tables that span the key, each once: \
                                of level 0 all, of another level one at most, and none behind the \
                                first that knows)";
pub(super) const FAILS: &str = "(rule 3 of day 1: a table that cannot be read is an error, and no \
                                reason to look into another one; a cursor is then at no entry)";
pub(super) const WALKS: &str = "(rule 4 of day 1: there is a cursor for each table of level 0, and \
                                one for each other level, which is where a list of its entries would \
                                be)";
pub(super) const HOLDS: &str = "(rule 4 of day 1: a level's cursor enters only tables that it has to, \
                                and holds one block of one table, which it keeps while it moves in \
                                it)";
pub(super) const KEEPS: &str = "(rule 5 of day 1: a version never changes; a table's file goes when \
                                it is retired and nobody has the table any more, and not before)";

pub(super) const DIR: &str = "/db";

// ANCHOR: listing_shop
/// The chapter's tables, from the newest on, numbered from 1.
pub(super) const SHOP: &str = "0: lamp@10=10 quartz@9- / 0: lamp@8- marble@7=7 / \
                               1: agate@5=5 lamp@4=4 / 1: onyx@3=3 stove@6=6 / \
                               3: lamp@1=1 quartz@2=2";
// ANCHOR_END: listing_shop

/// Tables in levels, the disk, and all that is in them.
pub(super) struct Given {
    pub(super) sim: SimFs,
    pub(super) version: Version,
    /// What is in the tables, with their levels; the first is table 1.
    tables: Vec<(usize, Vec<Entry>)>,
    /// Above all tables; empty unless it says something else.
    memory: StoreTable,
    /// All entries, in order.
    pub(super) entries: Vec<Entry>,
}

/// A disk with a table for each of these lists, named by its place in the list, with a filter that
/// lets no other key through.
pub(super) fn disk_with(tables: &[Vec<Entry>]) -> SimFs {
    let sim = SimFs::new(1);
    sim.create_dir(Path::new(DIR)).expect("a good disk");
    for (index, entries) in tables.iter().enumerate() {
        // Each is built on a disk of its own: one with thousands of files is slow to sync.
        let builders_disk = SimFs::new(1);
        builders_disk.create_dir(Path::new(DIR)).expect("a good disk");
        let path = files::table_path(Path::new(DIR), 1 + index as u64);
        let options =
            TableOptions { block_size: 100, filter_bits_per_key: 30, ..TableOptions::plain() };
        let builder = TableBuilder::create(Arc::new(builders_disk.clone()), &path, options);
        let mut builder = builder.expect("a good disk takes it");
        for entry in entries {
            builder.add(entry.key(), &entry.value).expect("entries are in order");
        }
        builder.finish().expect("a good disk takes it");
        sim.overwrite(&path, &builders_disk.contents(&path));
    }
    sim
}

pub(super) fn open(sim: &SimFs, number: u64, cache: Option<&Arc<BlockCache>>) -> Arc<LiveTable> {
    let fs: Arc<dyn Fs> = Arc::new(sim.clone());
    let table = LiveTable::open(&fs, Path::new(DIR), number, cache.map(Arc::clone));
    Arc::new(table.expect("a good table opens"))
}

/// Levels and their tables: of level 0 the newest first, of others by key.
pub(super) fn given_in(tables: &[(usize, Vec<Entry>)], cache: Option<&Arc<BlockCache>>) -> Given {
    let lists: Vec<Vec<Entry>> = tables.iter().map(|(_, entries)| entries.clone()).collect();
    let sim = disk_with(&lists);
    let mut levels: [Vec<Arc<LiveTable>>; LEVEL_COUNT] = Default::default();
    for (number, (level, _)) in (1..).zip(tables) {
        levels[*level].push(open(&sim, number, cache));
    }
    let version = Version::new(levels, 0);
    let (tables, entries) = (tables.to_vec(), in_order(lists.concat()));
    Given { sim, version, tables, memory: StoreTable::new(), entries }
}

/// Tables written as `level: entries`, with a slash between them.
pub(super) fn given(text: &str) -> Given {
    let table = |table: &str| {
        let (level, list) = table.split_once(':').expect("a level, a colon and entries");
        (level.trim().parse().expect("a level"), entries(list))
    };
    given_in(&text.split('/').map(table).collect::<Vec<_>>(), None)
}

/// A level 1 with a table for each of these lists.
pub(super) fn level_of(tables: &[Vec<Entry>]) -> Given {
    let tables: Vec<_> = tables.iter().map(|entries| (1, entries.clone())).collect();
    given_in(&tables, None)
}

/// So many tables that a walk along them takes hundreds of times as long as halving them.
pub(super) const MANY: u32 = 3_000;

/// A level 1 of `MANY` tables, with one key in each: the even numbers.
pub(super) fn many_tables() -> Given {
    let table = |n: u32| vec![Entry::put(number(2 * n), 7, "x")];
    level_of(&(0..MANY).map(table).collect::<Vec<_>>())
}

/// A key that is as large as the number.
pub(super) fn number(n: u32) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

/// Tables as flushes and compactions leave them: the newest operations in level 0, in overlapping
/// tables; older ones below, a level in tables that have no key in common.
pub(super) fn random(dice: &mut Workload) -> Given {
    let mut tables = Vec::new();
    let mut newest: Seq = 200;
    for _ in 0..dice.below(4) {
        tables.push((0, in_order(operations(dice, 12, &mut newest))));
    }
    for level in 1..LEVEL_COUNT {
        let count = dice.below(30);
        let mut rest = in_order(operations(dice, count, &mut newest));
        while !rest.is_empty() {
            let mut end = rest.len().min(1 + dice.below(8));
            while end < rest.len() && rest[end].user_key == rest[end - 1].user_key {
                end += 1;
            }
            let others = rest.split_off(end);
            tables.push((level, rest));
            rest = others;
        }
    }
    tables.retain(|(_, entries)| !entries.is_empty());
    given_in(&tables, None)
}

/// So many operations on few keys, the last of them at `newest`, which goes down.
fn operations(dice: &mut Workload, count: usize, newest: &mut Seq) -> Vec<Entry> {
    let mut operation = || {
        let key = format!("{:02}", dice.below(25)).into_bytes();
        *newest -= 1;
        match dice.below(4) {
            0 => Entry { user_key: key, seq: *newest, kind: Kind::Delete, value: Vec::new() },
            _ => Entry::put(key, *newest, newest.to_string()),
        }
    };
    (0..count).map(|_| operation()).collect()
}

/// What a snapshot at `seq` sees of `key`, looked for one by one.
pub(super) fn in_list(entries: &[Entry], key: &[u8], seq: Seq) -> Lookup {
    match entries.iter().find(|entry| entry.user_key == key && entry.seq <= seq) {
        Some(Entry { kind: Kind::Put, value, .. }) => Lookup::Value(value.clone().into()),
        Some(_) => Lookup::Deleted,
        None => Lookup::Absent,
    }
}

impl Given {
    /// The same under a memtable with a few operations, which are newer than all tables.
    pub(super) fn under_memory(mut self, dice: &mut Workload) -> Given {
        let count = dice.below(15);
        let newer = operations(dice, count, &mut 216);
        for Entry { user_key: key, seq, kind, value } in &newer {
            let operation = match kind {
                Kind::Put => Operation::Put { key, value },
                Kind::Delete => Operation::Delete { key },
            };
            self.memory.insert(*seq, operation);
        }
        self.entries = in_order([self.entries, newer].concat());
        self
    }

    /// That a scan of a snapshot at `seq` over memory and tables meets what it should.
    #[track_caller]
    pub(super) fn expect_scan(&self, direction: Direction, seq: Seq) {
        let mut keys: Vec<&[u8]> = self.entries.iter().map(|entry| &entry.user_key[..]).collect();
        keys.dedup();
        let seen = |key: &[u8]| {
            let value = in_list(&self.entries, key, seq).into_value()?;
            Some((Bytes::copy_from_slice(key), value))
        };
        let mut want: Vec<(Bytes, Bytes)> = keys.into_iter().filter_map(seen).collect();
        if direction == Direction::Backward {
            want.reverse();
        }
        let memory = [Source::Mem(self.memory.cursor())];
        let merge = Merge::new(memory.into_iter().chain(self.version.cursors()).collect());
        let scan = Visible::new(merge, KeyRange::all(), direction, seq);
        let came = scan.collect::<Result<Vec<_>>>().expect("a good disk");
        let Some(at) = (0..want.len().max(came.len())).find(|&at| want.get(at) != came.get(at))
        else {
            return;
        };
        let (want, came) = (want.get(at), came.get(at));
        let key = want.or(came).map_or(&[][..], |(key, _)| key);
        panic!(
            "a scan at {seq}, {direction:?}, over memory and tables, at its entry {at}: want \
             {want:?}, got {came:?}. {} {WALKS}",
            self.describe(key)
        );
    }

    #[track_caller]
    pub(super) fn expect_get(&self, key: &[u8], seq: Seq) {
        let (want, came) = (in_list(&self.entries, key, seq), self.version.get(key, seq));
        let is_right = came.as_ref().is_ok_and(|came| *came == want);
        assert!(
            is_right,
            "{} at {seq}: want {want:?}, got {came:?}. {} {DECIDES}",
            show(key),
            self.describe(key)
        );
    }

    /// The tables that `work` asks, by their numbers, each as often as it is asked: its filter says
    /// no and counts that, or a block of it is read.
    pub(super) fn asked_by(&self, work: impl FnOnce(&Version)) -> Vec<u64> {
        let asked = || {
            let stats = self.version.tables().map(|table| table.table.stats());
            stats.map(|stats| stats.filter_avoided + stats.blocks_read).collect::<Vec<_>>()
        };
        let before = asked();
        work(&self.version);
        let times = asked().into_iter().zip(before).map(|(after, before)| after - before);
        let tables = self.version.tables().map(|table| table.meta.number).zip(times);
        tables.flat_map(|(number, times)| (0..times).map(move |_| number)).collect()
    }

    /// That a get asks no other table than these, and none of them twice.
    #[track_caller]
    pub(super) fn expect_asked(&self, key: &[u8], seq: Seq, want: &[u64]) {
        let asked = self.asked_by(|_| self.expect_get(key, seq));
        let each_once = asked.is_sorted_by(|one, other| one < other);
        assert!(
            each_once && asked.iter().all(|number| want.contains(number)),
            "{} at {seq} asks the tables {asked:?}: want {want:?} at most, and each once. {} {ASKED}",
            show(key),
            self.describe(key)
        );
    }

    /// A cursor over level 1 beside its list.
    pub(super) fn walk(&self) -> Walk<'_, LevelCursor<'_>> {
        Walk::new(&self.entries, LevelCursor::new(self.version.level(1)), WALKS)
    }

    /// How many reads `step` of a cursor over level 1 takes that is at `from`.
    pub(super) fn reads_of(&self, from: &Entry, step: Move<'_>) -> usize {
        let mut cursor = LevelCursor::new(self.version.level(1));
        Seek(from).on(&mut cursor).expect("a good disk");
        self.asked_by(|_| step.on(&mut cursor).expect("a good disk")).len()
    }

    /// The tables that span `key`, and what they have of it.
    fn describe(&self, key: &[u8]) -> String {
        let spans = |list: &[Entry]| {
            list[0].user_key[..] <= *key && *key <= list[list.len() - 1].user_key[..]
        };
        let numbered = (1..).zip(&self.tables).filter(|(_, (_, list))| spans(list));
        let table = |(number, (level, list)): (usize, &(usize, Vec<Entry>))| {
            let versions = list.iter().filter(|entry| entry.user_key == key);
            let versions: Vec<String> = versions.map(Entry::to_string).collect();
            let has = if versions.is_empty() { "nothing".to_owned() } else { versions.join(" ") };
            format!("; table {number} in level {level} has {has}")
        };
        let tables: String = numbered.map(table).collect();
        format!(
            "Of all tables, these span it{}",
            if tables.is_empty() { ": none" } else { &tables }
        )
    }
}

/// Whether that is damage of table `number`.
pub(super) fn names_table<T>(result: &Result<T>, number: u64) -> bool {
    let Err(Error::Corruption { file, .. }) = result else { return false };
    *file == files::table_path(Path::new(DIR), number)
}
