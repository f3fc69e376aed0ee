//! Golden scripts: a conversation with the simulator, and what it has to say.
//!
//! ```text
//! # Four runs of like size are a tier.          a comment
//! > options strategy=tiered level0_tables=4     a command …
//! > flush 1 5 9
//! level 0   1: 1-9 ×3                           … and the answer, up to the next line of another kind
//! ```
//!
//! | command | what it does | the answer |
//! |---|---|---|
//! | `options NAME=VALUE …` | begins anew, with these options | |
//! | `flush KEY …` | flushes these keys; `2-9` are all from 2 to 9 | the tables |
//! | `step` | does the next compaction | it, and the tables; or that nothing is due |
//! | `settle` | does all that are due | each of them, and the tables |
//! | `cost` | | what it has cost so far |
//!
//! A test never writes a script. Who means to change one copies the answer from the test's message.

use std::fmt::Write as _;

use lsm::simulator::Simulator;
use lsm::{LsmOptions, Strategy};

/// Size of an entry, in bytes: so that sizes are easy to tell.
const ENTRY_SIZE: u64 = 100;

/// The answer to each command of the script is as it stands there.
#[track_caller]
pub(crate) fn expect_script(name: &str, script: &str, rule: &str) {
    let mut simulator = Simulator::new(LsmOptions::default(), ENTRY_SIZE);
    let lines: Vec<&str> = script.lines().map(str::trim_end).collect();
    let is_answer = |line: &&&str| !line.is_empty() && !line.starts_with(['>', '#']);
    for (index, line) in lines.iter().enumerate() {
        let Some(command) = line.strip_prefix("> ") else { continue };
        let want: Vec<&str> = lines[index + 1..].iter().take_while(is_answer).copied().collect();
        let came = answer(&mut simulator, command);
        let came: Vec<&str> = came.lines().map(str::trim_end).collect();
        assert!(
            came == want,
            "in {name}, line {}, after `{command}` the answer should be\n  {}\nand is\n  {}\n{rule}",
            index + 1,
            want.join("\n  "),
            came.join("\n  ")
        );
    }
}

fn answer(simulator: &mut Simulator, command: &str) -> String {
    let (verb, arguments) = command.split_once(' ').unwrap_or((command, ""));
    let mut out = String::new();
    let mut put = |text: &dyn std::fmt::Display| writeln!(out, "{text}").expect("it is memory");
    match verb {
        "options" => {
            *simulator = Simulator::new(options(arguments), ENTRY_SIZE);
            return out;
        }
        "flush" => simulator.flush(arguments.split_whitespace().flat_map(keys)),
        "step" => match simulator.step() {
            Some(compaction) => put(&compaction),
            None => {
                put(&"nothing is due");
                return out;
            }
        },
        "settle" => {
            for round in 0.. {
                let Some(compaction) = simulator.step() else { break };
                put(&compaction);
                assert!(round < 10_000, "the strategy goes in circles:\n{simulator}");
            }
        }
        "cost" => {
            put(&format_args!(
                "written {:.2} times, {} runs to read, {:.2} times the room",
                simulator.write_amplification(),
                simulator.read_amplification(),
                simulator.space_amplification()
            ));
            return out;
        }
        _ => panic!("a script has the command `{command}`"),
    }
    write!(out, "{simulator}").expect("it is memory");
    out
}

/// `7`, or `2-9`.
fn keys(text: &str) -> std::ops::RangeInclusive<u32> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("a script has key `{text}`"));
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    number(first)..=number(last)
}

fn options(text: &str) -> LsmOptions {
    let mut options = LsmOptions::default();
    for pair in text.split_whitespace() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name == "strategy" {
            options.strategy = match value {
                "leveled" => Strategy::Leveled,
                "tiered" => Strategy::Tiered,
                _ => panic!("a script has the strategy `{value}`"),
            };
            continue;
        }
        let number: u64 = value.parse().unwrap_or_else(|_| panic!("a script has `{pair}`"));
        match name {
            "table_size" => options.table_size = number,
            "level0_tables" => options.level0_tables = number as usize,
            "level0_slow" => options.level0_slow = number as usize,
            "level0_stop" => options.level0_stop = number as usize,
            "base_level_size" => options.base_level_size = number,
            "level_ratio" => options.level_ratio = number,
            "space_max_percent" => options.space_max_percent = number,
            _ => panic!("a script has the option `{name}`"),
        }
    }
    options
}
