//! Week 1 of Cairn: a log that survives a power cut, and the first store on top of it.
//!
//! ```text
//!   LogStore   put, get, scan; a map in memory, which is a cache of the log        day 6
//!   WriteBatch several operations, one record, all or nothing                      day 5
//!   recover    what is really there, after a crash                                 day 4
//!   Wal        the log shared by threads: one sync for all who wait                day 3
//!   LogWriter, LogReader   records in order, in files that only grow               day 2
//!   record     a length and a checksum: bytes that can be trusted                  day 1
//!   fs         the disk: a real one, and one that crashes on command               given
//! ```
//!
//! Read it in that order, from the bottom: `record.rs`, `segment.rs`, `writer.rs`, `reader.rs`,
//! `commit.rs`, `recovery.rs`, `batch.rs`, `checkpoint.rs`, `scan.rs`, `store.rs`. Before
//! `commit.rs`, look at `fs/mod.rs`: it says what a disk promises. The labs are `bitcask.rs`
//! and `spare.rs`.

mod batch;
pub mod bitcask;
pub mod checkpoint;
mod commit;
mod engine;
mod error;
pub mod fs;
mod reader;
mod record;
mod recovery;
mod scan;
pub mod segment;
pub mod spare;
mod store;
pub mod testing;
mod writer;

pub use batch::{Batch, Malformed, Operation, Operations, WriteBatch};
pub use bitcask::{Bitcask, BitcaskOptions, Merged};
pub use commit::{Wal, WalStats};
pub use engine::{
    Counter, Direction, Durability, Engine, Entry, KeyRange, Reader, Scan, Seq, Stats, Visitor,
    show_all,
};
pub use error::{Error, Result};
pub use reader::{LogReader, RecordReader};
pub use record::{Decoded, HEADER_SIZE, Lsn, PAYLOAD_SIZE_MAX, Record, decode, encode};
pub use recovery::{Recovered, RecoveryMode, has_witness, recover};
pub use store::{LogStore, StoreOptions};
pub use writer::{LogOptions, LogWriter};
