//! Day 4's experiment: a bit is flipped at every byte of a log in turn. How much comes back?
//!
//! The log syncs after every eighth record, so a bad byte has a witness behind it if another eight
//! were written after the sync that carried it.

use std::path::Path;
use std::sync::Arc;

use wal::fs::{Fs, SimFs};
use wal::{Durability, Error, LogOptions, RecoveryMode, Result, Wal, recover, segment};

const RECORDS: usize = 40;
const RECORDS_PER_SYNC: usize = 8;

fn main() -> Result<()> {
    let log = write_log()?;
    let size = log.len() as u64;
    let mut refused = 0;
    let mut rows = Vec::new();
    for (series, mode) in [
        ("TolerateTail: what a store does", RecoveryMode::TolerateTail),
        ("PointInTime: what can be saved", RecoveryMode::PointInTime),
    ] {
        let mut last = None;
        for position in 0..size {
            let came_back = records_after_flip(&log, position, mode)?;
            refused += u64::from(came_back.is_none());
            let count = came_back.unwrap_or(0);
            // A step holds until the next one.
            if last != Some(count) || position == size - 1 {
                rows.push(format!("{series},{position},{count}"));
            }
            last = Some(count);
        }
    }
    println!("# title: One bit flipped in a log of {RECORDS} records");
    println!("# x: position of the bit, in bytes");
    println!("# y: records that come back (0: recovery refuses)");
    println!("# kind: step");
    println!("series,x,y");
    rows.iter().for_each(|row| println!("{row}"));
    println!(
        "# says: At {:.0} % of all positions the flipped bit is damage, and a store refuses to \
         open; behind the last witness, in the last {} of {size} bytes, it is cut off as a torn \
         tail.",
        refused as f64 * 100.0 / size as f64,
        size - refused,
    );
    Ok(())
}

/// A log in one file, all of it synced in the end.
fn write_log() -> Result<Vec<u8>> {
    let fs = new_disk()?;
    let wal = Wal::open(Arc::new(fs.clone()), dir(), 0, LogOptions::default())?;
    for number in 1..=RECORDS {
        let sync = number % RECORDS_PER_SYNC == 0;
        let durability = if sync { Durability::Synced } else { Durability::Buffered };
        wal.commit(&vec![number as u8; 40 + number * 37 % 60], durability)?;
    }
    Ok(fs.contents(segment::path(dir(), 0)))
}

/// How many records recovery finds when a bit is flipped in the byte at `position`; `None` if it
/// refuses the log.
fn records_after_flip(log: &[u8], position: u64, mode: RecoveryMode) -> Result<Option<u64>> {
    let fs = new_disk()?;
    fs.overwrite(segment::path(dir(), 0), log);
    fs.flip_bit(segment::path(dir(), 0), position, (position % 8) as u32);
    let disk: Arc<dyn Fs> = Arc::new(fs);
    match recover(&disk, dir(), 0, mode, &mut |_| Ok(())) {
        Ok(recovered) => Ok(Some(recovered.records)),
        Err(Error::Corruption { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn new_disk() -> Result<SimFs> {
    let fs = SimFs::new(0);
    fs.create_dir(dir())?;
    Ok(fs)
}

fn dir() -> &'static Path {
    Path::new("/log")
}
