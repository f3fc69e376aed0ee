//! What a store with crashes was promised, and whether it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsm::files::{FileKind, kind_of, table_path};
use lsm::manifest::orphans;
use lsm::{Edit, Manifest, State};
use memtable::LogMark;
use wal::Result;
use wal::fs::{Fs, SimFs};

use super::given::*;

/// What a store with crashes was promised, and what it tried.
#[derive(Default)]
pub(super) struct Promised {
    /// The last state of which somebody was told.
    told: Option<State>,
    /// The one that was being made durable.
    tried: Option<State>,
    /// Numbers that are in the name of a file that a crash left, or in a durable edit; and for what.
    used: BTreeMap<u64, PathBuf>,
    /// Numbers that were given since the last crash.
    given: BTreeSet<u64>,
}

/// A table's file, on disk with its name.
fn write_table(sim: &SimFs, number: u64) -> Result<()> {
    let file = sim.create(&table_path(Path::new(DIR), number))?;
    file.write_at(0, b"a table")?;
    file.sync_data()?;
    sim.sync_dir(Path::new(DIR))
}

impl Promised {
    /// Recovers what is there and checks that it is one of two states, all of it.
    #[track_caller]
    pub(super) fn expect_after_crash(&mut self, sim: &SimFs) -> State {
        let found = recover(sim, NAMES);
        let same =
            |state: &&State| (&state.levels, state.flushed) == (&found.levels, found.flushed);
        let new = State::new();
        let told = self.told.as_ref().unwrap_or(&new);
        let Some(state) = [Some(told), self.tried.as_ref()].into_iter().flatten().find(same) else {
            panic!(
                "after the crash the store is {}: before the last edit it was {}, and behind it {} \
                 {COUNTS}",
                show_state(&found),
                show_state(told),
                self.tried.as_ref().map_or("the same".to_owned(), show_state)
            );
        };
        assert!(
            found.next_number >= state.next_number,
            "the next number is {}, and {} was durable before the crash {NAMES}",
            found.next_number,
            state.next_number
        );
        for name in sim.list(Path::new(DIR)).unwrap_or_default() {
            let name = name.strip_suffix(".tmp").unwrap_or(&name);
            if let Some(FileKind::Table(number) | FileKind::Manifest(number)) = kind_of(name) {
                self.use_number(number, path(name));
            }
        }
        for (_, table) in found.levels.tables() {
            let path = table_path(Path::new(DIR), table.number);
            assert!(sim.open(&path).is_ok(), "{path:?} is live, and is gone {RECOVERS}");
            self.use_number(table.number, path);
        }
        self.given.clear();
        (self.told, self.tried) = (Some(found.clone()), None);
        found
    }

    #[track_caller]
    fn use_number(&mut self, number: u64, path: PathBuf) {
        let before = self.used.entry(number).or_insert_with(|| path.clone());
        assert!(
            *before == path,
            "number {number} was that of {before:?}, and is of {path:?} {NAMES}"
        );
    }

    #[track_caller]
    fn new_number(&mut self, manifest: &mut Manifest) -> Result<u64> {
        let number = manifest.new_number()?;
        let before = self.used.get(&number);
        assert!(before.is_none(), "number {number} is given again, after {before:?} {NAMES}");
        assert!(self.given.insert(number), "number {number} is given twice in one life {NAMES}");
        Ok(number)
    }

    /// Opens the manifest as a store does, orphans included.
    #[track_caller]
    pub(super) fn open(&mut self, sim: &SimFs) -> Result<Manifest> {
        let state = try_recover(sim)?;
        let manifest = try_create(sim, state)?;
        for path in orphans(sim, Path::new(DIR), &manifest)? {
            sim.remove(&path)?;
        }
        Ok(manifest)
    }

    /// Makes an edit durable, and notes both.
    #[track_caller]
    pub(super) fn append(&mut self, manifest: &mut Manifest, edit: Edit) -> Result<()> {
        let next = manifest.state().apply(&edit).expect("the tests' edits fit");
        self.tried = Some(next.clone());
        manifest.append(edit)?;
        let came = manifest.state();
        let is_right = (&came.levels, came.flushed) == (&next.levels, next.flushed);
        assert!(
            is_right,
            "after an edit the state is {}, and should be {} {COUNTS}",
            show_state(came),
            show_state(&next)
        );
        for (_, table) in next.levels.tables() {
            self.use_number(table.number, table_path(Path::new(DIR), table.number));
        }
        (self.told, self.tried) = (Some(next), None);
        Ok(())
    }

    /// A flush: a table for level 0, and the log goes on behind it. The key makes the edit large.
    #[track_caller]
    pub(super) fn flush(
        &mut self,
        sim: &SimFs,
        manifest: &mut Manifest,
        key_size: usize,
    ) -> Result<()> {
        let number = self.new_number(manifest)?;
        write_table(sim, number)?;
        let LogMark { lsn, seq } = manifest.state().flushed;
        let table = table_of(number, (seq + 1, seq + 5), Vec::new(), vec![b'k'; key_size]);
        let mark = LogMark { lsn: lsn + 100, seq: seq + 5 };
        self.append(manifest, Edit { flushed: Some(mark), ..add(&[(0, table)]) })
    }

    /// A compaction: all tables of level 0 and the one of level 1 become one of level 1. The files
    /// go when that is durable.
    #[track_caller]
    pub(super) fn compact(&mut self, sim: &SimFs, manifest: &mut Manifest) -> Result<()> {
        let inputs: Vec<(usize, u64)> =
            manifest.state().levels.tables().map(|(l, t)| (l, t.number)).collect();
        let number = self.new_number(manifest)?;
        write_table(sim, number)?;
        let output = table(number, (1, manifest.state().flushed.seq), ("a", "z"));
        self.append(manifest, Edit { removed: inputs.clone(), ..add(&[(1, output)]) })?;
        for (_, number) in inputs {
            sim.remove(&table_path(Path::new(DIR), number))?;
        }
        Ok(())
    }
}
