//! What day 6's tests are given.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use memtable::{Group, MemOptions, MemStore, WriteQueue};
use parking_lot::Mutex;
use wal::fs::SimFs;
use wal::{Durability, Engine, Error, Operation, Result, Seq, WriteBatch};

pub(super) fn dir() -> &'static Path {
    Path::new("/db")
}

/// A new store on a disk of its own.
#[track_caller]
pub(super) fn store() -> (SimFs, MemStore) {
    let fs = SimFs::new(1);
    let store = reopen(&fs);
    (fs, store)
}

/// The store on a disk.
#[track_caller]
pub(super) fn reopen(fs: &SimFs) -> MemStore {
    let store = MemStore::open(Arc::new(fs.clone()), dir(), MemOptions::default());
    store.unwrap_or_else(|error| panic!("the store must open, and fails: {error}"))
}

/// A batch of `count` puts by one writer: under keys `7.0`, `7.1` and so on.
pub(super) fn puts(writer: usize, count: usize) -> WriteBatch {
    let mut batch = WriteBatch::new();
    (0..count).for_each(|number| batch.put(format!("{writer}.{number}").as_bytes(), b"vv"));
    batch
}

/// Whether `done` says so before others have had their turn ever so often.
pub(super) fn comes_true(done: impl Fn() -> bool) -> bool {
    (0..100_000).any(|_| {
        thread::yield_now();
        done()
    })
}

/// Returns when `done` says so, which is soon; fails if it does not.
#[track_caller]
pub(super) fn wait_until(expected: &str, done: impl Fn() -> bool) {
    assert!(comes_true(done), "it does not come to this: {expected}");
}

/// Returns when so many writers of the store stand in line.
#[track_caller]
pub(super) fn wait_for_writers(store: &MemStore, count: u64) {
    let expected = format!("{count} writers stand in line while another one is writing: rule 1");
    wait_until(&expected, || store.stats().get("waiting_writers") == Some(count));
}

/// The groups that were written, in order.
#[derive(Default)]
pub(super) struct Groups(Mutex<Vec<Group>>);

impl Groups {
    /// Writes a group: numbers go on from the one before.
    pub(super) fn write(&self, group: Group) -> Result<Seq> {
        let mut groups = self.0.lock();
        groups.push(group);
        Ok(groups.iter().map(|group| group.batch.len() as Seq).sum())
    }

    /// The keys of each group.
    pub(super) fn keys(&self) -> Vec<Vec<String>> {
        let key = |operation: Operation<'_>| match operation {
            Operation::Put { key, .. } | Operation::Delete { key } => {
                String::from_utf8_lossy(key).into_owned()
            }
        };
        self.0.lock().iter().map(|group| group.batch.iter().map(key).collect()).collect()
    }
}

/// What came of writers who stood in line while another one was writing.
pub(super) struct Line {
    /// The keys of each group; the first is the one that all others waited for.
    pub(super) groups: Vec<Vec<String>>,
    /// What each of those who waited was told, in the order of the line.
    pub(super) outcomes: Vec<Result<Seq>>,
}

/// A leader with a batch of one, and behind it a line of writers, each with its number and so many
/// operations.
pub(super) fn a_line_behind_a_leader(group_size_max: usize, writers: &[(usize, usize)]) -> Line {
    let queue = WriteQueue::new(group_size_max);
    let groups = Groups::default();
    let wants = vec![Durability::Buffered; writers.len()];
    let batches = writers.iter().map(|&(writer, count)| puts(writer, count)).collect();
    let (_, ends) = stand_in_line(&queue, batches, &wants, &|group| groups.write(group));
    Line { groups: groups.keys(), outcomes: all_told(ends) }
}

/// How durable the groups are that follow a leader, if those in line want this.
pub(super) fn durabilities_behind_a_leader(wanted: &[Durability]) -> Vec<Durability> {
    let queue = WriteQueue::new(1 << 20);
    let groups = Groups::default();
    let batches = (1..=wanted.len()).map(|writer| puts(writer, 1)).collect();
    all_told(stand_in_line(&queue, batches, wanted, &|group| groups.write(group)).1);
    groups.0.lock()[1..].iter().map(|group| group.durability).collect()
}

/// A line of four, of which one leads and fails: what the leader is told, and the others.
#[track_caller]
pub(super) fn a_failing_line(error: impl Fn() -> Error + Sync) -> (Result<Seq>, Vec<Result<Seq>>) {
    let queue = WriteQueue::new(1 << 20);
    let leaders = Mutex::new(Vec::new());
    let write = |group: Group| {
        leaders.lock().push(thread::current().id());
        match group.batch.len() {
            1 => Ok(1),
            _ => Err(error()),
        }
    };
    let batches = (1..=4).map(|writer| puts(writer, 2)).collect();
    let (threads, ends) = stand_in_line(&queue, batches, &[Durability::Buffered; 4], &write);
    let mut outcomes = all_told(ends);
    let leader = threads.iter().position(|thread| *thread == leaders.lock()[1]);
    let leader = outcomes.remove(leader.expect("one of the four led their group"));
    (leader, outcomes)
}

/// A line of four in two groups of two, the first of which its leader panics of: how the thread of
/// each of the four ended, and with what it was told.
pub(super) fn a_panicking_line() -> Ends {
    let queue = WriteQueue::new(50);
    let groups = Groups::default();
    let write = |group: Group| match first_key(&group) {
        key if key == b"1.0" => panic_in_silence(),
        _ => groups.write(group),
    };
    let batches = (1..=4).map(|writer| puts(writer, 1)).collect();
    stand_in_line(&queue, batches, &[Durability::Buffered; 4], &write).1
}

/// Panics as any bug would, but prints nothing.
pub(super) fn panic_in_silence() -> ! {
    std::panic::resume_unwind(Box::new("a bug"))
}

fn first_key(group: &Group) -> Vec<u8> {
    match group.batch.iter().next().expect("a group has operations") {
        Operation::Put { key, .. } | Operation::Delete { key } => key.to_vec(),
    }
}

/// How writers' threads ended.
type Ends = Vec<thread::Result<Result<Seq>>>;

#[track_caller]
fn all_told(ends: Ends) -> Vec<Result<Seq>> {
    let told = |end: thread::Result<_>| end.expect("a writer returns: nothing here panics");
    ends.into_iter().map(told).collect()
}

/// Lets one writer lead with a batch of one, and the others stand in line, one after the other,
/// while it writes. Returns their threads, and how these ended.
fn stand_in_line(
    queue: &WriteQueue,
    batches: Vec<WriteBatch>,
    wanted: &[Durability],
    write: &(impl Fn(Group) -> Result<Seq> + Sync),
) -> (Vec<thread::ThreadId>, Ends) {
    let count = batches.len();
    let is_leading = &Mutex::new(false);
    thread::scope(|scope| {
        let leader = scope.spawn(move || {
            let led = queue.write(puts(0, 1), Durability::Buffered, |group| {
                if group.batch.len() == 1 {
                    *is_leading.lock() = true;
                    wait_until("others stand in line behind it: rule 1", || {
                        queue.waiting() == count
                    });
                }
                write(group)
            });
            assert_eq!(led.ok(), Some(1), "the first writer is alone, and number 1");
        });
        wait_until("who comes alone leads", || *is_leading.lock() || leader.is_finished());
        let mut waiting = Vec::new();
        for (index, (batch, &durability)) in batches.into_iter().zip(wanted).enumerate() {
            let told = scope.spawn(move || queue.write(batch, durability, write));
            // The last of them may be gone as soon as it has come.
            let stands = || queue.waiting() > index || index + 1 == count || leader.is_finished();
            wait_until("who comes while another one writes stands in line: rule 1", stands);
            waiting.push(told);
        }
        let threads = waiting.iter().map(|told| told.thread().id()).collect();
        (threads, waiting.into_iter().map(|told| told.join()).collect())
    })
}
