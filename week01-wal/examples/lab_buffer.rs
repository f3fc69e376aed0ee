//! Day 2's experiment: the size of the buffer against the speed of appending, on the real disk.
//!
//! Nothing is synced, so what is measured is the way into the operating system's memory: a system
//! call for each buffer, and for each record a checksum and a copy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, process};

use wal::fs::{Fs, OsFs};
use wal::{HEADER_SIZE, LogOptions, LogWriter, Result};

const PAYLOAD: [u8; 100] = [0x5a; 100];
const RECORD_SIZE: usize = HEADER_SIZE + PAYLOAD.len();
/// Bytes for each measurement.
const TOTAL_SIZE: usize = 4 << 20;
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 60;
/// One record, then four times as much at a time.
const BUFFER_SIZES: [usize; 7] =
    [RECORD_SIZE, 1 << 10, 4 << 10, 16 << 10, DEFAULT_SIZE, 256 << 10, 1 << 20];
const DEFAULT_SIZE: usize = 64 << 10;

fn main() -> Result<()> {
    let dir = env::temp_dir().join(format!("cairn-lab-buffer-{}", process::id()));
    OsFs.create_dir(&dir)?;
    let measured = measure(&dir);
    fs::remove_dir_all(&dir).expect("the directory was made by this program");
    let [log, alone] = measured?;

    println!("# title: Append without sync: {} bytes a record", PAYLOAD.len());
    println!("# x: buffer size in bytes");
    println!("# y: MB per second");
    println!("# x-scale: log");
    println!("series,x,y");
    for (series, rates) in [("your log", log), ("writes of that size alone", alone)] {
        for (size, rate) in BUFFER_SIZES.iter().zip(rates) {
            println!("{series},{size},{rate:.0}");
        }
    }
    let default = BUFFER_SIZES.iter().position(|size| *size == DEFAULT_SIZE).expect("it is there");
    println!(
        "# says: With a system call for each record the log takes {:.0} MB/s, with one for every \
         64 KiB {:.0}: {:.1} times as much. From there to 1 MiB it is {:.1} times.",
        log[0],
        log[default],
        log[default] / log[0],
        log[BUFFER_SIZES.len() - 1] / log[default],
    );
    Ok(())
}

type Work = fn(&Path, usize) -> Result<()>;

/// MB per second for each buffer size, of the log and of bare writes.
fn measure(dir: &Path) -> Result<[[f64; BUFFER_SIZES.len()]; 2]> {
    let mut rates = [[0.0; BUFFER_SIZES.len()]; 2];
    for _ in 0..RUNS {
        for (n, size) in BUFFER_SIZES.into_iter().enumerate() {
            for (work, rates) in [append as Work, write].into_iter().zip(&mut rates) {
                let start = Instant::now();
                work(dir, size)?;
                let rate = TOTAL_SIZE as f64 / 1e6 / start.elapsed().as_secs_f64();
                rates[n] = rate.max(rates[n]);
                OsFs.remove(&file(dir))?;
            }
        }
    }
    Ok(rates)
}

/// Records through the log.
fn append(dir: &Path, buffer_size: usize) -> Result<()> {
    let options = LogOptions { segment_size: u64::MAX, buffer_size, ..LogOptions::default() };
    let mut writer = LogWriter::open(Arc::new(OsFs), dir, 0, options)?;
    for _ in 0..TOTAL_SIZE / RECORD_SIZE {
        writer.append(&PAYLOAD)?;
    }
    writer.flush()
}

/// As many bytes, with nothing to do but hand them over.
fn write(dir: &Path, size: usize) -> Result<()> {
    let file = OsFs.create(&file(dir))?;
    let bytes = vec![0x5a; size];
    for offset in (0..TOTAL_SIZE).step_by(size) {
        file.write_at(offset as u64, &bytes)?;
    }
    Ok(())
}

/// The one file that a run makes: the log's first segment.
fn file(dir: &Path) -> PathBuf {
    wal::segment::path(dir, 0)
}
