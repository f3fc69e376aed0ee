//! Lab valuelog: values of some size live apart from the tree.
//!
//! In the order of the chapter's steps: which of them is red first says where to go on.

mod given;

// Step 1.
mod tags;

// Step 2.
mod file;

// Step 3.
mod references;

// Step 4.
mod opening;

// Step 5.
mod live;

// Step 6.
mod pick;

// Step 7.
mod placing;

// With all of them: a store.
mod life;

mod collect;

mod damage;

mod crashes;
