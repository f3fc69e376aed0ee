//! How fast compactions may write: a bucket of tokens, and whoever waits for them.
//!
//! ```text
//!   rate ──► ┌────────┐   a byte takes a token     blocks of all parts ──► disk
//!            │ ○ ○ ○  │   ────────────────────►
//!            └────────┘   none left: wait          flushes ──────────────► disk
//!             holds a tenth of a second
//! ```
//!
//! A compaction writes as fast as the disk takes it, and reads of users queue behind its blocks. With
//! a limit it takes longer, and there is room between. But level 0 grows meanwhile: so the limit is
//! lifted while writers feel back-pressure, for then compaction is what they wait for. (Token buckets
//! are from networks: Turner, "New Directions in Communications", 1986. Balmau and others, "SILK",
//! USENIX ATC 2019, say who waits for whom in a store; RocksDB has a `RateLimiter`.)

mod disk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use wal::{Error, Result};

pub use self::disk::PacedFs;

/// A full bucket holds what comes in this time.
pub const BURST: Duration = Duration::from_millis(100);

/// Tokens that come in at a rate, for bytes that go out.
///
/// It has no clock: whoever takes says what time it is, as the time since some beginning, and never
/// goes back.
#[derive(Debug)]
pub struct Bucket {
    /// In bytes a second; at least 1.
    rate: u64,
    /// When it is full, if nothing more is taken. In the past: it is full.
    full_at: Duration,
}

impl Bucket {
    /// A full bucket, with so many bytes a second; with 0, as with 1.
    pub fn new(rate: u64) -> Bucket {
        Bucket { rate: rate.max(1), full_at: Duration::ZERO }
    }

    /// Takes `bytes` tokens at time `now`, and says how long to wait before the bytes may go out.
    ///
    /// **Lab subcompactions**, chapter `week04/lab-subcompactions.md`. What is not there is taken from
    /// what will come: so there is no request that is too large, and who asks later waits behind. A
    /// full bucket gets no fuller. A part of a nanosecond counts as one.
    pub fn take(&mut self, bytes: u64, now: Duration) -> Duration {
        // ANCHOR: subcompactions_take
        // It is full later by the time in which so many tokens come, each request rounded up. It is
        // empty `BURST` before it is full, and whoever has emptied it waits until then. Multiply in
        // 128 bits.
        let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.rate));
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.full_at = self.full_at.max(now).saturating_add(cost);
        self.full_at.saturating_sub(now + BURST)
        // ANCHOR_END: subcompactions_take
    }
}

/// What all compactions of a store wait for before they write.
#[derive(Debug)]
pub struct Pacer {
    begun: Instant,
    /// In bytes a second; `None`: as fast as the disk takes it.
    rate: Option<u64>,
    state: Mutex<State>,
    /// Signalled, with `state`, when whoever waits should look again.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// `None`: there is no rate.
    bucket: Option<Bucket>,
    /// Whether the limit does not count now.
    is_lifted: bool,
    /// Whether nothing more is to be written.
    is_stopped: bool,
}

impl Pacer {
    /// With a limit of so many bytes a second, or with none.
    pub fn new(rate: Option<u64>) -> Pacer {
        let state = State { bucket: rate.map(Bucket::new), is_lifted: false, is_stopped: false };
        Pacer { begun: Instant::now(), rate, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits until a compaction may write `bytes` more.
    ///
    /// **Lab subcompactions**. Each call takes its tokens once, when it comes. While the limit is
    /// lifted it takes none and does not wait, and who waits already goes on at once. What was taken
    /// stays taken if the call fails, too: that is one block of each part at most.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] as soon as the store stops, or `is_over`, which is asked at first and whenever
    /// it is [woken](Pacer::wake); also if there is nothing to wait for.
    ///
    /// # Cost
    ///
    /// Without a wait, a lock that nobody holds for long, and a look at the clock. Who waits holds no
    /// lock.
    pub fn wait_for(&self, bytes: u64, is_over: impl Fn() -> bool) -> Result<()> {
        // ANCHOR: subcompactions_wait_for
        // Until when? Then, as in day 5's `admit`: look with the lock in your hand, and again each time
        // that you wake up. `Condvar::wait_for` wakes up by itself when its time is over, or earlier.
        // The bucket's time must not go back: read the clock with the lock, too. The bucket borrows
        // `state`: copy `is_lifted` out of it first.
        let mut state = self.state.lock();
        let is_lifted = state.is_lifted;
        let mut until = Duration::ZERO;
        if let Some(bucket) = state.bucket.as_mut().filter(|_| !is_lifted) {
            let now = self.begun.elapsed();
            until = now.saturating_add(bucket.take(bytes, now));
        }
        loop {
            if state.is_stopped || is_over() {
                return Err(Error::Closed);
            }
            let wait = until.saturating_sub(self.begun.elapsed());
            if state.is_lifted || wait.is_zero() {
                return Ok(());
            }
            self.changed.wait_for(&mut state, wait);
        }
        // ANCHOR_END: subcompactions_wait_for
    }

    /// Lifts the limit if `is_pressed`, and else lets it count again.
    ///
    /// It is asked with the lock: of two that lift at the same time, the last to ask has the last word.
    /// Nobody owes what was taken before a lift: behind it the bucket is full.
    pub fn lift_if(&self, is_pressed: impl FnOnce() -> bool) {
        let mut state = self.state.lock();
        state.is_lifted = is_pressed();
        if state.is_lifted {
            state.bucket = self.rate.map(Bucket::new);
        }
        self.changed.notify_all();
    }

    /// Ends all waits, those to come, too.
    pub fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// Lets all who wait look again.
    pub fn wake(&self) {
        let _looking = self.state.lock();
        self.changed.notify_all();
    }
}

/// How the parts of one compaction go: at whose pace, and whether they go on.
#[derive(Debug)]
pub struct Pace {
    pacer: Arc<Pacer>,
    is_over: AtomicBool,
    /// How the first part ended that did not end well.
    failure: Mutex<Option<Ended>>,
}

/// How a part ended: as [`catch_unwind`](std::panic::catch_unwind) says it.
pub type Ended = thread::Result<Result<()>>;

impl Pace {
    /// That of a compaction that begins.
    pub fn new(pacer: Arc<Pacer>) -> Pace {
        Pace { pacer, is_over: AtomicBool::new(false), failure: Mutex::new(None) }
    }

    /// As [`Pacer::wait_for`]; it is over when some part has [ended](Pace::end) it.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub fn wait_for(&self, bytes: u64) -> Result<()> {
        self.pacer.wait_for(bytes, || self.is_over())
    }

    /// Whether some part has ended it.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Ends all parts, as one of them has failed: each at its next block, if it does not wait, else at
    /// once. The first failure is kept.
    pub fn end(&self, failure: Ended) {
        // Kept before anybody hears of it: whoever does ends with a failure, too.
        self.failure.lock().get_or_insert(failure);
        self.is_over.store(true, Ordering::Release);
        self.pacer.wake();
    }

    /// Takes out the first failure, if there was any.
    pub fn take_failure(&self) -> Option<Ended> {
        self.failure.lock().take()
    }
}
