//! Golden scripts: commands, and what must come of them, as text.
//!
//! ```text
//! # Why it must be so: shown if it is not.
//! flush 1 5 9
//! step
//! ---
//! level 0: 1 → level 6, a move
//! ```
//!
//! A blank line ends a block. Nobody writes a script but by hand.

mod simulator;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub(crate) use simulator::{Session, in_order};

/// One after the other, each block's commands must give what stands below them.
#[track_caller]
pub(crate) fn expect_script(name: &str, script: &str, mut run: impl FnMut(&str) -> String) {
    let mut line = 1;
    for block in script.split("\n\n") {
        let first = line;
        line += block.matches('\n').count() + 2;
        let lines = || block.lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
        let why: Vec<&str> = lines().filter_map(|line| line.strip_prefix("# ")).collect();
        let rest: Vec<&str> = lines().filter(|line| !line.starts_with('#')).collect();
        let mut parts = rest.split(|line| *line == "---");
        let (commands, want) = (parts.next().unwrap_or(&[]), parts.next().unwrap_or(&[]));
        let came: Vec<String> = commands.iter().map(|command| guarded(command, &mut run)).collect();
        let came: Vec<&str> = came.iter().flat_map(|came| came.lines()).collect();
        let differs = (0..).find(|&at| came.get(at) != want.get(at) || at == came.len());
        assert!(
            came == want,
            "{}\n{name}, line {first}:\n{}\nwant\n{}\ngot\n{}",
            why.join(" "),
            indented(commands, None),
            indented(want, differs),
            indented(&came, differs)
        );
    }
}

/// What comes of a command; if that is a panic, what it says.
fn guarded(command: &str, run: &mut impl FnMut(&str) -> String) -> String {
    catch_unwind(AssertUnwindSafe(|| run(command))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("not yet implemented") {
            resume_unwind(panic);
        }
        format!("`{command}` panicked: {text}")
    })
}

/// One a line, with a mark at the first that differs.
fn indented(lines: &[&str], differs: Option<usize>) -> String {
    let mark = |at| if Some(at) == differs { "  > " } else { "    " };
    let line = |(at, line)| format!("{}{line}", mark(at));
    match lines {
        [] => "    nothing".to_owned(),
        _ => lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n"),
    }
}
