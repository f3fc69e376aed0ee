//! The standard error of a test, taken apart into panics and the rest.

/// What came on the standard error, taken apart.
#[derive(Debug, Default)]
pub(super) struct Stderr {
    pub(super) panics: Vec<Panic>,
    /// All that is no panic.
    pub(super) rest: String,
}

/// One panic.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panic {
    thread: String,
    /// `file:line`
    pub(super) location: String,
    pub(super) message: String,
}

impl Stderr {
    pub(super) fn parse(text: &str) -> Stderr {
        let mut stderr = Stderr::default();
        let mut open: Option<Panic> = None;
        let mut in_backtrace = false;
        for line in text.lines() {
            if let Some(panic) = Panic::header(line) {
                stderr.panics.extend(open.replace(panic));
                in_backtrace = false;
            } else if line.starts_with("note: run with `RUST_BACKTRACE=") {
                stderr.panics.extend(open.take());
            } else if line == "stack backtrace:" {
                // A panic that ends the process prints one in spite of `RUST_BACKTRACE=0`.
                stderr.panics.extend(open.take());
                in_backtrace = true;
            } else if in_backtrace {
                continue;
            } else if let Some(panic) = &mut open {
                if !panic.message.is_empty() {
                    panic.message.push('\n');
                }
                panic.message.push_str(line);
            } else {
                stderr.rest.push_str(line);
                stderr.rest.push('\n');
            }
        }
        stderr.panics.extend(open);
        for panic in &mut stderr.panics {
            panic.message.truncate(panic.message.trim_end().len());
        }
        stderr
    }

    /// The panic that tells why the test failed: its own last one, unless that only says that
    /// another thread panicked. Then that thread's.
    pub(super) fn cause(&self, test: &str) -> Option<&Panic> {
        let own = self.panics.iter().rfind(|panic| panic.thread == test);
        let other = self.panics.iter().find(|panic| panic.thread != test);
        let only_joins = |panic: &&Panic| {
            panic.message.contains("Any { .. }") || panic.message == "a scoped thread panicked"
        };
        own.filter(|panic| !only_joins(panic)).or(other).or(own)
    }
}

impl Panic {
    /// Reads `thread 'day1::x' (4711) panicked at week01-wal/src/record.rs:57:5:`.
    fn header(line: &str) -> Option<Panic> {
        let (thread, rest) = line.strip_prefix("thread '")?.split_once('\'')?;
        let (_, place) = rest.split_once(" panicked at ")?;
        let (location, _column) = place.strip_suffix(':')?.rsplit_once(':')?;
        let location = location.replace('\\', "/");
        Some(Panic { thread: thread.to_owned(), location, message: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_of_several_threads_are_told_apart() {
        let stderr = Stderr::parse(
            "seen\n\nthread '<unnamed>' (7) panicked at week01-wal\\src\\commit.rs:9:5:\n\
             the leader lost a record\nand another\n\
             note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\
             seen between\n\n\
             thread 'day3::a' (8) panicked at tests/days/day3.rs:12:30:\n\
             called `Result::unwrap()` on an `Err` value: Any { .. }\n",
        );
        let cause = stderr.cause("day3::a").unwrap();
        assert_eq!(cause.message, "the leader lost a record\nand another");
        assert_eq!(cause.location, "week01-wal/src/commit.rs:9");
        assert_eq!(stderr.rest, "seen\n\nseen between\n\n");
    }

    #[test]
    fn the_tests_own_last_panic_is_the_cause() {
        let stderr = Stderr::parse(
            "thread 'day6::a' (8) panicked at a.rs:1:1:\nraw\n\
             thread 'day6::a' (8) panicked at b.rs:2:2:\ncrash at operation 17: raw\n",
        );
        assert_eq!(stderr.cause("day6::a").unwrap().message, "crash at operation 17: raw");
    }
}
