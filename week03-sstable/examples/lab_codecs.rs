//! Day 6's experiment: what your codecs leave of a block, and how long they take.
//!
//! A megabyte of words, of rows and of noise is cut into blocks of 256 bytes to 256 KiB, and each
//! block is stored by your `compress` and got back by your `decompress`.

use std::time::Instant;

use bytes::Bytes;
use sstable::Codec;

/// In bytes, each four times the one before.
const BLOCK_SIZES: [usize; 6] = [256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10];
/// Where in `BLOCK_SIZES` the size is whose times are told: 4 KiB, the default of a table.
const USUAL: usize = 2;
const DATA_SIZE: usize = 1 << 20;
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 15;

/// One codec over one kind of data in blocks of one size.
#[derive(Clone, Copy)]
struct Measured {
    /// Bytes stored, as % of the data.
    left: f64,
    /// Gigabytes of data a second, in and out.
    compress: f64,
    decompress: f64,
}

fn main() {
    let codecs = [("LZ4", Codec::Lz4), ("Snappy", Codec::Snappy)];
    let kinds = [("words", words()), ("rows", rows()), ("noise", noise())];
    println!("# title: What is left of a megabyte");
    println!("# x: block size, in bytes");
    println!("# y: stored, as % of the data");
    println!("# x-scale: log");
    println!("series,x,y");
    let mut usual = Vec::new();
    for (kind, data) in &kinds {
        for (name, codec) in codecs {
            let all = BLOCK_SIZES.map(|size| measure(codec, data, size));
            usual.push(all[USUAL]);
            if *kind == "noise" && codec == Codec::Snappy {
                continue; // the same line as LZ4's
            }
            let series = match *kind {
                "noise" => "noise, either".to_owned(),
                _ => format!("{kind}, {name}"),
            };
            for (size, measured) in BLOCK_SIZES.iter().zip(all) {
                println!("{series},{size},{:.2}", measured.left);
            }
        }
    }
    let [words_lz4, words_snappy, rows_lz4, rows_snappy, noise_lz4, _] = usual[..] else {
        unreachable!("three kinds and two codecs are six");
    };
    println!(
        "# says: In blocks of 4 KiB, LZ4 leaves {:.0} % of words and {:.0} % of rows, Snappy \
         {:.0} % and {:.0} %. Rows are compressed at {:.2} and {:.2} GB/s, and decompressed at \
         {:.2} and {:.2}. Noise is stored as it is: tried at {:.1} GB/s, and read for nothing.",
        words_lz4.left,
        rows_lz4.left,
        words_snappy.left,
        rows_snappy.left,
        rows_lz4.compress,
        rows_snappy.compress,
        rows_lz4.decompress,
        rows_snappy.decompress,
        noise_lz4.compress,
    );
}

fn measure(codec: Codec, data: &[u8], block_size: usize) -> Measured {
    let mut measured = Measured { left: 0.0, compress: 0.0, decompress: 0.0 };
    let mut out = Vec::with_capacity(2 * data.len());
    for _ in 0..RUNS {
        out.clear();
        let start = Instant::now();
        let mut parts = Vec::with_capacity(data.len() / block_size);
        for block in data.chunks(block_size) {
            let begins = out.len();
            let codec = codec.compress(block, &mut out);
            parts.push((codec, begins..out.len()));
        }
        measured.compress = measured.compress.max(speed(start));
        measured.left = 100.0 * out.len() as f64 / data.len() as f64;

        let stored = Bytes::copy_from_slice(&out);
        let mut size = 0;
        let start = Instant::now();
        for (codec, range) in parts {
            let block = codec.decompress(stored.slice(range)).expect("it was just stored");
            size += block.len();
        }
        measured.decompress = measured.decompress.max(speed(start));
        assert_eq!(size, data.len(), "every byte must come back");
    }
    measured
}

/// Gigabytes a second, if all of the data was gone through since `start`.
fn speed(start: Instant) -> f64 {
    DATA_SIZE as f64 / start.elapsed().as_nanos() as f64
}

/// Words of two hundred, few of them much used, in no order.
fn words() -> Vec<u8> {
    let mut dice = Dice(1);
    let syllables =
        ["mar", "ble", "quar", "tz", "sto", "ne", "sla", "te", "gra", "ni", "pum", "ice"];
    let mut syllable = || syllables[dice.below(syllables.len())];
    let words: Vec<String> =
        (0..200).map(|_| [syllable(), syllable(), syllable()].concat()).collect();
    let mut dice = Dice(2);
    fill(move |_| {
        let end = 1 + dice.below(words.len());
        format!("{} ", words[dice.below(end)])
    })
}

/// Rows of a table, as programs write them: the same names in all, and other numbers.
fn rows() -> Vec<u8> {
    let mut dice = Dice(3);
    let states = ["open", "paid", "sent", "void"];
    fill(move |row| {
        let (customer, cents) = (dice.below(50_000), dice.below(100_000));
        let state = states[dice.below(states.len())];
        format!(
            "{{\"id\":{row},\"customer\":{customer},\"cents\":{cents},\"state\":\"{state}\"}}\n"
        )
    })
}

fn noise() -> Vec<u8> {
    let mut dice = Dice(4);
    (0..DATA_SIZE).map(|_| dice.next() as u8).collect()
}

/// Pieces, one behind the other, until they are enough.
fn fill(mut piece: impl FnMut(usize) -> String) -> Vec<u8> {
    let mut data = Vec::new();
    for number in 0.. {
        data.extend_from_slice(piece(number).as_bytes());
        if data.len() >= DATA_SIZE {
            break;
        }
    }
    data.truncate(DATA_SIZE);
    data
}

/// Numbers that look random, the same in every run. (It is splitmix64.)
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
