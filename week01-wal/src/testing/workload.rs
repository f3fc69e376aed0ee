//! Random batches from a seed: few keys, so that they meet again and again.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::{Change, delete, put};
use crate::Durability;

/// An endless supply of changes, keys and decisions, each a function of the seed.
#[derive(Debug)]
pub struct Workload {
    random: SmallRng,
    batches: u64,
}

/// Keys that a workload uses: enough for a tree, few enough to be overwritten and deleted.
const KEY_COUNT: u32 = 40;

impl Workload {
    /// The workload of `seed`.
    pub fn new(seed: u64) -> Workload {
        Workload { random: SmallRng::seed_from_u64(seed), batches: 0 }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// One of the keys that batches use.
    pub fn key(&mut self) -> String {
        format!("key{:02}", self.random.random_range(0..KEY_COUNT))
    }

    /// A batch of one to five changes. Each batch also puts its number under `"batch"`, so that no
    /// two states of a store are the same.
    pub fn batch(&mut self) -> Vec<Change> {
        self.batches += 1;
        let mut changes = Vec::new();
        for _ in 0..self.random.random_range(0..5) {
            let key = self.key();
            if self.random.random_bool(0.25) {
                changes.push(delete(key));
            } else {
                changes.push(put(key, self.value()));
            }
        }
        changes.push(put("batch", self.batches.to_string()));
        changes
    }

    /// A batch of the same size as every other of its kind: where a lost one stood, the next fits
    /// exactly, and bytes behind it that should be gone can pass for its successor.
    pub fn equal_batch(life: &str, number: usize) -> Vec<Change> {
        vec![put("batch", format!("{life:<12} {number:06}"))]
    }

    /// Mostly short, sometimes longer than a sector.
    fn value(&mut self) -> Vec<u8> {
        let size_max = if self.random.random_bool(0.1) { 900 } else { 24 };
        let first = self.below(26);
        let letters = (first..).map(|at| b"abcdefghijklmnopqrstuvwxyz"[at % 26]);
        letters.take(self.below(size_max)).collect()
    }

    /// Any of the three.
    pub fn durability(&mut self) -> Durability {
        match self.below(3) {
            0 => Durability::Buffered,
            1 => Durability::Flushed,
            _ => Durability::Synced,
        }
    }
}
