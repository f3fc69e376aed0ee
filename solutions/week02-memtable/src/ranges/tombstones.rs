//! Range tombstones, cut into fragments that do not overlap.
//!
//! ```text
//!   delete [b, f)@7         ├───────────────┤
//!   delete [d, h)@12                ├───────────────┤
//!
//!   fragments       start   b       d       f       h
//!                   seqs    7       7, 12   12      none: a gap
//! ```
//!
//! Ranges overlap, so a list of them has no order in which one could search. Cut at every start and
//! every end, they have: a key lies in one fragment, found by its start, and what covers the key is
//! the fragment's list. (RocksDB and Pebble do so, and named it.)

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use wal::{KeyRange, Seq};

/// A set of range tombstones. It never changes: adding one makes the next set.
#[derive(Debug, Clone, Default)]
pub struct RangeTombstones {
    /// In the order of their starts, no two of which are equal.
    fragments: Vec<Fragment>,
}

// ANCHOR: listing_fragment
/// The keys from `start` up to the start of the next fragment, or to the end of all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The first key.
    pub start: Bytes,
    /// The numbers of the tombstones that cover these keys, ascending; none in a gap.
    pub seqs: Arc<[Seq]>,
}
// ANCHOR_END: listing_fragment

/// Keys that lie side by side, from `start` up to `end`, left out, or to the end of all keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch<'a> {
    /// The first key.
    pub start: &'a [u8],
    /// The first key behind; `None` if there is none.
    pub end: Option<&'a [u8]>,
}

impl RangeTombstones {
    /// No tombstones.
    pub fn new() -> RangeTombstones {
        RangeTombstones::default()
    }

    /// The fragments in order, gaps included.
    pub fn fragments(&self) -> &[Fragment] {
        &self.fragments
    }

    /// These tombstones and one more, which covers `range`; just these if no key lies in it.
    ///
    /// **Lab ranges**, chapter `week02/lab-ranges.md`. Tombstones may come in any order of their
    /// numbers, each number once.
    ///
    /// # Cost
    ///
    /// A reference for each fragment, and the numbers of those in `range`. Keys are shared.
    pub fn with(&self, range: &KeyRange, seq: Seq) -> RangeTombstones {
        let Some((start, end)) = half_open(range) else { return self.clone() };
        let mut fragments = self.fragments.clone();
        // ANCHOR: ranges_with
        // Cut at both ends: then the range is whole fragments. No end is the end of the list.
        let first = cut(&mut fragments, start);
        let behind = match end {
            Some(end) => cut(&mut fragments, end),
            None => fragments.len(),
        };
        for fragment in &mut fragments[first..behind] {
            let mut seqs = fragment.seqs.to_vec();
            seqs.insert(seqs.partition_point(|&older| older < seq), seq);
            fragment.seqs = seqs.into();
        }
        RangeTombstones { fragments }
        // ANCHOR_END: ranges_with
    }

    /// How many tombstones cover `key`, of those that are not above `seq`.
    ///
    /// **Lab ranges**.
    ///
    /// # Cost
    ///
    /// A binary search among the fragments, and one among the numbers of one.
    pub fn covering(&self, key: &[u8], seq: Seq) -> usize {
        // ANCHOR: ranges_covering
        // The last fragment that does not start behind the key, if there is one.
        let behind = self.fragments.partition_point(|fragment| fragment.start <= key);
        behind.checked_sub(1).map_or(0, |at| self.fragments[at].seen(seq))
        // ANCHOR_END: ranges_covering
    }

    /// The stretch around `key` in which more than `under` tombstones cover every key, of those
    /// that are not above `seq`: as far as it goes in both directions, over any number of
    /// fragments. `None` if `key` itself does not lie in one.
    ///
    /// **Lab ranges**. Of a layer that was written over `under` tombstones, a snapshot at `seq` sees
    /// nothing there.
    ///
    /// # Cost
    ///
    /// A binary search, and a look at each fragment of the stretch. No allocation.
    pub fn hidden(&self, key: &[u8], under: usize, seq: Seq) -> Option<Stretch<'_>> {
        // ANCHOR: ranges_hidden
        // From the key's own fragment as far to the left as they hide, and then to the right.
        let hides = |fragment: &&Fragment| fragment.seen(seq) > under;
        let behind = self.fragments.partition_point(|fragment| fragment.start <= key);
        let (left, right) = self.fragments.split_at(behind);
        let first = left.iter().rev().take_while(hides).last()?;
        let end = right.iter().find(|fragment| !hides(fragment));
        Some(Stretch { start: &first.start, end: end.map(|fragment| &*fragment.start) })
        // ANCHOR_END: ranges_hidden
    }
}

impl Fragment {
    /// How many of its tombstones a snapshot at `seq` sees.
    fn seen(&self, seq: Seq) -> usize {
        self.seqs.partition_point(|&tombstone| tombstone <= seq)
    }
}

/// Makes a fragment of `fragments` start at `key`, and returns its index. What covers a key stays
/// the same for every key.
///
/// **Lab ranges**. In front of the first fragment nothing is covered; the last one goes on to the
/// end of all keys.
fn cut(fragments: &mut Vec<Fragment>, key: Bytes) -> usize {
    // ANCHOR: ranges_cut
    // Is there one already? If not, the new one takes over what covers its first key.
    let index = fragments.partition_point(|fragment| fragment.start < key);
    if fragments.get(index).is_none_or(|fragment| fragment.start != key) {
        let before = index.checked_sub(1).map(|before| &fragments[before].seqs);
        let seqs = before.map_or_else(Arc::default, Arc::clone);
        fragments.insert(index, Fragment { start: key, seqs });
    }
    index
    // ANCHOR_END: ranges_cut
}

/// The first key of `range` and the first one behind it, if that exists; `None` if no key lies in
/// `range`. Behind a key comes the key with a zero byte more, and nothing in between.
fn half_open(range: &KeyRange) -> Option<(Bytes, Option<Bytes>)> {
    let behind = |key: &Bytes| Bytes::from([key, &[0][..]].concat());
    let start = match &range.start {
        Bound::Unbounded => Bytes::new(),
        Bound::Included(key) => key.clone(),
        Bound::Excluded(key) => behind(key),
    };
    let end = match &range.end {
        Bound::Unbounded => None,
        Bound::Included(key) => Some(behind(key)),
        Bound::Excluded(key) => Some(key.clone()),
    };
    end.as_ref().is_none_or(|end| start < *end).then_some((start, end))
}
