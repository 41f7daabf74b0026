//! Takes the built page into the program when there is one. Needs no Node and no network.

use std::{fs, path::Path};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(page)");
    println!("cargo::rerun-if-changed=build.rs");
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo names the folder of the manifest");
    let page = Path::new(&root).join("../../ui");
    let built = page.join("dist");
    if page.is_dir() {
        // Cargo builds again and again while a watched folder does not exist, so it exists, empty. Where that cannot be
        // done, a page built later is found after a change of this file.
        let _ = fs::create_dir_all(&built);
    }
    if built.is_dir() {
        println!("cargo::rerun-if-changed={}", built.display());
    }
    if built.join("index.html").is_file() {
        println!("cargo::rustc-cfg=page");
        // Released programs carry the page; while working it is read from the folder.
        let embed = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
        let out = std::env::var("OUT_DIR").expect("cargo names a folder for what is made");
        let built = built.canonicalize().expect("the folder was there a moment ago");
        // What `memory_serve::load_directory` writes, without its line on the terminal for every file.
        let files = memory_serve::assets_to_code("page", &built, Path::new(&out), embed, |_| {});
        let list = format!("&[(\"default\", {files})]");
        fs::write(Path::new(&out).join("memory_serve_assets.rs"), list)
            .expect("the folder for what is made can be written");
    }
}
