//! What becomes of every kind of region, and every mark that is wrong.

use super::*;

const UNITS: &[&str] = &["day1", "day2", "bitcask"];

fn parse(text: &str) -> anyhow::Result<Source> {
    Source::parse(Path::new("src/a.rs"), text, UNITS)
}

fn skeleton(text: &str) -> String {
    parse(text).unwrap().skeleton()
}

#[track_caller]
fn refused(text: &str, says: &str) {
    let error = parse(text).unwrap_err().to_string();
    assert_eq!(error, format!("src/a.rs:{says}"));
}

const TWO_DAYS: &str = "\
fn a() -> u32 {
    // ANCHOR: day1_first_step
    // Think first.
    // Then write.
    let x = 1;
    // a later comment
    x
    // ANCHOR_END: day1_first_step
}

fn b() {
    // ANCHOR: day2_b
    // STUB: let y = 2;
    // STUB: drop(y);
    a();
    // ANCHOR_END: day2_b
}
";

#[test]
fn a_hole_keeps_its_opening_comment_and_says_what_is_to_do() {
    assert_eq!(
        skeleton(TWO_DAYS),
        "\
fn a() -> u32 {
    // Think first.
    // Then write.
    todo!(\"day 1: first step\")
}

fn b() {
    let y = 2;
    drop(y);
}
"
    );
}

#[test]
fn up_to_a_day_keeps_what_is_solved_and_drops_marks_and_stubs() {
    let source = parse(TWO_DAYS).unwrap();
    let text = source.up_to(&["day1"]);
    assert!(text.contains("    x\n}"), "{text}");
    assert!(text.contains("drop(y)"), "{text}");
    let all = source.up_to(&["day1", "day2"]);
    assert!(all.contains("    a();\n}"), "{all}");
    for mark in ["ANCHOR", "STUB", "drop(y)"] {
        assert!(!all.contains(mark), "{all}");
    }
}

#[test]
fn a_lab_is_named_as_one() {
    let text = "// ANCHOR: bitcask_merge_files\nx\n// ANCHOR_END: bitcask_merge_files\n";
    assert_eq!(skeleton(text), "todo!(\"lab bitcask: merge files\")\n");
}

#[test]
fn a_listing_is_for_the_book_only() {
    let text = "a\n// ANCHOR: listing_format\n// why\nb\n// ANCHOR_END: listing_format\nc\n";
    assert_eq!(skeleton(text), "a\n// why\nb\nc\n");
}

#[test]
fn a_hidden_region_takes_one_blank_line_with_it() {
    let hidden = "// ANCHOR: hidden_day1_x\nfn x() {}\n// ANCHOR_END: hidden_day1_x\n";
    assert_eq!(skeleton(&format!("a\n\n{hidden}\nb\n")), "a\n\nb\n");
    assert_eq!(skeleton(&format!("a {{\n{hidden}\nb\n}}\n")), "a {\nb\n}\n");
    assert_eq!(skeleton(&format!("a {{\nb\n\n{hidden}}}\n")), "a {\nb\n}\n");
    assert_eq!(skeleton(&format!("a {{\n\n{hidden}\n}}\n")), "a {\n}\n");
    assert_eq!(skeleton(&format!("a\n\n{hidden}")), "a\n");
    assert_eq!(skeleton(&format!("{hidden}\nb\n")), "b\n");
    assert_eq!(skeleton(&format!("a\n{hidden}b\n")), "a\nb\n");
}

#[test]
fn two_hidden_regions_in_a_row_leave_one_blank_line() {
    let text = "a\n\n// ANCHOR: hidden_day1_x\nx\n// ANCHOR_END: hidden_day1_x\n\n\
                    // ANCHOR: hidden_day2_y\ny\n// ANCHOR_END: hidden_day2_y\n\nb\n";
    assert_eq!(skeleton(text), "a\n\nb\n");
    assert_eq!(parse(text).unwrap().up_to(&["day1"]), "a\n\nx\n\nb\n");
}

#[test]
fn regions_know_their_unit_and_lines() {
    let source = parse(TWO_DAYS).unwrap();
    let first = source.regions().next().unwrap();
    assert_eq!((first.unit(), first.first_line, first.last_line), (Some("day1"), 2, 8));
    assert_eq!(first.code_line_count(), 2);
}

#[test]
fn a_mark_that_is_wrong_is_named_with_its_line() {
    refused("\n// ANCHOR: day1_a\n", "2: `day1_a` is never closed");
    refused("// ANCHOR_END: day1_a\n", "1: `day1_a` ends and never began");
    refused(
        "// ANCHOR: day1_a\n// ANCHOR: day1_b\n",
        "2: `day1_b` begins inside of `day1_a` (line 1)",
    );
    refused(
        "// ANCHOR: day1_a\n// ANCHOR_END: day1_b\n",
        "2: `day1_b` ends where `day1_a` is open (line 1)",
    );
    refused("// ANCHOR: day9_a\n", "1: `day9_a` is of no unit; these are: day1, day2, bitcask");
    refused("let x = 1; // ANCHOR: day1_a\n", "1: a mark is `// ANCHOR: name`, alone on its line");
    refused("//ANCHOR: day1_a\n", "1: a mark is `// ANCHOR: name`, alone on its line");
    let twice = "// ANCHOR: day1_a\n// ANCHOR_END: day1_a\n// ANCHOR: day1_a\n";
    refused(twice, "3: there is a `day1_a` in this file already");
}

#[test]
fn a_stub_elsewhere_is_refused() {
    refused("// STUB: x\n", "1: a STUB stands right behind a region's opening comment");
    refused(
        "// ANCHOR: day1_a\ncode\n// STUB: x\n// ANCHOR_END: day1_a\n",
        "3: a STUB stands right behind a region's opening comment",
    );
}

#[test]
fn a_file_without_marks_is_the_same_in_both() {
    let text = "//! Given.\n\nfn a() {}\n";
    assert_eq!(skeleton(text), text);
    assert_eq!(skeleton(""), "");
}
