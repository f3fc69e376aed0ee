//! A wait is over, and somebody else was faster.

use std::sync::Barrier;
use std::thread;

use wal::Durability::Synced;

use super::given::{during_a_sync, expect_acknowledged, started_with};
use crate::log::{disk, segments_of};

/// Time enough to do the wrong thing; the right one is to wait.
fn linger() {
    (0..200).for_each(|_| thread::yield_now());
}

#[test]
fn a_rotation_that_was_woken_looks_again() {
    for round in 0..20 {
        let fs = disk(round);
        let wal = started_with(&fs, segments_of(100));
        let about_to = Barrier::new(2);
        let rotate = || {
            about_to.wait();
            wal.append(&[b'x'; 84])
        };
        let mut begun = 0;
        let led = thread::scope(|scope| {
            during_a_sync(&fs, &wal, |gate| {
                let (syncs, end) = (fs.counts().syncs, wal.end());
                scope.spawn(|| wal.commit(b"next", Synced));
                while wal.end() == end {
                    thread::yield_now();
                }
                linger();
                scope.spawn(rotate);
                about_to.wait();
                linger();
                // The first sync ends, and wakes the next leader and the rotation. One of them
                // begins a sync, which is held.
                gate.pass(1);
                while fs.counts().syncs == syncs {
                    thread::yield_now();
                }
                linger();
                begun = fs.counts().syncs - syncs;
            })
        });
        expect_acknowledged(led);
        assert_eq!(
            begun, 1,
            "syncs under way at a time (round {round}): a rotation waited for a sync, was woken, and \
             began although another leader was syncing by then: rule 2 of day 3"
        );
    }
}
