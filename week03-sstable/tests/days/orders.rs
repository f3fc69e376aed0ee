//! Threads in one order after the other, instead of in the one that happens to come.
//!
//! The crate `scheduled` is the week's `src` once more, with locks, numbers and threads of which a
//! scheduler (shuttle) decides at each step who goes on. A failure is found again at each run: the
//! orders are the same ones.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, Scheduler, UrwRandomScheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// Runs `work` in so many orders: half of them drawn from all that there are (Zhao et al.,
/// "Selectively Uniform Concurrency Testing", ASPLOS 2025), half of them with few changes from one
/// thread to another, which are the ones that most mistakes need (Burckhardt et al., ASPLOS 2010).
pub(crate) fn in_many_orders(count: usize, work: impl Fn() + Send + Sync + 'static) {
    let work = Arc::new(work);
    let same = Arc::clone(&work);
    run(UrwRandomScheduler::new_from_seed(1, count / 2), config(), move || work());
    run(PctScheduler::new_from_seed(2, 3, count / 2), config(), move || same());
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config
}

fn run(
    scheduler: impl Scheduler + 'static,
    config: Config,
    work: impl Fn() + Send + Sync + 'static,
) {
    let ran = catch_unwind(AssertUnwindSafe(|| Runner::new(scheduler, config).run(work)));
    if let Err(panic) = ran {
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        assert!(
            !text.starts_with("deadlock"),
            "there is an order of steps in which threads wait for each other for ever: somebody was \
             not woken, or went to sleep after the call that was to wake it"
        );
        resume_unwind(panic);
    }
}
