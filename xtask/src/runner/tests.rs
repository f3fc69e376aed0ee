//! Tests that misbehave in every way we know of: each must cost itself alone, and be named.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// A package whose tests do what a learner's code may do.
const MISBEHAVING: &str = r#"
#![allow(unconditional_recursion)]
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

#[test]
fn passes() {
    println!("hello");
}

#[test]
fn fails() {
    eprintln!("seen before");
    assert_eq!(1 + 1, 3, "recovery gave 2 records, want 3\nrule 2");
}

#[test]
fn fails_without_words() {
    assert_eq!(1 + 1, 3);
}

#[test]
fn returns_an_error() -> Result<(), String> {
    Err("no such record".into())
}

#[test]
#[should_panic]
fn should_panic_and_does_not() {}

#[test]
#[should_panic]
fn should_panic_and_does() {
    panic!("as expected");
}

#[test]
fn comes_to_a_todo() {
    todo!("day 1: encode")
}

#[test]
fn waits_for_a_thread_that_comes_to_a_todo() {
    let (sender, receiver) = mpsc::channel::<()>();
    std::thread::spawn(|| todo!("day 3: sync"));
    let _kept = sender;
    receiver.recv().unwrap();
}

#[test]
fn todo_in_a_drop_while_panicking() {
    struct Log;
    impl Drop for Log {
        fn drop(&mut self) {
            todo!("day 2: close")
        }
    }
    let _log = Log;
    panic!("first");
}

#[test]
fn a_thread_fails() {
    std::thread::spawn(|| panic!("the leader lost a record")).join().unwrap();
}

#[test]
fn loops() {
    let mut n = 0u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

#[test]
fn deadlocks() {
    let locks = Arc::new((Mutex::new(()), Mutex::new(()), Barrier::new(2)));
    let other = Arc::clone(&locks);
    let thread = std::thread::spawn(move || {
        let _second = other.1.lock().unwrap();
        other.2.wait();
        let _first = other.0.lock().unwrap();
    });
    let _first = locks.0.lock().unwrap();
    locks.2.wait();
    let _second = locks.1.lock().unwrap();
    thread.join().unwrap();
}

#[test]
fn overflows_the_stack() {
    fn deeper(n: u64) -> u64 {
        let space = std::hint::black_box([n; 64]);
        deeper(n + 1) + space[0]
    }
    println!("{}", deeper(0));
}

#[test]
fn aborts() {
    std::process::abort();
}

#[test]
fn exits_well_in_the_middle() {
    std::process::exit(0);
}

#[test]
fn exits_badly_in_the_middle() {
    std::process::exit(3);
}

#[test]
fn claims_to_have_passed() {
    println!("test result: FAILED. 0 passed; 1 failed;");
    std::process::exit(0);
}

#[test]
fn prints_a_million_lines() {
    for n in 0..1_000_000 {
        println!("line {n}");
    }
}

#[test]
fn prints_a_million_lines_to_stderr() {
    for n in 0..1_000_000 {
        eprintln!("line {n}");
    }
}

#[test]
fn allocates_ten_gigabytes() {
    let bytes = vec![1u8; 10 << 30];
    println!("{}", bytes[7]);
}

#[cfg(unix)]
#[test]
fn leaves_a_process_behind() {
    let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    println!("child {}", child.id());
}

#[cfg(unix)]
#[test]
fn leaves_a_process_behind_and_loops() {
    let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    println!("child {}", child.id());
    std::thread::sleep(Duration::from_secs(1000));
}
"#;

/// The package, built once for all tests of this file.
fn misbehaving() -> &'static Built {
    static BUILT: OnceLock<(TempDir, Built)> = OnceLock::new();
    &BUILT
        .get_or_init(|| {
            let dir = package(MISBEHAVING);
            match build_package(dir.path(), &[]) {
                Build::Ready { built, .. } => (dir, built),
                Build::Failed { said } => panic!("the fixture does not build:\n{said}"),
            }
        })
        .1
}

fn package(tests: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| crate::repo::write(&dir.path().join(path), text).unwrap();
    write(
        "Cargo.toml",
        "[package]\nname = \"fixture\"\nedition = \"2024\"\n[[test]]\nname = \"days\"\n\
         path = \"tests/days/main.rs\"\n[features]\nmore = []\n[workspace]\n[profile.dev]\ndebug = 0\n",
    );
    write("src/lib.rs", "");
    write("tests/days/main.rs", "mod day1;\n");
    write("tests/days/day1.rs", tests);
    dir
}

fn build_package(dir: &Path, features: &[String]) -> Build {
    let target = dir.join("target");
    let job = BuildJob {
        workspace: dir,
        package: "fixture",
        features,
        beside: None,
        target_dir: Some(&target),
        colour: false,
    };
    build(job, |_| {}).unwrap()
}

/// Runs one test of the fixture that ends by itself, however much else the machine has to do.
fn report(test: &str) -> Report {
    report_within(Duration::from_secs(60), test)
}

fn report_within(time: Duration, test: &str) -> Report {
    let planned = Planned { test: format!("day1::{test}"), limits: Limits::within(time) };
    let reports = run(misbehaving(), &[planned], &AtomicBool::new(false), |_| {}).unwrap();
    reports.into_iter().next().unwrap()
}

fn outcome(test: &str) -> Outcome {
    report(test).outcome
}

#[track_caller]
fn fails_with(test: &str, want: &str) {
    match outcome(test) {
        Outcome::Failed { message, .. } => assert_eq!(message, want),
        other => panic!("{test}: {other:?}"),
    }
}

#[test]
fn a_test_that_passes_has_passed_and_its_words_are_kept() {
    let report = report("passes");
    assert_eq!((report.outcome, report.output.as_str()), (Outcome::Passed, "hello\n"));
    assert_eq!(outcome("should_panic_and_does"), Outcome::Passed);
}

#[test]
fn a_failure_has_its_message_and_place_and_nothing_else() {
    let report = report("fails");
    let Outcome::Failed { message, location } = report.outcome else { panic!("{report:?}") };
    let want = "recovery gave 2 records, want 3\nrule 2\n  left: 2\n right: 3";
    assert_eq!(message, want);
    assert_eq!(location.as_deref(), Some("tests/days/day1.rs:14"));
    assert_eq!(report.output, "seen before\n");
}

#[test]
fn every_kind_of_failure_has_a_message() {
    let plain = "assertion `left == right` failed\n  left: 2\n right: 3";
    fails_with("fails_without_words", plain);
    fails_with("returns_an_error", "Error: \"no such record\"");
    fails_with("a_thread_fails", "the leader lost a record");
    let Outcome::Failed { message, .. } = outcome("should_panic_and_does_not") else { panic!() };
    assert!(message.starts_with("test did not panic as expected"), "{message}");
}

#[test]
fn a_todo_is_not_a_failure_wherever_it_stands() {
    let not_started = |test: &str| match outcome(test) {
        Outcome::NotStarted { what, .. } => what,
        other => panic!("{test}: {other:?}"),
    };
    assert_eq!(not_started("comes_to_a_todo"), "day 1: encode");
    assert_eq!(not_started("waits_for_a_thread_that_comes_to_a_todo"), "day 3: sync");
    assert_eq!(not_started("todo_in_a_drop_while_panicking"), "day 2: close");
}

#[test]
fn what_never_ends_is_ended() {
    let outcome = |test| report_within(Duration::from_secs(2), test).outcome;
    let busy = |busy| cfg!(target_os = "linux").then_some(busy);
    assert_eq!(outcome("deadlocks"), Outcome::TimedOut { limit_s: 2, busy: busy(false) });
    assert_eq!(outcome("loops"), Outcome::TimedOut { limit_s: 2, busy: busy(true) });
}

#[test]
fn crashes_are_told_apart() {
    assert_eq!(outcome("overflows_the_stack"), Outcome::StackOverflow);
    let Outcome::Crashed { signal, message: None } = outcome("aborts") else { panic!() };
    assert_eq!(signal, "the process aborted");
}

#[test]
fn an_exit_is_not_a_pass() {
    assert_eq!(outcome("exits_well_in_the_middle"), Outcome::Exited { code: 0 });
    assert_eq!(outcome("exits_badly_in_the_middle"), Outcome::Exited { code: 3 });
    assert_eq!(outcome("claims_to_have_passed"), Outcome::Exited { code: 0 });
}

#[test]
fn a_flood_is_cut_off() {
    for test in ["prints_a_million_lines", "prints_a_million_lines_to_stderr"] {
        let report = report(test);
        assert_eq!(report.outcome, Outcome::TooMuchOutput { limit_bytes: 1_000_000 });
        assert!(report.output.len() <= 1_000_000);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ten_gigabytes_are_refused_and_named() {
    let want = Outcome::OutOfMemory { size: Some(10 << 30) };
    assert_eq!(outcome("allocates_ten_gigabytes"), want);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_left_behind_ends_with_its_test() {
    for (test, time_s) in
        [("leaves_a_process_behind", 60), ("leaves_a_process_behind_and_loops", 2)]
    {
        let report = report_within(Duration::from_secs(time_s), test);
        let id = report.output.trim().strip_prefix("child ").unwrap().to_owned();
        // It is a zombie until its new parent takes notice.
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        let since = Instant::now();
        while !gone() {
            assert!(since.elapsed() < Duration::from_secs(5), "{test} left {id} behind");
            std::thread::yield_now();
        }
        assert_eq!(report.outcome.passed(), test == "leaves_a_process_behind");
    }
}

#[test]
fn a_run_keeps_the_order_and_lists_what_there_is() {
    let tests = list(misbehaving()).unwrap();
    assert!(tests.contains(&"day1::loops".to_owned()), "{tests:?}");
    let limits = Limits::within(Duration::from_secs(10));
    let plan = |name: &str| Planned { test: format!("day1::{name}"), limits };
    let plan = [plan("passes"), plan("comes_to_a_todo"), plan("fails")];
    let mut done = 0;
    let on_event = |event: Event<'_>| done += usize::from(matches!(event, Event::Done(_)));
    let reports = run(misbehaving(), &plan, &AtomicBool::new(false), on_event).unwrap();
    let names: Vec<&str> = reports.iter().map(Report::name).collect();
    assert_eq!((names, done), (vec!["passes", "comes_to_a_todo", "fails"], 3));
}

#[test]
fn a_run_that_is_stopped_ends_what_runs_and_reports_the_rest() {
    let limits = Limits::within(Duration::from_secs(60));
    let plan = |name: &str| Planned { test: format!("day1::{name}"), limits };
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let reports = run(misbehaving(), &[plan("passes"), plan("deadlocks")], &stop, |event| {
        if let Event::Done(_) = event {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let names: Vec<String> = reports.unwrap().iter().map(|r| r.name().to_owned()).collect();
    assert_eq!(names, ["passes"]);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn where_one_test_hangs_the_next_gets_less_time() {
    let limits = Limits::within(Duration::from_secs(60)).hasty();
    let plan = |name: &str, limits| Planned { test: format!("day1::{name}"), limits };
    // As many as run at once: the last begins when the first has hung.
    let first = Limits::within(Duration::from_secs(1));
    let mut tests = vec![plan("deadlocks", first); pool::worker_count()];
    tests.push(plan("deadlocks", limits));
    let reports = run(misbehaving(), &tests, &AtomicBool::new(false), |_| {}).unwrap();
    let last = reports.last().map(|report| &report.outcome);
    assert!(matches!(last, Some(Outcome::TimedOut { limit_s: 4, .. })), "{last:?}");
}

#[test]
fn an_error_of_the_compiler_is_passed_on() {
    let dir = package("#[test]\nfn broken() {\n    let x: u32 = \"text\";\n}\n");
    let Build::Failed { said } = build_package(dir.path(), &[]) else { panic!("it built") };
    assert!(said.contains("error[E0308]: mismatched types"), "{said}");
}

#[test]
fn tests_that_need_a_feature_are_built_with_it() {
    let dir = package(
        "#[test]\nfn always() {}\n#[cfg(feature = \"more\")]\n#[test]\nfn asked_for() {}\n",
    );
    let tests = |features: &[String]| match build_package(dir.path(), features) {
        Build::Ready { built, .. } => list(&built).unwrap(),
        Build::Failed { said } => panic!("the fixture does not build:\n{said}"),
    };
    assert_eq!(tests(&[]), ["day1::always"]);
    assert_eq!(tests(&["more".to_owned()]), ["day1::always", "day1::asked_for"]);
}
