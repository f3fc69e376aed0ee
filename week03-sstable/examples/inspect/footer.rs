//! Where the parts are: from the footer, and if that is damaged, from what is left of it.

use sstable::BadBlock;
use sstable::format::{FOOTER_SIZE, Footer, Handle, MAGIC, VERSION, VERSION_PARTITIONED, checksum};

use crate::part::{Kind, mend};
use crate::problem::Problems;
use crate::source::Source;
use crate::{Failure, flip, text};

/// Where the parts of a file are, as far as that is known.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) filter: Option<Handle>,
    pub(crate) index: Option<Handle>,
    /// In the place of both, if they are cut into partitions.
    pub(crate) top: Option<Handle>,
    pub(crate) properties: Option<Handle>,
    /// Where the footer begins.
    pub(crate) footer: Option<u64>,
    /// Where data blocks end, or partitions.
    pub(crate) data_end: u64,
}

impl Layout {
    /// What a footer of either version says, which begins at `offset`.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if this build says so.
    pub(crate) fn decode(bytes: &[u8; FOOTER_SIZE], offset: u64) -> Result<Layout, BadBlock> {
        let (footer, index, top);
        if Footer::is_partitioned(bytes) {
            footer = Footer::decode_partitioned(bytes, offset)?;
            (index, top) = (None, Some(footer.index));
        } else {
            footer = Footer::decode(bytes, offset)?;
            (index, top) = (Some(footer.index), None);
        }
        Ok(Layout {
            filter: footer.filter,
            index,
            top,
            properties: Some(footer.properties),
            footer: Some(offset),
            data_end: footer.data_end(),
        })
    }

    /// The version of the format.
    pub(crate) fn version(&self) -> u32 {
        if self.top.is_some() { VERSION_PARTITIONED } else { VERSION }
    }

    /// The parts behind the data blocks, in the order of the file.
    pub(crate) fn others(&self) -> impl Iterator<Item = (Kind, Handle)> {
        let footer = self.footer.map(|offset| Handle { offset, size: FOOTER_SIZE as u32 });
        let parts = [
            (Kind::Filter, self.filter),
            (Kind::Index, self.index),
            (Kind::Top, self.top),
            (Kind::Properties, self.properties),
            (Kind::Footer, footer),
        ];
        parts.into_iter().filter_map(|(kind, handle)| Some((kind, handle?)))
    }
}

/// How far from the end of the file a footer is looked for that does not stand there.
const SEARCHED_MAX: u64 = 64 << 10;

/// Reads the footer. `None` if there is nothing that can be taken for one.
pub(crate) fn read(source: &Source, problems: &mut Problems) -> Result<Option<Layout>, Failure> {
    let Some(footer_at) = source.size.checked_sub(FOOTER_SIZE as u64) else {
        let what = format!(
            "{}: that is less than the {FOOTER_SIZE} bytes of a footer",
            text::size(source.size)
        );
        problems.add("the file", what);
        return Ok(None);
    };
    let bytes = source.read(footer_at, FOOTER_SIZE)?;
    let bytes: [u8; FOOTER_SIZE] = bytes.try_into().expect("so many were asked for");
    match Layout::decode(&bytes, footer_at) {
        Ok(layout) => Ok(Some(layout)),
        Err(bad) => {
            // Half a magic number is still one; less may be anything.
            let same = bytes[44..].iter().zip(MAGIC).filter(|(found, want)| found == want).count();
            if same >= MAGIC.len() / 2 {
                let notes = problems.add(place(footer_at), bad.to_string());
                return Ok(damaged(bytes, footer_at, notes));
            }
            further_back(source, footer_at, problems)
        }
    }
}

fn place(offset: u64) -> String {
    format!("the footer at byte {offset}")
}

/// Says what is wrong with a footer, and reads it all the same if that is one bit, or the magic.
fn damaged(mut bytes: [u8; FOOTER_SIZE], offset: u64, notes: &mut Vec<String>) -> Option<Layout> {
    let magic = &bytes[44..];
    if magic != MAGIC {
        let (found, wanted) = (magic.escape_ascii(), MAGIC.escape_ascii());
        notes.push(format!("the last {} bytes are \"{found}\", not \"{wanted}\"", MAGIC.len()));
        bytes[44..].copy_from_slice(MAGIC);
    }
    let number = |at: usize| u32::from_le_bytes(bytes[at..][..4].try_into().expect("four"));
    let (version, stored, computed) = (number(36), number(40), checksum(offset, &bytes[..40], &[]));
    if ![VERSION, VERSION_PARTITIONED].contains(&version) {
        notes.push(format!(
            "the version is {version}, and this build reads {VERSION} and {VERSION_PARTITIONED}"
        ));
    }
    if stored != computed {
        notes.push(format!(
            "checksum stored {stored:08x}, computed {computed:08x} over the offset {offset} and \
             40 bytes"
        ));
        if let Some((at, bit)) = flip::find(stored, computed, 40) {
            notes.push(mend(&mut bytes, offset, at, bit));
        }
    }
    let layout = Layout::decode(&bytes, offset).ok()?;
    notes.push("with that put right in memory, the rest is read on".into());
    Some(layout)
}

/// Looks for a footer with something behind it.
fn further_back(
    source: &Source,
    footer_at: u64,
    problems: &mut Problems,
) -> Result<Option<Layout>, Failure> {
    let start = source.size.saturating_sub(SEARCHED_MAX);
    let bytes = source.read(start, (source.size - start) as usize)?;
    for (at, window) in bytes.windows(FOOTER_SIZE).enumerate().rev() {
        let offset = start + at as u64;
        let window = window.try_into().expect("a window of that size");
        if let Ok(layout) = Layout::decode(window, offset) {
            let behind = footer_at - offset;
            let what = format!("{} behind the footer", text::many(behind, "byte", "bytes"));
            problems.add("the file", what);
            return Ok(Some(layout));
        }
    }
    let what =
        format!("it does not end with a footer, whose last bytes are \"{}\"", MAGIC.escape_ascii());
    problems.add("the file", what);
    Ok(None)
}
