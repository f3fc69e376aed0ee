//! What day 2's tests are given: tables that exist on paper, directories, and manifests in them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm::files::{CURRENT, FileKind, kind_of, manifest_name};
use lsm::manifest::{base_of, orphans};
use lsm::{Edit, LEVEL_COUNT, Levels, Manifest, State, TableMeta};
use memtable::LogMark;
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, show};
use wal::{Decoded, Error, Lsn, Record, Result};

pub(super) const FORMAT: &str = "(rule 1 of day 2: an edit has its fields in the order of their \
                                 tags, and there is one way to write it; any bytes may come in, and \
                                 what is no edit is refused)";
pub(super) const FITS: &str = "(rule 2 of day 2: removals first, and what they remove is there; no \
                               number twice; level 0 the newest first, without sequence numbers in \
                               common, and below by key, without keys in common; all of it or \
                               nothing)";
pub(super) const FITS_REMOVED: &str =
    "(rule 2 of day 2: removals come first, and what they remove is there, in that level)";
pub(super) const FITS_NUMBER: &str =
    "(rule 2 of day 2: no number is there twice, in whatever level)";
pub(super) const FITS_LEVEL_0: &str =
    "(rule 2 of day 2: level 0 stands the newest first, without sequence numbers in common)";
pub(super) const FITS_BELOW: &str =
    "(rule 2 of day 2: a level below stands by key, without keys in common)";
pub(super) const FITS_WHOLE: &str =
    "(rule 2 of day 2: an edit fits as a whole, or changes nothing)";
pub(super) const COUNTS: &str = "(rule 3 of day 2: an edit counts when its records are on disk, all \
                                 of it at once: written at the end, synced, and only then the state; \
                                 after a failure nothing more is accepted)";
pub(super) const NAMES: &str = "(rule 4 of day 2: `CURRENT` names a whole manifest, always: the new \
                                one's bytes and name are on disk before, and it changes in one step; \
                                a number that is in a name or was in an edit is never given again)";
pub(super) const LONG: &str = "(rule 4 of day 2: an edit that finds 1 MiB of edits in the manifest, \
                               without the first, begins a new one instead)";
pub(super) const RECOVERS: &str = "(rule 5 of day 2: a torn tail is dropped in silence, and damage is \
                                   an error that names the file; recovery changes nothing on disk; \
                                   orphans are our own files that nobody names)";

pub(super) const DIR: &str = "/db";

// Tables and edits.

/// A table of this number with these sequence numbers, which spans these keys.
pub(super) fn table(number: u64, seqs: (u64, u64), span: (&str, &str)) -> Arc<TableMeta> {
    table_of(number, seqs, span.0.into(), span.1.into())
}

pub(super) fn table_of(
    number: u64,
    (smallest_seq, largest_seq): (u64, u64),
    smallest: Vec<u8>,
    largest: Vec<u8>,
) -> Arc<TableMeta> {
    let (size, entry_count, tombstone_count) = (1000 + number, 10 + number, number % 10);
    Arc::new(TableMeta {
        number,
        size,
        entry_count,
        tombstone_count,
        smallest_seq,
        largest_seq,
        smallest,
        largest,
    })
}

/// The edit of the chapter: a compaction of table 7 of level 0 with table 5 of level 1.
pub(super) fn edit_of_the_chapter() -> Edit {
    let output = TableMeta {
        number: 9,
        size: 4321,
        entry_count: 60,
        tombstone_count: 2,
        smallest_seq: 12,
        largest_seq: 80,
        smallest: b"agate".to_vec(),
        largest: b"lamp".to_vec(),
    };
    Edit {
        flushed: Some(LogMark { lsn: 2600, seq: 100 }),
        next_number: Some(10),
        removed: vec![(0, 7), (1, 5)],
        added: vec![(1, output.into())],
        ..Edit::default()
    }
}

/// A flushed table: the number is also the only sequence number that it has.
pub(super) fn flushed(number: u64) -> (usize, Arc<TableMeta>) {
    (0, table(number, (number, number), ("a", "z")))
}

pub(super) fn add(added: &[(usize, Arc<TableMeta>)]) -> Edit {
    Edit { added: added.to_vec(), ..Edit::default() }
}

pub(super) fn remove(removed: &[(usize, u64)]) -> Edit {
    Edit { removed: removed.to_vec(), ..Edit::default() }
}

pub(super) fn note(key: u64, text: &str) -> Edit {
    Edit { notes: vec![(key, of_text(text))], ..Edit::default() }
}

/// A note's bytes.
pub(super) fn of_text(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

pub(super) fn bytes_of(edit: &Edit) -> Vec<u8> {
    let mut out = Vec::new();
    edit.encode(&mut out);
    out
}

/// An edit whose bytes are so many: one table with a long key.
pub(super) fn edit_of_size(number: u64, size: usize) -> Edit {
    let with_key = |key: Vec<u8>| {
        let table = table_of(number, (number, number), Vec::new(), key);
        Edit { next_number: Some(number + 1), ..add(&[(0, table)]) }
    };
    let edit = with_key(vec![b'k'; size - bytes_of(&with_key(Vec::new())).len()]);
    assert_eq!(bytes_of(&edit).len(), size, "bytes of an edit with a long key {FORMAT}");
    edit
}

/// Bytes in hexadecimal, two digits each.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn random_edit(dice: &mut Workload) -> Edit {
    let key = |dice: &mut Workload| vec![b'a' + dice.below(26) as u8; dice.below(40)];
    let number = |dice: &mut Workload| (dice.below(1 << 20) as u64) << dice.below(44);
    let mut edit = Edit::default();
    if dice.below(2) == 0 {
        edit.flushed = Some(LogMark { lsn: number(dice), seq: number(dice) });
    }
    if dice.below(2) == 0 {
        edit.next_number = Some(number(dice));
    }
    for _ in 0..dice.below(4) {
        edit.removed.push((dice.below(LEVEL_COUNT), number(dice)));
    }
    for _ in 0..dice.below(4) {
        let (one, other) = (number(dice), number(dice));
        let (key, other_key) = (key(dice), key(dice));
        let seqs = (one.min(other), one.max(other));
        let (smallest, largest) = (key.clone().min(other_key.clone()), key.max(other_key));
        edit.added.push((dice.below(LEVEL_COUNT), table_of(number(dice), seqs, smallest, largest)));
    }
    for _ in 0..dice.below(3) {
        edit.notes.push((number(dice), key(dice).into()));
    }
    edit
}

// Levels.

/// Numbers of the tables of each level, in their order, without the empty levels at the end.
pub(super) fn numbers(levels: &Levels) -> Vec<Vec<u64>> {
    let of_level = |level| levels.level(level).iter().map(|table| table.number).collect();
    let mut all: Vec<Vec<u64>> = (0..LEVEL_COUNT).map(of_level).collect();
    all.truncate(all.iter().rposition(|level| !level.is_empty()).map_or(0, |last| last + 1));
    all
}

/// A table as messages have it; its sequence numbers matter in level 0, its keys below.
fn show_table(level: usize, table: &TableMeta) -> String {
    let TableMeta { number, smallest_seq, largest_seq, smallest, largest, .. } = table;
    match level {
        0 => format!("{number} (seq {smallest_seq}–{largest_seq})"),
        _ => format!("{number} ({} … {})", show(smallest), show(largest)),
    }
}

/// Levels as messages have them, without those that are empty.
pub(super) fn show_levels(levels: &Levels) -> String {
    let of_level = |level| {
        let tables = levels.level(level).iter().map(|table| show_table(level, table));
        format!("level {level}: {}", tables.collect::<Vec<_>>().join(", "))
    };
    let used = (0..LEVEL_COUNT).filter(|&level| !levels.level(level).is_empty());
    let all = used.map(of_level).collect::<Vec<_>>().join("; ");
    if all.is_empty() { "no tables".to_owned() } else { format!("[{all}]") }
}

pub(super) fn show_state(state: &State) -> String {
    let State { levels, flushed: LogMark { lsn, seq }, next_number, notes } = state;
    let notes = notes.iter().map(|(key, note)| format!(", note {key}: {}", show(note)));
    format!(
        "{}, flushed to lsn {lsn}, seq {seq}, next number {next_number}{}",
        show_levels(levels),
        notes.collect::<String>()
    )
}

/// An edit as messages have it.
pub(super) fn show_edit(edit: &Edit) -> String {
    let flushed = edit.flushed.map(|mark| format!("flushed to lsn {}, seq {}", mark.lsn, mark.seq));
    let next = edit.next_number.map(|number| format!("next number {number}"));
    let removed = edit.removed.iter().map(|(level, number)| format!("− level {level}: {number}"));
    let added = edit.added.iter().map(|(level, table)| {
        let TableMeta { number, size, entry_count, tombstone_count, .. } = **table;
        let (seqs, keys) = ((table.smallest_seq, table.largest_seq), (&table.smallest, &table.largest));
        format!(
            "+ level {level}: {number}, {size} bytes, {tombstone_count} of {entry_count} entries are \
             deletes, seq {}–{}, {} … {}",
            seqs.0,
            seqs.1,
            show(keys.0),
            show(keys.1)
        )
    });
    let notes = edit.notes.iter().map(|(key, note)| format!("note {key}: {}", show(note)));
    let fields = flushed.into_iter().chain(next).chain(removed).chain(added).chain(notes);
    format!("{{{}}}", fields.collect::<Vec<_>>().join("; "))
}

#[track_caller]
pub(super) fn apply(levels: &Levels, edit: &Edit) -> Levels {
    match levels.apply(edit) {
        Ok(next) => next,
        Err(bad) => {
            panic!("{} fits {}, and is refused: {bad} {FITS}", show_edit(edit), show_levels(levels))
        }
    }
}

#[track_caller]
pub(super) fn expect_bad(levels: &Levels, edit: &Edit, why: &str, rule: &str) {
    if let Ok(next) = levels.apply(edit) {
        panic!(
            "{why}: {} must be refused, and of {} it makes {} {rule}",
            show_edit(edit),
            show_levels(levels),
            show_levels(&next)
        );
    }
}

// Directories.

/// A disk with an empty directory.
pub(super) fn disk(seed: u64) -> SimFs {
    let sim = SimFs::new(seed);
    make_dir(&sim).expect("a good disk");
    sim
}

pub(super) fn make_dir(sim: &SimFs) -> Result<()> {
    sim.create_dir(Path::new(DIR))?;
    sim.sync_dir(Path::new("/"))
}

pub(super) fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

pub(super) fn names(sim: &SimFs) -> Vec<String> {
    sim.list(Path::new(DIR)).expect("it is there")
}

pub(super) fn try_recover(sim: &SimFs) -> Result<State> {
    Manifest::recover(sim, Path::new(DIR))
}

#[track_caller]
pub(super) fn recover(sim: &SimFs, rule: &str) -> State {
    match try_recover(sim) {
        Ok(state) => state,
        Err(error) => panic!(
            "recovery must find a state, and fails: {error}; there are {:?} {rule}",
            names(sim)
        ),
    }
}

pub(super) fn try_create(sim: &SimFs, state: State) -> Result<Manifest> {
    Manifest::create(Arc::new(sim.clone()), Path::new(DIR), state)
}

/// Begins a manifest with this state.
#[track_caller]
pub(super) fn create(sim: &SimFs, state: State) -> Manifest {
    match try_create(sim, state) {
        Ok(manifest) => manifest,
        Err(error) => panic!("create fails on a good disk: {error} {NAMES}"),
    }
}

/// The manifest of a new store. Nothing is recovered.
#[track_caller]
pub(super) fn begin(sim: &SimFs) -> Manifest {
    create(sim, State::new())
}

/// Recovers, and begins a manifest.
#[track_caller]
pub(super) fn open(sim: &SimFs) -> Manifest {
    create(sim, recover(sim, RECOVERS))
}

#[track_caller]
pub(super) fn append(manifest: &mut Manifest, edit: Edit) {
    if let Err(error) = manifest.append(edit) {
        panic!("append fails on a good disk: {error} {COUNTS}");
    }
}

/// A number for a table, and an edit that adds it to level 0.
#[track_caller]
pub(super) fn append_flush(manifest: &mut Manifest) -> u64 {
    let number = manifest.new_number().expect("there are enough");
    append(manifest, add(&[flushed(number)]));
    number
}

/// The path of the manifest that `CURRENT` names, and its number.
#[track_caller]
pub(super) fn current(sim: &SimFs) -> (PathBuf, u64) {
    let line = String::from_utf8(sim.contents(path(CURRENT))).expect("`CURRENT` is text");
    match line.strip_suffix('\n').map(|name| (path(name), kind_of(name))) {
        Some((path, Some(FileKind::Manifest(number)))) => (path, number),
        _ => panic!("`CURRENT` has {line:?}: want the name of a manifest and a newline {NAMES}"),
    }
}

/// Where the records of a manifest's file begin and end, and their payloads.
#[track_caller]
pub(super) fn records_of(bytes: &[u8], number: u64) -> Vec<(usize, usize, Vec<u8>)> {
    let (base, mut start, mut records) = (base_of(number), 0, Vec::new());
    while start < bytes.len() {
        let Decoded::Record(record) = wal::decode(&bytes[start..], base + start as Lsn) else {
            panic!("no record at byte {start} of {}, of {}", manifest_name(number), bytes.len());
        };
        records.push((start, start + record.size(), record.payload.to_vec()));
        start += record.size();
    }
    records
}

/// The edits of the manifest that `CURRENT` names, without the first, as payloads; and their size
/// in the file.
#[track_caller]
pub(super) fn edits_behind_the_first(sim: &SimFs) -> (Vec<Vec<u8>>, u64) {
    let (path, number) = current(sim);
    let mut records = records_of(&sim.contents(path), number);
    assert!(!records.is_empty(), "the manifest that `CURRENT` names is empty {NAMES}");
    records.remove(0);
    let size = records.iter().map(|(start, end, _)| (end - start) as u64).sum();
    (records.into_iter().map(|(_, _, payload)| payload).collect(), size)
}

/// A file with these payloads as records, each written when all before it was on disk.
pub(super) fn file_of(number: u64, payloads: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for payload in payloads {
        let lsn = base_of(number) + bytes.len() as Lsn;
        let record = Record { lsn, synced: lsn, payload };
        wal::encode(&record, &mut bytes).expect("it is not too large");
    }
    bytes
}

/// A directory whose manifest, number 7, has these bytes.
pub(super) fn disk_with(manifest: &[u8]) -> SimFs {
    let sim = disk(1);
    sim.overwrite(path(&manifest_name(7)), manifest);
    sim.overwrite(path(CURRENT), b"MANIFEST-000007\n");
    sim
}

/// The edit that a manifest of these tests begins with: a store with two tables.
pub(super) fn first_edit() -> Edit {
    Edit {
        flushed: Some(LogMark { lsn: 100, seq: 3 }),
        next_number: Some(8),
        ..add(&[flushed(2), (1, table(1, (1, 1), ("lamp", "stove")))])
    }
}

/// Checks that damage is reported, in file `name`, and from which byte on if that is asked for.
#[track_caller]
pub(super) fn expect_damage(sim: &SimFs, name: &str, offset: Option<u64>, what: &str) {
    match try_recover(sim) {
        Err(Error::Corruption { file, offset: came, .. })
            if file == path(name) && offset.is_none_or(|offset| offset == came) => {}
        Ok(state) => panic!(
            "{what}: want damage of {name}, and recovery finds {:?} {RECOVERS}",
            numbers(&state.levels)
        ),
        Err(error) => {
            let at = offset.map_or(String::new(), |offset| format!(" at byte {offset}"));
            panic!("{what}: want damage of {name}{at}, and the error is: {error} {RECOVERS}");
        }
    }
}

/// Checks which tables recovery finds.
#[track_caller]
pub(super) fn expect_tables(sim: &SimFs, want: &[&[u64]], what: &str, rule: &str) {
    let came = match try_recover(sim) {
        Ok(state) => numbers(&state.levels),
        Err(error) => panic!("{what}: recovery must find {want:?}, and fails: {error} {rule}"),
    };
    assert!(came == want, "{what}: recovery must find tables {want:?}, and finds {came:?} {rule}");
}

/// The names of what nobody needs, sorted.
#[track_caller]
pub(super) fn orphan_names(sim: &SimFs, manifest: &Manifest) -> Vec<String> {
    let found = orphans(sim, Path::new(DIR), manifest).expect("a good disk");
    let name = |path: &PathBuf| {
        assert_eq!(path.parent(), Some(Path::new(DIR)), "the directory of an orphan {RECOVERS}");
        path.file_name().expect("it has one").to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = found.iter().map(name).collect();
    names.sort();
    names
}
