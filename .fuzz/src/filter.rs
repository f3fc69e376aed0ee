//! Filters, day 4.

use arbitrary::{Result, Unstructured};
use sstable::filter::{BITS_PER_KEY_MAX, LINE_SIZE, PROBE_COUNT_MAX};
use sstable::{Filter, FilterBuilder};

/// Any bytes as a filter block; or keys, which a filter lets through.
pub fn filter(data: &[u8]) {
    match data.split_first() {
        Some((0..0x80, bytes)) => any_bytes(bytes),
        // Bytes that end too early are no keys.
        Some((_, input)) => _ = built(&mut Unstructured::new(input)),
        None => {}
    }
}

/// Lines and a number of probes are a filter, and nothing else is.
fn any_bytes(bytes: &[u8]) {
    let lines_size = bytes.len().saturating_sub(1);
    let probe_count = bytes.last().map_or(0, |&byte| usize::from(byte));
    let is_filter = lines_size > 0
        && lines_size.is_multiple_of(LINE_SIZE)
        && (1..=PROBE_COUNT_MAX).contains(&probe_count);
    let decoded = Filter::decode(bytes);
    assert_eq!(decoded.is_ok(), is_filter, "{} bytes, {probe_count} probes", bytes.len());
    let Ok(filter) = decoded else { return };
    assert_eq!(filter.size(), lines_size, "size of a filter of {} bytes", bytes.len());
    let [no_bit, all_bits] = [0, 0xff].map(|byte| bytes[..lines_size].iter().all(|&b| b == byte));
    for key in (0..=bytes.len()).step_by(7).map(|size| &bytes[..size]) {
        let may = filter.may_contain(key);
        assert!(may || !all_bits, "a filter of ones keeps {key:?} back");
        assert!(!may || !no_bit, "a filter of zeros lets {key:?} through");
    }
}

/// Whatever was added is let through.
fn built(input: &mut Unstructured<'_>) -> Result<()> {
    let bits_per_key = usize::from(input.arbitrary::<u8>()?);
    let mut keys = Vec::new();
    while !input.is_empty() {
        let size = usize::from(input.arbitrary::<u8>()? % 32);
        // As many as there are, if these are fewer.
        keys.push(input.bytes(size.min(input.len()))?);
    }
    let mut builder = FilterBuilder::new(bits_per_key);
    keys.iter().for_each(|key| builder.add(key));
    let block = builder.finish();
    if bits_per_key == 0 || keys.is_empty() {
        assert!(block.is_empty(), "{} keys, {bits_per_key} bits for each: no filter", keys.len());
        return Ok(());
    }
    // The same key several times in a row counts once.
    let bits = keys.len() * bits_per_key.min(BITS_PER_KEY_MAX);
    let most = bits.div_ceil(8 * LINE_SIZE) * LINE_SIZE + 1;
    assert!(block.len() <= most, "{} bytes for {} keys: at most {most}", block.len(), keys.len());
    let filter = Filter::decode(&block).expect("a builder makes filters");
    for key in keys {
        assert!(filter.may_contain(key), "{key:?} was added, and is kept back");
    }
    Ok(())
}
