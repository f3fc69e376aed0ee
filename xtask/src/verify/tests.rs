//! A course with every fault that a proof looks for, and the proofs that find them.

use super::*;
use crate::fixture::{Fixture, SOLUTION};

const PACKAGE: &str = "\
[package]
name = \"NAME\"
edition = \"2024\"
[lib]
name = \"wal\"
";

const TARGET: &str = "\
[[test]]
name = \"days\"
path = \"../../week01-wal/tests/days/main.rs\"
";

const DAY1: &str = "\
use wal::log::{append, sync};

#[test]
fn a_byte_goes_to_the_end() {
    let mut log = vec![1];
    append(&mut log, 2);
    assert_eq!(log, [1, 2]);
}

#[test]
fn it_needs_the_day_after() {
    let mut log = vec![1];
    append(&mut log, 2);
    assert_eq!(sync(&log), 2);
}
";

/// For the bug that never ends.
const DAY1_LIMITS: &str = "\
points = 50
[day.time_limit_s]
a_byte_goes_to_the_end = 3
it_needs_the_day_after = 3
";

const DAY2: &str = "\
use wal::log::sync;

#[test]
fn the_length_is_told() {
    assert_eq!(sync(&[1, 2]), 2);
}

#[test]
fn it_proves_nothing() {
    let text = format!(\"{:?}\", std::panic::catch_unwind(|| sync(&[])).is_ok());
    assert!(text.len() > 3);
}
";

const BUGS: &[(&str, &str, &str, &str)] = &[
    ("nothing_is_appended", "log.push(byte);", "let _ = (log, byte);", "day1"),
    ("nothing_is_flushed", "    flush(log);\n", "    let _ = flush;\n", "day2"),
    ("one_is_too_many", "log.len()", "log.len() + 1", "day2"),
    ("it_has_no_type", "log.len()", "log.size()", "day2"),
    ("it_is_gone", "log.pop();", "", "day1"),
    ("it_is_no_rust", "log.push(byte);", "log.push(", "day1"),
    ("it_never_ends", "log.push(byte);", "while log.len() < 9 {} let _ = byte;", "day1"),
];

fn faulty_course() -> Fixture {
    let fixture = Fixture::new();
    let solution = PACKAGE.replace("NAME", "week01-wal-solution") + TARGET;
    fixture.write("Cargo.lock", "version = 4\n");
    let week = fixture.read("week01-wal/week.toml");
    fixture.write("week01-wal/week.toml", &week.replacen("points = 50\n", DAY1_LIMITS, 1));
    fixture.write("week01-wal/Cargo.toml", &PACKAGE.replace("NAME", "week01-wal"));
    fixture.write("solutions/Cargo.toml", "[workspace]\nmembers = [\"week01-wal\"]\n");
    fixture.write("solutions/week01-wal/Cargo.toml", &solution);
    fixture.write("solutions/week01-wal/src/lib.rs", "pub mod given;\npub mod log;\n");
    fixture.write("week01-wal/src/lib.rs", "pub mod log;\n");
    fixture.write("week01-wal/tests/days/main.rs", "mod day1;\nmod day2;\n");
    fixture.write("week01-wal/tests/days/day1.rs", DAY1);
    fixture.write("week01-wal/tests/days/day2.rs", DAY2);
    fixture.write("week01-wal/benches/append.rs", "fn main() {}\n");
    for (index, (name, find, replace, day)) in BUGS.iter().enumerate() {
        let text = format!(
            "[[bug]]\nname = {name:?}\nfile = \"log.rs\"\nfind = {find:?}\nreplace = {replace:?}\n\
             day = {day:?}\nbreaks = \"All.\"\n"
        );
        fixture.write(&format!("solutions/bugs/week01/{index}.toml"), &text);
    }
    fixture
}

fn verify(fixture: &Fixture, proofs: &[Proof]) -> Vec<Check> {
    let weeks = Weeks::load(&fixture.repo).unwrap();
    let request =
        Request { proofs: proofs.to_vec(), week: None, bug: None, fresh: false, slot_count: 2 };
    run(&fixture.repo, &weeks, &request).unwrap()
}

/// The first line of what is wrong with each subject, sorted.
fn problems(checks: &[Check]) -> Vec<String> {
    let line = |text: &String| text.lines().next().unwrap_or_default().to_owned();
    let mut problems: Vec<String> = checks
        .iter()
        .flat_map(|check| {
            let subject = format!("{} {}", check.proof.name(), check.subject);
            check.problems.iter().map(move |problem| format!("{subject}: {}", line(problem)))
        })
        .collect();
    problems.sort();
    problems
}

#[test]
fn every_fault_of_a_course_is_found_and_no_other() {
    let fixture = faulty_course();
    let proofs = [Proof::Sync, Proof::Green, Proof::Red, Proof::Days, Proof::Zoo];
    let checks = verify(&fixture, &proofs);
    let want = [
        "days week01 solved up to day1: day1::it_needs_the_day_after: day 2: sync: not written yet",
        "red week01 solved up to day1: day2::it_proves_nothing passes without its day's code",
        "red week01 with nothing solved: day2::it_proves_nothing passes without its day's code",
        "sync week01: solutions/week01-wal/Cargo.toml does not name \
         ../../week01-wal/benches/append.rs",
        "sync week01: the bug `it_is_gone`: its text is not in src/log.rs any more: \
             \"log.pop();\"",
        "sync week01: week01-wal/src/lib.rs is not what solutions/ gives",
        "zoo week01 it_has_no_type: it does not compile",
        "zoo week01 it_is_gone: its text is not in src/log.rs any more: \"log.pop();\"",
        "zoo week01 it_is_no_rust: it does not compile",
        "zoo week01 nothing_is_flushed: no test of day 2 finds it: All.",
        "zoo week01: 7 bugs in the zoo, want 8 at least",
    ];
    assert_eq!(problems(&checks), want);
    let hung = checks.iter().find(|check| check.subject == "week01 it_never_ends").unwrap();
    assert!(hung.notes[0].starts_with("found by a time limit: day1::"), "{:?}", hung.notes);

    // What held is known now, and what did not is looked at again.
    let again = verify(&fixture, &[Proof::Days, Proof::Zoo]);
    let known = |name: &str| {
        let check = again.iter().find(|check| check.subject.ends_with(name)).unwrap();
        check.took.is_none()
    };
    assert!(known("nothing_is_appended") && known("one_is_too_many"), "{again:?}");
    assert!(known("up to day2"), "{again:?}");
    assert!(!known("nothing_is_flushed") && !known("up to day1"), "{again:?}");
    fixture.write("week01-wal/tests/days/day1.rs", &DAY1.replace("[1, 2]", "[2, 1]"));
    let changed = verify(&fixture, &[Proof::Days]);
    assert!(
        problems(&changed).iter().any(|problem| problem.contains("a_byte_goes_to_the_end")),
        "a changed test is no known test: {changed:?}"
    );
}

#[test]
fn an_unknown_bug_names_the_nearest() {
    let fixture = faulty_course();
    let weeks = Weeks::load(&fixture.repo).unwrap();
    let request = Request {
        proofs: vec![Proof::Zoo],
        week: Some(1),
        bug: Some("nothing_is_apended".into()),
        fresh: false,
        slot_count: 1,
    };
    let error = run(&fixture.repo, &weeks, &request).unwrap_err().to_string();
    assert!(error.contains("did you mean `nothing_is_appended`?"), "{error}");
    assert!(SOLUTION.contains(BUGS[0].1), "the fixture's bug should be of the fixture's solution");
}
