//! Lab subcompactions: a compaction in parts, and at a pace.

// In the order of the chapter's steps. Where to cut:
mod cuts;
// what a part sees, and what comes of a compaction:
mod parts;
// how much may go out:
mod bucket;
// who waits for that:
mod pace;
// what fails:
mod failures;
// whole stores;
mod store;
// and those with values apart.
mod values;

mod given;
