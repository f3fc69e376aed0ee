//! What day 1's tests are given: a block's bytes, made and read by hand, and moves with a model.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bytes::Bytes;
use memtable::{InternalKey, Kind};
use rand::RngExt;
use rand::rngs::SmallRng;
use sstable::{BadBlock, Block, BlockBuilder, BlockCursor};
use wal::testing::show;

pub(super) use crate::entries::{Entry, entries as given, in_order};

pub(super) const BYTES: &str = "(rule 1 of day 1: the bytes of the drawing, and no others)";
pub(super) const SHARED: &str = "(rule 2 of day 1: an entry shares all first bytes that its user \
                                 key has in common with the one before; at a restart point none, \
                                 of a trailer never)";
pub(super) const PLACES: &str = "(rule 3 of day 1: a cursor is where a list of the entries would \
                                 be)";
pub(super) const READS: &str =
    "(rule 4 of day 1: a move reads what it needs and allocates nothing)";
pub(super) const HOSTILE: &str = "(rule 5 of day 1: any bytes may come in; an answer is an entry \
                                  that stands there, or an error, which leaves the cursor at none)";

/// The empty key, keys that begin with each other, versions, tombstones, values that are empty.
pub(super) fn mixed() -> Vec<Entry> {
    given(
        "@5- @2=none a@9=1 a@4- a@1= aa@3=2 ab@300=3 abc@2=4 abcd@1= abd@8=5 b@7=6 b@6- b@5=7 b@2= \
         ba@1=8 c@70000- c@69999=9",
    )
}

/// So many keys in order, each of them once.
pub(super) fn numbered(count: usize) -> Vec<Entry> {
    let entry = |n: usize| Entry {
        user_key: format!("key{:04}", 2 * n).into(),
        seq: 7,
        kind: Kind::Put,
        value: n.to_string().into(),
    };
    (0..count).map(entry).collect()
}

/// Up to `count` entries whose keys begin alike, with versions of all sizes.
pub(super) fn random(dice: &mut SmallRng, count: usize) -> Vec<Entry> {
    let alphabet: &[u8] = [&b"ab"[..], b"\0\xff", b"\x01\x07\0abc"][dice.random_range(0..3)];
    let bytes = |dice: &mut SmallRng, size_end: usize| -> Vec<u8> {
        let size = dice.random_range(0..size_end);
        (0..size).map(|_| alphabet[dice.random_range(0..alphabet.len())]).collect()
    };
    let first_bytes = bytes(dice, 9);
    let entry = |_| {
        let user_key = [&first_bytes[..], &bytes(dice, 5)].concat();
        let kind = if dice.random_range(0..4) == 0 { Kind::Delete } else { Kind::Put };
        let value = if kind == Kind::Put { bytes(dice, 30) } else { Vec::new() };
        let seq = dice.random::<u64>() >> dice.random_range(9..64);
        Entry { user_key, seq, kind, value }
    };
    in_order((0..count).map(entry).collect())
}

/// Places at, before and behind each of these entries.
pub(super) fn targets(entries: &[Entry]) -> Vec<Entry> {
    let mut targets = given("@9- @0- zz@1=");
    for entry in entries {
        let longer = [&entry.user_key[..], b"\0"].concat();
        let other = if entry.kind == Kind::Put { Kind::Delete } else { Kind::Put };
        targets.extend([
            entry.clone(),
            Entry { seq: entry.seq + 1, ..entry.clone() },
            Entry { seq: entry.seq.saturating_sub(1), ..entry.clone() },
            Entry { kind: other, ..entry.clone() },
            Entry { user_key: longer, ..entry.clone() },
        ]);
    }
    targets
}

// Bytes, made by hand.

pub(super) fn varint(number: usize) -> Vec<u8> {
    match number {
        0..128 => vec![number as u8],
        _ => [vec![(number % 128 + 128) as u8], varint(number / 128)].concat(),
    }
}

/// An entry with these three lengths, true or not, and what stands behind them.
pub(super) fn raw(lengths: [usize; 3], behind: &[u8]) -> Vec<u8> {
    [&lengths.map(varint).concat(), behind].concat()
}

/// `stone`, number 7, put.
pub(super) const STONE: &[u8; 13] = b"stone\x01\x07\0\0\0\0\0\0";

/// The block of these entries and restart points, true or not.
pub(super) fn block(entries: &[u8], restarts: &[usize]) -> Vec<u8> {
    let mut bytes = entries.to_vec();
    for &number in restarts.iter().chain([&restarts.len()]) {
        bytes.extend((number as u32).to_le_bytes());
    }
    bytes
}

/// The block that the drawing asks for, and where in it each entry's kind is.
pub(super) fn by_hand_with_kinds(entries: &[Entry], interval: usize) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut restarts, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let mut shared = 0;
        if index % interval.max(1) == 0 {
            restarts.push(bytes.len());
        } else {
            let before = &entries[index - 1].user_key;
            shared =
                entry.user_key.iter().zip(before).take_while(|(one, other)| one == other).count();
        }
        let rest = &entry.user_key[shared..];
        let lengths = [shared, rest.len() + 8, entry.value.len()];
        bytes.extend(raw(lengths, rest));
        kinds.push(bytes.len());
        let trailer = entry.seq * 256 + u64::from(entry.kind == Kind::Put);
        bytes.extend(trailer.to_le_bytes());
        bytes.extend(&entry.value);
    }
    (block(&bytes, &restarts), kinds)
}

pub(super) fn by_hand(entries: &[Entry], interval: usize) -> Vec<u8> {
    by_hand_with_kinds(entries, interval).0
}

// Bytes, read by hand.

/// The entries from one restart point to the next.
pub(super) struct Run {
    /// Those that can be read.
    pub(super) entries: Vec<Entry>,
    /// Whether they end where the next run begins.
    pub(super) is_whole: bool,
}

/// What stands in a block, slowly; `None` if it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Run>> {
    let (front, count) = bytes.split_last_chunk::<4>()?;
    let restarts_size = u64::from(u32::from_le_bytes(*count)) * 4;
    let entries_end = (front.len() as u64).checked_sub(restarts_size)? as usize;
    let (entries, restarts) = front.split_at(entries_end);
    let number = |four: &[u8; 4]| u32::from_le_bytes(*four) as usize;
    let mut places: Vec<usize> = restarts.as_chunks().0.iter().map(number).collect();
    places.push(entries_end);
    let is_right = places[0] == 0 && places.len() > 1 && places.is_sorted_by(|a, b| a < b);
    let runs = || places.windows(2).map(|run| read_run(entries, run[0], run[1])).collect();
    is_right.then(runs)
}

fn read_run(bytes: &[u8], mut at: usize, end: usize) -> Run {
    let mut run = Run { entries: Vec::new(), is_whole: false };
    while at < end {
        let before = run.entries.last().map_or(&[][..], |entry: &Entry| &entry.user_key);
        let Some((entry, entry_end)) = read_entry(bytes, at, before) else { return run };
        run.entries.push(entry);
        at = entry_end;
    }
    run.is_whole = at == end;
    run
}

fn read_entry(bytes: &[u8], at: usize, before: &[u8]) -> Option<(Entry, usize)> {
    let (mut bytes_left, mut lengths) = (&bytes[at..], [0; 3]);
    for length in &mut lengths {
        let size = bytes_left.iter().take(5).position(|&byte| byte < 128)? + 1;
        let digits = bytes_left[..size].iter().rev();
        let number = digits.fold(0_u64, |number, &byte| number * 128 + u64::from(byte % 128));
        *length = u32::try_from(number).ok()? as usize;
        bytes_left = &bytes_left[size..];
    }
    let [shared, unshared, value_size] = lengths;
    let (encoded, bytes_left) = bytes_left.split_at_checked(unshared)?;
    let (rest, trailer) = encoded.split_last_chunk()?;
    let trailer = u64::from_le_bytes(*trailer);
    let kind = [Kind::Delete, Kind::Put].into_iter().nth(trailer as u8 as usize)?;
    let (value, bytes_left) = bytes_left.split_at_checked(value_size)?;
    let user_key = [before.get(..shared)?, rest].concat();
    let entry = Entry { user_key, seq: trailer >> 8, kind, value: value.to_vec() };
    Some((entry, bytes.len() - bytes_left.len()))
}

// Moves.

/// A move of a cursor.
#[derive(Clone, Copy)]
pub(super) enum Move<'a> {
    First,
    Last,
    Next,
    Prev,
    Seek(&'a Entry),
    SeekBack(&'a Entry),
}

impl Move<'_> {
    pub(super) fn on(self, cursor: &mut BlockCursor) -> Result<(), BadBlock> {
        match self {
            Move::First => cursor.first(),
            Move::Last => cursor.last(),
            Move::Next => cursor.next(),
            Move::Prev => cursor.prev(),
            Move::Seek(target) => cursor.seek(target.key()),
            Move::SeekBack(target) => cursor.seek_back(target.key()),
        }
    }

    /// Where it leads in a list, from `at`.
    fn in_list(self, entries: &[Entry], at: Option<usize>) -> Option<usize> {
        let next = match self {
            Move::First => Some(0),
            Move::Last => entries.len().checked_sub(1),
            Move::Next => at.map(|at| at + 1),
            Move::Prev => at.and_then(|at| at.checked_sub(1)),
            Move::Seek(target) => Some(entries.partition_point(|at| at.key() < target.key())),
            Move::SeekBack(target) => {
                entries.partition_point(|at| at.key() <= target.key()).checked_sub(1)
            }
        };
        next.filter(|&next| next < entries.len())
    }
}

impl fmt::Display for Move<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Move::First => f.write_str("first"),
            Move::Last => f.write_str("last"),
            Move::Next => f.write_str("next"),
            Move::Prev => f.write_str("prev"),
            Move::Seek(target) => write!(f, "seek {target}"),
            Move::SeekBack(target) => write!(f, "seek_back {target}"),
        }
    }
}

/// What the cursor is at.
pub(super) fn entry_of(cursor: &BlockCursor) -> Option<Entry> {
    let InternalKey { user_key, seq, kind } = cursor.key()?;
    Some(Entry { user_key: user_key.to_vec(), seq, kind, value: cursor.value().to_vec() })
}

pub(super) fn show_entry(entry: Option<&Entry>) -> String {
    entry.map_or("no entry".to_owned(), Entry::to_string)
}

#[track_caller]
pub(super) fn parsed(bytes: &[u8]) -> Block {
    match Block::parse(Bytes::copy_from_slice(bytes)) {
        Ok(block) => block,
        Err(bad) => panic!("{} is a block, and `parse` says: {bad} {BYTES}", show(bytes)),
    }
}

/// A cursor that moves beside its model.
pub(super) struct Walk<'a> {
    entries: &'a [Entry],
    pub(super) cursor: BlockCursor,
    at: Option<usize>,
    interval: usize,
    moves: Vec<String>,
}

impl<'a> Walk<'a> {
    #[track_caller]
    pub(super) fn new(entries: &'a [Entry], interval: usize) -> Walk<'a> {
        let cursor = parsed(&by_hand(entries, interval)).cursor();
        Walk { entries, cursor, at: None, interval, moves: Vec::new() }
    }

    /// Moves both, and compares them.
    #[track_caller]
    pub(super) fn go(&mut self, step: Move<'_>) {
        self.moves.push(step.to_string());
        let result = step.on(&mut self.cursor);
        self.at = step.in_list(self.entries, self.at);
        let (want, came) = (self.at.map(|at| &self.entries[at]), entry_of(&self.cursor));
        assert!(
            result.is_ok()
                && want == came.as_ref()
                && (came.is_some() || self.cursor.value() == b""),
            "{self}\nwant {}, got {}, and the move says {result:?} {PLACES}",
            show_entry(want),
            show_entry(came.as_ref())
        );
    }
}

impl fmt::Display for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in the block, restart interval {}:", self.interval)?;
        self.entries.iter().take(20).try_for_each(|entry| write!(f, " {entry}"))?;
        let hidden = self.moves.len().saturating_sub(12);
        write!(
            f,
            "\nafter {}{}",
            if hidden > 0 { "…, " } else { "" },
            self.moves[hidden..].join(", ")
        )
    }
}

// What is asked of bytes that nobody vouches for.

/// Walks from one end to the other, no further than `limit` entries.
fn walk(block: &Block, limit: usize, start: Move, step: Move) -> (Vec<Entry>, Option<BadBlock>) {
    let (mut cursor, mut entries) = (block.cursor(), Vec::new());
    let mut result = start.on(&mut cursor);
    while let (Ok(()), Some(entry)) = (result, entry_of(&cursor)) {
        entries.push(entry);
        if entries.len() > limit {
            break;
        }
        result = step.on(&mut cursor);
    }
    (entries, result.err())
}

/// Every move over `bytes` gives what stands there, or an error.
#[track_caller]
pub(super) fn expect_honest(said: &str, bytes: &[u8], targets: &[Entry]) {
    let said = format!("{said}: {}", bytes.escape_ascii());
    without_panic(&said, || {
        let (runs, parsed) = (read(bytes), Block::parse(Bytes::copy_from_slice(bytes)));
        let (Some(runs), Ok(block)) = (&runs, &parsed) else {
            let want = if runs.is_some() { "a block" } else { "no block" };
            assert!(runs.is_none() && parsed.is_err(), "{said}\nit is {want} {HOSTILE}");
            return;
        };
        let all: Vec<Entry> = runs.iter().flat_map(|run| run.entries.clone()).collect();
        let damaged = runs.iter().position(|run| !run.is_whole);

        let before = damaged.map_or(runs.len(), |damaged| damaged + 1);
        let want: Vec<Entry> = runs[..before].iter().flat_map(|run| run.entries.clone()).collect();
        let (came, error) = walk(block, all.len(), Move::First, Move::Next);
        // An entry that reaches across may be refused when it is met or when it is left (rule 5).
        let enough = want.len() - usize::from(damaged.is_some()).min(want.len());
        let is_right = want.starts_with(&came) && came.len() >= enough;
        expect_walk(&said, "forward", is_right, damaged.is_some(), &came, &want, error);

        let whole = runs.iter().rev().take_while(|run| run.is_whole);
        let want: Vec<Entry> = whole.flat_map(|run| run.entries.iter().rev().cloned()).collect();
        let (came, error) = walk(block, all.len(), Move::Last, Move::Prev);
        expect_walk(&said, "backward", came == want, damaged.is_some(), &came, &want, error);

        let mut cursor = block.cursor();
        for target in targets {
            for step in
                [Move::Seek(target), Move::Prev, Move::SeekBack(target), Move::Next, Move::Prev]
            {
                let (result, came) = (step.on(&mut cursor), entry_of(&cursor));
                let is_right =
                    came.as_ref().is_none_or(|came| result.is_ok() && all.contains(came));
                let shown = show_entry(came.as_ref());
                assert!(is_right, "{said}\n{step}: {shown}, with {result:?} {HOSTILE}");
            }
        }
    });
}

#[track_caller]
fn expect_walk(
    said: &str,
    way: &str,
    is_right: bool,
    is_damaged: bool,
    came: &[Entry],
    want: &[Entry],
    error: Option<BadBlock>,
) {
    let list = |entries: &[Entry]| {
        let shown: Vec<String> = entries.iter().map(Entry::to_string).collect();
        format!("{} entries: {}", shown.len(), shown.join(", "))
    };
    let end = if is_damaged { "an error" } else { "the end" };
    assert!(
        is_right && error.is_some() == is_damaged,
        "{said}\na walk {way}: want {}, and then {end}\n  got {}, and then {error:?} {HOSTILE}",
        list(want),
        list(came)
    );
}

// Costs and panics.

pub(super) fn built(entries: &[Entry], interval: usize) -> Vec<u8> {
    let mut builder = BlockBuilder::new(interval);
    entries.iter().for_each(|entry| builder.add(entry.key(), &entry.value));
    builder.finish().to_vec()
}

/// What `work` gives, if it does not panic other than with a message of ours.
#[track_caller]
pub(super) fn without_panic<T>(call: &str, work: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done,
        Err(panic) => {
            let said = said(&*panic);
            if is_a_stub(&said) || said.contains("of day 1") {
                resume_unwind(panic);
            }
            panic!("{call}\nmust not panic, and did: \"{said}\" {HOSTILE}");
        }
    }
}

/// `work` must refuse with a panic, that of a stub excepted.
#[track_caller]
pub(super) fn expect_panic<T>(call: &str, why: &str, work: impl FnOnce() -> T) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(_) => panic!("{call} must panic: {why}"),
        Err(panic) if is_a_stub(&said(&*panic)) => resume_unwind(panic),
        Err(_) => {}
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
}

fn is_a_stub(said: &str) -> bool {
    said.starts_with("not yet implemented")
}
