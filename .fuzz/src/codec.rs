//! Codecs, day 6.

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use sstable::Codec;
use sstable::format::BLOCK_SIZE_MAX;

/// Bytes in front of what is compressed: the size that it claims.
const CLAIM_SIZE: usize = 4;

/// Any bytes as a stored block; or a block, there and back, also with a few bytes changed on the way.
pub fn codec(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let Some(codec) = Codec::from_number(choice % 4) else { return };
    if choice < 0x80 {
        expect_judged(codec, bytes);
    } else {
        // Bytes that end too early are no block.
        _ = there_and_back(codec, &mut Unstructured::new(bytes));
    }
}

/// A claim that cannot be is refused, before memory for it is asked for: the fuzzer's limit on one
/// allocation is below it. What comes has the size that was claimed.
fn expect_judged(codec: Codec, stored: &[u8]) {
    let came = codec.decompress(Bytes::copy_from_slice(stored));
    if codec == Codec::None {
        assert_eq!(came.as_deref(), Ok(stored), "a block that is stored as it is");
        return;
    }
    let claim = stored.split_first_chunk::<CLAIM_SIZE>().and_then(|(claim, packed)| {
        let claim = u32::from_le_bytes(*claim) as usize;
        let can_be = claim <= BLOCK_SIZE_MAX && claim <= packed.len() * codec.ratio_max();
        can_be.then_some(claim)
    });
    match (claim, came) {
        (Some(claim), Ok(block)) => {
            assert_eq!(block.len(), claim, "{codec:?}: size of a block that claims {claim}");
        }
        (Some(_), Err(bad)) => assert_eq!(bad.at, CLAIM_SIZE, "{codec:?}: {bad}"),
        (None, Err(bad)) => assert_eq!(bad.at, 0, "{codec:?}: {bad}"),
        (None, Ok(block)) => {
            panic!("{codec:?}: {} bytes of a claim that cannot be", block.len());
        }
    }
}

/// A block comes back as it was; one that was changed when it was stored is an error, or of its
/// size.
fn there_and_back(codec: Codec, input: &mut Unstructured<'_>) -> Result<()> {
    let edits: [(u16, u8); 2] = input.arbitrary()?;
    let block = block(input)?;
    let mut out = b"before".to_vec();
    let how = codec.compress(&block, &mut out);
    let stored = out.strip_prefix(b"before").expect("what is in `out` stays");
    let (size, eighth) = (stored.len(), block.len().div_ceil(8));
    if how == Codec::None {
        assert_eq!(stored, block, "{codec:?}: a block that is stored as it is");
    } else {
        assert_eq!(how, codec, "the codec that was asked for, or none");
        assert!(size + eighth <= block.len(), "{size} of {} bytes do not pay", block.len());
    }
    let back = how.decompress(Bytes::copy_from_slice(stored));
    assert_eq!(back.as_deref(), Ok(&block[..]), "{codec:?}: there and back");
    if size > 0 {
        let mut damaged = stored.to_vec();
        for (at, byte) in edits {
            damaged[usize::from(at) % size] ^= byte;
        }
        expect_judged(how, &damaged);
    }
    Ok(())
}

/// A block of pieces: new bytes, or what was there some bytes before, so that there is something to
/// compress.
fn block(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const SIZE_MAX: usize = 64 << 10;
    let mut block = Vec::new();
    while !input.is_empty() && block.len() < SIZE_MAX {
        let (back, size): (u8, u8) = input.arbitrary()?;
        let back = usize::from(back) * usize::from(back);
        if back == 0 || back > block.len() {
            let size = usize::from(size).min(input.len());
            block.extend_from_slice(input.bytes(size)?);
        } else {
            let from = block.len() - back;
            for at in from..from + usize::from(size).pow(2) / 16 {
                block.push(block[at]);
            }
        }
    }
    Ok(block)
}
