//! Writing a value file, from its start to its end.
//!
//! ```text
//!   value ──► record ──► buffer ──► file ──► sync ──► its name ──► a table may point into it
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wal::Result;
use wal::fs::{File, Fs};

use crate::files::value_path;
use crate::values::file::{CRC_SIZE, checksum, header};
use crate::values::{INLINE, Pointer, ValueFile};

/// So many bytes are written at once, or more if a record is larger.
const BUFFER_SIZE: usize = 256 << 10;

/// A value file that is being written. Dropped before it is finished, it leaves no file.
pub struct ValueWriter {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    file: Arc<dyn File>,
    number: u32,
    /// What is in the file.
    written: u64,
    /// What comes behind that.
    buffer: Vec<u8>,
    is_finished: bool,
}

impl ValueWriter {
    /// Begins value file `number` in `dir`. No file had that number before.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](wal::Error::Io).
    pub fn create(fs: &Arc<dyn Fs>, dir: &Path, number: u32) -> Result<ValueWriter> {
        Ok(ValueWriter {
            file: fs.create(&value_path(dir, u64::from(number)))?,
            fs: Arc::clone(fs),
            dir: dir.to_path_buf(),
            number,
            written: 0,
            buffer: header(number).to_vec(),
            is_finished: false,
        })
    }

    /// Adds a record, and says where it is.
    ///
    /// **Lab valuelog**, chapter `week04/lab-valuelog.md`. The file's format is drawn in
    /// `values/file.rs`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](wal::Error::Io). Nobody knows what the file has then: whoever gets it drops the
    /// writer, and does not [`finish`](ValueWriter::finish) it.
    ///
    /// # Cost
    ///
    /// A copy of the value, a pass for the checksum; a write for each 256 KiB.
    pub fn append(&mut self, key: &[u8], value: &[u8]) -> Result<Pointer> {
        // Where does the record begin, in the file? Put it together in the buffer, its checksum last,
        // and `flush` when there is enough.
        todo!("lab valuelog: append")
    }

    /// Makes the file durable, its bytes and its name, and opens it.
    ///
    /// **Lab valuelog**.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](wal::Error::Io), and those of [`ValueFile::open`]; no file is left then, unless
    /// the disk does not even remove it.
    ///
    /// # Cost
    ///
    /// A write at most, a sync of the file, one of the directory.
    pub fn finish(mut self) -> Result<ValueFile> {
        // Bytes, then the name. `is_finished` is the last thing that happens.
        todo!("lab valuelog: finish")
    }

    /// Writes the buffer, and empties it.
    fn flush(&mut self) -> Result<()> {
        self.file.write_at(self.written, &self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for ValueWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // If it stays, the next opener removes it.
            let _ = self.fs.remove(self.file.path());
        }
    }
}
