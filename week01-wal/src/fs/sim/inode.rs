//! One file's bytes: what reads see, what is on the platter, and the changes in between.
//!
//! ```text
//!              write_at / set_len
//!                  │         │
//!                  ▼         ▼
//!   reads ◀── live bytes   pending changes ──── sync_data ───▶ durable bytes
//!                              │
//!                              └── power cut ── dice ──▶ kept, lost or torn
//! ```
//!
//! A sync that fails throws the pending changes away: reads still see them, the platter never
//! will, and the next sync has nothing to do and says that all is well.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dice::{Dice, Fate, SECTOR_SIZE};
use super::graveyard::{Filler, Graveyard};

pub(super) struct Inode {
    /// The file's latest name, by which the graveyard knows its own.
    pub(super) path: PathBuf,
    /// Held by every open handle, so that a removed file lives as long as one of them.
    pub(super) handles: Arc<()>,
    pub(super) live: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// In the order they were made, each with the number of its operation.
    pending: Vec<(u64, Change)>,
}

enum Change {
    Write { offset: usize, bytes: Box<[u8]> },
    SetLen(usize),
}

impl Inode {
    pub(super) fn new(path: &Path) -> Inode {
        Inode {
            path: path.to_path_buf(),
            handles: Arc::new(()),
            live: Vec::new(),
            durable: Vec::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        let start = self.live.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
        let size = buf.len().min(self.live.len() - start);
        buf[..size].copy_from_slice(&self.live[start..start + size]);
        size
    }

    pub(super) fn write(&mut self, number: u64, offset: usize, bytes: &[u8]) {
        place(&mut self.live, offset, bytes);
        self.pending.push((number, Change::Write { offset, bytes: bytes.into() }));
    }

    pub(super) fn set_len(&mut self, number: u64, len: usize) {
        resize(&mut self.live, len);
        self.pending.push((number, Change::SetLen(len)));
    }

    /// Makes the changes durable that were made up to operation `number`.
    pub(super) fn sync(&mut self, number: u64) {
        let synced = self.pending.partition_point(|(made, _)| *made <= number);
        for (_, change) in self.pending.drain(..synced) {
            match change {
                Change::Write { offset, bytes } => place(&mut self.durable, offset, &bytes),
                Change::SetLen(len) => resize(&mut self.durable, len),
            }
        }
    }

    /// A sync up to operation `number` failed: the changes will never be durable.
    pub(super) fn drop_unsynced(&mut self, number: u64) {
        self.pending.retain(|(made, _)| *made > number);
    }

    /// Rolls the dice for each unsynced change and leaves what is found after the reboot.
    pub(super) fn cut_power(&mut self, dice: &mut Dice, graveyard: &Graveyard) {
        let odds = dice.odds();
        let mut image = std::mem::take(&mut self.durable);
        for (_, change) in self.pending.drain(..) {
            match change {
                Change::SetLen(len) if dice.keeps(odds) => resize(&mut image, len),
                Change::SetLen(_) => {}
                Change::Write { offset, bytes } => {
                    let filler = graveyard.filler(&self.path, dice);
                    // A file's length is no part of its data: it may have grown in any case.
                    let grown = dice.coin();
                    let fate = dice.fate(odds, bytes.len());
                    land(&mut image, offset, &bytes, fate, &filler, dice);
                    if grown {
                        filler.grow(&mut image, offset + bytes.len(), dice);
                    }
                }
            }
        }
        self.live.clone_from(&image);
        self.durable = image;
        self.handles = Arc::new(());
    }

    /// Replaces the bytes, and makes them durable.
    pub(super) fn overwrite(&mut self, bytes: &[u8]) {
        self.pending.clear();
        self.live = bytes.to_vec();
        self.durable = bytes.to_vec();
    }

    /// Flips bits at rest: in what is durable, and in what was not yet written.
    pub(super) fn flip(&mut self, offset: usize, mask: u8) {
        let pending = self.pending.iter_mut().filter_map(|(_, change)| match change {
            Change::Write { offset: start, bytes } => {
                offset.checked_sub(*start).and_then(|at| bytes.get_mut(at))
            }
            Change::SetLen(_) => None,
        });
        let images = [self.live.get_mut(offset), self.durable.get_mut(offset)];
        for byte in images.into_iter().flatten().chain(pending) {
            *byte ^= mask;
        }
    }
}

/// Writes `bytes` into `image`; what lies between its end and `offset` becomes zeros.
fn place(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if image.len() < offset {
        resize(image, offset);
    }
    let overwritten = bytes.len().min(image.len() - offset);
    let (inside, behind) = bytes.split_at(overwritten);
    image[offset..offset + overwritten].copy_from_slice(inside);
    image.extend_from_slice(behind);
}

/// Cuts or grows `image`. As `Vec::resize` with zeros, but copied in one go: in an unoptimised
/// build that is a hundred times as fast.
pub(super) fn resize(image: &mut Vec<u8>, len: usize) {
    match len.checked_sub(image.len()) {
        Some(more) => image.extend_from_slice(&vec![0; more]),
        None => image.truncate(len),
    }
}

/// Lets `bytes`, written at `offset`, reach the platter as far as `fate` says.
fn land(
    image: &mut Vec<u8>,
    offset: usize,
    bytes: &[u8],
    fate: Fate,
    filler: &Filler<'_>,
    dice: &mut Dice,
) {
    let mut land = |offset, bytes: &[u8], dice: &mut Dice| {
        filler.grow(image, offset, dice);
        place(image, offset, bytes);
    };
    match fate {
        Fate::Kept => land(offset, bytes, dice),
        Fate::Lost => {}
        Fate::Prefix(size) => land(offset, &bytes[..size], dice),
        Fate::Sectors => {
            let (mut offset, mut rest) = (offset, bytes);
            while !rest.is_empty() {
                let size = rest.len().min(SECTOR_SIZE - offset % SECTOR_SIZE);
                if dice.coin() {
                    land(offset, &rest[..size], dice);
                }
                rest = &rest[size..];
                offset += size;
            }
        }
    }
}
