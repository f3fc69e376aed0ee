//! Every seed, and every input that was a finding once, through its target, on stable Rust.

use std::path::Path;

fn run(name: &str, target: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> =
        std::fs::read_dir(&dir).expect("its seeds").map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seed in {}", dir.display());
    for path in paths {
        // Shown if it fails: which one it was.
        eprintln!("{}", path.display());
        let input = std::fs::read(&path).expect("a file");
        target(&input);
        // A shorter one is another.
        (0..input.len()).for_each(|size| target(&input[..size]));
    }
}

#[test]
fn no_seed_of_blocks_is_a_finding() {
    run("block", cairn_fuzz::block);
}

#[test]
fn no_seed_of_codecs_is_a_finding() {
    run("codec", cairn_fuzz::codec);
}

#[test]
fn no_seed_of_filters_is_a_finding() {
    run("filter", cairn_fuzz::filter);
}

#[test]
fn no_seed_of_tables_is_a_finding() {
    run("table", cairn_fuzz::table);
}
