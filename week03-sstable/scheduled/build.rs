//! Tells the sources which of their two forms this is.

fn main() {
    println!("cargo::rustc-cfg=scheduled");
}
