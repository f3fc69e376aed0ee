//! Day 2's experiment: what an edit costs on disk, in stores of ten to ten thousand tables.
//!
//! Each store is flushed until its manifest has been begun anew, and each flush takes the place of
//! the one before, so that the number of tables stays. All bytes that were written are divided by
//! the number of edits: what begins anew is in it. The other way to keep a set of files is to write
//! all of it for each edit, which is what `Manifest::create` does.

use std::path::Path;
use std::sync::Arc;

use lsm::files::CURRENT;
use lsm::{Edit, Manifest, State, TableMeta};
use memtable::LogMark;
use wal::Result;
use wal::fs::{Fs, SimFs, read_all};

/// Tables in a store.
const TABLES: [u64; 7] = [10, 30, 100, 300, 1_000, 3_000, 10_000];
/// Times that all of a set is written.
const ROUNDS: u64 = 10;
const DIR: &str = "/db";

/// What an edit costs.
struct Cost {
    /// Bytes and syncs, of an average edit.
    bytes: f64,
    syncs: f64,
}

fn main() -> Result<()> {
    let mut all = Vec::new();
    for tables in TABLES {
        all.push((tables, logged(tables)?, rewritten(tables)?));
    }
    println!("# title: Bytes written to make an edit durable");
    println!("# x: tables in the store");
    println!("# y: bytes for an edit");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (tables, (logged, ..), _) in &all {
        println!("your manifest,{tables},{:.1}", logged.bytes);
    }
    for (tables, _, rewritten) in &all {
        println!("all of the set each time,{tables},{:.1}", rewritten.bytes);
    }
    let (tables, (logged, edits, size), rewritten) = &all[all.len() - 1];
    println!(
        "# says: With {tables} tables an edit is {:.0} bytes and {:.3} syncs in your manifest, which \
         is begun anew after {edits} of them and has {size} KiB then; written as a whole, the set \
         is {:.0} bytes and {:.0} syncs each time.",
        logged.bytes, logged.syncs, rewritten.bytes, rewritten.syncs
    );
    Ok(())
}

/// Appends edits until the manifest has been begun anew. With how many these were, and the size of
/// the old one, in KiB.
fn logged(tables: u64) -> Result<(Cost, u64, u64)> {
    let sim = disk()?;
    let mut manifest = Manifest::create(Arc::new(sim.clone()), Path::new(DIR), store_of(tables))?;
    let named = current(&sim)?;
    let (before, mut edits, mut size) = (sim.counts(), 0, 0);
    while current(&sim)? == named {
        size = sim.open(&Path::new(DIR).join(named.trim_end()))?.len()?;
        let edit = flush(&mut manifest)?;
        manifest.append(edit)?;
        edits += 1;
    }
    Ok((cost(&sim, before, edits), edits, size >> 10))
}

/// Writes the whole set for each edit.
fn rewritten(tables: u64) -> Result<Cost> {
    let sim = disk()?;
    let mut manifest = Manifest::create(Arc::new(sim.clone()), Path::new(DIR), store_of(tables))?;
    let before = sim.counts();
    for _ in 0..ROUNDS {
        let edit = flush(&mut manifest)?;
        let next = manifest.state().apply(&edit).expect("it is of this state");
        manifest = Manifest::create(Arc::new(sim.clone()), Path::new(DIR), next)?;
    }
    Ok(cost(&sim, before, ROUNDS))
}

fn cost(sim: &SimFs, before: wal::fs::Counts, edits: u64) -> Cost {
    let after = sim.counts();
    let syncs = after.syncs + after.dir_syncs - before.syncs - before.dir_syncs;
    let bytes = after.bytes_written - before.bytes_written;
    Cost { bytes: bytes as f64 / edits as f64, syncs: syncs as f64 / edits as f64 }
}

/// A flush that takes the place of the last one in level 0.
fn flush(manifest: &mut Manifest) -> Result<Edit> {
    let number = manifest.new_number()?;
    let LogMark { lsn, seq } = manifest.state().flushed;
    let last = manifest.state().levels.level(0).iter().map(|table| (0, table.number));
    Ok(Edit {
        flushed: Some(LogMark { lsn: lsn + 4_000_000, seq: seq + 40_000 }),
        removed: last.collect(),
        added: vec![(0, table(number, seq + 1, 0))],
        ..Edit::default()
    })
}

/// A store with one table in level 0, and all others in level 1.
fn store_of(tables: u64) -> State {
    let below = (1..tables).map(|number| (1, table(number, 0, number)));
    let newest = [(0, table(tables, 1, 0))];
    let edit = Edit {
        flushed: Some(LogMark { lsn: 4_000_000, seq: 40_000 }),
        next_number: Some(tables + 1),
        added: below.chain(newest).collect(),
        ..Edit::default()
    };
    State::new().apply(&edit).expect("they have no key in common")
}

fn table(number: u64, smallest_seq: u64, place: u64) -> Arc<TableMeta> {
    let key = |end: &str| format!("user{place:012}/{end}").into_bytes();
    Arc::new(TableMeta {
        number,
        size: 2 << 20,
        entry_count: 20_000,
        tombstone_count: 100,
        smallest_seq,
        largest_seq: smallest_seq + 30_000,
        smallest: key("address"),
        largest: key("visited"),
    })
}

fn disk() -> Result<SimFs> {
    let sim = SimFs::new(0);
    sim.create_dir(Path::new(DIR))?;
    Ok(sim)
}

/// The name of the manifest that counts.
fn current(sim: &SimFs) -> Result<String> {
    let line = read_all(&*sim.open(&Path::new(DIR).join(CURRENT))?)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}
