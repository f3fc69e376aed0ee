//! The line of writers: those who wait together are written together, by one of them.
//!
//! ```text
//!   A  lead ═ log, sync, memtable ═ done
//!   B    wait ····················· lead ═ log, sync, memtable ═ done
//!   C      wait ··························································· done
//!   D        wait ························································· done
//! ```
//!
//! A is alone and goes ahead. While it waits for the disk, B, C and D come and stand in line. When
//! A is done, B takes all three batches, writes them as **one** record with one sync, puts them into
//! the memtable, and tells C and D what numbers they got. One thread at a time writes, so what it
//! does needs no further lock, and everything has one order. (LevelDB's `DBImpl::Write`; the idea of
//! one thread that does the work of all who wait is older: Hendler et al., "Flat Combining", SPAA
//! 2010.)

use std::collections::VecDeque;
use std::hint::spin_loop;
use std::iter::repeat_n;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use wal::{Durability, Error, Result, Seq, WriteBatch};

use crate::sync::{Condvar, Mutex, MutexGuard};

/// Batches that are written as one.
#[derive(Debug)]
pub struct Group {
    /// All operations, in the order of the line.
    pub batch: WriteBatch,
    /// What the most demanding of them wants.
    pub durability: Durability,
}

/// How often a writer looks whether another one is back before it stands in line behind it: some
/// microseconds in all, as long as a write takes that waits for no disk.
const PATIENCE: usize = if cfg!(scheduled) { 0 } else { 30 };

/// How long it looks away in between.
const SPIN: usize = 8;

/// A line in which writers wait, and from which one at a time is let through.
#[derive(Debug)]
pub struct WriteQueue {
    line: Mutex<Line>,
    /// Signalled when a leader is back.
    idle: Condvar,
    /// A group's largest size, in bytes; a single batch may be larger.
    group_size_max: usize,
}

#[derive(Debug)]
struct Line {
    waiting: VecDeque<Writer>,
    /// Whether somebody has been let through and is not back yet.
    is_led: bool,
}

/// A batch in line.
#[derive(Debug)]
struct Writer {
    batch: WriteBatch,
    durability: Durability,
    ticket: Arc<Ticket>,
}

/// What a writer waits at.
#[derive(Debug)]
struct Ticket {
    outcome: Mutex<Option<Result<Seq>>>,
    /// Signalled when there is an outcome, or when it is this writer's turn to lead.
    turn: Condvar,
}

impl WriteQueue {
    /// A line without writers.
    pub fn new(group_size_max: usize) -> WriteQueue {
        let line = Line { waiting: VecDeque::new(), is_led: false };
        WriteQueue { line: Mutex::new(line), idle: Condvar::new(), group_size_max }
    }

    /// Stands in line with `batch` until it is written, and returns the number of its last
    /// operation.
    ///
    /// **Day 6**, chapter `week02/day6-queue.md`. Whoever is first in line when nobody is writing
    /// leads: it writes a group, its own batch in front, with `write`, which returns the number of
    /// the group's last operation. Groups are written one at a time, in the order of the line.
    /// Meanwhile the line is open to others.
    ///
    /// # Errors
    ///
    /// The leader's are those of `write`; to the others of its group the same is
    /// [`Error::Poisoned`], with the cause as text. The line goes on with the next group.
    ///
    /// # Panics
    ///
    /// If `write` does, in the leader. For the others of its group that is a failure, too.
    ///
    /// # Cost
    ///
    /// Whoever is alone takes a lock twice, and allocates nothing. Others need a place in line, and
    /// a hand-over from one thread to the other, which costs as much as some ten writes.
    pub fn write(
        &self,
        batch: WriteBatch,
        durability: Durability,
        write: impl Fn(Group) -> Result<Seq>,
    ) -> Result<Seq> {
        // `approach` locks the line. Nobody writes and nobody waits? Then `go_ahead`. Otherwise stand in line, and wait until you
        // are the first in it and nobody leads: then lead. Whoever is woken may find an outcome
        // instead.
        todo!("day 6: write")
    }

    /// Locks the line; if somebody writes and nobody waits, a little later. Mostly that one is back by
    /// then, and to sleep and be woken costs as much as ten writes.
    fn approach(&self) -> MutexGuard<'_, Line> {
        for () in repeat_n((), PATIENCE) {
            let line = self.line.lock();
            if !line.is_led || !line.waiting.is_empty() {
                return line;
            }
            drop(line);
            (0..SPIN).for_each(|_| spin_loop());
        }
        self.line.lock()
    }

    /// Writes the group at the head of the line, gives the others in it their outcomes, and wakes
    /// them, and whoever leads next. Returns the outcome of the first, which is the caller's own.
    ///
    /// **Day 6**. As [`go_ahead`](WriteQueue::go_ahead), with a group, whose members have to be told
    /// before a panic goes on: so it cannot be called here. A member's last operation has the
    /// number of the group's last one, less all those that come behind it. A panic of `write` goes
    /// on when everybody has been told: who waits for a leader that is no more waits for ever.
    fn lead(
        &self,
        line: &mut MutexGuard<'_, Line>,
        write: &impl Fn(Group) -> Result<Seq>,
    ) -> Result<Seq> {
        // Take the group, let go of the line for `write` only, and be back before anybody is told.
        // The members are gone in the group then: note before what you need of them.
        todo!("day 6: lead")
    }

    /// How many batches stand in line now, those that are being written not counted.
    pub fn waiting(&self) -> usize {
        self.line.lock().waiting.len()
    }

    /// Runs `work` while nobody writes. The line is open meanwhile, and moves on even if `work`
    /// panics.
    pub fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut line = self.line.lock();
        while line.is_led {
            self.idle.wait(&mut line);
        }
        self.go_ahead(&mut line, work)
    }

    /// Runs `work` with the line open, when nobody leads. Then the next in line may lead, also if
    /// `work` panicked.
    fn go_ahead<T>(&self, line: &mut MutexGuard<'_, Line>, work: impl FnOnce() -> T) -> T {
        line.is_led = true;
        let done = MutexGuard::unlocked(line, || catch_unwind(AssertUnwindSafe(work)));
        self.step_down(line);
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Ends a lead, and wakes whoever may lead next.
    fn step_down(&self, line: &mut Line) {
        line.is_led = false;
        if let Some(first) = line.waiting.front() {
            first.ticket.turn.notify_one();
        }
        self.idle.notify_all();
    }
}

impl Line {
    /// Whether the batch with this ticket is the first in line.
    fn begins_with(&self, ticket: &Arc<Ticket>) -> bool {
        self.waiting.front().is_some_and(|first| Arc::ptr_eq(&first.ticket, ticket))
    }

    /// Takes a group off the head of the line: as many batches as fit, the sum of
    /// whose [`size`](WriteBatch::size)s is `size_max` bytes at most, and one at least.
    ///
    /// **Day 6**.
    fn take_group(&mut self, size_max: usize) -> Vec<Writer> {
        // Who does not fit stays at the head; nobody is overtaken.
        todo!("day 6: take group")
    }
}

impl Group {
    /// All batches as one, in order, as durable as the most demanding wants.
    ///
    /// **Day 6**.
    ///
    /// # Cost
    ///
    /// A copy of all batches but the first; none for one.
    fn of(members: Vec<Writer>) -> Group {
        // The first batch grows by the others: `WriteBatch::append`.
        todo!("day 6: group of")
    }
}

/// What a writer is told when the group that another one led has failed with `error`: that nothing
/// more is accepted, and why.
fn for_follower(error: &Error) -> Error {
    match error {
        Error::Closed => Error::Closed,
        Error::Poisoned { cause } => Error::Poisoned { cause: Arc::clone(cause) },
        other => Error::Poisoned { cause: other.to_string().into() },
    }
}
