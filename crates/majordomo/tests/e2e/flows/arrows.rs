//! Which of our crates may know which: the arrows of ARCHITECTURE.md, read from the manifests.

use std::path::Path;
use toml::{Table, Value};

/// Each crate with those of ours it may depend on. `majordomo` joins them all.
const ARROWS: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("upstream", &["domain"]),
    ("providers", &["upstream", "domain"]),
    ("tools", &["upstream", "store", "domain"]),
    ("engine", &["store", "domain"]),
    ("channels", &["engine", "domain"]),
    ("web", &["engine", "store", "domain"]),
    ("standins", &[]),
    ("majordomo", &["domain", "store", "upstream", "providers", "tools", "engine", "channels", "web", "standins"]),
];

/// Our crates a manifest depends on, those only tests use aside.
fn dependencies(manifest: &Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table).chain([manifest]);
    tables
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|section| table.get(section)))
        .filter_map(|section| section?.as_table())
        .flat_map(|section| section.iter())
        .map(|(name, value)| value.get("package").and_then(Value::as_str).unwrap_or(name))
        .filter_map(|name| name.strip_prefix("majordomo-").map(str::to_owned))
        .collect()
}

#[test]
fn no_crate_knows_one_it_must_not_know() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found: Vec<String> =
        crates.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.retain(|name| crates.join(name).join("Cargo.toml").exists());
    found.sort();
    let mut known = ARROWS.map(|(name, _)| name);
    known.sort_unstable();
    assert_eq!(found, known, "every crate has its arrows here");
    for (name, allowed) in ARROWS {
        let text = std::fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        for other in dependencies(&text.parse().unwrap()) {
            assert!(allowed.contains(&other.as_str()), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn a_wrong_arrow_is_seen_however_it_is_written() {
    for text in [
        "[dependencies]\nmajordomo-web.workspace = true",
        "[dependencies.majordomo-web]\nworkspace = true",
        "[build-dependencies]\nmajordomo-web = { path = \"../web\" }",
        "[target.'cfg(unix)'.dependencies]\nmajordomo-web = { workspace = true }",
        "[dependencies]\npage = { package = \"majordomo-web\", path = \"../web\" }",
    ] {
        assert_eq!(dependencies(&text.parse().unwrap()), ["web"], "{text}");
    }
    assert!(dependencies(&"[dev-dependencies]\nmajordomo-web.workspace = true".parse().unwrap()).is_empty());
}
