//! Lab lz4's experiment: your LZ4 beside the crate's, over the size of the hash table.
//!
//! Words, rows and noise are cut into blocks of 64 KiB. Your compressor gets tables of
//! 16 to 65 536 entries; the crate has 4096, and is a level line. The sentence compares the two at
//! 4096: speeds, in and out, as parts of the crate's, measured in turns in the same run.

use std::hint::black_box;
use std::time::Instant;

use sstable::lz4::{Compressor, decompress};

/// log2 of the entries of a table.
const TABLE_BITS: [u32; 7] = [4, 6, 8, 10, 12, 14, 16];
/// Where in `TABLE_BITS` the size is that the crate has, too.
const USUAL: usize = 4;
const BLOCK_SIZE: usize = 64 << 10;
const DATA_SIZE: usize = 1 << 20;
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 25;

/// What became of one kind of data.
#[derive(Clone, Copy)]
struct Measured {
    /// Bytes stored, as % of the data.
    left: f64,
    /// Gigabytes of data a second, in and out.
    compress: f64,
    decompress: f64,
}

fn main() {
    println!("# title: What your LZ4 leaves of a megabyte");
    println!("# x: entries of the hash table");
    println!("# y: stored, as % of the data");
    println!("# x-scale: log");
    println!("series,x,y");
    let mut said = Vec::new();
    for (kind, data) in [("words", words()), ("rows", rows()), ("noise", noise())] {
        let mut yours = Measured { left: 0.0, compress: 0.0, decompress: 0.0 };
        for (n, bits) in TABLE_BITS.into_iter().enumerate() {
            let left = left(bits, &data);
            if n == USUAL {
                yours.left = left;
            }
            if kind != "noise" {
                println!("{kind}, yours,{},{left:.2}", 1 << bits);
            }
        }
        let crates = compare(&data, &mut yours);
        if kind != "noise" {
            for bits in TABLE_BITS {
                println!("{kind}, the crate,{},{:.2}", 1 << bits, crates.left);
            }
        }
        said.push(format!(
            "{kind}: {:.0} % left, the crate leaves {:.0}; compressed at {:.2} GB/s, {:.2} times \
             the crate's; back at {:.2}, {:.2} times",
            yours.left,
            crates.left,
            yours.compress,
            yours.compress / crates.compress,
            yours.decompress,
            yours.decompress / crates.decompress,
        ));
    }
    println!("# says: With {} entries. {}.", 1 << TABLE_BITS[USUAL], said.join(". "));
}

/// What a table of `1 << bits` entries leaves, in %.
fn left(bits: u32, data: &[u8]) -> f64 {
    let mut compressor = Compressor::with_table_bits(bits);
    let mut out = Vec::new();
    data.chunks(BLOCK_SIZE).for_each(|block| compressor.compress(block, &mut out));
    100.0 * out.len() as f64 / data.len() as f64
}

/// Measures yours and the crate's, in turns, and returns the crate's.
fn compare(data: &[u8], yours: &mut Measured) -> Measured {
    let mut crates = Measured { left: 0.0, compress: 0.0, decompress: 0.0 };
    let mut compressor = Compressor::with_table_bits(TABLE_BITS[USUAL]);
    let mut out = Vec::new();
    let mut packed = vec![0; lz4_flex::block::get_maximum_output_size(BLOCK_SIZE)];
    let mut back = vec![0; BLOCK_SIZE];
    for block in data.chunks(BLOCK_SIZE) {
        crates.left += lz4_flex::block::compress(block).len() as f64 / data.len() as f64 * 100.0;
    }
    for _ in 0..RUNS {
        let speed = speed(data, |block| {
            out.clear();
            compressor.compress(block, &mut out);
            black_box(&out);
        });
        yours.compress = yours.compress.max(speed);
        let speed = self::speed(data, |block| {
            black_box(lz4_flex::block::compress_into(block, &mut packed).expect("there is room"));
        });
        crates.compress = crates.compress.max(speed);
    }

    let stored: Vec<Vec<u8>> = data.chunks(BLOCK_SIZE).map(lz4_flex::block::compress).collect();
    for _ in 0..RUNS {
        let mut next = stored.iter();
        let speed = speed(data, |block| {
            let packed = next.next().expect("one for each block");
            black_box(decompress(packed, block.len()).expect("it was just compressed"));
        });
        yours.decompress = yours.decompress.max(speed);
        let mut next = stored.iter();
        let speed = self::speed(data, |block| {
            let packed = next.next().expect("one for each block");
            back = vec![0; block.len()];
            let size = lz4_flex::block::decompress_into(packed, &mut back);
            black_box(size.expect("it was just compressed"));
        });
        crates.decompress = crates.decompress.max(speed);
    }
    crates
}

/// Gigabytes a second, if `work` goes through each block of `data`.
fn speed(data: &[u8], mut work: impl FnMut(&[u8])) -> f64 {
    let start = Instant::now();
    data.chunks(BLOCK_SIZE).for_each(&mut work);
    data.len() as f64 / start.elapsed().as_nanos() as f64
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
