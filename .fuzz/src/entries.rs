//! Entries in order, made of a fuzzer's bytes.

use std::fmt;

use arbitrary::{Result, Unstructured};
use memtable::{InternalKey, Kind, Lookup, SEQ_MAX};
use wal::Seq;
use wal::testing::show;

/// One version of a key, and its value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) user_key: Vec<u8>,
    pub(crate) seq: Seq,
    pub(crate) kind: Kind,
    pub(crate) value: Vec<u8>,
}

impl Entry {
    pub(crate) fn key(&self) -> InternalKey<'_> {
        InternalKey { user_key: &self.user_key, seq: self.seq, kind: self.kind }
    }

    /// An entry whose key begins like `last`.
    fn after(last: &[u8], input: &mut Unstructured<'_>) -> Result<Entry> {
        let kept = usize::from(input.arbitrary::<u8>()?) % (last.len() + 1);
        let fresh = usize::from(input.arbitrary::<u8>()?) % 16;
        let user_key = [&last[..kept], input.bytes(fresh)?].concat();
        let seq = match input.arbitrary::<u8>()? {
            0xff => SEQ_MAX,
            small => Seq::from(small),
        };
        // Most values are short, and some are larger than a small block.
        let (kind, value) = match usize::from(input.arbitrary::<u8>()?) {
            0 => (Kind::Delete, Vec::new()),
            root => (Kind::Put, vec![input.arbitrary()?; (root - 1).pow(2) / 64]),
        };
        Ok(Entry { user_key, seq, kind, value })
    }
}

/// `"stone"@7="x"`, `"stone"@9-`.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", show(&self.user_key), self.seq)?;
        match self.kind {
            Kind::Put => write!(f, "={}", show(&self.value)),
            Kind::Delete => f.write_str("-"),
        }
    }
}

/// Up to 63 entries in order, each key once, at least one.
pub(crate) fn entries(input: &mut Unstructured<'_>) -> Result<Vec<Entry>> {
    let count = 1 + usize::from(input.arbitrary::<u8>()?) % 63;
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let last = entries.last().map_or(&[][..], |last| &last.user_key);
        entries.push(Entry::after(last, input)?);
        if input.is_empty() {
            break;
        }
    }
    entries.sort_by(|left, right| left.key().cmp(&right.key()));
    entries.dedup_by(|right, left| left.key() == right.key());
    Ok(entries)
}

/// Whether each key is behind the one before it.
pub(crate) fn ascend(entries: &[Entry]) -> bool {
    entries.is_sorted_by(|left, right| left.key() < right.key())
}

/// Keys at, before and behind each of these, and far from all.
pub(crate) fn around(entries: &[Entry]) -> Vec<Entry> {
    let place = |user_key: &[u8], seq| {
        let kind = Kind::Put;
        Entry { user_key: user_key.to_vec(), seq, kind, value: Vec::new() }
    };
    let mut places = vec![place(b"", SEQ_MAX), place(b"", 0), place(&[0xff; 20], 0)];
    for entry in entries {
        let (key, seq) = (&entry.user_key[..], entry.seq);
        let longer = [key, b"\0"].concat();
        let shorter = &key[..key.len().saturating_sub(1)];
        let seqs = [seq, seq.saturating_sub(1), (seq + 1).min(SEQ_MAX)];
        places.extend(seqs.map(|seq| place(key, seq)));
        places.push(Entry { kind: Kind::Delete, ..place(key, seq) });
        places.extend([place(&longer, seq), place(shorter, seq)]);
    }
    places
}

/// What a snapshot at `seq` sees of `key`, looked for one by one.
pub(crate) fn in_list(entries: &[Entry], key: &[u8], seq: Seq) -> Lookup {
    match entries.iter().find(|entry| entry.user_key == key && entry.seq <= seq) {
        Some(Entry { kind: Kind::Put, value, .. }) => Lookup::Value(value.clone().into()),
        Some(_) => Lookup::Deleted,
        None => Lookup::Absent,
    }
}
