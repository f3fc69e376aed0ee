//! Day 2's experiment: gets per second with 1, 2 and 4 readers, while one thread writes without
//! pause; and of one reader alone, for comparison.
//!
//! Three tables with the same versions of the same keys: your memtable, and an ordered map of the
//! standard library behind each of two locks. All of them share values instead of copying them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use memtable::{Lookup, MemTable};
use parking_lot::{Mutex, RwLock};
use wal::{Operation, Seq};

/// How many threads read, and how many write.
const THREADS: [(usize, usize); 4] = [(1, 0), (1, 1), (2, 1), (4, 1)];
/// Keys that are there before the first measurement; the writer adds versions of them.
const KEYS: u64 = 50_000;
const VALUE: [u8; 100] = [0x5a; 100];
/// How long each measurement takes.
const WINDOW: Duration = Duration::from_millis(300);
/// Of so many runs the middle one counts: in the best for readers, the writer may have starved.
const RUNS: usize = 5;

type Key = [u8; 16];

/// A versioned table that threads share.
trait Table: Default + Sync {
    /// Adds a version of the key.
    fn insert(&self, key: &Key, seq: Seq);
    /// The newest version of the key that is not above `seq`.
    fn get(&self, key: &Key, seq: Seq) -> Option<Bytes>;
}

impl Table for MemTable {
    fn insert(&self, key: &Key, seq: Seq) {
        MemTable::insert(self, seq, Operation::Put { key, value: &VALUE });
    }

    fn get(&self, key: &Key, seq: Seq) -> Option<Bytes> {
        match MemTable::get(self, key, seq) {
            Lookup::Value(value) => Some(value),
            Lookup::Deleted | Lookup::Absent => None,
        }
    }
}

/// By key, and of one key the newest first.
type Map = BTreeMap<(Key, Reverse<Seq>), Bytes>;

fn find(map: &Map, key: &Key, seq: Seq) -> Option<Bytes> {
    let (place, value) = map.range((*key, Reverse(seq))..).next()?;
    (place.0 == *key).then(|| value.clone())
}

impl Table for RwLock<Map> {
    fn insert(&self, key: &Key, seq: Seq) {
        let value = Bytes::copy_from_slice(&VALUE);
        self.write().insert((*key, Reverse(seq)), value);
    }

    fn get(&self, key: &Key, seq: Seq) -> Option<Bytes> {
        find(&self.read(), key, seq)
    }
}

impl Table for Mutex<Map> {
    fn insert(&self, key: &Key, seq: Seq) {
        let value = Bytes::copy_from_slice(&VALUE);
        self.lock().insert((*key, Reverse(seq)), value);
    }

    fn get(&self, key: &Key, seq: Seq) -> Option<Bytes> {
        find(&self.lock(), key, seq)
    }
}

/// What one measurement found, both per second.
#[derive(Clone, Copy, Default)]
struct Rates {
    gets: f64,
    puts: f64,
}

fn main() {
    let [memtable, rw_lock, mutex] = measure();
    println!("# title: Gets, while one thread writes");
    println!("# x: threads that read");
    println!("# y: gets per second");
    println!("# kind: bar");
    println!("series,x,y");
    let all = [("your memtable", memtable), ("map + RwLock", rw_lock), ("map + Mutex", mutex)];
    for (series, rates) in all {
        for ((readers, writers), rates) in THREADS.iter().zip(rates) {
            let alone = if *writers == 0 { " (no writer)" } else { "" };
            println!("{series},{readers}{alone},{:.0}", rates.gets);
        }
    }
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    println!(
        "# says: On {cores} cores, four threads read {:.2} million times a second from your \
         memtable, and its writer adds {:.0} thousand versions; behind the RwLock it is {:.2} \
         million and {:.0} thousand. A single thread, with nobody to wait for, reads {:.2} and \
         {:.2} million times.",
        memtable[3].gets / 1e6,
        memtable[3].puts / 1e3,
        rw_lock[3].gets / 1e6,
        rw_lock[3].puts / 1e3,
        memtable[0].gets / 1e6,
        rw_lock[0].gets / 1e6,
    );
}

/// For each table and each number of threads, the middle one of all runs.
fn measure() -> [[Rates; THREADS.len()]; 3] {
    let mut runs = [const { [const { Vec::new() }; THREADS.len()] }; 3];
    // Turn by turn, so that what disturbs one table for a while disturbs all three.
    for _ in 0..RUNS {
        for (n, (readers, writers)) in THREADS.into_iter().enumerate() {
            runs[0][n].push(rates::<MemTable>(readers, writers));
            runs[1][n].push(rates::<RwLock<Map>>(readers, writers));
            runs[2][n].push(rates::<Mutex<Map>>(readers, writers));
        }
    }
    runs.map(|table| {
        table.map(|mut runs: Vec<Rates>| {
            runs.sort_by(|a, b| a.gets.total_cmp(&b.gets));
            runs[RUNS / 2]
        })
    })
}

fn rates<T: Table>(readers: usize, writers: usize) -> Rates {
    let table = T::default();
    (0..KEYS).for_each(|n| table.insert(&key(n), n + 1));
    let (gets, puts) = (AtomicU64::new(0), AtomicU64::new(0));
    let (start, stop) = (Barrier::new(readers + writers + 1), AtomicBool::new(false));
    // Does `work` with one random key after the other, and counts.
    let count = |thread: usize, done: &AtomicU64, work: &dyn Fn(&Key, u64)| {
        let mut random = Random(thread as u64 + 1);
        start.wait();
        for n in 0.. {
            if stop.load(Ordering::Relaxed) {
                done.fetch_add(n, Ordering::Relaxed);
                return;
            }
            work(&key(random.below(KEYS)), n);
        }
    };
    let read = |thread| count(thread, &gets, &|key, _| drop(black_box(table.get(key, Seq::MAX))));
    let write = |thread| count(thread, &puts, &|key, n| table.insert(key, KEYS + 1 + n));
    let window = thread::scope(|scope| {
        (0..readers).for_each(|thread| drop(scope.spawn(move || read(thread))));
        (0..writers).for_each(|thread| drop(scope.spawn(move || write(readers + thread))));
        start.wait();
        let began = Instant::now();
        thread::sleep(WINDOW);
        stop.store(true, Ordering::Relaxed);
        began.elapsed().as_secs_f64()
    });
    let per_second = |count: AtomicU64| count.into_inner() as f64 / window;
    Rates { gets: per_second(gets), puts: per_second(puts) }
}

/// Keys in no order: neighbours in number are far from each other.
fn key(n: u64) -> Key {
    let mut key = *b"user........0000";
    key[4..12].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key
}

/// Xorshift (Marsaglia): the dice must cost less than what is measured.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
