//! Three hints for every test: `weekNN/hints/<unit>.toml`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use crate::repo::{self, Repo};
use crate::week::{Unit, Week};

/// The hints of one test, from the push to the code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hints {
    /// In which direction to think.
    pub(crate) nudge: String,
    /// A state to draw on paper.
    pub(crate) draw: String,
    /// What the code looks like.
    pub(crate) shape: String,
}

impl Hints {
    /// All three, with what they are called.
    pub(crate) fn graded(&self) -> [(&'static str, &str); 3] {
        [
            ("a nudge", &self.nudge),
            ("a state to draw", &self.draw),
            ("the shape of the code", &self.shape),
        ]
    }
}

/// The hints of a unit by the names of its tests.
pub(crate) fn load(
    repo: &Repo,
    week: &Week,
    unit: &Unit,
) -> anyhow::Result<BTreeMap<String, Hints>> {
    let path = repo.week_dir(&week.dir_name).join(format!("hints/{}.toml", unit.id));
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let hints = toml::from_str(&repo::read(&path)?);
    hints.with_context(|| format!("{} is not what it should be", path.display()))
}
