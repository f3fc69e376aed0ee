//! The skip list: an entry is written once, and links are changed by compare-and-swap.
//!
//! ```text
//!   entries   by number: one cache line each, written once
//!   links     by number: where level 0 goes on
//!   towers    of one entry in four: its number, then where levels 1, 2, … go on
//! ```
//!
//! A search walks through towers and links, which are a sixth of the list, stand close together
//! and so are in the cache more often than not. It looks at an entry only where a link does not say
//! whether the next node is before the place or behind it.
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

use super::link::{COMMON_MAX, Fork, Link, common_size};
use super::segments::Segments;
use crate::memtable::entry::{Entry, Parts, Position};
use crate::sync::{AtomicU32, AtomicU64};

/// The node in front of all others, on every level. Nobody links to it, and to be at it is to be at
/// no entry.
pub(super) const HEAD: u32 = 0;

/// No node is higher. With a quarter of the nodes of each level on the next one, that is enough for
/// 16 million entries; more make searches slower, not wrong.
const HEIGHT_MAX: usize = 12;

/// What the list needs for an entry, in bytes: the entry, a link, and one time in four a tower, which
/// is a word for the number, a link, and some more links on average.
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

// ANCHOR: listing_step
/// A place between two neighbours on a level.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The last node before the place, perhaps [`HEAD`]: its number on level 0, its tower above.
    pub(super) node: u32,
    /// What it was linked to when we looked: the first node behind the place, or none.
    pub(super) next: Link,
    /// How many bytes the node's key and the one that the place is of have in common.
    pub(super) common: usize,
}
// ANCHOR_END: listing_step

impl Step {
    /// At the head, which has no key, and so nothing in common with any.
    const START: Step = Step { node: HEAD, next: Link::NONE, common: 0 };
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

    /// Adds an entry, and says its number.
    ///
    /// **Lab skiplist**.
    pub(super) fn insert(&self, entry: Entry) -> u32 {
        // ANCHOR: skiplist_add
        // Make the node, whole; find its place on every level; then link it level by level, from
        // the bottom.
        let number = self.take_number();
        let entry = self.entries[number].0.get_or_init(|| entry);
        let height = height(number);
        let tower = if height > 1 { self.take_tower(number, height) } else { HEAD };

        let target = entry.parts();
        let mut path = [Step::START; HEIGHT_MAX];
        self.descend(
            |step, level| self.walk(step, level, target),
            |step, level| path[level] = step,
        );
        for (level, step) in path.into_iter().enumerate().take(height) {
            let node = if level == 0 { number } else { tower };
            self.link(node, level, step, target);
        }
        number
        // ANCHOR_END: skiplist_add
    }

    /// Puts a node, whose entry is `target`, into its place on a level, which was at `step` when the
    /// caller looked.
    ///
    /// **Lab skiplist**. Others may have put nodes there since.
    fn link(&self, node: u32, level: usize, mut step: Step, target: Parts<'_>) {
        // ANCHOR: skiplist_cas
        // First the new node's own link, then a compare-and-swap of its predecessor's. If that
        // fails, somebody was faster: walk on from there, on this level, and try again.
        loop {
            let own = self.onward(step, level, target);
            self.word(node, level).store(own.0, Ordering::Relaxed);
            let new = Link::new(node, Fork::new(step.common, target.user_key));
            let word = self.word(step.node, level);
            match word.compare_exchange(step.next.0, new.0, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => step = self.walk(Step { next: Link(now), ..step }, level, target),
            }
        }
        // ANCHOR_END: skiplist_cas
    }

    /// The link from a new node, whose entry is `target`, to the node behind its place.
    ///
    /// **Lab skiplist**.
    fn onward(&self, step: Step, level: usize, target: Parts<'_>) -> Link {
        // ANCHOR: skiplist_onward
        // Most of the time the two forks at the place tell. If not, `ask`, and the key is at hand.
        if step.next == Link::NONE {
            return Link::NONE;
        }
        let fork = step.next.fork().seen_from(Fork::new(step.common, target.user_key));
        let fork = fork.unwrap_or_else(|| {
            let (_, common) = self.ask(step, level, target);
            Fork::new(common, self.behind(step, level).user_key())
        });
        Link::new(step.next.node(), fork)
        // ANCHOR_END: skiplist_onward
    }

    /// Goes from the head down to a place on level 0: on each level to where `walk` leads, and then
    /// one down. Tells `turn` where it left each level.
    ///
    /// **Lab skiplist**.
    ///
    /// # Cost
    ///
    /// About four links a level.
    pub(super) fn descend(
        &self,
        walk: impl Fn(Step, usize) -> Step,
        mut turn: impl FnMut(Step, usize),
    ) -> Step {
        // ANCHOR: skiplist_descend
        // The node that you are at has another name on level 0.
        let mut step = Step::START;
        for level in (0..HEIGHT_MAX).rev() {
            if level == 0 {
                step.node = self.number(step.node, 1);
            }
            step.next = self.next(step.node, level);
            step = walk(step, level);
            turn(step, level);
        }
        step
        // ANCHOR_END: skiplist_descend
    }

    /// The place of `target` on level 0: in front of the first node that is not before it.
    pub(super) fn place(&self, target: &impl Position) -> Step {
        let target = target.parts();
        self.descend(|step, level| self.walk(step, level, target), |_, _| {})
    }

    /// Goes on from `step` on a level, as long as the next node is before `target`. It begins with
    /// `step.next`, as given: that link is not loaded again.
    ///
    /// **Lab skiplist**.
    ///
    /// # Cost
    ///
    /// A link for each node that it passes; an entry and its key where forks do not tell.
    fn walk(&self, mut step: Step, level: usize, target: Parts<'_>) -> Step {
        // ANCHOR: skiplist_walk
        // The target's fork is from the node that you are at. It stays the same as long as they
        // have the same number of bytes in common.
        let mut fork = Fork::new(step.common, target.user_key);
        while step.next != Link::NONE {
            let (order, common) = match step.next.fork().shared_with(fork) {
                Some(common) => (step.next.fork().cmp(&fork), common),
                None => self.ask(step, level, target),
            };
            if order.is_ge() {
                break;
            }
            if common != step.common {
                fork = Fork::new(common, target.user_key);
            }
            let node = step.next.node();
            step = Step { node, next: self.next(node, level), common };
        }
        step
        // ANCHOR_END: skiplist_walk
    }

    /// How the node behind the place compares with `target`, and how many bytes their user keys have
    /// in common. For a node of which the forks do not tell: both have counted the same then, which is
    /// what the place has in common with `target`.
    ///
    /// **Lab skiplist**.
    fn ask(&self, step: Step, level: usize, target: Parts<'_>) -> (cmp::Ordering, usize) {
        // ANCHOR: skiplist_ask
        // Both agree in what the forks have counted, so begin behind that. `get` gives `None` at
        // the end of a key, and `None` is less than any byte. Of one key, the newer version is first.
        let parts = self.behind(step, level).parts();
        let (left, right) = (parts.user_key, target.user_key);
        let known = step.common.min(COMMON_MAX);
        let common = known + common_size(&left[known..], &right[known..]);
        let order = left.get(common).cmp(&right.get(common));
        (order.then_with(|| target.trailer.cmp(&parts.trailer)), common)
        // ANCHOR_END: skiplist_ask
    }

    /// The entry behind a place on level 0, if it is a version of the key that the place is of.
    ///
    /// **Lab skiplist**.
    ///
    /// # Cost
    ///
    /// Of most keys that are not there, it looks at no entry.
    pub(super) fn found(&self, step: Step, user_key: &[u8]) -> Option<&Entry> {
        // ANCHOR: skiplist_found
        // If the forks tell the keys apart, it is another key. If not, compare.
        let fork = Fork::new(step.common, user_key);
        let is_other = step.next.fork().shared_with(fork).is_some();
        let entry = if is_other { None } else { self.entry(step.next.node()) };
        entry.filter(|entry| entry.user_key() == user_key)
        // ANCHOR_END: skiplist_found
    }

    /// The last node on level 0, [`HEAD`] if there is none.
    ///
    /// **Lab skiplist**.
    pub(super) fn last(&self) -> u32 {
        // ANCHOR: skiplist_end
        // `descend`, on each level as far as it goes.
        let walk = |mut step: Step, level| {
            while step.next != Link::NONE {
                step.node = step.next.node();
                step.next = self.next(step.node, level);
            }
            step
        };
        self.descend(walk, |_, _| {}).node
        // ANCHOR_END: skiplist_end
    }

    /// The entry behind a place, where there is one.
    fn behind(&self, step: Step, level: usize) -> &Entry {
        let number = self.number(step.next.node(), level);
        self.entry(number).expect("a node that a link leads to has an entry")
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

    /// A number that no other node has, with room for an entry and its link on level 0.
    fn take_number(&self) -> u32 {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.entries.reach(number);
        self.links.reach(number);
        number
    }

    /// A tower for a node of that height: `height` words, of which the first is its number. Nodes of
    /// height 1 have none.
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
