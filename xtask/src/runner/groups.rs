//! Process groups: what is started together is ended together.
//!
//! Every process the runner starts leads a group of its own, and the group is known here from
//! before it can act until after it is ended. So Ctrl-C finds them all, and a process that a test
//! left behind dies with its test.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::style;

/// What a shell expects of a command that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// Ids of the groups that live. Held while a process is started, so that none slips through.
static LIVE: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn live() -> MutexGuard<'static, BTreeSet<u32>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts `command` as the leader of a new group, with at most `memory_bytes` of address space
/// where the system can bound that.
pub(crate) fn spawn(command: &mut Command, memory_bytes: Option<u64>) -> io::Result<Child> {
    end_all_on_interrupt();
    own_group(command);
    let mut live = live();
    let child = {
        let _bounds = bounds::Lowered::new(memory_bytes);
        command.spawn()?
    };
    live.insert(child.id());
    Ok(child)
}

/// Ends the group of this id at once, whatever it does.
pub(super) fn end(id: u32) {
    // A group that is not known here any more may be someone else's by now.
    if live().contains(&id) {
        kill(id);
    }
}

/// Waits for the leader and then ends what it left behind.
pub(crate) fn wait(mut child: Child) -> io::Result<ExitStatus> {
    let id = child.id();
    wait_for_end(&mut child);
    {
        let mut live = live();
        kill_remains(id);
        live.remove(&id);
    }
    child.wait()
}

fn end_all_on_interrupt() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let handler = || {
            // The lock is never given back: from here on nothing is started.
            let live = live();
            live.iter().for_each(|&id| kill(id));
            style::clear_progress();
            std::process::exit(INTERRUPTED);
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            style::warn(format!("Ctrl-C will not end the tests: {error}"));
        }
    });
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(unix)]
fn kill(id: u32) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    // It fails only if the group is gone, which is what we want.
    let _gone = killpg(Pid::from_raw(id.cast_signed()), Signal::SIGKILL);
}

#[cfg(unix)]
fn kill_remains(id: u32) {
    kill(id);
}

/// Waits until the leader has ended, without giving its id back.
#[cfg(target_os = "linux")]
fn wait_for_end(leader: &mut Child) {
    use nix::errno::Errno;
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    use nix::unistd::Pid;
    let id = Pid::from_raw(leader.id().cast_signed());
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(id), flags) == Err(Errno::EINTR) {}
}

/// Waits until the leader has ended. The system has no way to look without taking, so the id is
/// free from here on; ids are given out in turn, and it is used again only much later.
#[cfg(not(target_os = "linux"))]
fn wait_for_end(leader: &mut Child) {
    // The status is kept in `leader`, as is an error: the next wait says the same.
    let _kept = leader.wait();
}

#[cfg(windows)]
fn own_group(_command: &mut Command) {}

#[cfg(windows)]
fn kill(id: u32) {
    use std::process::Stdio;
    // Windows has trees in place of groups; the leader must still be there for its tree to be.
    let mut command = Command::new("taskkill");
    command.args(["/T", "/F", "/PID", &id.to_string()]);
    let _gone = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

#[cfg(windows)]
fn kill_remains(_id: u32) {}

#[cfg(target_os = "linux")]
mod bounds {
    use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

    /// Our own bounds, lowered while a child that shall inherit them is started.
    pub(super) struct Lowered(Vec<(Resource, rlim_t, rlim_t)>);

    impl Lowered {
        pub(super) fn new(memory_bytes: Option<u64>) -> Lowered {
            let mut before = Vec::new();
            let Some(memory_bytes) = memory_bytes else {
                return Lowered(before);
            };
            // No core files either: a crash is reported, not kept, and a large one takes seconds.
            for (resource, bound) in
                [(Resource::RLIMIT_AS, memory_bytes), (Resource::RLIMIT_CORE, 0)]
            {
                let Ok((soft, hard)) = getrlimit(resource) else {
                    continue;
                };
                if setrlimit(resource, bound.min(soft), hard).is_ok() {
                    before.push((resource, soft, hard));
                }
            }
            Lowered(before)
        }
    }

    impl Drop for Lowered {
        fn drop(&mut self) {
            for &(resource, soft, hard) in &self.0 {
                setrlimit(resource, soft, hard).expect("up to the hard bound is always allowed");
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod bounds {
    /// Elsewhere the tests' allocator is the only bound.
    pub(super) struct Lowered;

    impl Lowered {
        pub(super) fn new(_memory_bytes: Option<u64>) -> Lowered {
            Lowered
        }
    }
}
