//! A link: the next node, and where that node's key leaves the key of the node before.
//!
//! ```text
//!                        63 … 56         55 … 32                    31 … 0
//!   link, 64 bits   ┌──────────────┬──────────────────┬────────────────────────────────────────┐
//!                   │ 255 − common │ next three bytes │ the next node: its number on level 0,  │
//!                   │              │ of the next key  │ the index of its tower on levels above │
//!                   └──────────────┴──────────────────┴────────────────────────────────────────┘
//!                   └──────────── fork ───────────────┘
//! ```
//!
//! `common` is how many bytes the two keys have in common at their beginning. A search knows the
//! same of its target and the node that it stands at, and makes a fork of that. One comparison of
//! two numbers then says whether the next node is before the target. Here it stands at `user0412`,
//! and the link leads to `user0437`:
//!
//! ```text
//!                common  next   fork
//!   user0437        6    37     f9 33 37 00
//!
//!   user0520        5    520    fa 35 32 30   larger: the next node is before it, go on
//!   user0481        6    81     f9 38 31 00   larger: go on
//!   user0439        6    39     f9 33 39 00   larger: go on, with 7 bytes in common from there
//!   user0413        7    3      f8 33 00 00   smaller: stop
//! ```
//!
//! All of these are behind `user0412`. The sooner a key leaves it, the further behind it is, for
//! where it does, it has the larger byte. That is why `255 − common` is stored: more is further.
//!
//! Zeros stand behind the end of a key, and for bytes that were not known when the link was made. So
//! a zero says nothing, and neither do three bytes that are the same: then the entry is asked. The
//! first of the three was looked at by whoever made the link: a zero there is a byte of the key, or
//! its end. Of keys that have more than 255 bytes in common, only 255 are counted, and the three
//! bytes are those that come then: all three keys have the same in front.
//!
//! Grossi and Italiano, "Efficient Techniques for Maintaining Multidimensional Keys in Linked Data
//! Structures" (ICALP 1999), compare strings in linked structures by what they have in common.

/// The next node on a level, and where its key leaves the key before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u64);

/// Where a key leaves another one that is before it, and how it goes on there. Forks from the same
/// key are in the order of the keys that they are of, if [`shared_with`](Fork::shared_with) tells
/// these apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fork(u32);

/// As far as a fork counts. Of keys that have more in common, it has the three bytes from here on.
pub(super) const COMMON_MAX: usize = 255;

impl Link {
    /// Behind the last node of a level. A link is this until it is set.
    pub(super) const NONE: Link = Link(0);

    /// To `node`: its number on level 0, its tower above.
    pub(super) fn new(node: u32, fork: Fork) -> Link {
        Link(u64::from(fork.0) << 32 | u64::from(node))
    }

    /// The node that it leads to, by its number or its tower; the head if it is none.
    pub(super) fn node(self) -> u32 {
        self.0 as u32
    }

    /// Where that node's key leaves the key of the node that the link is in.
    pub(super) fn fork(self) -> Fork {
        Fork((self.0 >> 32) as u32)
    }
}

impl Fork {
    /// Of `key`, which has `common` bytes in common with the one before it.
    ///
    /// **Lab skiplist**, chapter `week02/lab-skiplist.md`.
    pub(super) fn new(common: usize, key: &[u8]) -> Fork {
        // ANCHOR: skiplist_fork
        // Four bytes, big-endian: `COMMON_MAX - common`, and the three of the key that come then,
        // zeros behind its end.
        let common = common.min(COMMON_MAX);
        let (first, second, third) = match &key[common..] {
            [first, second, third, ..] => (*first, *second, *third),
            [first, second] => (*first, *second, 0),
            [first] => (*first, 0, 0),
            [] => (0, 0, 0),
        };
        Fork(u32::from_be_bytes([(COMMON_MAX - common) as u8, first, second, third]))
        // ANCHOR_END: skiplist_fork
    }

    /// How many bytes the key has in common with the one before, as far as a fork counts.
    fn common(self) -> usize {
        COMMON_MAX - (self.0 >> 24) as usize
    }

    /// How many bytes the key of this fork, which comes from a link, has in common with another
    /// key, by that one's fork from the same node; `None` if the entry must be asked.
    ///
    /// **Lab skiplist**.
    pub(super) fn shared_with(self, other: Fork) -> Option<usize> {
        // ANCHOR: skiplist_shared
        // Whoever leaves the node sooner leaves the other key there, too. If both leave at once, it
        // depends on how many of the three bytes are alike; none is the usual case. This fork must
        // know the first byte in which they differ, and those before it. The other one is made of a
        // key that is at hand: its zeros are where that key ends or has them.
        let differ = self.0 ^ other.0;
        if differ >= 1 << 16 {
            return Some(self.common().min(other.common()));
        }
        let alike = differ.leading_zeros() as usize / 8 - 1;
        let [_, bytes @ ..] = self.0.to_be_bytes();
        let is_known = alike < 3 && !bytes[..=alike].contains(&0);
        is_known.then_some(self.common() + alike)
        // ANCHOR_END: skiplist_shared
    }

    /// The fork of this one's key from the key of `other`, which is between the node and it, if it
    /// can be known from these two.
    ///
    /// **Lab skiplist**.
    pub(super) fn seen_from(self, other: Fork) -> Option<Fork> {
        // ANCHOR: skiplist_seen_from
        // It begins where the keys differ, or where counting ends. The bytes before that go, and
        // nobody knows those that come after.
        let common = self.shared_with(other)?.min(COMMON_MAX);
        let gone = common - self.common();
        let bytes = self.0 << (8 * gone) & 0xff_ffff;
        Some(Fork(((COMMON_MAX - common) as u32) << 24 | bytes))
        // ANCHOR_END: skiplist_seen_from
    }
}

/// How many bytes two keys have in common at their beginning.
pub(super) fn common_size(left: &[u8], right: &[u8]) -> usize {
    // Eight at a time, as long as all eight are the same.
    let ((words, _), (others, _)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let same = 8 * words.iter().zip(others).take_while(|(word, other)| word == other).count();
    let rest = left[same..].iter().zip(&right[same..]);
    same + rest.take_while(|(byte, other)| byte == other).count()
}
