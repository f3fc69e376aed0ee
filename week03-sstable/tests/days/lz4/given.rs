//! Blocks as the tests write and read them, by the format and byte by byte, and what they expect.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use sstable::BadBlock;
use sstable::lz4::{Compressor, decompress, size_max};
use wal::testing::show;

pub(super) const FORMAT: &str = "(rule 1 of lab lz4: a token of two four-bit lengths, more of the first, literals, an offset \
     of two bytes, the lower first, more of the second; a copy's length is counted from 4, and 15 \
     means that bytes follow, the last of which is below 255)";
pub(super) const OVERLAP: &str = "(rule 2 of lab lz4: a copy goes byte by byte, as far as anybody can see: one that is longer \
     than its offset repeats what it has just made)";
pub(super) const END: &str = "(rule 3 of lab lz4: the last 5 bytes are literals, a copy begins at \
                              least 12 before the end, and no offset is 0 or above 65535)";
pub(super) const FINDS: &str = "(rule 4 of lab lz4: every place that is looked at is in the table, and what the table says is \
     compared; steps grow by a byte after 32 tries in vain; a copy is as long as it gets; the same \
     block makes the same bytes, whatever was compressed before; what is in `out` stays)";
pub(super) const HOSTILE: &str = "(rule 5 of lab lz4: any bytes may come in; what comes out is a block of exactly the size that \
     was announced, or an error with the first place that is wrong; a size above 255 times the bytes \
     gets no memory)";

/// One sequence, without its literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    /// Where in the block the copy begins.
    pub(super) at: usize,
    pub(super) offset: usize,
    pub(super) len: usize,
}

/// Writes a sequence: these literals, and a copy of so many bytes from so far back.
pub(super) fn sequence(literals: &[u8], copy: Option<(usize, usize)>) -> Vec<u8> {
    let more = copy.map_or(0, |(_, len)| len - 4);
    let mut bytes = vec![(literals.len().min(15) * 16 + more.min(15)) as u8];
    put_length(literals.len(), &mut bytes);
    bytes.extend_from_slice(literals);
    if let Some((offset, _)) = copy {
        bytes.extend_from_slice(&(offset as u16).to_le_bytes());
        put_length(more, &mut bytes);
    }
    bytes
}

fn put_length(length: usize, bytes: &mut Vec<u8>) {
    if length >= 15 {
        let mut rest = length - 15;
        while rest >= 255 {
            bytes.push(255);
            rest -= 255;
        }
        bytes.push(rest as u8);
    }
}

/// A block that must be one, read a byte at a time.
struct Walker<'a> {
    packed: &'a [u8],
    at: usize,
}

impl Walker<'_> {
    fn byte(&mut self, what: &str) -> Result<usize, String> {
        let byte = self.packed.get(self.at).ok_or_else(|| {
            format!("it ends at byte {}, where {what} must stand", self.packed.len())
        })?;
        self.at += 1;
        Ok(usize::from(*byte))
    }

    fn length(&mut self, nibble: usize, what: &str) -> Result<usize, String> {
        let mut length = nibble;
        let mut last = if nibble == 15 { 255 } else { 0 };
        while last == 255 {
            last = self.byte(what)?;
            length += last;
        }
        Ok(length)
    }
}

/// What a block stands for, and its copies; or what is wrong with it.
pub(super) fn walk(packed: &[u8]) -> Result<(Vec<u8>, Vec<Copied>), String> {
    let (mut block, mut copies) = (Vec::new(), Vec::new());
    let mut walker = Walker { packed, at: 0 };
    loop {
        let token = walker.byte("a token")?;
        for _ in 0..walker.length(token >> 4, "more of the number of literals")? {
            block.push(walker.byte("a literal")? as u8);
        }
        if walker.at == packed.len() {
            return Ok((block, copies));
        }
        let offset_at = walker.at;
        let offset = walker.byte("an offset")? | walker.byte("an offset's second byte")? << 8;
        if offset == 0 || offset > block.len() {
            let have = block.len();
            return Err(format!(
                "byte {offset_at}: an offset of {offset}, and {have} bytes before"
            ));
        }
        let len = 4 + walker.length(token & 15, "more of a copy's length")?;
        copies.push(Copied { at: block.len(), offset, len });
        (0..len).for_each(|_| block.push(block[block.len() - offset]));
    }
}

/// What your compressor makes of `block`.
#[track_caller]
pub(super) fn packed(block: &[u8]) -> Vec<u8> {
    packed_by(&mut Compressor::new(), block)
}

/// What this compressor makes of `block`, without a panic.
#[track_caller]
pub(super) fn packed_by(compressor: &mut Compressor, block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let shown = show(&block[..block.len().min(60)]).to_string();
    let what = format!("`compress` panicked over {shown}, of {} bytes", block.len());
    without_panic(|| compressor.compress(block, &mut out), &what, FINDS);
    out
}

/// What `work` returns. A panic says what it was about; one that only says "not yet implemented" goes
/// on as it is.
#[track_caller]
fn without_panic<T>(work: impl FnOnce() -> T, what: &str, rule: &str) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        if text.starts_with("not yet implemented") {
            resume_unwind(panic);
        }
        panic!("{what}: \"{text}\" {rule}");
    })
}

/// `packed` is LZ4, of this block, by all its rules. Returns its copies.
#[track_caller]
pub(super) fn expect_good(packed: &[u8], block: &[u8], what: &str) -> Vec<Copied> {
    let shown = show(&packed[..packed.len().min(60)]);
    let (came, copies) = match walk(packed) {
        Ok(walked) => walked,
        Err(wrong) => panic!("{what}: your compressor made {shown}…: {wrong} {FORMAT}"),
    };
    let differ = || came.iter().zip(block).position(|(came, want)| came != want);
    assert!(
        came == block,
        "{what}: your compressor made {shown}…, which stands for {} bytes and should for {}; they \
         differ at {:?} {FORMAT}",
        came.len(),
        block.len(),
        differ()
    );
    for copy in &copies {
        let (end, size) = (copy.at + copy.len, block.len());
        assert!(
            copy.at + 12 <= size && end + 5 <= size,
            "{what}: a copy goes from byte {} to {end} of a block of {size} bytes {END}",
            copy.at
        );
    }
    let most = size_max(block.len());
    assert!(packed.len() <= most, "{what}: {} bytes, at most {most} {FORMAT}", packed.len());
    let crates = lz4_flex::block::decompress(packed, block.len());
    assert!(crates.is_ok_and(|crates| crates == block), "{what}: lz4_flex cannot read it {END}");
    copies
}

/// What `decompress` says of these bytes, without a panic.
#[track_caller]
pub(super) fn unpacked(packed: &[u8], raw_size: usize) -> Result<Vec<u8>, BadBlock> {
    let shown = show(&packed[..packed.len().min(60)]);
    let what = format!("`decompress` panicked over {shown}, size {raw_size}");
    without_panic(|| decompress(packed, raw_size), &what, HOSTILE)
}

/// The block that comes back is this one.
#[track_caller]
pub(super) fn expect_back(packed: &[u8], block: &[u8], what: &str) {
    let shown = show(&packed[..packed.len().min(60)]);
    match unpacked(packed, block.len()) {
        Ok(back) if back == block => {}
        Ok(back) => {
            let at = back.iter().zip(block).position(|(came, want)| came != want);
            panic!(
                "{what}: `decompress` of {shown} gave {} bytes, want {}; the first that differs is \
                 {at:?} {FORMAT} {OVERLAP}",
                back.len(),
                block.len()
            );
        }
        Err(bad) => panic!("{what}: `decompress` of {shown}, a good block, gave: {bad} {FORMAT}"),
    }
}

/// These bytes are refused, at this one.
#[track_caller]
pub(super) fn expect_refused(packed: &[u8], raw_size: usize, at: usize, what: &str) {
    let shown = show(&packed[..packed.len().min(60)]);
    match unpacked(packed, raw_size) {
        Ok(block) => panic!(
            "{what}: {shown} as {raw_size} bytes must be refused at byte {at}, and a block of {} \
             bytes came {HOSTILE}",
            block.len()
        ),
        Err(bad) => assert_eq!(
            bad.at, at,
            "{what}: {shown} as {raw_size} bytes was refused with \"{bad}\"; left is your place, \
             right the one it must be {HOSTILE}"
        ),
    }
}
