//! What was proved before: the same files, tests and compiler give the same answer.
//!
//! Only what held is remembered, under a fingerprint of all that went in; a failure is always
//! looked at again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::Command;

use crate::repo::{self, Repo};

use super::tree::Tree;

/// Changes with the meaning of a proof, so that what an older tool proved is proved again.
const MEANING: u32 = 2;

/// Proofs that held, by fingerprint.
pub(super) struct Cache {
    dir: PathBuf,
    compiler: String,
    fresh: bool,
}

impl Cache {
    /// The cache of this repository; a `fresh` one remembers and never recalls.
    pub(super) fn open(repo: &Repo, fresh: bool) -> Cache {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let version = Command::new(rustc).arg("-vV").current_dir(&repo.root).output();
        let compiler = version.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
        let compiler = compiler.unwrap_or_default();
        // Without knowing the compiler, nothing is known to be the same.
        let fresh = fresh || compiler.is_empty();
        Cache { dir: repo.state_dir().join("verify/proved"), compiler, fresh }
    }

    /// The fingerprint of `proof` for the tests of `units` in `tree`. Which tests these are follows
    /// from the tree.
    pub(super) fn key(&self, proof: &str, units: &[&str], tree: &Tree) -> String {
        let mut hasher = DefaultHasher::new();
        (MEANING, proof, &self.compiler, units).hash(&mut hasher);
        for (path, bytes) in tree.files() {
            (path, bytes).hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish())
    }

    /// The notes of a proof that held, if it did.
    pub(super) fn recall(&self, key: &str) -> Option<Vec<String>> {
        if self.fresh {
            return None;
        }
        let text = repo::read(&self.dir.join(key)).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    }

    /// Remembers that a proof held.
    pub(super) fn remember(&self, key: &str, notes: &[String]) -> anyhow::Result<()> {
        repo::write(&self.dir.join(key), notes.join("\n"))
    }
}
