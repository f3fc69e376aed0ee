//! mdBook tells of trouble through `tracing`. Here its warnings are printed, and counted, so that
//! a build with any of them is not taken for a good one.

use std::fmt::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Listener;

/// Listens from now on.
pub(crate) fn listen() {
    // A second call finds the first one's listener in place, which is the same.
    let _ = tracing::subscriber::set_global_default(Listener);
}

/// Warnings so far.
pub(crate) fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Failure if there was any warning.
pub(crate) fn status() -> ExitCode {
    if count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        COUNT.fetch_add(1, Ordering::Relaxed);
        eprintln!("warning: {}", message.0);
    }

    // Spans are never enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
