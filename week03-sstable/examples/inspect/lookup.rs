//! The way of a lookup, step by step: what a reader asks, and what it is told.

use std::cmp::Ordering;
use std::io::{self, Write};
use std::ops::Range;

use bytes::Bytes;
use memtable::{InternalKey, Kind as Operation, Lookup};
use sstable::{Block, Table};
use wal::fs::OsFs;

use crate::check::{Survey, place};
use crate::entries::{Entry, Walk};
use crate::filter::Lines;
use crate::index::show;
use crate::part::Kind;
use crate::partitions::pointer;
use crate::reader::attempt;
use crate::source::Source;
use crate::style::{BOLD, GOOD, paint};
use crate::{Failure, text};

/// What a lookup finds: an entry, or why there is none.
enum End {
    Found(Operation, Bytes),
    Absent(&'static str),
}

/// Looks for what a snapshot at `seq` sees of `user_key`, and prints each step.
pub(crate) fn print(
    source: &Source,
    survey: &mut Survey,
    user_key: &[u8],
    seq: u64,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let target = InternalKey::lookup(user_key, seq.min(memtable::SEQ_MAX));
    writeln!(out, "{}", paint(BOLD, format!("the way to {}", show(target))))?;
    let end = follow(source, survey, &target, out)?;
    let said = match &end {
        End::Found(Operation::Put, value) => format!("value {}", text::short(value, 60)),
        End::Found(Operation::Delete, _) => "a tombstone: it was deleted".into(),
        End::Absent(why) => format!("absent: {why}"),
    };
    writeln!(out, "  {}  {}", paint(BOLD, "answer "), paint(GOOD, said))?;
    if survey.problems.count == 0 {
        ask(source, user_key, seq, &end, out)?;
    }
    Ok(())
}

fn follow(
    source: &Source,
    survey: &mut Survey,
    target: &InternalKey<'_>,
    out: &mut dyn Write,
) -> Result<End, Failure> {
    let Some((lines, blocks)) = partition(survey, target, out)? else {
        return Ok(End::Absent("it is behind the last key; nothing is read"));
    };
    if !filter(lines, target.user_key, out)? {
        return Ok(End::Absent("one bit is not set, so the key was never added; no data is read"));
    }
    if blocks.is_empty() {
        return Ok(End::Absent("the index cannot be read"));
    }
    let separators = &survey.separators[..blocks.end];
    let before = separators.partition_point(|other| other.key().cmp(target) == Ordering::Less);
    let index = before.max(blocks.start);
    let Some(separator) = separators.get(index) else {
        writeln!(out, "  {}  all {} separators are before it", step("index"), blocks.len())?;
        return Ok(End::Absent("it is behind the last key"));
    };
    writeln!(
        out,
        "  {}  of {}, the first at or behind it is {}: {}, {} bytes",
        step("index"),
        text::many(blocks.len() as u64, "separator", "separators"),
        show(separator.key()),
        place(Kind::Data(index), separator.handle),
        separator.handle.size
    )?;
    let handle = separator.handle;
    let (_, block) = survey.part(source, Kind::Data(index), handle)?;
    match block.filter(|block| Block::parse(block.clone()).is_ok()) {
        Some(block) => Ok(within(&block, target, out)?),
        None => Ok(End::Absent("the block cannot be read")),
    }
}

/// The filter to ask, and the data blocks among which the index finds one: all of them, or those of
/// the partition that the top names. `None` if the key is behind all partitions.
fn partition<'a>(
    survey: &'a Survey,
    target: &InternalKey<'_>,
    out: &mut dyn Write,
) -> io::Result<Option<(Option<&'a Lines>, Range<usize>)>> {
    let parts = &survey.partitions;
    if parts.is_empty() {
        let lines = survey.filter.as_ref().map(|filter| &filter.lines);
        return Ok(Some((lines, 0..survey.separators.len())));
    }
    let index = parts.partition_point(|part| part.key().cmp(target) == Ordering::Less);
    let Some(part) = parts.get(index) else {
        writeln!(out, "  {}  all {} keys are before it", step("top"), parts.len())?;
        return Ok(None);
    };
    writeln!(
        out,
        "  {}  of {}, the first whose key is at or behind it is {index}, {}: {}",
        step("top"),
        text::many(parts.len() as u64, "partition", "partitions"),
        show(part.key()),
        pointer(&part.handles)
    )?;
    let end = parts.get(index + 1).map_or(survey.separators.len(), |next| next.first_block);
    Ok(Some((part.filter.as_ref().map(|filter| &filter.lines), part.first_block..end)))
}

fn step(name: &str) -> String {
    paint(BOLD, format!("{name:7}"))
}

/// Prints the probes up to the first that fails, as a reader asks; whether all are set.
fn filter(lines: Option<&Lines>, user_key: &[u8], out: &mut dyn Write) -> io::Result<bool> {
    let Some(lines) = lines else {
        writeln!(out, "  {}  none: every key may be here", step("filter"))?;
        return Ok(true);
    };
    let (line, probes) = lines.probes(user_key);
    let asked = probes.iter().take_while(|probe| probe.is_set).count();
    let mark = |is_set| if is_set { "✓" } else { "✗" };
    let shown = probes.iter().take(asked + 1);
    let shown: Vec<String> =
        shown.map(|probe| format!("{}{}", probe.bit, mark(probe.is_set))).collect();
    let verdict = match asked == probes.len() {
        true => "it may be here",
        false => "it is not here",
    };
    writeln!(
        out,
        "  {}  line {line} of {}, bits {}: {verdict}",
        step("filter"),
        lines.lines().len(),
        shown.join(" ")
    )?;
    Ok(asked == probes.len())
}

/// The restart point before the target, and the walk from there.
fn within(block: &Bytes, target: &InternalKey<'_>, out: &mut dyn Write) -> io::Result<End> {
    let mut walk = Walk::new(block);
    let mut on_the_way: Vec<(Entry, String)> = Vec::new();
    let mut restart_index = 0;
    let mut end = End::Absent("no entry of the block is at or behind it");
    while let Some(Ok(entry)) = walk.next() {
        let key = walk.key(&entry);
        let is_before = key.cmp(target) == Ordering::Less;
        if entry.is_restart && is_before && entry.at > 0 {
            restart_index += 1;
            on_the_way.clear();
        }
        let shown = show(key);
        if !is_before {
            if key.user_key == target.user_key {
                end = End::Found(key.kind, block.slice(entry.value.clone()));
            } else {
                end = End::Absent("the first entry at or behind it is of another key");
            }
            on_the_way.push((entry, shown));
            break;
        }
        on_the_way.push((entry, shown));
    }
    writeln!(
        out,
        "  {}  of {}, number {restart_index} is the last before it, at byte {}",
        step("restart"),
        text::many(walk.restarts.len() as u64, "restart point", "restart points"),
        walk.restarts[restart_index]
    )?;
    let last = on_the_way.len().saturating_sub(1);
    for (number, (entry, key)) in on_the_way.iter().enumerate() {
        let name = if number == 0 { "walk" } else { "" };
        let verdict = match end {
            End::Found(..) if number == last => "found",
            End::Absent(_) if number == last && on_the_way.len() > 1 => "not it",
            _ => "before it",
        };
        writeln!(out, "  {}  byte {:>5}: {key}, {verdict}", step(name), entry.at)?;
    }
    Ok(end)
}

/// Asks this build's own reader the same.
fn ask(
    source: &Source,
    user_key: &[u8],
    seq: u64,
    end: &End,
    out: &mut dyn Write,
) -> io::Result<()> {
    let answer = attempt(|| Table::open(&OsFs, &source.path, 0, None)?.get(user_key, seq));
    let expected = match end {
        End::Found(Operation::Put, value) => Lookup::Value(value.clone()),
        End::Found(Operation::Delete, _) => Lookup::Deleted,
        End::Absent(_) => Lookup::Absent,
    };
    let said = match answer {
        Ok(Ok(answer)) if answer == expected => "says the same".into(),
        Ok(Ok(answer)) => format!("says something else: {answer:?}"),
        Ok(Err(error)) => format!("says: {error}"),
        Err(missing) => format!("was not asked: {missing}, is not written"),
    };
    writeln!(out, "  {}  {said}", step("`get`"))
}
