//! What shows through where a file's length came and its bytes did not: zeros, noise, or bytes of
//! an earlier life.

use std::path::{Path, PathBuf};

use super::dice::Dice;
use super::inode::{Inode, resize};

/// Bytes of files that are gone: their blocks are given to other files, and show through where a
/// write was lost.
///
/// They show through at the offset they had, so that whole records of a removed log turn up where
/// a reader of the new one looks for records. A file never gets back its own: the same name at the
/// same offset would be the true history come back, not garbage.
#[derive(Default)]
pub(super) struct Graveyard {
    latest: Vec<(PathBuf, Vec<u8>)>,
}

/// Files remembered, and bytes of each.
const GRAVE_COUNT: usize = 4;
const GRAVE_SIZE: usize = 64 << 10;

impl Graveyard {
    pub(super) fn bury(&mut self, inode: Inode) {
        let mut bytes = inode.durable;
        if bytes.is_empty() {
            return;
        }
        bytes.truncate(GRAVE_SIZE);
        if self.latest.len() == GRAVE_COUNT {
            self.latest.remove(0);
        }
        self.latest.push((inode.path, bytes));
    }

    /// Draws what the holes of one write in the file at `path` are filled with.
    pub(super) fn filler(&self, path: &Path, dice: &mut Dice) -> Filler<'_> {
        match dice.below(4) {
            0 | 1 => Filler::Zeros,
            2 => Filler::Noise,
            _ => {
                let others: Vec<_> = self.latest.iter().filter(|(name, _)| name != path).collect();
                match others.get(dice.below(others.len())) {
                    Some((_, bytes)) => Filler::Stale(bytes),
                    None => Filler::Noise,
                }
            }
        }
    }
}

/// What is found in a block that was given to a file and never written.
pub(super) enum Filler<'a> {
    Zeros,
    Noise,
    Stale(&'a [u8]),
}

impl Filler<'_> {
    /// Grows `image` to `len`, if it is shorter.
    pub(super) fn grow(&self, image: &mut Vec<u8>, len: usize, dice: &mut Dice) {
        let start = image.len();
        if start >= len {
            return;
        }
        resize(image, len);
        let hole = &mut image[start..];
        match self {
            Filler::Zeros => {}
            Filler::Noise => dice.fill(hole),
            Filler::Stale(bytes) => {
                let stale = bytes.get(start..).unwrap_or_default();
                let size = hole.len().min(stale.len());
                hole[..size].copy_from_slice(&stale[..size]);
            }
        }
    }
}
