//! All entries, a line each: key, number, kind and value, with tabs between them.

use std::io::Write;

use bytes::Bytes;
use memtable::Kind as Operation;
use sstable::Block;

use crate::check::Survey;
use crate::entries::Walk;
use crate::part::Kind;
use crate::source::Source;
use crate::{Failure, text};

/// Prints them, block by block; what cannot be read becomes a problem and is left out.
pub(crate) fn print(
    source: &Source,
    survey: &mut Survey,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for index in 0..survey.blocks.len() {
        let handle = survey.blocks[index];
        let (_, Some(block)) = survey.part(source, Kind::Data(index), handle)? else { continue };
        let place = crate::check::place(Kind::Data(index), handle);
        match Block::parse(block.clone()) {
            Ok(_) => print_block(&block, &place, survey, out)?,
            Err(bad) => {
                survey.problems.add(place, bad.to_string());
            }
        }
    }
    Ok(())
}

fn print_block(
    block: &Bytes,
    place: &str,
    survey: &mut Survey,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut walk = Walk::new(block);
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(bad) => {
                survey.problems.add(place, bad.to_string());
                continue;
            }
        };
        let key = walk.key(&entry);
        let (user_key, seq) = (text::show(key.user_key), key.seq);
        match key.kind {
            Operation::Put => {
                writeln!(out, "{user_key}\t{seq}\tput\t{}", text::show(walk.value(&entry)))?;
            }
            Operation::Delete => writeln!(out, "{user_key}\t{seq}\tdelete")?,
        }
    }
    Ok(())
}
