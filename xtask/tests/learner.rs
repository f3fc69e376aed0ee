//! The commands as a learner meets them, in a course of one week with two days and a lab.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const WEEK: &str = r#"
number = 1
name = "wal"
title = "The log"
promise = "A store that survives."
open = true

[[day]]
id = "day1"
title = "A record"
idea = "Length and checksum agree."
chapter = "week01/day1-record.md"
files = ["src/record.rs"]
minutes = 60
points = 40

[[day]]
id = "day2"
title = "A log"
idea = "Files that only grow."
chapter = "week01/day2-log.md"
files = ["src/log.rs"]
minutes = 60
points = 60

[[lab]]
id = "bitcask"
title = "Bitcask"
idea = "The log is the database."
chapter = "week01/lab-bitcask.md"
files = ["src/bitcask.rs"]
"#;

const CLOSED: &str = "number = 2\nname = \"memtable\"\ntitle = \"Memory\"\npromise = \"p\"\n\
                      open = false\n[[day]]\nid = \"day1\"\ntitle = \"Keys\"\nidea = \"i\"\n";

const RECORD: &str = "pub fn record() -> u32 {\n    todo!(\"day 1: record\")\n}\n";
const LOG: &str = "pub fn log() -> u32 {\n    todo!(\"day 2: log\")\n}\n";
const LAB: &str = "pub fn merge() -> u32 {\n    todo!(\"lab bitcask: merge\")\n}\n";

const DAY1: &str = "#[test]\nfn zeros_are_not_a_record() {\n    let _ = wal::record();\n}\n\
                    #[test]\nfn a_record_is_seven() {\n    \
                    assert!(wal::record() == 7, \"want 7: rule 3 of day 1\");\n}\n";
const DAY2: &str = "mod files;\n";
const DAY2_FILES: &str = "#[test]\nfn a_log_grows() {\n    assert!(wal::log() > 0);\n}\n";
const DAY_LAB: &str = "#[test]\nfn a_merge_keeps_all() {\n    wal::merge();\n}\n";
const HINTS: &str = "[a_record_is_seven]\nnudge = \"Count.\"\ndraw = \"Seven strokes.\"\n\
                     shape = \"A literal.\"\n";

struct Course(TempDir);

impl Course {
    fn new() -> Course {
        let course = Course(tempfile::tempdir().unwrap());
        let package = |name: &str| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        let week = package("week01-wal") + "[lib]\nname = \"wal\"\n[[test]]\nname = \"days\"\n";
        let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"week01-wal\", \"xtask\"]\n\
                         [workspace.package]\nrust-version = \"1.0\"\n";
        for (path, text) in [
            ("Cargo.toml", workspace),
            ("xtask/Cargo.toml", &package("xtask")),
            ("xtask/src/main.rs", "fn main() {}\n"),
            ("solutions/Cargo.toml", "[workspace]\n"),
            ("week01-wal/Cargo.toml", &week),
            ("week01-wal/week.toml", WEEK),
            (
                "week01-wal/src/lib.rs",
                "mod record; mod log; mod bitcask;\n\
              pub use record::*; pub use log::*; pub use bitcask::*;\n",
            ),
            ("week01-wal/src/record.rs", RECORD),
            ("week01-wal/src/log.rs", LOG),
            ("week01-wal/src/bitcask.rs", LAB),
            ("week01-wal/tests/days/main.rs", "mod day1; mod day2; mod bitcask;\n"),
            ("week01-wal/tests/days/day1.rs", DAY1),
            ("week01-wal/tests/days/day2.rs", DAY2),
            ("week01-wal/tests/days/day2/files.rs", DAY2_FILES),
            ("week01-wal/tests/days/bitcask.rs", DAY_LAB),
            ("week01-wal/hints/day1.toml", HINTS),
            ("week02-memtable/week.toml", CLOSED),
        ] {
            course.write(path, text);
        }
        course
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The learner writes a function of one line.
    fn solve(&self, file: &str, todo: &str, line: &str) {
        let path = format!("week01-wal/src/{file}.rs");
        let text = std::fs::read_to_string(self.root().join(&path)).unwrap();
        self.write(&path, &text.replace(&format!("todo!(\"{todo}\")"), line));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).current_dir(self.root().join("week01-wal"));
        command.env_remove("CARGO_TARGET_DIR").env_remove("RUSTC_WRAPPER");
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str], want_status: i32) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(stdout), text(stderr));
        assert_eq!(status.code(), Some(want_status), "{args:?}\n{stdout}\n{stderr}");
        stdout + &stderr
    }
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn a_learner_goes_from_the_first_red_test_to_a_green_week() {
    let course = Course::new();
    let text = course.run(&["test", "week01"], 1);
    assert_has(&text, &["week01 · day 1 · A record", "· 0 of 2", "day 1: record: not written yet"]);
    assert_has(&text, &["next: week01 · day 1", "book/src/week01/day1-record.md"]);
    assert!(!text.contains("day 2"), "the second day has to wait:\n{text}");

    course.solve("record", "day 1: record", "8");
    let text = course.run(&["test"], 1);
    assert_has(&text, &["◐ 1 of 2", "✗ a_record_is_seven", "want 7: rule 3 of day 1"]);
    assert_has(&text, &["at week01-wal/tests/days/day1.rs:7"]);
    assert_has(&text, &["rule 3 in book/src/week01/day1-record.md · cargo x hint week01 1"]);
    assert_has(&course.run(&[], 0), &["◐ day 1", "1 of 2", "· day 2", "not open yet"]);

    course.write("week01-wal/src/record.rs", &RECORD.replace("todo!(\"day 1: record\")", "7"));
    let text = course.run(&["test", "wal"], 1);
    assert_has(&text, &["✓ 2 of 2", "· day 2 · A log", "run    cargo x test week01"]);

    course.solve("log", "day 2: log", "1");
    let text = course.run(&["test", "week01"], 0);
    assert_has(&text, &["✓ week01 is green. A store that survives.", "next, if you like"]);
    assert_has(&text, &["cargo x test week01 --day bitcask"]);
    assert_has(&course.run(&["test", "1", "--day", "bitcask"], 1), &["lab bitcask: merge"]);

    course.write("week01-wal/src/new.rs", "");
    assert_has(&course.run(&[], 0), &["✓ day 2", "1 of 1 ?", "files have changed"]);
}

#[test]
fn a_green_day_leads_on_though_the_days_before_never_ran() {
    let course = Course::new();
    course.solve("log", "day 2: log", "1");
    let text = course.run(&["test", "week01", "--day", "2"], 0);
    assert_has(&text, &["✓ 1 of 1", "next, if you like: week01 · lab bitcask"]);
}

#[test]
fn code_that_does_not_compile_shows_the_compilers_words_and_no_more() {
    let course = Course::new();
    course.solve("record", "day 1: record", "\"seven\"");
    let text = course.run(&["test", "week01"], 1);
    assert_has(&text, &["error[E0308]: mismatched types", "week01-wal/src/record.rs:2:5"]);
    assert!(!text.contains("0 of 2"), "{text}");
    assert!(!text.contains("linked"), "{text}");
}

#[test]
fn a_machine_gets_one_object_a_test_and_nothing_else() {
    let course = Course::new();
    let Output { stdout, .. } =
        course.command(&["test", "week01", "--all", "--json"]).output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    let lines: Vec<jzon::JsonValue> =
        stdout.lines().map(|line| jzon::parse(line).unwrap()).collect();
    let tests: Vec<&str> = lines.iter().map(|line| line["test"].as_str().unwrap()).collect();
    let want = ["zeros_are_not_a_record", "a_record_is_seven"].map(|name| format!("day1::{name}"));
    assert_eq!(tests[..2], want);
    assert_eq!(tests[2..], ["day2::files::a_log_grows", "bitcask::a_merge_keeps_all"]);
    assert!(lines.iter().all(|line| line["outcome"] == "not_started"), "{stdout}");
}

#[test]
fn hints_come_one_by_one() {
    let course = Course::new();
    let text = course.run(&["hint", "week01"], 1);
    assert_has(&text, &["begin with the stub `record` at week01-wal/src/record.rs:2"]);
    course.solve("record", "day 1: record", "8");
    let text = course.run(&["hint", "week01"], 0);
    assert_has(&text, &["✗ a_record_is_seven", "1 of 3 a nudge", "Count.", "--more"]);
    assert!(!text.contains("Seven strokes."), "{text}");
    assert_has(&course.run(&["hint", "1", "1", "--more"], 0), &["Count.", "Seven strokes."]);
    let text = course.run(&["hint", "--more"], 0);
    assert_has(&text, &["Count.", "Seven strokes.", "A literal.", "cargo x diff week01"]);
    let text = course.run(&["hint", "week01", "is_seven"], 0);
    assert_has(&text, &["✗ a_record_is_seven", "A literal."]);
    assert_has(&course.run(&["hint", "week01", "is_nine"], 2), &["no test has that in its name"]);
}

#[test]
fn a_wrong_name_is_wrong_usage_and_names_the_nearest() {
    let course = Course::new();
    let week = course.run(&["test", "wall"], 2);
    assert_has(&week, &["there is no week `wall`", "did you mean `wal`?"]);
    assert_has(&course.run(&["test", "week02"], 2), &["week02 is not open yet; open: week01"]);
    assert_has(&course.run(&["test", "wal", "--day", "bitcaks"], 2), &["did you mean `bitcask`?"]);
    let test = course.run(&["test", "wal", "zerros"], 2);
    assert_has(&test, &["did you mean `zeros_are_not_a_record`?"]);
    assert_has(&course.run(&["tset"], 2), &["'test'"]);
    assert_has(&course.run(&["test", "wal", "--wacht"], 2), &["'--watch'"]);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_tests_too() {
    use std::time::{Duration, Instant};

    let course = Course::new();
    let started = course.root().join("started");
    let body = format!(
        "{{ std::fs::write({started:?}, std::process::id().to_string()).unwrap(); loop {{}} }}"
    );
    course.solve("record", "day 1: record", &body);
    let mut child = course.command(&["test", "week01", "zeros"]).spawn().unwrap();
    let since = Instant::now();
    let test_id = loop {
        let id = std::fs::read_to_string(&started).unwrap_or_default();
        if !id.is_empty() {
            break id;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "the test never began");
        std::thread::yield_now();
    };
    let interrupt = ["-INT", &child.id().to_string()].map(str::to_owned);
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let since = Instant::now();
    let alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{test_id}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    while alive() {
        assert!(since.elapsed() < Duration::from_secs(10), "{test_id} is still running");
        std::thread::yield_now();
    }
}
