//! A report as JSON: for what is remembered below `.x`, and for whoever runs the tool by program.
//!
//! ```json
//! {"test":"day1::a","outcome":"timed_out","limit_s":20,"busy":null,"duration_ms":20001}
//! ```
//!
//! Behind `outcome` stand the fields that this outcome has. `output` is left out where there is
//! none.

use jzon::JsonValue;
use jzon::object::Object;

use super::{Outcome, Report};

impl Report {
    /// Adds its fields to `object`.
    pub(crate) fn write(&self, object: &mut Object) {
        object.insert("test", self.test.as_str().into());
        let (outcome, fields) = self.outcome.fields();
        object.insert("outcome", outcome.into());
        for (name, value) in fields {
            object.insert(name, value);
        }
        object.insert("duration_ms", self.duration_ms.into());
        if !self.output.is_empty() {
            object.insert("output", self.output.as_str().into());
        }
    }

    /// The report whose fields `object` has. None if it has those of none.
    pub(crate) fn read(object: &JsonValue) -> Option<Report> {
        Some(Report {
            test: object["test"].as_str()?.to_owned(),
            outcome: Outcome::read(object)?,
            duration_ms: object["duration_ms"].as_u64()?,
            output: object["output"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

impl Outcome {
    /// What it is called, and what belongs to it.
    fn fields(&self) -> (&'static str, Vec<(&'static str, JsonValue)>) {
        match self.clone() {
            Outcome::Passed => ("passed", vec![]),
            Outcome::NotStarted { what, location } => {
                ("not_started", vec![("what", what.into()), ("location", location.into())])
            }
            Outcome::Failed { message, location } => {
                ("failed", vec![("message", message.into()), ("location", location.into())])
            }
            Outcome::TimedOut { limit_s, busy } => {
                ("timed_out", vec![("limit_s", limit_s.into()), ("busy", busy.into())])
            }
            Outcome::StackOverflow => ("stack_overflow", vec![]),
            Outcome::OutOfMemory { size } => ("out_of_memory", vec![("size", size.into())]),
            Outcome::TooMuchOutput { limit_bytes } => {
                ("too_much_output", vec![("limit_bytes", limit_bytes.into())])
            }
            Outcome::Crashed { signal, message } => {
                ("crashed", vec![("signal", signal.into()), ("message", message.into())])
            }
            Outcome::Exited { code } => ("exited", vec![("code", code.into())]),
        }
    }

    fn read(object: &JsonValue) -> Option<Outcome> {
        let text = |name: &str| object[name].as_str().map(str::to_owned);
        let number = |name: &str| object[name].as_u64();
        Some(match object["outcome"].as_str()? {
            "passed" => Outcome::Passed,
            "not_started" => {
                Outcome::NotStarted { what: text("what")?, location: text("location") }
            }
            "failed" => Outcome::Failed { message: text("message")?, location: text("location") },
            "timed_out" => {
                Outcome::TimedOut { limit_s: number("limit_s")?, busy: object["busy"].as_bool() }
            }
            "stack_overflow" => Outcome::StackOverflow,
            "out_of_memory" => Outcome::OutOfMemory { size: number("size") },
            "too_much_output" => Outcome::TooMuchOutput { limit_bytes: number("limit_bytes")? },
            "crashed" => Outcome::Crashed { signal: text("signal")?, message: text("message") },
            "exited" => Outcome::Exited { code: object["code"].as_i32()? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(report: &Report) -> String {
        let mut object = Object::new();
        report.write(&mut object);
        object.dump()
    }

    #[test]
    fn every_outcome_comes_back() {
        let (some, none) = (|| Some("src/a.rs:7".to_owned()), || None);
        let outcomes = [
            Outcome::Passed,
            Outcome::NotStarted { what: "day 1: a".into(), location: some() },
            Outcome::Failed { message: "want \"ä\"\n\tgot \u{1}\\".into(), location: none() },
            Outcome::TimedOut { limit_s: 20, busy: Some(false) },
            Outcome::TimedOut { limit_s: 20, busy: None },
            Outcome::StackOverflow,
            Outcome::OutOfMemory { size: Some(u64::MAX) },
            Outcome::OutOfMemory { size: None },
            Outcome::TooMuchOutput { limit_bytes: 1 << 20 },
            Outcome::Crashed { signal: "the process aborted".into(), message: none() },
            Outcome::Exited { code: -1 },
        ];
        for outcome in outcomes {
            let output = "said\n".to_owned();
            let report = Report { test: "day1::a".into(), outcome, duration_ms: 3, output };
            let text = json(&report);
            let value = jzon::parse(&text).expect(&text);
            assert_eq!(Report::read(&value), Some(report), "{text}");
        }
    }

    #[test]
    fn what_is_no_report_is_none() {
        for text in ["null", "[]", "{}", r#"{"test":"a","outcome":"lost","duration_ms":1}"#] {
            assert_eq!(Report::read(&jzon::parse(text).expect(text)), None, "{text}");
        }
    }
}
