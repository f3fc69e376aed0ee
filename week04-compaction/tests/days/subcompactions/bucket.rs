//! The bucket's arithmetic, at times that the tests make up.

use std::time::Duration;

use lsm::pacer::{BURST, Bucket};
use wal::testing::{Workload, seeds};

use super::given::*;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A bucket of a thousand bytes a second, so that a millisecond is a byte and a full one has 100; and
/// what it answers: bytes, when, and the wait.
#[track_caller]
fn expect_waits(takes: &[(u64, Duration, Duration)]) {
    let mut bucket = Bucket::new(1000);
    let mut said = String::new();
    for (bytes, now, want) in takes {
        let wait = bucket.take(*bytes, *now);
        said += &format!("{bytes} bytes at {now:?}: {wait:?}. ");
        assert_eq!(
            wait, *want,
            "1000 bytes a second, and the last of these waits is not as it should be: {said}{TOKENS}"
        );
    }
}

#[test]
fn what_is_in_the_bucket_goes_out_at_once_and_the_rest_at_the_rate() {
    expect_waits(&[
        (60, ms(0), ms(0)),
        (40, ms(0), ms(0)),
        (10, ms(0), ms(10)),
        (10, ms(20), ms(0)),
        (10, ms(25), ms(5)),
    ]);
}

#[test]
fn who_asks_later_waits_behind() {
    expect_waits(&[
        (100, ms(0), ms(0)),
        (50, ms(0), ms(50)),
        (50, ms(0), ms(100)),
        (1, ms(0), ms(101)),
        (9, ms(50), ms(60)),
        (0, ms(50), ms(60)),
    ]);
}

#[test]
fn a_pause_fills_the_bucket_and_no_more() {
    expect_waits(&[
        (100, ms(0), ms(0)),
        // An hour later there are a hundred again, and not 3 600 000.
        (100, ms(3_600_000), ms(0)),
        (1, ms(3_600_000), ms(1)),
        // Half of it comes back in half of the time.
        (50, ms(3_600_051), ms(0)),
        (1, ms(3_600_051), ms(1)),
    ]);
    assert_eq!(BURST, ms(100), "the time that fills a bucket");
}

#[test]
fn what_is_larger_than_the_bucket_is_waited_for_and_goes_out() {
    expect_waits(&[(1000, ms(0), ms(900)), (1, ms(900), ms(1)), (5000, ms(1001), ms(4900))]);
}

#[test]
fn a_part_of_a_nanosecond_counts_as_one() {
    let nanos = Duration::from_nanos;
    let mut bucket = Bucket::new(3);
    assert_eq!(
        bucket.take(1, ms(0)),
        nanos(233_333_334),
        "a third of a second less a tenth {TOKENS}"
    );
    let mut bucket = Bucket::new(4_000_000_000);
    let taken: Vec<Duration> = (0..3).map(|_| bucket.take(400_000_001, ms(0))).collect();
    let want = [1, 100_000_002, 200_000_003].map(nanos);
    assert_eq!(taken, want, "waits for three times 400 000 001 bytes, of 4 GB a second {TOKENS}");
}

#[test]
fn no_number_is_too_large_and_no_rate_too_small() {
    for (rate, bytes) in [(0, 1), (1, u64::MAX), (1, 1 << 40), (u64::MAX, u64::MAX)] {
        let mut bucket = Bucket::new(rate);
        let first = bucket.take(bytes, ms(5));
        let second = bucket.take(bytes, ms(5));
        assert!(
            second >= first,
            "twice {bytes} bytes of {rate} a second at the same time: the second waits {second:?}, less \
             than the first, which waits {first:?}. Does a product or a sum not fit? {TOKENS}"
        );
    }
    assert_eq!(Bucket::new(0).take(1, ms(0)), ms(900), "a rate of 0 counts as 1 {TOKENS}");
}

#[test]
fn over_any_time_the_rate_is_kept_and_used() {
    for seed in seeds(100) {
        let mut dice = Workload::new(seed);
        let rate = 1_000 + dice.below(1_000_000) as u64;
        let (mut bucket, mut now, mut sent) = (Bucket::new(rate), Duration::ZERO, Vec::new());
        let is_busy = seed % 2 == 0;
        for _ in 0..300 {
            if !is_busy && dice.below(4) == 0 {
                now += ms(dice.below(300) as u64);
            }
            let bytes = dice.below(rate as usize / 5) as u64;
            // One after the other, each when it may.
            now += bucket.take(bytes, now);
            sent.push((now, bytes));
        }
        let in_time = |time: Duration| time.as_secs_f64() * rate as f64;
        for (first, (start, _)) in sent.iter().enumerate().step_by(7) {
            let mut sum = 0;
            for (end, bytes) in &sent[first..] {
                sum += bytes;
                let most = in_time(*end - *start) + in_time(BURST) + rate as f64 / 5.0;
                assert!(
                    sum as f64 <= most,
                    "seed {seed}, {rate} bytes a second: from {start:?} to {end:?} {sum} bytes went \
                     out, and {most:.0} may {TOKENS}"
                );
            }
        }
        let sum: u64 = sent.iter().map(|(_, bytes)| bytes).sum();
        assert!(
            !is_busy || sum as f64 >= in_time(now) * 0.999,
            "seed {seed}, {rate} bytes a second: somebody always wants more, and by {now:?} {sum} \
             bytes went out, of {:.0} {TOKENS}",
            in_time(now)
        );
    }
}
