//! Spreads the work of all proofs over slots.
//!
//! A slot is a place to build: a tree and a target directory of its own, so that two trees never
//! wait for each other's lock, and the second run of a proof finds what the first one built.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, TryLockError};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};

use super::cache::Cache;
use super::slot::Slot;
use super::zoo::Bug;
use super::{Check, Prepared, Proof, Request, bugs, course, print_check, trees};
use crate::nearest::unknown;
use crate::repo::Repo;
use crate::style::Progress;
use crate::week::{Week, Weeks};

/// What a slot is given to do.
enum Task<'a> {
    Sync(&'a Prepared<'a>),
    Green(&'a Prepared<'a>),
    /// Red and day by day share a tree: so many units are solved.
    Tree(&'a Prepared<'a>, usize),
    /// The bugs of one unit are built together.
    Bugs(&'a Prepared<'a>, &'a str, Vec<&'a Bug>),
    Zoo(&'a Prepared<'a>),
    Guide,
    Days(&'a Prepared<'a>),
}

impl Task<'_> {
    /// What it looks at, as in [`Check::subject`].
    fn subject(&self) -> String {
        match self {
            Task::Sync(course) | Task::Green(course) | Task::Zoo(course) | Task::Days(course) => {
                course.week.label()
            }
            Task::Tree(course, solved) => trees::subject(course.week, *solved),
            Task::Bugs(course, unit, _) => format!("{} {unit}", course.week.label()),
            Task::Guide => course::GUIDE.to_owned(),
        }
    }

    fn proof(&self) -> Proof {
        match self {
            Task::Sync(_) => Proof::Sync,
            Task::Green(_) => Proof::Green,
            Task::Tree(..) => Proof::Days,
            Task::Bugs(..) | Task::Zoo(_) => Proof::Zoo,
            Task::Guide | Task::Days(_) => Proof::Book,
        }
    }

    /// Of how many steps that can be told of.
    fn step_count(&self) -> usize {
        match self {
            Task::Bugs(_, _, bugs) => bugs.len(),
            _ => 1,
        }
    }
}

/// Does what is requested, prints what does not hold, and returns all checks.
pub(crate) fn run(repo: &Repo, weeks: &Weeks, request: &Request) -> anyhow::Result<Vec<Check>> {
    let is_meant = |week: &&Week| request.week.is_none_or(|number| number == week.number);
    let mut prepared = Vec::new();
    for week in weeks.open().filter(is_meant) {
        prepared.push(Prepared::new(repo, weeks, week)?);
    }
    ensure!(!prepared.is_empty(), "no week is open yet");
    let tasks = tasks(&prepared, request)?;
    let total: usize = tasks.iter().map(Task::step_count).sum();
    let slot_count = request.slot_count.min(tasks.len()).max(1);
    let _alone = lock(repo)?;
    let queue = Mutex::new(tasks);
    let cache = &Cache::open(repo, request.fresh);
    let (sender, receiver) = mpsc::channel();
    let (mut checks, mut done, mut progress) = (Vec::new(), 0, Progress::new());
    thread::scope(|scope| {
        for number in 1..=slot_count {
            let (sender, queue) = (sender.clone(), &queue);
            let slot = Slot::new(repo, number);
            scope.spawn(move || {
                // On its own: in the `while let`, the lock would be held until the task is done.
                let next = || queue.lock().expect("no panic holds it").pop_front();
                while let Some(task) = next() {
                    let send = |event| sender.send(event).expect("all slots are listened to");
                    send(Event::Begun(format!("{} {}", task.proof().name(), task.subject())));
                    perform(repo, &slot, cache, request, &task, &mut |new| send(Event::Done(new)));
                }
            });
        }
        drop(sender);
        for event in receiver {
            match event {
                Event::Begun(label) => {
                    progress.show(format!("{done} of {total} done · {label}"));
                }
                Event::Done(new) => {
                    done += 1;
                    progress.clear();
                    new.iter().for_each(print_check);
                    checks.extend(new);
                }
            }
        }
    });
    progress.clear();
    Ok(checks)
}

/// What a slot tells.
enum Event {
    Begun(String),
    /// A step is done.
    Done(Vec<Check>),
}

/// All tasks of `request`: what is known at once, then what takes longest, so that the last one need
/// not be waited for.
fn tasks<'a>(
    prepared: &'a [Prepared<'a>],
    request: &Request,
) -> anyhow::Result<VecDeque<Task<'a>>> {
    let wanted = |proof| request.proofs.contains(&proof);
    let mut tasks = VecDeque::new();
    if wanted(Proof::Book) {
        tasks.push_back(Task::Guide);
    }
    for week in prepared {
        if wanted(Proof::Sync) {
            tasks.push_back(Task::Sync(week));
        }
        if wanted(Proof::Green) {
            tasks.push_back(Task::Green(week));
        }
        if wanted(Proof::Red) || wanted(Proof::Days) {
            let unit_count = week.week.units().count();
            tasks.extend((0..=unit_count).rev().map(|solved| Task::Tree(week, solved)));
        }
        if wanted(Proof::Zoo) {
            let is_meant = |bug: &&Bug| request.bug.as_ref().is_none_or(|name| *name == bug.name);
            let mut of_unit: BTreeMap<&str, Vec<&Bug>> = BTreeMap::new();
            for bug in week.bugs.iter().filter(is_meant) {
                of_unit.entry(bug.day()).or_default().push(bug);
            }
            tasks.extend(of_unit.into_iter().map(|(unit, bugs)| Task::Bugs(week, unit, bugs)));
            if request.bug.is_none() {
                tasks.push_back(Task::Zoo(week));
            }
        }
        if wanted(Proof::Book) {
            tasks.push_back(Task::Days(week));
        }
    }
    if let (Some(name), true) = (&request.bug, tasks.is_empty()) {
        let names = prepared.iter().flat_map(|week| &week.bugs).map(|bug| bug.name.as_str());
        return Err(unknown("bug", name, names));
    }
    Ok(tasks)
}

/// Does `task`, and tells of each of its steps.
fn perform(
    repo: &Repo,
    slot: &Slot,
    cache: &Cache,
    request: &Request,
    task: &Task<'_>,
    tell: &mut dyn FnMut(Vec<Check>),
) {
    let begun = Instant::now();
    let checks = match task {
        Task::Sync(course) => course::sync(repo, course),
        Task::Green(course) => trees::green(repo, course),
        Task::Tree(course, solved) => trees::day(slot, cache, course, *solved, &request.proofs),
        Task::Bugs(course, _, bugs) => return bugs::prove(slot, cache, course, bugs, tell),
        Task::Zoo(course) => Ok(vec![course::zoo(course)]),
        Task::Guide => course::guide(repo),
        Task::Days(course) => course::days(repo, course),
    };
    tell(checks.unwrap_or_else(|error| {
        vec![Check {
            proof: task.proof(),
            subject: task.subject(),
            problems: vec![format!("{error:#}")],
            notes: Vec::new(),
            took: Some(begun.elapsed()),
        }]
    }));
}

/// Holds the slots for this process: two that build in one tree would test each other's code.
fn lock(repo: &Repo) -> anyhow::Result<File> {
    let dir = repo.state_dir().join("verify");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let path = dir.join("LOCK");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another `cargo x verify` is at work in this repository: let it finish first")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
