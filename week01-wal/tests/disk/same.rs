//! Without a crash, the simulated disk is the real one: every result compared, errors too.

use std::collections::BTreeMap;
use std::env;
use std::fs as os;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use wal::fs::{File, Fs, OsFs, SimFs};
use wal::testing::{Workload, seeds};
use wal::{Error, Result};

/// What a call gave, in a form that both disks can be asked for.
type Answer = std::result::Result<String, ErrorKind>;

/// Whether two answers mean the same. Which of several errors comes first, and what it is called,
/// is Linux's way; others have theirs.
fn agree(real: &Answer, simulated: &Answer) -> bool {
    match (real, simulated) {
        (Err(_), Err(_)) if !cfg!(target_os = "linux") => true,
        _ => real == simulated,
    }
}

/// One disk under test, with the files that are open on it.
struct Side {
    fs: Arc<dyn Fs>,
    root: PathBuf,
    open: BTreeMap<u64, Arc<dyn File>>,
}

/// A call with its arguments, to be made on both sides.
#[derive(Debug)]
enum Call {
    Create(String, u64),
    Open(String, u64),
    Close(u64),
    Rename(String, String),
    HardLink(String, String),
    Remove(String),
    List(String),
    CreateDir(String),
    SyncDir(String),
    Read { handle: u64, offset: u64, size: usize },
    Write { handle: u64, offset: u64, byte: u8, size: usize },
    SetLen(u64, u64),
    Len(u64),
    Sync(u64),
}

impl Call {
    fn random(random: &mut Workload) -> Call {
        let handle = random.below(6) as u64;
        let offset = random.below(3000) as u64;
        match random.below(24) {
            0..=2 => Call::Create(random_file(random), handle),
            3..=4 => Call::Open(random_file(random), handle),
            5 => Call::Close(handle),
            6..=7 => Call::Rename(random_file(random), random_file(random)),
            8 => Call::Remove(random_file(random)),
            9 => Call::List(random_dir(random)),
            10 => Call::CreateDir(random_dir(random)),
            11 => Call::SyncDir(random_dir(random)),
            12..=14 => Call::Read { handle, offset, size: random.below(4000) },
            15..=18 => {
                let (byte, size) = (random.below(256) as u8, random.below(1500));
                Call::Write { handle, offset, byte, size }
            }
            19 => Call::SetLen(handle, offset),
            20 => Call::Len(handle),
            21..=22 => Call::HardLink(random_file(random), random_file(random)),
            _ => Call::Sync(handle),
        }
    }
}

fn random_dir(random: &mut Workload) -> String {
    ["a", "b", "a/deep", "a/deep/er", "missing"][random.below(5)].to_owned()
}

fn random_file(random: &mut Workload) -> String {
    let name = ["x", "y", "z"][random.below(3)];
    format!("{}/{name}", ["a", "b", "a/deep", "missing", "a/x"][random.below(5)])
}

impl Side {
    fn call(&mut self, call: &Call) -> Answer {
        let at = |name: &str| self.root.join(name);
        let done = |result: Result<()>| result.map(|()| "done".to_owned());
        let answer = match call {
            Call::Create(name, handle) => self.fs.create(&at(name)).map(|file| {
                self.open.insert(*handle, file);
                "created".to_owned()
            }),
            Call::Open(name, handle) => self.fs.open(&at(name)).map(|file| {
                self.open.insert(*handle, file);
                "opened".to_owned()
            }),
            Call::Close(handle) => {
                self.open.remove(handle);
                Ok("closed".to_owned())
            }
            Call::Rename(from, to) => done(self.fs.rename(&at(from), &at(to))),
            Call::HardLink(from, to) => done(self.fs.hard_link(&at(from), &at(to))),
            Call::Remove(name) => done(self.fs.remove(&at(name))),
            Call::List(dir) => self.fs.list(&at(dir)).map(|names| format!("{names:?}")),
            Call::CreateDir(dir) => done(self.fs.create_dir(&at(dir))),
            Call::SyncDir(dir) => done(self.fs.sync_dir(&at(dir))),
            Call::Read { handle, .. }
            | Call::Write { handle, .. }
            | Call::SetLen(handle, _)
            | Call::Len(handle)
            | Call::Sync(handle) => match self.open.get(handle) {
                Some(file) => call_file(&**file, call),
                None => Ok("not open".to_owned()),
            },
        };
        answer.map_err(|error| match error.io_kind() {
            Some(kind) => kind,
            None => panic!("{call:?} should fail with an Error::Io, if it fails, not {error:?}"),
        })
    }
}

fn call_file(file: &dyn File, call: &Call) -> Result<String> {
    match call {
        Call::Read { offset, size, .. } => {
            let mut buf = vec![0xee; *size];
            file.read_at(*offset, &mut buf).map(|read| format!("{read} bytes: {buf:?}"))
        }
        Call::Write { offset, byte, size, .. } => {
            file.write_at(*offset, &vec![*byte; *size]).map(|()| "written".to_owned())
        }
        Call::SetLen(_, len) => file.set_len(*len).map(|()| "cut".to_owned()),
        Call::Len(_) => {
            let len = file.len()?;
            assert_eq!(file.is_empty()?, len == 0, "a file of {len} bytes");
            Ok(len.to_string())
        }
        _ => file.sync_data().map(|()| "synced".to_owned()),
    }
}

/// A directory of the real disk that is removed in the end.
pub(super) struct RealDir(pub(super) PathBuf);

impl RealDir {
    pub(super) fn new(name: &str) -> RealDir {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = root.join(format!("{name}-{}", process::id()));
        os::create_dir_all(&dir).expect("the target directory can be written");
        RealDir(dir)
    }
}

impl Drop for RealDir {
    fn drop(&mut self) {
        let _ = os::remove_dir_all(&self.0);
    }
}

#[test]
fn without_a_crash_the_simulated_disk_answers_as_the_real_one() {
    for seed in seeds(30) {
        let real = RealDir::new(&format!("same-{seed}"));
        let mut sides = [
            (Arc::new(OsFs) as Arc<dyn Fs>, real.0.clone()),
            (Arc::new(SimFs::new(seed)) as Arc<dyn Fs>, PathBuf::from("/")),
        ]
        .map(|(fs, root)| Side { fs, root, open: BTreeMap::new() });
        let mut random = Workload::new(seed);
        let mut before = Vec::new();
        for number in 0..400 {
            let call = Call::random(&mut random);
            let [real, simulated] = sides.each_mut().map(|side| side.call(&call));
            let latest = &before[before.len().saturating_sub(20)..];
            assert!(
                agree(&real, &simulated),
                "call {number} of seed {seed}, {call:?}, gives\n  {real:?} on the real disk and\n  \
                 {simulated:?} on the simulated one, after {latest:#?}"
            );
            before.push(call);
        }
    }
}

#[test]
fn a_bare_name_lies_in_a_directory_that_can_be_synced() {
    for fs in [&OsFs as &dyn Fs, &SimFs::new(1)] {
        let parent = Path::new("bare").parent().expect("the empty path");
        let synced = fs.sync_dir(parent);
        assert!(synced.is_ok(), "the directory above a bare name is the current one: {synced:?}");
        assert!(fs.list(parent).is_ok(), "and it can be listed");
    }
}

#[test]
fn an_error_names_what_was_tried_and_where() {
    let missing = env::temp_dir().join("cairn").join("no such directory").join("file");
    for fs in [&OsFs as &dyn Fs, &SimFs::new(1)] {
        let error = fs.create(&missing).expect_err("the directory is not there");
        let Error::Io { operation, path, .. } = &error else {
            panic!("{error:?} should be an Error::Io");
        };
        assert_eq!((*operation, path), ("create", &missing), "in {error}");
        assert!(error.is_not_found(), "{error} should say that something was not found");
    }
}
