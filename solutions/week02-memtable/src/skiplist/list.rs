//! The skip list: an entry is written once, and links are changed by compare-and-swap.
//!
//! ```text
//!   entries   by number: one cache line each, written once
//!   links     by number: where level 0 goes on
//!   towers    of one entry in four: its number, then where levels 1, 2, … go on
//!
//!   link, 64 bits  ┌──────────────────────────────┬────────────────────────────────────────┐
//!                  │ first four bytes of the next │ the next node: its number on level 0,  │
//!                  │ node's key, big-endian       │ the index of its tower on levels above │
//!                  └──────────────────────────────┴────────────────────────────────────────┘
//! ```
//!
//! A search walks through towers and links, which are a seventh of the list, stand close together
//! and so are in the cache more often than not. It looks at an entry only where a link is not enough
//! to say no or yes.
//!
//! An entry and its tower are written before the first link to them is, and only links ever change
//! after that. A link is set with `Release` and read with `Acquire`: whoever has an index from a link
//! sees what lies behind it.
//!
//! Invariants, at every moment and for every thread:
//!
//! * on each level, nodes are in the order of their internal keys;
//! * a node on one level is on all levels below;
//! * a node that was ever on a level stays there.

use std::cmp;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::segments::Segments;
use crate::memtable::entry::{Entry, Position, compare};
use crate::sync::{AtomicU32, AtomicU64};

/// The node in front of all others, on every level. Nobody links to it, and to be at it is to be at
/// no entry.
pub(super) const HEAD: u32 = 0;

/// No node is higher. With a quarter of the nodes of each level on the next one, that is enough for
/// 16 million entries; more make searches slower, not wrong.
const HEIGHT_MAX: usize = 12;

/// What the list needs for an entry, in bytes: the entry, a link, and on average a quarter of a
/// tower, which is one word and a link and a third.
pub(super) const NODE_SIZE: usize = size_of::<Slot>() + size_of::<AtomicU64>() * (3 + 1 + 3) / 4;

/// Entries in order, for any number of readers and writers at once.
pub(super) struct List {
    /// By number. The head has none.
    entries: Segments<Slot>,
    /// By number: where level 0 goes on.
    links: Segments<AtomicU64>,
    /// Each from its first word: the number of its entry, then links, for level 1 and above.
    towers: Segments<AtomicU64>,
    /// The next number.
    number: AtomicU32,
    /// Where the next tower begins.
    tower: AtomicU32,
}

/// Room for an entry: a cache line, and from its beginning, or each look would fetch two.
#[derive(Default)]
#[repr(align(64))]
struct Slot(OnceLock<Entry>);

const _: () = assert!(size_of::<Slot>() == 64, "an entry fits one cache line");

/// Where a level goes on: the next node there, and how its key begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u64);

// ANCHOR: listing_step
/// A place between two neighbours on a level.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The last node before the place, perhaps [`HEAD`]: its number on level 0, its tower above.
    pub(super) node: u32,
    /// What it was linked to when we looked: the first node behind the place, or none.
    pub(super) next: Link,
}
// ANCHOR_END: listing_step

impl Link {
    /// Behind the last node of a level. A link is this until it is set.
    pub(super) const NONE: Link = Link(0);

    /// To `node`, whose key begins as `prefix` does: its number on level 0, its tower above.
    ///
    /// **Lab skiplist**, chapter `week02/lab-skiplist.md`.
    fn new(node: u32, prefix: u64) -> Link {
        // ANCHOR: skiplist_link
        // The upper half of the prefix stays where it is.
        Link(prefix >> 32 << 32 | u64::from(node))
        // ANCHOR_END: skiplist_link
    }

    /// The node that it leads to, by its number or its tower; [`HEAD`] if it is none.
    pub(super) fn node(self) -> u32 {
        self.0 as u32
    }

    /// The first four bytes of that node's key.
    fn start(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl List {
    /// A list without entries.
    pub(super) fn new() -> List {
        let list = List {
            entries: Segments::new(),
            links: Segments::new(),
            towers: Segments::new(),
            number: AtomicU32::new(HEAD + 1),
            tower: AtomicU32::new(HEAD + HEIGHT_MAX as u32),
        };
        list.links.reach(HEAD);
        list.towers.reach(HEAD + HEIGHT_MAX as u32);
        list
    }

    /// Adds an entry.
    ///
    /// **Lab skiplist**.
    pub(super) fn insert(&self, entry: Entry) {
        // ANCHOR: skiplist_add
        // Make the node, whole; find its place on every level; then link it level by level, from
        // the bottom.
        let number = self.take_number();
        let entry = self.entries[number].0.get_or_init(|| entry);
        let height = height(number);
        let tower = if height > 1 { self.take_tower(number, height) } else { HEAD };

        let mut path = [Step { node: HEAD, next: Link::NONE }; HEIGHT_MAX];
        let goes_on = |next, level| self.is_before(next, level, entry);
        self.descend(goes_on, |level, step| path[level] = step);
        for (level, step) in path.into_iter().enumerate().take(height) {
            let node = if level == 0 { number } else { tower };
            self.link(Link::new(node, entry.parts().prefix), level, step, entry);
        }
        // ANCHOR_END: skiplist_add
    }

    /// Puts the node that `new` leads to, and whose entry is `entry`, into its place on a level,
    /// which was at `step` when the caller looked.
    ///
    /// **Lab skiplist**. Others may have put nodes there since.
    fn link(&self, new: Link, level: usize, step: Step, entry: &Entry) {
        // ANCHOR: skiplist_cas
        // First the new node's own link, then a compare-and-swap of its predecessor's. If that
        // fails, somebody was faster: walk on from there, on this level, and try again.
        let Step { mut node, mut next } = step;
        loop {
            self.word(new.node(), level).store(next.0, Ordering::Relaxed);
            let word = self.word(node, level);
            match word.compare_exchange(next.0, new.0, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => next = Link(now),
            }
            while self.is_before(next, level, entry) {
                node = next.node();
                next = self.next(node, level);
            }
        }
        // ANCHOR_END: skiplist_cas
    }

    /// Goes from the head down to a place on level 0: on each level as far as `goes_on` says yes to
    /// the next node, and then one down. Tells `turn` where it left each level.
    ///
    /// **Lab skiplist**. `goes_on` says yes to some nodes at the front of the list, and to none
    /// behind these. It is not asked about [`Link::NONE`].
    ///
    /// # Cost
    ///
    /// About four questions a level.
    pub(super) fn descend(
        &self,
        goes_on: impl Fn(Link, usize) -> bool,
        mut turn: impl FnMut(usize, Step),
    ) -> Step {
        // ANCHOR: skiplist_descend
        // The node that you are at has another name on level 0.
        let mut step = Step { node: HEAD, next: Link::NONE };
        for level in (0..HEIGHT_MAX).rev() {
            if level == 0 {
                step.node = self.number(step.node, 1);
            }
            step.next = self.next(step.node, level);
            while step.next != Link::NONE && goes_on(step.next, level) {
                step.node = step.next.node();
                step.next = self.next(step.node, level);
            }
            turn(level, step);
        }
        step
        // ANCHOR_END: skiplist_descend
    }

    /// The place of `target` on level 0: in front of the first node that is not before it.
    pub(super) fn place(&self, target: &impl Position) -> Step {
        self.descend(|next, level| self.is_before(next, level, target), |_, _| {})
    }

    /// Whether a link leads to a node, and that is before `target`. [`link`](List::link) asks about
    /// [`Link::NONE`], too, which leads to none.
    ///
    /// **Lab skiplist**.
    fn is_before(&self, next: Link, level: usize, target: &impl Position) -> bool {
        // ANCHOR: skiplist_is_before
        // The link knows how the key begins. Only if the target begins alike is the entry asked.
        let start = (target.parts().prefix >> 32) as u32;
        next != Link::NONE
            && match next.start().cmp(&start) {
                cmp::Ordering::Equal => {
                    let number = self.number(next.node(), level);
                    self.entry(number).is_some_and(|entry| compare(entry, target).is_lt())
                }
                unequal => unequal.is_lt(),
            }
        // ANCHOR_END: skiplist_is_before
    }

    /// The entry with this number; none for [`HEAD`].
    pub(super) fn entry(&self, number: u32) -> Option<&Entry> {
        if number == HEAD { None } else { self.entries[number].0.get() }
    }

    /// Where a node is linked to on a level that it is on.
    pub(super) fn next(&self, node: u32, level: usize) -> Link {
        Link(self.word(node, level).load(Ordering::Acquire))
    }

    /// How many entries there are, or are about to be.
    pub(super) fn len(&self) -> usize {
        (self.number.load(Ordering::Relaxed) - HEAD - 1) as usize
    }

    /// The word that holds a node's link on a level.
    fn word(&self, node: u32, level: usize) -> &AtomicU64 {
        if level == 0 { &self.links[node] } else { &self.towers[node + level as u32] }
    }

    /// The number of the node that goes by this name on a level.
    fn number(&self, node: u32, level: usize) -> u32 {
        if level == 0 { node } else { self.towers[node].load(Ordering::Relaxed) as u32 }
    }

    fn take_number(&self) -> u32 {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.entries.reach(number);
        self.links.reach(number);
        number
    }

    fn take_tower(&self, number: u32, height: usize) -> u32 {
        let tower = self.tower.fetch_add(height as u32, Ordering::Relaxed);
        self.towers.reach(tower + height as u32);
        self.towers[tower].store(u64::from(number), Ordering::Relaxed);
        tower
    }
}

/// On how many levels the entry with this index is: on one at least; on each further one with a
/// chance of one in four; on [`HEIGHT_MAX`] at most, level 0 among them.
///
/// **Lab skiplist**.
fn height(index: u32) -> usize {
    // ANCHOR: skiplist_height
    // `scramble` is the coin: of what it returns, the two lowest bits are the first throw, and two
    // zeros mean one level more and another throw.
    let coins = scramble(u64::from(index));
    (1 + coins.trailing_zeros() as usize / 2).min(HEIGHT_MAX)
    // ANCHOR_END: skiplist_height
}

/// A number that looks random and depends on `index` alone, so that threads share no dice: the
/// finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn scramble(index: u64) -> u64 {
    let z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
