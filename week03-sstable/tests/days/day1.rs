//! Day 1: neighbours share their first bytes; restart points keep the search.

mod given;

use given::Move::{First, Last, Next, Prev, Seek, SeekBack};
use given::*;
use memtable::Kind;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sstable::{BlockBuilder, varint};
use wal::testing::{seeds, show};

// Varints.

#[test]
fn a_varint_has_exactly_these_bytes() {
    for (number, bytes) in [
        (0, &b"\0"[..]),
        (5, b"\x05"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (u32::MAX, b"\xff\xff\xff\xff\x0f"),
    ] {
        let mut out = b"kept".to_vec();
        varint::put(number, &mut out);
        let want = [b"kept", bytes].concat();
        assert_eq!(
            out.escape_ascii().to_string(),
            want.escape_ascii().to_string(),
            "{number}, behind four bytes that were there: got the left, want the right: seven bits \
             a byte, the lowest first, the top bit on all but the last {BYTES}"
        );
    }
}

#[test]
fn a_varint_is_read_back_together_with_its_end() {
    let powers = (0..32).map(|bit| 1_u32 << bit);
    for number in powers.flat_map(|power| [power - 1, power, power + 1]).chain([u32::MAX]) {
        for (front, back) in [(&b""[..], &b""[..]), (b"\xff\xff", b"\x80"), (b"\0", b"\0\0\0\0\0")]
        {
            let bytes = [front, &given::varint(number as usize), back].concat();
            let want = Some((number, bytes.len() - back.len()));
            let came = without_panic("reading a varint", || varint::get(&bytes, front.len()));
            assert_eq!(
                came,
                want,
                "from byte {} of {}: got the left, want the number and where it ends {BYTES}",
                front.len(),
                show(&bytes)
            );
        }
    }
}

#[test]
fn a_varint_in_more_bytes_than_it_needs_is_a_number() {
    for (bytes, number) in [(&b"\x80\0"[..], 0), (b"\x85\x80\0", 5), (b"\xac\x82\x80\x80\0", 300)] {
        let came = without_panic("reading a varint", || varint::get(bytes, 0));
        let want = Some((number, bytes.len()));
        let shown = bytes.escape_ascii();
        assert_eq!(
            came, want,
            "{shown} is {number}, though fewer bytes would do: got the left, want the right. `put` \
             writes the fewest, a reader takes all {BYTES}"
        );
    }
}

#[test]
fn a_varint_that_is_cut_off_or_too_large_is_none() {
    let whole = b"\xff\xff\xff\xff\x0f";
    let cuts = (0..5).map(|size| whole[..size].to_vec());
    let large = (0x10..=0xff).map(|fifth| [&whole[..4], &[fifth, 0, 0]].concat());
    for bytes in cuts.chain(large).chain([vec![0x80; 5], vec![0xff; 20]]) {
        let came = without_panic("reading a varint", || varint::get(&bytes, 0));
        let shown = show(&bytes);
        assert_eq!(came, None, "{shown} is no number of 32 bits: want `None` {HOSTILE}");
    }
    for at in [5, 6, usize::MAX - 1, usize::MAX] {
        let came = without_panic("reading a varint", || varint::get(whole, at));
        assert_eq!(came, None, "nothing stands at byte {at} of five {HOSTILE}");
    }
}

// The bytes of a block.

#[test]
fn two_entries_are_exactly_this_block() {
    expect_block(
        "stone@7=x stove@9=y",
        16,
        &[
            b"\x00\x0d\x01stone\x01\x07\0\0\0\0\0\0x",
            b"\x03\x0a\x01ve\x01\x09\0\0\0\0\0\0y",
            b"\0\0\0\0",
            b"\x01\0\0\0",
        ],
    );
}

#[test]
fn versions_and_two_restart_points_are_exactly_this_block() {
    #[rustfmt::skip]
    let parts: [&[u8]; 7] = [
        // ANCHOR: listing_golden
        b"\x00\x0d\x00stone\x00\x09\0\0\0\0\0\0",  // byte  0: stone@9-
        b"\x05\x08\x01\x01\x07\0\0\0\0\0\0x",      // byte 16: stone@7=x
        b"\x05\x09\x01s\x01\x08\0\0\0\0\0\0y",     // byte 28: stones@8=y
        b"\x00\x0d\x01stove\x01\x04\0\0\0\0\0\0z", // byte 41: stove@4=z
        b"\x00\0\0\0",                             // restart point 0: byte 0
        b"\x29\0\0\0",                             // restart point 1: byte 41
        b"\x02\0\0\0",                             // so many restart points
        // ANCHOR_END: listing_golden
    ];
    expect_block("stone@9- stone@7=x stones@8=y stove@4=z", 3, &parts);
}

#[test]
fn empty_keys_and_empty_values_are_exactly_this_block() {
    expect_block(
        "@2- @1= a@300= ab@1=",
        16,
        &[
            b"\x00\x08\x00\x00\x02\0\0\0\0\0\0",
            b"\x00\x08\x00\x01\x01\0\0\0\0\0\0",
            b"\x00\x09\x00a\x01\x2c\x01\0\0\0\0\0",
            b"\x01\x09\x00b\x01\x01\0\0\0\0\0\0",
            b"\0\0\0\0",
            b"\x01\0\0\0",
        ],
    );
}

#[test]
fn lengths_of_128_and_more_take_two_bytes() {
    let long = "s".repeat(130);
    let text = format!("{long}@1={long} {long}t@1=x");
    expect_block(
        &text,
        16,
        &[
            b"\x00\x8a\x01\x82\x01",
            long.as_bytes(),
            b"\x01\x01\0\0\0\0\0\0",
            long.as_bytes(),
            b"\x82\x01\x09\x01t\x01\x01\0\0\0\0\0\0x",
            b"\0\0\0\0",
            b"\x01\0\0\0",
        ],
    );
}

#[test]
fn a_trailer_is_never_shared() {
    // Versions whose trailers begin alike, and a user key that goes on with the bytes of one.
    let mut entries = given("a@65535=x a@65534=y a@255=z");
    let seq = entries[0].seq;
    let user_key = b"a\x01\xff\xff\0\0\0\0\0".to_vec();
    entries.push(Entry { user_key, seq, kind: Kind::Put, value: Vec::new() });
    expect_bytes(&entries, 16, SHARED);
}

#[test]
fn a_block_has_the_bytes_of_the_drawing_at_every_restart_interval() {
    let mut all = vec![mixed(), numbered(40)];
    all.extend(seeds(100).map(|seed| random(&mut SmallRng::seed_from_u64(seed), 40)));
    for entries in all.iter().filter(|entries| !entries.is_empty()) {
        for interval in (0..=entries.len() + 1).chain([usize::MAX]) {
            expect_bytes(entries, interval, SHARED);
        }
    }
}

#[test]
fn keys_and_values_of_any_length_are_written_whole() {
    expect_bytes(&of_any_length(), 5, SHARED);
}

#[test]
fn the_size_of_a_block_is_known_before_it_is_finished() {
    for interval in 0..20 {
        let mut builder = BlockBuilder::new(interval);
        for (number, entry) in mixed().iter().enumerate() {
            builder.add(entry.key(), &entry.value);
            let want = by_hand(&mixed()[..=number], interval).len();
            let came = builder.size();
            assert_eq!(
                came,
                want,
                "interval {interval}, {} entries: the left is `size`, the right the block of the \
                 drawing; entries and restart points are noted as they come {BYTES}",
                number + 1
            );
        }
        let foretold = builder.size();
        assert_eq!(builder.finish().len(), foretold, "`size` foretold what `finish` gives {BYTES}");
    }
}

#[test]
fn a_builder_that_was_cleared_begins_anew() {
    let entries = mixed();
    for (interval, count) in (0..6).flat_map(|interval| (1..8).map(move |count| (interval, count)))
    {
        let mut builder = BlockBuilder::new(interval);
        entries[..count].iter().for_each(|entry| builder.add(entry.key(), &entry.value));
        builder.finish();
        builder.clear();
        // The same key again, which shares nothing with what is gone.
        entries[count - 1..].iter().for_each(|entry| builder.add(entry.key(), &entry.value));
        let (came, want) = (builder.finish().to_vec(), by_hand(&entries[count - 1..], interval));
        assert_eq!(
            came.escape_ascii().to_string(),
            want.escape_ascii().to_string(),
            "interval {interval}, cleared after {count} entries: got the left, want the right, a \
             block that knows nothing of the one before {SHARED}"
        );
    }
}

#[test]
fn a_block_without_entries_is_never_finished() {
    let why = "no reader takes a block without restart points (rule 1 of day 1)";
    expect_panic("`finish` of a new builder", why, || BlockBuilder::new(16).finish().len());
    let mut builder = BlockBuilder::new(16);
    builder.add(mixed()[0].key(), b"");
    builder.finish();
    builder.clear();
    expect_panic("`finish` of a cleared builder", why, || builder.finish().len());
}

// Moves.

#[test]
fn a_new_cursor_is_at_no_entry_and_steps_leave_it_there() {
    let entries = mixed();
    let mut walk = Walk::new(&entries, 4);
    assert!(entry_of(&walk.cursor).is_none(), "a new cursor is at no entry {PLACES}");
    for step in [Next, Prev, First, Prev, Next, Prev, Last, Next, Prev, Next] {
        walk.go(step);
    }
}

#[test]
fn a_walk_forward_gives_every_entry_at_every_restart_interval() {
    for interval in 1..20 {
        let entries = mixed();
        let mut walk = Walk::new(&entries, interval);
        walk.go(First);
        (0..=entries.len()).for_each(|_| walk.go(Next));
    }
}

#[test]
fn a_walk_backward_gives_every_entry_at_every_restart_interval() {
    for interval in 1..20 {
        let entries = mixed();
        let mut walk = Walk::new(&entries, interval);
        walk.go(Last);
        (0..=entries.len()).for_each(|_| walk.go(Prev));
    }
}

#[test]
fn a_cursor_turns_around_at_every_entry() {
    let entries = mixed();
    for (interval, place) in
        (1..20).flat_map(|interval| (0..17).map(move |place| (interval, place)))
    {
        let mut walk = Walk::new(&entries, interval);
        walk.go(First);
        (0..place).for_each(|_| walk.go(Next));
        for step in [Prev, Next, Next, Prev, Prev, Prev, Next] {
            walk.go(step);
        }
    }
}

#[test]
fn a_seek_stops_at_the_first_entry_at_or_behind_its_target() {
    let entries = mixed();
    for interval in 1..20 {
        let mut walk = Walk::new(&entries, interval);
        targets(&entries).iter().for_each(|target| walk.go(Seek(target)));
    }
}

#[test]
fn a_seek_back_stops_at_the_last_entry_at_or_before_its_target() {
    let entries = mixed();
    for interval in 1..20 {
        let mut walk = Walk::new(&entries, interval);
        targets(&entries).iter().for_each(|target| walk.go(SeekBack(target)));
    }
}

#[test]
fn a_cursor_goes_on_in_both_directions_from_where_a_seek_has_put_it() {
    let entries = mixed();
    for target in targets(&entries) {
        for interval in 1..8 {
            let mut walk = Walk::new(&entries, interval);
            for step in [Seek(&target), Prev, Prev, SeekBack(&target), Next, Next, Prev] {
                walk.go(step);
            }
        }
    }
}

#[test]
fn a_version_is_found_among_a_hundred_of_its_key() {
    let texts = (1..=100).map(|seq| format!("stone@{}={seq}", 2 * seq));
    let entries =
        given(&texts.chain(["moss@7=x stones@3=y".to_owned()]).collect::<Vec<_>>().join(" "));
    for interval in [1, 2, 3, 16, 64] {
        let mut walk = Walk::new(&entries, interval);
        for seq in 0..=202 {
            let target = Entry { seq, value: Vec::new(), ..entries[1].clone() };
            walk.go(Seek(&target));
            walk.go(SeekBack(&target));
        }
    }
}

#[test]
fn a_cursor_is_where_a_list_would_be_after_any_moves() {
    for seed in seeds(300) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let entries = random(&mut dice, 30);
        let targets = targets(&entries);
        if entries.is_empty() {
            continue;
        }
        let mut walk = Walk::new(&entries, dice.random_range(1..10));
        for _ in 0..100 {
            let target = &targets[dice.random_range(0..targets.len())];
            let steps =
                [Next, Next, Next, Prev, Prev, Prev, First, Last, Seek(target), SeekBack(target)];
            walk.go(steps[dice.random_range(0..steps.len())]);
        }
    }
}

#[test]
fn keys_and_values_of_any_length_are_read_back() {
    let entries = of_any_length();
    let mut walk = Walk::new(&entries, 5);
    walk.go(First);
    (0..entries.len()).for_each(|_| walk.go(Next));
    for target in &entries {
        walk.go(Seek(target));
    }
}

#[test]
fn a_cursor_that_takes_another_block_keeps_nothing_of_the_first() {
    let (first, second) = (given("stone@7=x stove@9=y"), given("st@1=one st@0=two"));
    let mut cursor = parsed(&by_hand(&first, 16)).cursor();
    for step in [First, Last, Next] {
        step.on(&mut cursor).expect("a good block");
        cursor.reset(parsed(&by_hand(&second, 16)));
        assert!(entry_of(&cursor).is_none(), "after `reset` it is at no entry {PLACES}");
        for (step, at) in [(First, Some(0)), (Next, Some(1)), (Prev, Some(0)), (Prev, None)] {
            let result = step.on(&mut cursor);
            let (came, want) = (entry_of(&cursor), at.map(|at| &second[at]));
            assert!(
                result.is_ok() && came.as_ref() == want,
                "{step} in the second block: want {}, got {}, {result:?} {PLACES}",
                show_entry(want),
                show_entry(came.as_ref())
            );
        }
    }
}

// What a move costs, and what it makes of any bytes.

mod cost;
mod hostile;

/// Keys that share all that they can, and values, with lengths of one byte to three.
fn of_any_length() -> Vec<Entry> {
    let sizes = [0, 1, 112, 119, 120, 127, 128, 129, 16_375, 16_376, 16_384, 70_000];
    let pairs = sizes.into_iter().flat_map(|key| sizes.map(|value| (key, value)));
    let entry = |(key, value)| Entry {
        user_key: vec![b'k'; key],
        seq: 1 + value as u64,
        kind: Kind::Put,
        value: vec![0xff; value],
    };
    in_order(pairs.map(entry).collect())
}

/// The block of these entries has these bytes.
#[track_caller]
fn expect_block(text: &str, interval: usize, parts: &[&[u8]]) {
    let (came, want) = (built(&given(text), interval), parts.concat());
    assert_eq!(
        came.escape_ascii().to_string(),
        want.escape_ascii().to_string(),
        "{text}, restart interval {interval}: got the left, want the right {BYTES}"
    );
}

/// The block of these entries has the bytes that were made by hand.
#[track_caller]
fn expect_bytes(entries: &[Entry], interval: usize, rule: &str) {
    let (came, want) = (built(entries, interval), by_hand(entries, interval));
    let differs = came.iter().zip(&want).take_while(|(one, other)| one == other).count();
    let list: Vec<String> = entries.iter().map(Entry::to_string).collect();
    assert!(
        came == want,
        "restart interval {interval}: {}\nwant {} bytes, got {}; from byte {differs} on\nwant {}\n \
         got {} {rule}",
        list.join(" "),
        want.len(),
        came.len(),
        show(&want[differs..]),
        show(&came[differs..])
    );
}
