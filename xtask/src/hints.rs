//! Three hints for every test: `weekNN/hints/<unit>.toml`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use toml_span::{DeserError, Deserialize, Value};

use crate::repo::{self, Repo};
use crate::toml::{self, Map};
use crate::week::{Unit, Week};

/// The hints of one test, from the push to the code.
#[derive(Debug, Clone)]
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

impl<'de> Deserialize<'de> for Hints {
    fn deserialize(value: &mut Value<'de>) -> Result<Hints, DeserError> {
        toml::table(value, |table| Hints {
            nudge: table.required("nudge").unwrap_or_default(),
            draw: table.required("draw").unwrap_or_default(),
            shape: table.required("shape").unwrap_or_default(),
        })
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
    let hints = toml::read(&repo::read(&path)?);
    let Map(hints) =
        hints.with_context(|| format!("{} is not what it should be", path.display()))?;
    Ok(hints)
}
