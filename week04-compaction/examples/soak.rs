//! A long run on the real disk: a store that is written, read, closed, opened and killed, again and
//! again, and compared with a model each time.
//!
//! ```console
//! $ cargo run --release -p week04-compaction --example soak -- 30 1
//! ```
//!
//! The arguments are minutes and a seed. A child of this program has the store, and is killed while it
//! writes; what it was told is done, it says. The parent knows every batch by its number. So it knows
//! what must be there: all that was acknowledged, perhaps the batch that was not any more, and nothing
//! else.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use lsm::{Lsm, LsmOptions, Strategy};
use wal::fs::OsFs;
use wal::testing::Workload;
use wal::{Direction, Durability, Engine, KeyRange, Operation, Reader, WriteBatch};

const KEYS: usize = 100_000;
const BATCH_SIZE_MAX: usize = 8;
const CHILD: &str = "CAIRN_SOAK";

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// What went wrong, in words.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let given = |place, default| {
        let given = std::env::args().nth(place);
        given.map_or(Ok(default), |text| text.parse::<u64>())
    };
    let (Ok(minutes), Ok(seed)) = (given(1, 30), given(2, 1)) else {
        eprintln!("soak MINUTES SEED: two whole numbers, as in `soak 30 1`");
        return ExitCode::from(2);
    };
    let ended = match std::env::var(CHILD) {
        Ok(task) => child(seed, &task),
        Err(_) => parent(Duration::from_secs(60 * minutes), seed),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak, seed {seed}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Small parts, so that all of it moves. A seed has its values apart or not; the strategy and the
/// number of threads change from round to round.
fn open(dir: &Path, seed: u64, round: u64) -> Result<Lsm> {
    let options = LsmOptions {
        memtable_size: 2 << 20,
        cache_size: 4 << 20,
        table_size: 1 << 20,
        base_level_size: 4 << 20,
        strategy: if round.is_multiple_of(2) { Strategy::Leveled } else { Strategy::Tiered },
        value_min: seed.is_multiple_of(2).then_some(1_000),
        compaction_threads: 1 + round as usize % 3,
        ..LsmOptions::default()
    };
    Ok(Lsm::open(Arc::new(OsFs), dir, options)?)
}

/// Batch `number`, and how durable it is asked to be. Its first operation has number `seq`, which is
/// in every value.
fn batch(seed: u64, number: u64, mut seq: u64) -> (WriteBatch, Durability) {
    let mut dice = Workload::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    let mut batch = WriteBatch::new();
    for _ in 0..1 + dice.below(BATCH_SIZE_MAX) {
        // Some keys come often.
        let most = if dice.below(2) == 0 { KEYS } else { KEYS / 100 };
        let key = format!("user{:08}", dice.below(most));
        let size = match dice.below(200) {
            0 => dice.below(50_000),
            1..20 => dice.below(3_000),
            _ => dice.below(150),
        };
        if dice.below(6) == 0 {
            batch.delete(key.as_bytes());
        } else {
            let value = [&seq.to_le_bytes()[..], &vec![seq as u8; size]].concat();
            batch.put(key.as_bytes(), &value);
        }
        seq += 1;
    }
    let durability = if dice.below(100) == 0 { Durability::Synced } else { Durability::Flushed };
    (batch, durability)
}

fn apply(model: &mut Model, batch: &WriteBatch) {
    for operation in batch {
        match operation {
            Operation::Put { key, value } => model.insert(key.to_vec(), value.to_vec()),
            Operation::Delete { key } => model.remove(key),
        };
    }
}

/// The first thing that a store has and a model has not, or the other way round.
fn compare(store: &dyn Reader, model: &Model) -> Result<()> {
    let (mut wanted, mut wrong) = (model.iter(), None);
    store.visit(KeyRange::all(), Direction::Forward, &mut |key, value| {
        if wanted.next().is_some_and(|(k, v)| (&k[..], &v[..]) == (key, value)) {
            return ControlFlow::Continue(());
        }
        wrong = Some(String::from_utf8_lossy(key).into_owned());
        ControlFlow::Break(())
    })?;
    match wrong.or_else(|| wanted.next().map(|(key, _)| String::from_utf8_lossy(key).into_owned()))
    {
        None => Ok(()),
        Some(key) => Err(format!("store and model differ at {key}").into()),
    }
}

/// Starts a child, kills it after some seconds, and looks at what it has left; until time is up.
fn parent(time: Duration, seed: u64) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("cairn-soak-{}-{seed}", std::process::id()));
    println!("in {}", dir.display());
    let (start, mut dice) = (Instant::now(), Workload::new(seed));
    let (mut model, mut number, mut seq) = (Model::new(), 0, 0);
    for round in 0.. {
        if start.elapsed() > time {
            break;
        }
        let exe = std::env::current_exe()?;
        let task = format!("{round} {number} {seq} {}", dir.display());
        let mut child = Command::new(exe)
            .args(std::env::args().skip(1))
            .env(CHILD, task)
            .stdout(Stdio::piped())
            .spawn()?;
        let lifetime = Duration::from_millis(500 + dice.below(9_500) as u64);
        let mut said = child.stdout.take().expect("it is piped");
        let (send, acknowledged) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut last, mut bytes) = ([0; 16], [0; 16]);
            while said.read_exact(&mut bytes).is_ok() {
                last = bytes;
            }
            send.send(last)
        });
        // It speaks as long as it lives.
        let ended = acknowledged.recv_timeout(lifetime);
        child.kill()?;
        let status = child.wait()?;
        if ended.is_ok() {
            return Err(format!("a child has come to an end by itself, {status}").into());
        }
        let last = acknowledged.recv().expect("it reads to the end");
        let [said, memory] = [&last[..8], &last[8..]]
            .map(|half| u64::from_le_bytes(half.try_into().expect("eight bytes")));
        // A child that was killed early has said nothing.
        let done = said.max(number);

        let store = open(&dir, seed, round)?;
        let found = store.stats().get("last_seq").expect("it counts operations");
        while seq < found {
            let (batch, _) = batch(seed, number, seq + 1);
            apply(&mut model, &batch);
            (number, seq) = (number + 1, seq + batch.len() as u64);
        }
        if seq != found || !(done..=done + 1).contains(&number) {
            return Err(format!(
                "{done} batches were acknowledged, and the store has {found} operations: the first \
                 {number} batches have {seq}"
            )
            .into());
        }
        compare(&store, &model)?;
        store.close()?;
        println!(
            "{:>5} s  round {round}: killed after {:.1} s, {number} batches, {} entries as they must \
             be; the child had {} MiB",
            start.elapsed().as_secs(),
            lifetime.as_secs_f64(),
            model.len(),
            memory >> 20
        );
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Writes batch after batch, says which are done, and compares what it reads, until it is killed.
fn child(seed: u64, task: &str) -> Result<()> {
    let mut words = task.splitn(4, ' ');
    let mut next = || words.next().unwrap_or_default();
    let [round, mut number, mut seq] = [(); 3].map(|()| next().parse::<u64>().expect("a number"));
    let dir = PathBuf::from(next());
    let mut store = open(&dir, seed, round)?;
    let mut model = Model::new();
    store.visit(KeyRange::all(), Direction::Forward, &mut |key, value| {
        model.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    })?;
    let mut out = io::stdout();
    let mut dice = Workload::new(seed ^ round);
    let (mut snapshot, mut in_use) = (None, memory());
    loop {
        let (batch, durability) = batch(seed, number, seq + 1);
        apply(&mut model, &batch);
        (number, seq) = (number + 1, seq + batch.len() as u64);
        store.write(batch, durability)?;
        if number.is_multiple_of(1_000) {
            in_use = memory();
        }
        let said = [number.to_le_bytes(), in_use.to_le_bytes()].concat();
        out.write_all(&said)?;
        out.flush()?;
        match dice.below(20_000) {
            0..10_000 => {
                let key = format!("user{:08}", dice.below(KEYS));
                if store.get(key.as_bytes())?.as_deref()
                    != model.get(key.as_bytes()).map(|value| &value[..])
                {
                    return Err(format!("a get of {key} is wrong").into());
                }
            }
            10_000 => compare(&store, &model)?,
            10_001 => snapshot = Some((store.snapshot()?, model.clone())),
            10_002 => {
                if let Some((snapshot, model)) = snapshot.take() {
                    compare(&*snapshot, &model)?;
                }
            }
            10_003 => {
                snapshot = None;
                store.close()?;
                drop(store);
                store = open(&dir, seed, round)?;
            }
            _ => {}
        }
    }
}

/// Memory of this process, in bytes; 0 where the system does not say.
fn memory() -> u64 {
    let said = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = said.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}
