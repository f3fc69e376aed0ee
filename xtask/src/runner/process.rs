//! One process within its limits, and what was seen of it.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::groups;

/// What one test may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// On the clock, from start to end.
    pub(crate) time: Duration,
    /// The same, once another test of the run was ended for taking too long.
    pub(crate) time_after_hang: Duration,
    /// On both of its outputs together.
    pub(crate) output_bytes: usize,
    /// Address space, where the system can bound it. Far more than a test should use: the tests'
    /// own allocator stops at less, and threads reserve much that they never touch.
    pub(crate) memory_bytes: u64,
}

impl Limits {
    /// The limits of a test that may take this long.
    pub(crate) fn within(time: Duration) -> Limits {
        Limits { time, time_after_hang: time, output_bytes: 1_000_000, memory_bytes: 8 << 30 }
    }

    /// Less time where another test hangs already: what deadlocks in one test does so in ten, and
    /// someone is waiting. For people, not for grades.
    pub(crate) fn hasty(self) -> Limits {
        Limits { time_after_hang: self.time.min(HASTE), ..self }
    }
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Ended(ExitStatus),
    /// It was still running when its time was over. `busy`: it used a processor until the end.
    TimedOut { busy: Option<bool> },
    /// It wrote more than it may.
    TooMuchOutput,
    /// It said what it was watched for, and did not end by itself soon after.
    SaidIt,
    /// The run was stopped.
    Stopped,
}

/// What was seen of a process.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) ending: Ending,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) duration: Duration,
}

/// A text on the standard error after which a process has `grace` to end by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub(super) text: &'static str,
    pub(super) grace: Duration,
}

/// Far more than most tests take, and still bearable ten times over.
const HASTE: Duration = Duration::from_secs(4);
/// The last part of a test's time, in which it is seen whether it computes or waits.
const TWILIGHT: Duration = Duration::from_secs(1);
/// What computes for this long in [`TWILIGHT`] does not wait. On a machine with much else to do it
/// is not much; what waits needs none.
const BUSY: Duration = Duration::from_millis(20);
/// How often a running process is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long to wait for the rest of the output once the process has ended. Only a process that
/// left its group can still hold the other end.
const DRAIN: Duration = Duration::from_millis(500);

enum Message {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Closed,
    Ended(std::io::Result<ExitStatus>),
}

/// Runs `command` to its end or to its limits.
pub(super) fn observe(
    command: &mut Command,
    limits: Limits,
    watch: Watch,
    stop: &AtomicBool,
) -> anyhow::Result<Seen> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let child = groups::spawn(command, Some(limits.memory_bytes))
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let id = child.id();
    let messages = listen(child);
    let mut observer = Observer {
        id,
        limits,
        watch,
        deadline: started + limits.time,
        stdout: Vec::new(),
        stderr: Vec::new(),
        said_it: false,
        used_before: None,
        ending: None,
    };
    let status = observer.follow(&messages, stop)?;
    Ok(Seen {
        ending: observer.ending.unwrap_or(Ending::Ended(status)),
        stdout: String::from_utf8_lossy(&observer.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&observer.stderr).into_owned(),
        duration: started.elapsed(),
    })
}

/// Threads that report what the child writes and when it ends. They outlive the child only where
/// something else holds its outputs, and hold nothing but the pipe.
fn listen(mut child: Child) -> Receiver<Message> {
    let (sender, receiver) = channel();
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    pump(stdout, Message::Stdout, sender.clone());
    pump(stderr, Message::Stderr, sender.clone());
    std::thread::spawn(move || sender.send(Message::Ended(groups::wait(child))));
    receiver
}

fn pump(mut pipe: impl Read + Send + 'static, as_is: fn(Vec<u8>) -> Message, to: Sender<Message>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        // A pipe that cannot be read is as good as closed.
        while let Ok(len @ 1..) = pipe.read(&mut buffer) {
            if to.send(as_is(buffer[..len].to_vec())).is_err() {
                return;
            }
        }
        // Nobody listens any more if the test was given up.
        let _heard = to.send(Message::Closed);
    });
}

struct Observer {
    id: u32,
    limits: Limits,
    watch: Watch,
    deadline: Instant,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Whether the watched text has come.
    said_it: bool,
    /// The processor time it had used when its last moments began.
    used_before: Option<Duration>,
    /// Why it was ended, if it was not let run.
    ending: Option<Ending>,
}

impl Observer {
    fn follow(
        &mut self,
        messages: &Receiver<Message>,
        stop: &AtomicBool,
    ) -> anyhow::Result<ExitStatus> {
        let mut open_count = 2;
        let mut ended: Option<(ExitStatus, Instant)> = None;
        loop {
            if let Some((status, at)) = ended
                && (open_count == 0 || at.elapsed() > DRAIN)
            {
                return Ok(status);
            }
            match messages.recv_timeout(TICK) {
                Ok(Message::Stdout(bytes)) => self.take(bytes, true),
                Ok(Message::Stderr(bytes)) => self.take(bytes, false),
                Ok(Message::Closed) => open_count -= 1,
                Ok(Message::Ended(status)) => {
                    ended = Some((status.context("cannot wait for a test")?, Instant::now()));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if ended.is_none() {
                self.check(stop);
            }
        }
    }

    fn take(&mut self, bytes: Vec<u8>, is_stdout: bool) {
        let room = self.limits.output_bytes.saturating_sub(self.stdout.len() + self.stderr.len());
        let kept = &bytes[..bytes.len().min(room)];
        if is_stdout {
            self.stdout.extend_from_slice(kept);
        } else {
            // The text may have begun in the bytes before.
            let from = self.stderr.len().saturating_sub(self.watch.text.len());
            self.stderr.extend_from_slice(kept);
            if !self.said_it && contains(&self.stderr[from..], self.watch.text) {
                self.said_it = true;
                self.deadline = self.deadline.min(Instant::now() + self.watch.grace);
            }
        }
        if kept.len() < bytes.len() {
            self.end(Ending::TooMuchOutput);
        }
    }

    fn check(&mut self, stop: &AtomicBool) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if stop.load(Ordering::Relaxed) {
            self.end(Ending::Stopped);
        } else if left.is_zero() && self.said_it {
            self.end(Ending::SaidIt);
        } else if left.is_zero() {
            let used = processor_time(self.id).zip(self.used_before);
            let busy = used.map(|(now, before)| now.saturating_sub(before) >= BUSY);
            self.end(Ending::TimedOut { busy });
        } else if left <= TWILIGHT && self.used_before.is_none() {
            self.used_before = processor_time(self.id);
        }
    }

    fn end(&mut self, why: Ending) {
        if self.ending.is_none() {
            self.ending = Some(why);
            groups::end(self.id);
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The processor time that a living process has used, as `/proc/<id>/stat` tells: the 14th and
/// 15th field, in hundredths of a second.
#[cfg(target_os = "linux")]
fn processor_time(id: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is a name in parentheses that may hold spaces.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_id: u32) -> Option<Duration> {
    None
}
