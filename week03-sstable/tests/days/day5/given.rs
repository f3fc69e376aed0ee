//! Caches, blocks and loads that are held, and the sentences that day 5's tests speak about them.

use std::iter;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use memtable::{InternalKey, Kind};
use sstable::cache::{BLOCK_OVERHEAD, BlockKey};
use sstable::{Block, BlockCache, Table, TableBuilder, TableOptions};
use wal::Result;
use wal::fs::{Fs, SimFs};

pub(super) const ONCE: &str = "(rule 1 of day 5: a block that is there is handed out without an \
                               allocation; one that is not is loaded once for all who ask \
                               meanwhile, and nobody else waits)";
pub(super) const OUTCOME: &str = "(rule 2 of day 5: what comes of a load, all who wait get; an \
                                  error is not kept, and after a panic one of them loads)";
pub(super) const CHARGED: &str = "(rule 3 of day 5: each block is charged its size and 160 bytes, \
                                  and a shard holds no more than its capacity; only what is pinned \
                                  may exceed it)";
pub(super) const QUEUES: &str = "(rule 4 of day 5: small queue, main queue, ghosts: what was used \
                                 since a queue took it, or is pinned, stays, the rest goes)";
pub(super) const NAMED: &str = "(rule 5 of day 5: a block's name is its table's number and its \
                                offset; each question counts as a hit, a miss or a wait)";

/// What each block of [`Places`] is charged: so much that there are ghosts enough.
pub(super) const PLACE: usize = 64 << 10;

/// Of so many yields to others one is sure to be the last that they need.
const PATIENCE: usize = 3_000_000;

// Blocks and keys.

/// The bytes of a block, nine at least: room for an entry, and one restart point.
pub(super) fn block_bytes(size: usize) -> Bytes {
    let mut bytes = vec![0; size];
    bytes[size - 4] = 1;
    Bytes::from(bytes)
}

/// A block of so many bytes.
pub(super) fn block_of(size: usize) -> Block {
    let block = Block::parse(block_bytes(size));
    block.expect("one restart point, at 0, in front of the entries' end")
}

/// A block that is charged so much.
pub(super) fn charged(charge: usize) -> Block {
    block_of(charge - BLOCK_OVERHEAD)
}

pub(super) fn key(offset: u64) -> BlockKey {
    BlockKey { table_id: 1, offset }
}

/// Asks for a block that has to be there.
#[track_caller]
pub(super) fn expect_hit(cache: &BlockCache, key: BlockKey, why: &str) -> Block {
    let block = cache.get_or_load(key, || panic!("{key:?} is loaded, and should be there {why}"));
    block.expect("no error comes without a load")
}

/// Asks for a block, and says whether it was loaded.
pub(super) fn is_loaded(cache: &BlockCache, key: BlockKey, block: impl FnOnce() -> Block) -> bool {
    let mut loaded = false;
    let outcome = cache.get_or_load(key, || {
        loaded = true;
        Ok(block())
    });
    outcome.expect("a load that is good comes out good");
    loaded
}

// A cache with places, and letters for blocks.

/// One shard, in which so many blocks have a place. A block's name is a letter.
pub(super) struct Places(pub(super) BlockCache);

impl Places {
    pub(super) fn new(count: usize) -> Places {
        Places(BlockCache::with_shards(count * PLACE, 1))
    }

    /// Asks for each of these, one after the other; those that were not there.
    pub(super) fn ask(&self, names: &str) -> String {
        let misses = |name: &char| is_loaded(&self.0, key(*name as u64), || charged(PLACE));
        names.chars().filter(|name| *name != ' ').filter(misses).collect()
    }

    /// Asks for each of these, and keeps what comes.
    pub(super) fn pin(&self, names: &str) -> Vec<Block> {
        let ask = |name: char| self.0.get_or_load(key(name as u64), || Ok(charged(PLACE)));
        names.chars().map(|name| ask(name).expect("a good load")).collect()
    }

    /// Those of the alphabet that are there.
    pub(super) fn there(&self) -> String {
        ('a'..='z').filter(|&name| self.0.contains(key(name as u64))).collect()
    }

    /// The queues leave these, and no others.
    #[track_caller]
    pub(super) fn expect_there(&self, names: &str, after: &str) {
        self.expect(names, after, QUEUES);
    }

    /// These are there, some of them because they are pinned, and no others.
    #[track_caller]
    pub(super) fn expect_pinned(&self, names: &str, after: &str) {
        self.expect(names, after, CHARGED);
    }

    #[track_caller]
    fn expect(&self, names: &str, after: &str, rule: &str) {
        let there = self.there();
        assert!(there == names, "after {after}: there should be {names}, and is {there} {rule}");
    }

    /// How many of the places are taken.
    pub(super) fn taken(&self) -> u64 {
        self.0.stats().charged_size / PLACE as u64
    }
}

// Threads.

/// Gives way to others until `what` is so; whether it ever was.
pub(super) fn comes(what: impl Fn() -> bool) -> bool {
    iter::repeat_with(|| (what(), thread::yield_now()).0).take(PATIENCE).any(|is_so| is_so)
}

/// Waits for a thread, which must come to its end.
#[track_caller]
pub(super) fn ended<T>(thread: JoinHandle<T>, why: &str) -> thread::Result<T> {
    assert!(comes(|| thread.is_finished()), "a thread waits for ever {why}");
    thread.join()
}

/// What a thread returns, which must come to its end, and not by a panic.
#[track_caller]
pub(super) fn returned<T>(thread: JoinHandle<T>, why: &str) -> T {
    ended(thread, why).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Does it in a thread, which must come to its end.
#[track_caller]
pub(super) fn must_end<T: Send + 'static>(
    why: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    returned(thread::spawn(work), why)
}

/// What a thread was given by the cache.
pub(super) type Asked = JoinHandle<Result<Block>>;

/// A load that has begun, and does not go on before it is let go.
pub(super) struct Held {
    loader: Asked,
    go_on: Sender<()>,
}

impl Held {
    /// In a thread of its own, asks for `key` and loads it; `outcome` comes of it.
    #[track_caller]
    pub(super) fn begin(
        cache: &Arc<BlockCache>,
        key: BlockKey,
        outcome: impl FnOnce() -> Result<Block> + Send + 'static,
    ) -> Held {
        let (begun, has_begun) = channel();
        let (go_on, may_go_on): (_, Receiver<()>) = channel();
        let cache = Arc::clone(cache);
        let loader = thread::spawn(move || {
            cache.get_or_load(key, move || {
                begun.send(()).expect("the test waits for it");
                may_go_on.recv().expect("the test lets it go");
                outcome()
            })
        });
        if has_begun.recv().is_err() {
            let outcome = returned(loader, ONCE);
            panic!("{key:?} was not there, and was not loaded: {outcome:?} {ONCE}");
        }
        Held { loader, go_on }
    }

    /// Lets it go on; the thread that loads.
    pub(super) fn let_go(self) -> Asked {
        self.go_on.send(()).expect("the load waits for it");
        self.loader
    }
}

/// So many threads ask for `key`, which is being loaded, and all of them wait for it. If they load
/// it after all, `load` is what they do.
#[track_caller]
pub(super) fn waiting(
    count: u64,
    cache: &Arc<BlockCache>,
    key: BlockKey,
    load: impl Fn() -> Result<Block> + Clone + Send + 'static,
) -> Vec<Asked> {
    let before = cache.stats().waits;
    let ask = |_| {
        let (cache, load) = (Arc::clone(cache), load.clone());
        thread::spawn(move || cache.get_or_load(key, load))
    };
    let threads: Vec<Asked> = (0..count).map(ask).collect();
    let all_wait = comes(|| cache.stats().waits - before == count);
    let stats = cache.stats();
    assert!(all_wait, "{count} threads ask for {key:?}, which is being loaded: {stats:?} {ONCE}");
    threads
}

/// A counter that many threads count up.
#[derive(Clone, Default)]
pub(super) struct Counter(Arc<Mutex<u64>>);

impl Counter {
    pub(super) fn count(&self) {
        *self.0.lock().expect("nobody panics with it") += 1;
    }

    pub(super) fn get(&self) -> u64 {
        *self.0.lock().expect("nobody panics with it")
    }
}

// Tables.

pub(super) const PATHS: [&str; 2] = ["/db/000001.sst", "/db/000002.sst"];

/// How many entries the tables have.
pub(super) const ENTRIES: u64 = 200;

pub(super) fn table_key(index: u64) -> Vec<u8> {
    format!("stone/{index:04}").into_bytes()
}

pub(super) fn table_value(table: usize, index: u64) -> Vec<u8> {
    format!("table {table}, value {index:04}").into_bytes()
}

/// A disk with two tables of the same keys, and values of the same sizes.
#[track_caller]
pub(super) fn disk_with_tables() -> SimFs {
    let sim = SimFs::new(0);
    sim.create_dir(Path::new("/db")).expect("the disk works");
    for (table, path) in PATHS.into_iter().enumerate() {
        let fs: Arc<dyn Fs> = Arc::new(sim.clone());
        let options = TableOptions { block_size: 512, ..TableOptions::plain() };
        let mut builder =
            TableBuilder::create(fs, Path::new(path), options).expect("the disk works");
        for index in 0..ENTRIES {
            let user_key = &*table_key(index);
            let key = InternalKey { user_key, seq: 7, kind: Kind::Put };
            builder.add(key, &table_value(table, index)).expect("the disk works");
        }
        builder.finish().expect("the disk works");
    }
    sim
}

#[track_caller]
pub(super) fn open(sim: &SimFs, table: usize, cache: Option<&Arc<BlockCache>>) -> Table {
    let cache = cache.map(Arc::clone);
    let table = Table::open(sim, Path::new(PATHS[table]), table as u64 + 1, cache);
    table.unwrap_or_else(|error| panic!("a good table must open: {error}"))
}

pub(super) fn block_count(table: &Table) -> u64 {
    table.properties().block_counts.iter().map(|&count| u64::from(count)).sum()
}
