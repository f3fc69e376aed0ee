//! The tool against good files and damaged ones. They run on the reference:
//! `cd solutions && cargo test -p week03-sstable-solution --example inspect`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::StripStream;
use memtable::{InternalKey, Kind};
use sstable::format::{FOOTER_SIZE, Footer, Handle, checksum};
use sstable::{Codec, TableBuilder, TableOptions};
use tempfile::TempDir;
use wal::fs::OsFs;

use crate::{Args, Failure, Screen, args, demo, flip, text};

/// A table of format version 1, blocks as they are and a filter, as it was first written.
const GOLDEN: &[u8] = include_bytes!("../../tests/golden/v1.sst");

/// Its view.
const GOLDEN_VIEW: &str = include_str!("../../tests/golden/v1.txt");

/// How the golden table is built.
fn golden_options() -> TableOptions {
    TableOptions { codec: Codec::None, ..demo::options() }
}

/// A directory that is gone with the test.
struct Dir(TempDir);

impl Dir {
    fn new() -> Dir {
        Dir(tempfile::tempdir().expect("a directory can be made"))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a file can be written");
        path
    }
}

/// What `inspect` prints for these arguments and the file, and its exit status.
#[track_caller]
fn inspect(arguments: &[&str], path: &Path) -> (u8, String) {
    let all = ["inspect"].iter().chain(arguments).map(|text| text.into());
    let args = Args::try_parse_from(all.chain([path.as_os_str().to_owned()]));
    let args = args.unwrap_or_else(|error| panic!("{arguments:?} are good arguments: {error}"));
    let mut out = StripStream::new(Vec::new());
    let code = crate::run(&args, Screen { width: 100, colour: false }, &mut out);
    let code = code.unwrap_or_else(|failure| panic!("{arguments:?} came to {failure:?}"));
    (code, String::from_utf8(out.into_inner()).expect("what is printed is text"))
}

fn check(dir: &Dir, bytes: &[u8]) -> (u8, String) {
    inspect(&["--check"], &dir.file("damaged.sst", bytes))
}

#[test]
fn todays_builder_writes_format_version_1_byte_for_byte() {
    let dir = Dir::new();
    let path = dir.0.path().join("v1.sst");
    demo::write(Arc::new(OsFs), &path, golden_options()).expect("a good disk takes it");
    let found = std::fs::read(&path).expect("it was just written");
    let same = found.iter().zip(GOLDEN).take_while(|(found, golden)| found == golden).count();
    assert!(
        found == GOLDEN,
        "tests/golden/v1.sst has {} bytes, and what is built today {}; they differ from byte \
         {same} on. Files that are out there must be read for ever: a change of the format is \
         another version",
        GOLDEN.len(),
        found.len()
    );
}

#[test]
fn todays_reader_reads_format_version_1() {
    let (code, said) = check(&Dir::new(), GOLDEN);
    assert!(said.contains("✓ whole: 7 data blocks and 51 entries checked"), "it says\n{said}");
    assert_eq!((code, said.lines().count()), (0, 2), "no remark of the reader:\n{said}");
}

#[test]
fn the_view_of_the_golden_table_is_this() {
    let dir = Dir::new();
    let path = dir.file("v1.sst", GOLDEN);
    let (code, view) = inspect(&[], &path);
    let view = view.replace(&path.display().to_string(), "v1.sst");
    assert!(view == GOLDEN_VIEW, "tests/golden/v1.txt has\n{GOLDEN_VIEW}\nand it is\n{view}");
    assert_eq!(code, 0);
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let dir = Dir::new();
    let magic_at = GOLDEN.len() - 8;
    for at in 0..GOLDEN.len() {
        let mut bytes = GOLDEN.to_vec();
        bytes[at] ^= 1 << (at % 8);
        let (code, said) = check(&dir, &bytes);
        assert_eq!(code, 1, "byte {at} was damaged, and all is well:\n{said}");
        let named = match at {
            _ if at >= magic_at => "not \"CAIRNSST\"".into(),
            _ => format!("byte {at} of the file is {:02x}, and was {:02x}", bytes[at], GOLDEN[at]),
        };
        assert!(said.contains(&named), "it should say `{named}`, and says\n{said}");
        assert_eq!(said.matches('✗').count(), 1, "one bit is one problem, and it says\n{said}");
    }
}

#[test]
fn every_cut_is_found_and_measured_if_the_index_is_whole() {
    let dir = Dir::new();
    let (_, view) = inspect(&["--block", "footer"], &dir.file("v1.sst", GOLDEN));
    let index = view.lines().find(|line| line.trim().starts_with("index")).expect("a line of it");
    let numbers: Vec<usize> = index.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [size, offset] = numbers[..] else { panic!("a size and an offset: {index}") };
    for len in 0..GOLDEN.len() {
        let (code, said) = check(&dir, &GOLDEN[..len]);
        assert_eq!(code, 1, "cut to {len} bytes, and all is well:\n{said}");
        if len >= offset + size + 5 {
            let missing = GOLDEN.len() - len;
            let told = said.contains(&format!(
                "{missing} byte{} missing at its end",
                if missing == 1 { " is" } else { "s are" }
            ));
            assert!(told, "{missing} bytes are missing, and it says\n{said}");
        }
    }
}

#[test]
fn nothing_that_can_be_damaged_makes_a_view_panic() {
    let dir = Dir::new();
    let views: [&[&str]; 8] = [
        &[],
        &["--blocks"],
        &["--keys"],
        &["--svg"],
        &["--key", "stone/flint/wall"],
        &["--block", "0", "--hex"],
        &["--block", "index", "--hex"],
        &["--block", "properties"],
    ];
    for at in (0..GOLDEN.len()).step_by(61) {
        let mut bytes = GOLDEN.to_vec();
        let end = (at + 40).min(bytes.len());
        bytes[at..end].fill(0xff);
        let path = dir.file("damaged.sst", &bytes);
        for arguments in views {
            let all = ["inspect"].iter().chain(arguments).map(|text| text.into());
            let args = Args::try_parse_from(all.chain([path.as_os_str().to_owned()]))
                .expect("good arguments");
            let screen = Screen { width: 40, colour: false };
            match crate::run(&args, screen, &mut StripStream::new(Vec::new())) {
                // What is asked for may be whole.
                Ok(0 | 1) | Err(Failure::Said(_)) => {}
                other => panic!("{arguments:?} of damage at {at} came to {other:?}"),
            }
        }
    }
}

#[test]
fn what_stands_behind_the_footer_is_measured() {
    let (code, said) = check(&Dir::new(), &[GOLDEN, b"abc"].concat());
    assert!(code == 1 && said.contains("3 bytes behind the footer"), "it says\n{said}");
}

/// A table of plain blocks of one entry each, all of one size, and where each part begins.
fn stones() -> (Vec<u8>, Footer) {
    let dir = Dir::new();
    let path = dir.0.path().join("stones.sst");
    let options = TableOptions { block_size: 1, filter_bits_per_key: 10, ..golden_options() };
    let mut builder = TableBuilder::create(Arc::new(OsFs), &path, options).expect("it begins");
    for user_key in ["flint", "slate", "stone"] {
        let key = InternalKey { user_key: user_key.as_bytes(), seq: 7, kind: Kind::Put };
        builder.add(key, b"x").expect("they are in order");
    }
    builder.finish().expect("it is finished");
    let bytes = std::fs::read(&path).expect("it was just written");
    let footer_at = bytes.len() - FOOTER_SIZE;
    let footer = bytes[footer_at..].try_into().expect("its size");
    (bytes.clone(), Footer::decode(footer, footer_at as u64).expect("it is good"))
}

/// Size of a block of these, with its trailer.
const STONE_SIZE: usize = 30;

/// Damages the block at `handle`, and gives it the checksum that a bad writer would have.
#[track_caller]
fn expect_said_of_written(handle: Handle, damage: impl FnOnce(&mut [u8]), words: &[&str]) {
    let (mut bytes, _) = stones();
    let (start, size) = (handle.offset as usize, handle.size as usize);
    damage(&mut bytes[start..][..size]);
    let crc = checksum(handle.offset, &bytes[start..=start + size], &[]);
    bytes[start + size + 1..][..4].copy_from_slice(&crc.to_le_bytes());
    let (code, said) = check(&Dir::new(), &bytes);
    assert_eq!(code, 1, "a damaged table is exit status 1; it said\n{said}");
    for word in words {
        assert!(said.contains(word), "it should say `{word}`, and says\n{said}");
    }
}

fn stone(index: u64) -> Handle {
    let size = STONE_SIZE as u64;
    Handle { offset: index * size, size: STONE_SIZE as u32 - 5 }
}

#[test]
fn a_block_in_anothers_place_is_told_whose_it_is() {
    let (mut bytes, _) = stones();
    bytes.copy_within(2 * STONE_SIZE..3 * STONE_SIZE, 0);
    let (_, said) = check(&Dir::new(), &bytes);
    let wanted = "it is a whole block of offset 60: written to a wrong place";
    assert!(said.contains(wanted), "the third block lies where the first was; it says\n{said}");
}

#[test]
fn what_a_bad_writer_wrote_is_named_though_checksums_are_right() {
    let (_, footer) = stones();
    expect_said_of_written(
        stone(1),
        |block| block[3] = b'a',
        &["a key is not behind the one before"],
    );
    expect_said_of_written(
        stone(1),
        |block| block[4] = b'h',
        &["filter at byte 90: it denies shate"],
    );
    expect_said_of_written(stone(1), |block| block[0] = 1, &["restart point shares bytes"]);
    expect_said_of_written(stone(1), |block| block[2] = 99, &["runs past the end of the entries"]);
    expect_said_of_written(stone(1), |block| block[8] = 7, &["an unknown kind of operation"]);
    expect_said_of_written(stone(1), |block| block[17] = 1, &["restart points do not ascend"]);
    expect_said_of_written(
        footer.properties,
        |block| block[8] = 2,
        &["they do not agree with the entries", "tombstone_count: they say 2, and it is 0"],
    );
    let pointer = |block: &mut [u8]| {
        let at = block.windows(4).position(|bytes| bytes == [30, 0, 0, 0]).expect("a handle");
        block[at] = 31;
    };
    expect_said_of_written(
        footer.index,
        pointer,
        &["entry 1 points to a wrong place", "it says 25 bytes at 31; the block begins at 30"],
    );
}

#[test]
fn a_lookup_shows_its_steps_and_agrees_with_the_reader() {
    let dir = Dir::new();
    let path = dir.file("v1.sst", GOLDEN);
    let (_, said) = inspect(&["--key", "stone/flint/wall"], &path);
    for word in ["it may be here", "data block 1", "found", "value 1 of flint", "says the same"] {
        assert!(said.contains(word), "it should say `{word}`, and says\n{said}");
    }
    for (key, _) in entries(&path) {
        let (_, said) = inspect(&["--key", &key], &path);
        assert!(said.contains("says the same"), "of {key} it says\n{said}");
        let absent = format!("{key}?");
        let (_, said) = inspect(&["--key", &absent], &path);
        assert!(said.contains("absent") && said.contains("says the same"), "{absent}:\n{said}");
    }
}

/// Keys and the rest of their lines.
fn entries(path: &Path) -> Vec<(String, String)> {
    let (_, said) = inspect(&["--keys"], path);
    let entry = |line: &str| line.split_once('\t').map(|(key, rest)| (key.into(), rest.into()));
    said.lines().filter_map(entry).collect()
}

#[test]
fn all_entries_are_lines_with_tabs() {
    let lines = entries(&Dir::new().file("v1.sst", GOLDEN));
    assert_eq!(lines.len(), 51);
    let tombstones = lines.iter().filter(|(_, rest)| rest.ends_with("\tdelete")).count();
    assert_eq!(tombstones, 3, "{lines:?}");
}

#[test]
fn a_demo_replaces_no_file() {
    let dir = Dir::new();
    let path = dir.file("there.sst", b"mine");
    let refused = demo::write(Arc::new(OsFs), &path, demo::options());
    assert!(matches!(refused, Err(Failure::Said(_))), "{refused:?}");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"mine");
}

#[test]
fn any_bytes_are_shown_so_that_they_can_be_typed() {
    for byte in 0..=u8::MAX {
        for bytes in [vec![byte], vec![b'a', byte], vec![byte, b'a', 0xe4]] {
            let shown = text::show(&bytes);
            assert_eq!(text::read(&shown).as_ref(), Ok(&bytes), "typed as {shown}");
            assert!(!shown.contains(char::is_control), "{shown:?} would reach the terminal");
        }
    }
    for text in ["größe", "石", "\u{202e}x", ""] {
        assert_eq!(text::read(&text::show(text.as_bytes())), Ok(text.as_bytes().to_vec()));
    }
    assert_eq!(text::show("größe".as_bytes()), "größe");
    text::read("\\q").expect_err("no such escape");
}

#[test]
fn a_flipped_bit_is_found_by_two_checksums() {
    let block: Vec<u8> = (0..200).collect();
    let stored = crc32fast::hash(&block);
    for bit in 0..8 * block.len() {
        let mut damaged = block.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let found = flip::find(stored, crc32fast::hash(&damaged), block.len());
        assert_eq!(found, Some((bit / 8, bit as u32 % 8)));
    }
    assert_eq!(flip::find(stored, stored ^ 0x100, 200), Some((201, 0)), "in the checksum itself");
    assert_eq!(flip::find(stored, crc32fast::hash(&[0; 200]), 200), None, "many bits");
}

#[test]
fn arguments_are_what_they_should_be() {
    args::command().debug_assert();
    for refused in [&["inspect"][..], &["inspect", "f", "--hex"], &["inspect", "f", "--block", "x"]]
    {
        assert!(Args::try_parse_from(refused).is_err(), "{refused:?}");
    }
}
