//! What is wrong with a file, and how that is told.

use std::io::{self, Write};

use crate::style::{BAD, paint};

/// One thing that is wrong.
pub(crate) struct Problem {
    /// Which part of the file, and where.
    pub(crate) place: String,
    pub(crate) what: String,
    /// The figures, and what they may come from.
    pub(crate) notes: Vec<String>,
}

/// All that is wrong; of very many, the first.
#[derive(Default)]
pub(crate) struct Problems {
    pub(crate) list: Vec<Problem>,
    pub(crate) count: u64,
    /// Where notes go once the list is full.
    untold: Vec<String>,
}

/// Whoever reads a hundred has read enough.
const TOLD_MAX: usize = 100;

impl Problems {
    /// Adds a problem; what is returned takes notes about it.
    pub(crate) fn add(
        &mut self,
        place: impl Into<String>,
        what: impl Into<String>,
    ) -> &mut Vec<String> {
        self.count += 1;
        if self.list.len() == TOLD_MAX {
            self.untold.clear();
            return &mut self.untold;
        }
        let (place, what) = (place.into(), what.into());
        self.list.push(Problem { place, what, notes: Vec::new() });
        &mut self.list.last_mut().expect("it was just added").notes
    }

    /// Takes notes about the problem that was added last.
    pub(crate) fn notes(&mut self) -> &mut Vec<String> {
        match self.list.last_mut() {
            Some(last) => &mut last.notes,
            None => &mut self.untold,
        }
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for Problem { place, what, notes } in &self.list {
            writeln!(out, "{} {place}: {what}", paint(BAD, "✗"))?;
            for note in notes {
                writeln!(out, "    {note}")?;
            }
        }
        let untold = self.count - self.list.len() as u64;
        if untold > 0 {
            writeln!(out, "{} and {untold} more", paint(BAD, "✗"))?;
        }
        Ok(())
    }
}
