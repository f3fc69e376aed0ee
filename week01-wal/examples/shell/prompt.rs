//! The talk at a terminal: line editing, history, completion of commands.

use std::io;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};

use super::command::{COMMANDS, Outcome, Shell};
use super::{Store, complain, note, run};

/// Reads commands from the terminal until the user leaves. What fails is said, and the talk goes
/// on.
pub(crate) fn talk(shell: &mut Shell<'_, impl Store>) -> Result<(), String> {
    let no_terminal = |error: ReadlineError| format!("cannot read from the terminal: {error}");
    let mut editor = Editor::<Commands, DefaultHistory>::new().map_err(no_terminal)?;
    editor.set_helper(Some(Commands));
    loop {
        let prompt = if shell.in_batch() { "batch> " } else { "> " };
        match editor.readline(prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    editor.add_history_entry(&line).map_err(no_terminal)?;
                }
                match run(shell, &line, &mut io::stdout().lock()) {
                    Ok(Outcome::Done) => {}
                    Ok(Outcome::Leave) => return Ok(()),
                    Err(error) => complain(&error),
                }
            }
            Err(ReadlineError::Interrupted) if shell.drop_batch() => {
                note("the batch is forgotten: nothing of it was written");
            }
            Err(ReadlineError::Interrupted) => note("Ctrl-D or `quit` leaves"),
            Err(ReadlineError::Eof) => {
                if shell.drop_batch() {
                    note("the batch was not committed: nothing of it was written");
                }
                return Ok(());
            }
            Err(error) => return Err(no_terminal(error)),
        }
    }
}

/// Completes the first word of a line.
struct Commands;

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..position];
        let matching = COMMANDS.iter().filter(|usage| usage.name.starts_with(typed));
        Ok((0, matching.map(|usage| format!("{} ", usage.name)).collect()))
    }
}

impl Helper for Commands {}
impl Highlighter for Commands {}
impl Validator for Commands {}
impl Hinter for Commands {
    type Hint = String;
}
