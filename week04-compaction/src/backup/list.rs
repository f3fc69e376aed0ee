//! The list of a backup: the state of a store, and the checksum of each of its tables.
//!
//! ```text
//!  offset         size   field
//! ┌────────────┬───────────┬───────────┬──────────────────────────────────────────────────────┐
//! │          0 │         8 │ checksum  │ XXH3 of all that follows                             │
//! │          8 │         4 │ version   │ 1                                                    │
//! │         12 │         4 │ count     │ how many tables there are                            │
//! │         16 │ 8 × count │ checksums │ XXH3 of each table's file, in the order of levels    │
//! │          … │         … │ edit      │ that makes the state of a new one: day 2's bytes     │
//! └────────────┴───────────┴───────────┴──────────────────────────────────────────────────────┘
//! ```
//!
//! Integers are little-endian. Numbers and sizes of the tables are in the edit; with the checksums
//! they say the names of the objects.
//!
//! Why not CRC-32? Each block of a table has one behind it. Bytes and their own CRC together have
//! always the same CRC: it is the remainder of a division, and the second takes away what the first has
//! left. So two tables whose blocks are of the same sizes have the same CRC, whatever is in them. (That
//! is why LevelDB stores its checksums masked.) XXH3 is Yann Collet's, of 64 bits.

use wal::fs::File;
use wal::{Error, Result};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::edit::Edit;
use crate::levels::{BadEdit, TableMeta};
use crate::manifest::State;

/// The folder of the tables.
pub const TABLES: &str = "tables";

const VERSION: u32 = 1;
/// Size of what stands in front of the checksums, in bytes.
const HEADER_SIZE: usize = 16;
/// How much of a file is read at once, in bytes.
const PIECE_SIZE: usize = 256 << 10;

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The store: its tables, and where its log goes on.
    pub state: State,
    /// The checksum of each table's file, in the order of [`Levels::tables`](crate::Levels::tables).
    pub checksums: Vec<u64>,
}

impl List {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.checksums.len() as u32).to_le_bytes());
        self.checksums.iter().for_each(|sum| bytes.extend_from_slice(&sum.to_le_bytes()));
        self.state.as_edit().encode(&mut bytes);
        let checksum = xxh3_64(&bytes[8..]);
        bytes[..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`encode`](List::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`BadEdit`] says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<List, BadEdit> {
        let bad = |reason: &str| BadEdit { reason: reason.to_owned() };
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_SIZE>() else {
            return Err(bad("it is too short for a list"));
        };
        let checksum = u64::from_le_bytes(header[..8].try_into().expect("there are eight"));
        let number =
            |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("there are four"));
        let (version, count) = (number(8), number(12));
        if checksum != xxh3_64(&bytes[8..]) {
            return Err(bad("its checksum is wrong"));
        }
        if version != VERSION {
            return Err(bad("it is a list of another version"));
        }
        let size = (count as usize).saturating_mul(8);
        let cut = || bad("its checksums are cut off");
        let (checksums, edit) = rest.split_at_checked(size).ok_or_else(cut)?;
        let (checksums, _) = checksums.as_chunks::<8>();
        let checksums: Vec<u64> = checksums.iter().map(|sum| u64::from_le_bytes(*sum)).collect();
        let state = State::new().apply(&Edit::decode(edit)?)?;
        if state.levels.tables().count() != checksums.len() {
            return Err(bad("it has not one checksum for each table"));
        }
        Ok(List { state, checksums })
    }

    /// The names of the objects that it needs.
    pub fn objects(&self) -> impl Iterator<Item = String> + use<'_> {
        let tables = self.state.levels.tables().zip(&self.checksums);
        tables.map(|((_, table), checksum)| table_object(table, *checksum))
    }
}

/// The name of a table's object: its number, its size, and the checksum of its file.
///
/// The number alone would do for one store that never goes back. Two stores have the same numbers,
/// and so have a store and its copy, which go on from the same one.
pub fn table_object(table: &TableMeta, checksum: u64) -> String {
    format!("{TABLES}/{:06}-{}-{checksum:016x}.sst", table.number, table.size)
}

/// The checksum of a file that should have this size.
///
/// # Errors
///
/// [`Error::Corruption`] if it has another, [`Error::Io`].
pub fn checksum_of(file: &dyn File, size: u64) -> Result<u64> {
    let (mut sum, mut piece, mut offset) = (Xxh3Default::new(), vec![0; PIECE_SIZE], 0);
    loop {
        let filled = file.read_at(offset, &mut piece)?;
        if filled == 0 {
            break;
        }
        sum.update(&piece[..filled]);
        offset += filled as u64;
    }
    if offset != size {
        let reason = format!("it has {offset} bytes, and should have {size}");
        return Err(Error::corruption(file.path(), offset.min(size), reason));
    }
    Ok(sum.digest())
}
