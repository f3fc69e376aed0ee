//! The tool against good files and damaged ones. They run on the reference:
//! `cd solutions && cargo test -p week03-sstable-solution --example inspect`.

use std::io;
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

/// A table of format version 2: the same entries, with an index cut into partitions.
const GOLDEN_2: &[u8] = include_bytes!("../../tests/golden/v2.sst");

/// Its view.
const GOLDEN_2_VIEW: &str = include_str!("../../tests/golden/v2.txt");

/// Where its top begins, and its second index part, as the view says.
const GOLDEN_2_TOP: usize = 3696;
const GOLDEN_2_INDEX_1: usize = 2139;

/// How the golden table is built.
fn golden_options() -> TableOptions {
    TableOptions { codec: Codec::None, ..demo::options() }
}

/// How that of version 2 is built.
fn golden_2_options() -> TableOptions {
    TableOptions { index_partition_size: Some(80), ..golden_options() }
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
    let code = crate::run(&args, Screen { width: 100, colour: false }, &mut out, &mut io::sink());
    let code = code.unwrap_or_else(|failure| panic!("{arguments:?} came to {failure:?}"));
    (code, String::from_utf8(out.into_inner()).expect("what is printed is text"))
}

fn check(dir: &Dir, bytes: &[u8]) -> (u8, String) {
    inspect(&["--check"], &dir.file("damaged.sst", bytes))
}

#[test]
fn todays_builder_writes_both_format_versions_byte_for_byte() {
    let versions = [(1, golden_options(), GOLDEN), (2, golden_2_options(), GOLDEN_2)];
    for (version, options, golden) in versions {
        let dir = Dir::new();
        let path = dir.0.path().join("golden.sst");
        demo::write(Arc::new(OsFs), &path, options).expect("a good disk takes it");
        let found = std::fs::read(&path).expect("it was just written");
        let same = found.iter().zip(golden).take_while(|(found, golden)| found == golden).count();
        assert!(
            found == golden,
            "tests/golden/v{version}.sst has {} bytes, and what is built today {}; they differ \
             from byte {same} on. Files that are out there must be read for ever: a change of the \
             format is another version",
            golden.len(),
            found.len()
        );
    }
}

#[test]
fn todays_reader_reads_both_format_versions() {
    for golden in [GOLDEN, GOLDEN_2] {
        let (code, said) = check(&Dir::new(), golden);
        assert!(said.contains("✓ whole: 7 data blocks and 51 entries checked"), "it says\n{said}");
        assert_eq!((code, said.lines().count()), (0, 2), "no remark of the reader:\n{said}");
    }
}

#[test]
fn the_view_of_a_golden_table_is_this() {
    for (name, golden, want) in [("v1", GOLDEN, GOLDEN_VIEW), ("v2", GOLDEN_2, GOLDEN_2_VIEW)] {
        let dir = Dir::new();
        let path = dir.file(&format!("{name}.sst"), golden);
        let (code, view) = inspect(&[], &path);
        let view = view.replace(&path.display().to_string(), &format!("{name}.sst"));
        assert!(view == want, "tests/golden/{name}.txt has\n{want}\nand it is\n{view}");
        assert_eq!(code, 0);
    }
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let dir = Dir::new();
    for (golden, at) in
        [GOLDEN, GOLDEN_2].into_iter().flat_map(|all| (0..all.len()).map(move |at| (all, at)))
    {
        let mut bytes = golden.to_vec();
        bytes[at] ^= 1 << (at % 8);
        let (code, said) = check(&dir, &bytes);
        assert_eq!(code, 1, "byte {at} was damaged, and all is well:\n{said}");
        let named = match at {
            _ if at >= golden.len() - 8 => "not \"CAIRNSST\"".into(),
            _ => format!("byte {at} of the file is {:02x}, and was {:02x}", bytes[at], golden[at]),
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
    let views: [&[&str]; 11] = [
        &[],
        &["--blocks"],
        &["--keys"],
        &["--svg"],
        &["--key", "stone/flint/wall"],
        &["--block", "0", "--hex"],
        &["--block", "index", "--hex"],
        &["--block", "properties"],
        &["--block", "top"],
        &["--block", "index1"],
        &["--block", "filter1"],
    ];
    let places = |golden: &'static [u8]| (0..golden.len()).step_by(61).map(move |at| (golden, at));
    for (golden, at) in [GOLDEN, GOLDEN_2].into_iter().flat_map(places) {
        let mut bytes = golden.to_vec();
        let end = (at + 40).min(bytes.len());
        bytes[at..end].fill(0xff);
        let path = dir.file("damaged.sst", &bytes);
        for arguments in views {
            let all = ["inspect"].iter().chain(arguments).map(|text| text.into());
            let args = Args::try_parse_from(all.chain([path.as_os_str().to_owned()]))
                .expect("good arguments");
            let screen = Screen { width: 40, colour: false };
            match crate::run(&args, screen, &mut StripStream::new(Vec::new()), &mut io::sink()) {
                // What is asked for may be whole.
                Ok(0 | 1) | Err(Failure::Said(_)) => {}
                other => panic!("{arguments:?} of damage at {at} came to {other:?}"),
            }
        }
    }
}

#[test]
fn of_a_cut_table_with_partitions_all_entries_in_front_of_the_cut_are_shown() {
    let dir = Dir::new();
    let (_, all) = inspect(&["--keys"], &dir.file("whole.sst", GOLDEN_2));
    let all: Vec<&str> = all.lines().collect();
    let mut most = 0;
    for len in 1..GOLDEN_2.len() {
        let path = dir.file("cut.sst", &GOLDEN_2[..len]);
        assert_eq!(check(&dir, &GOLDEN_2[..len]).0, 1, "cut to {len} bytes, and all is well");
        let (_, said) = inspect(&["--keys"], &path);
        let count = said.lines().count();
        let is_same = said.lines().eq(all.iter().take(count).copied());
        assert!(is_same && count >= most, "cut to {len} bytes, {most} of them before:\n{said}");
        most = count;
    }
    assert_eq!(most, all.len(), "without the last byte, all are there");
}

#[test]
fn a_top_that_is_gone_leaves_its_data_blocks() {
    let dir = Dir::new();
    let (_, all) = inspect(&["--keys"], &dir.file("whole.sst", GOLDEN_2));
    let mut bytes = GOLDEN_2.to_vec();
    bytes[GOLDEN_2_TOP..][..100].fill(0xee);
    let path = dir.file("damaged.sst", &bytes);
    let (code, said) = inspect(&["--keys"], &path);
    assert!(code == 1 && said == all, "all entries, without any index, and it says\n{said}");
    let (_, said) = check(&dir, &bytes);
    assert!(said.contains("7 data blocks found without it"), "it says\n{said}");
    assert!(said.contains(&format!("top at byte {GOLDEN_2_TOP}")), "it says\n{said}");
}

#[test]
fn an_index_part_that_is_gone_costs_its_partition_alone() {
    let dir = Dir::new();
    let mut bytes = GOLDEN_2.to_vec();
    bytes[GOLDEN_2_INDEX_1..][..80].fill(0xee);
    let (code, said) = check(&dir, &bytes);
    let words = [format!("index 1 at byte {GOLDEN_2_INDEX_1}"), "nobody looked at its data".into()];
    for word in words {
        assert!(code == 1 && said.contains(&word), "it should say `{word}`, and says\n{said}");
    }
    let (_, keys) = inspect(&["--keys"], &dir.file("damaged.sst", &bytes));
    assert_eq!(keys.lines().count(), 51 - 17, "the entries of the other partitions:\n{keys}");
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
    expect_said_of(stones().0, handle, damage, words);
}

#[track_caller]
fn expect_said_of(
    mut bytes: Vec<u8>,
    handle: Handle,
    damage: impl FnOnce(&mut [u8]),
    words: &[&str],
) {
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
fn what_a_bad_writer_wrote_into_partitions_is_named() {
    let said_of = |(offset, size), at: usize, byte: u8, words: &[&str]| {
        let handle = Handle { offset, size };
        expect_said_of(GOLDEN_2.to_vec(), handle, |block| block[at] = byte, words);
    };
    let (filter, index, top) = ((895, 84), (2139, 91), (3696, 147));
    said_of(filter, 75, 0, &["filter 0 at byte 895", "impossible number of probes"]);
    said_of(index, 3, b't', &["separator 1", "is not behind the one before"]);
    said_of(index, 43, b't', &["its last separator is not the top's key"]);
    said_of(index, 28, 0, &["entry 0 points to a wrong place", "the block begins at 1074"]);
    said_of(top, 25, 0, &["entry 0 points to a wrong place", "filter 84 bytes at 768"]);
    said_of(top, 52, b'a', &["key 1, stone/absidian/g@MAX, is not behind the one before"]);
    let handle = Handle { offset: filter.0, size: filter.1 };
    let no_bit = |block: &mut [u8]| block[11..75].fill(0);
    let words = ["filter 0 at byte 895: it denies stone/agate/cairn, which is there"];
    expect_said_of(GOLDEN_2.to_vec(), handle, no_bit, &words);
}

#[test]
fn a_lookup_shows_its_steps_and_agrees_with_the_reader() {
    let dir = Dir::new();
    for (golden, top) in [(GOLDEN, ""), (GOLDEN_2, "top      of 3 partitions")] {
        let path = dir.file("golden.sst", golden);
        let (_, said) = inspect(&["--key", "stone/flint/wall"], &path);
        let steps =
            [top, "it may be here", "data block 1", "found", "value 1 of flint", "says the same"];
        for word in steps {
            assert!(said.contains(word), "it should say `{word}`, and says\n{said}");
        }
        for (key, _) in entries(&path) {
            let (_, said) = inspect(&["--key", &key], &path);
            assert!(said.contains("says the same"), "of {key} it says\n{said}");
            let absent = format!("{key}?");
            let (_, said) = inspect(&["--key", &absent], &path);
            let is_told = said.contains("absent") && said.contains("says the same");
            assert!(is_told, "{absent}:\n{said}");
        }
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
