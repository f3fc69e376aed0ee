//! Lab subcompactions: a compaction in parts, and at a pace.

mod bucket;
mod cuts;
mod failures;
mod given;
mod pace;
mod parts;
mod store;
mod values;
