//! Two who do the same work in turns, and how much faster one of them is.
//!
//! What is compared is the time that a thread was given by the system, not the time that went by:
//! other programs' work then counts on neither side. (They still take room in the processor's
//! caches, from both.) The two change places round by round, and each round is compared with its
//! neighbour: a machine that gets slower gets slower for both.

use std::io::Write as _;
use std::time::Duration;

use cpu_time::ThreadTime;

// Whose code is measured. All else knows one name for it.
pub use self::lsm::sstable;
#[cfg(feature = "mine")]
pub use mine as lsm;
#[cfg(not(feature = "mine"))]
pub use reference as lsm;

/// Rounds that count; one before them does not.
const ROUNDS: usize = 9;

/// The time that this thread was given while it did `work`.
pub fn given<T>(work: impl FnOnce() -> T) -> Duration {
    let start = ThreadTime::now();
    let done = work();
    let given = start.elapsed();
    drop(done);
    given
}

/// Prints the line above the rows.
pub fn print_head(title: &str, peer: &str) {
    println!("\n{title:<40}  {:>10}  {peer:>11}  speed  least … most", "ours");
}

/// Lets both do `count` things a round, in turns, and prints how long one thing took each of them,
/// and our speed over theirs: the median of all rounds, and the two ends. If the program was given
/// a part of a name, rows without it are left out.
pub fn print_row(
    name: &str,
    count: u64,
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) {
    if !std::env::args().nth(1).is_none_or(|part| name.contains(&part)) {
        return;
    }
    print!("{name:<40}");
    let _ = std::io::stdout().flush();
    let (mut our_times, mut their_times, mut speeds) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (our, their) = if round % 2 == 0 {
            let our = ours();
            (our, theirs())
        } else {
            let their = theirs();
            (ours(), their)
        };
        if round > 0 {
            our_times.push(our.as_secs_f64() / count as f64);
            their_times.push(their.as_secs_f64() / count as f64);
            speeds.push(their.as_secs_f64() / our.as_secs_f64());
        }
    }
    let [_, our, _] = ends_and_median(our_times);
    let [_, their, _] = ends_and_median(their_times);
    let [least, speed, most] = ends_and_median(speeds);
    println!(
        "  {:>7.0} ns  {:>8.0} ns  {speed:.2}×  {least:.2} … {most:.2}",
        our * 1e9,
        their * 1e9
    );
}

fn ends_and_median(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}
