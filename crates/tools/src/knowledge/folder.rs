//! The files of the folder: found, told apart, opened. Every name is on one line, and nothing outside the folder is touched.

use majordomo_domain::text::{clean, shorten};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Folders within folders.
const DEEPEST: usize = 16;
/// Names looked at in all; a folder with more is somebody's whole disk.
const MOST_NAMES: usize = 50_000;
/// Bytes of a name with its folders.
const LONGEST_NAME: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Markdown,
    Pdf,
    Text,
}

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct Found {
    /// Below the folder, cleaned, such as `games/rules.md`.
    pub name: String,
    pub path: PathBuf,
    pub kind: Kind,
    pub size: u64,
    pub modified_ms: i64,
    /// Why it is not read at all.
    pub refused: Option<String>,
}

/// The folder as it is now.
#[derive(Debug, Default)]
pub struct Listing {
    /// By name.
    pub files: Vec<Found>,
    /// Folders below that could not be listed, with a `/` at the end: nothing is known of what is in them.
    pub unknown: Vec<(String, String)>,
    /// Documents over the number that is read.
    pub surplus: usize,
}

/// Every document below the folder. The error is a reason for people.
pub fn list(folder: &Path, max_files: usize, max_bytes: u64) -> Result<Listing, String> {
    let root = folder.canonicalize().map_err(|error| reason(&error))?;
    let mut listing = Listing::default();
    let mut names_left = MOST_NAMES;
    walk(&root, "", DEEPEST, &mut names_left, max_bytes, &mut listing)?;
    let mut taken = BTreeSet::new();
    for file in &mut listing.files {
        // Two names may look alike once what cannot be seen is taken out.
        while !taken.insert(file.name.clone()) {
            file.name.push_str(" (2)");
        }
    }
    listing.files.sort_by(|one, other| one.name.cmp(&other.name));
    listing.surplus = listing.files.len().saturating_sub(max_files);
    listing.files.truncate(max_files);
    Ok(listing)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    names_left: &mut usize,
    max_bytes: u64,
    listing: &mut Listing,
) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| reason(&error))?;
    for entry in entries {
        let entry = entry.map_err(|error| reason(&error))?;
        *names_left = names_left.checked_sub(1).ok_or_else(|| format!("it holds more than {MOST_NAMES} files"))?;
        let plain = clean(&entry.file_name().to_string_lossy());
        let name = format!("{prefix}{}", plain.split_whitespace().collect::<Vec<_>>().join(" "));
        // What is hidden is a program's own: versions, settings of editors.
        if plain.starts_with('.') {
            continue;
        }
        // Of the name itself, not of what a link leads to.
        let Ok(metadata) = entry.metadata() else { continue };
        let kind = kind_of(&entry.path());
        let is_long = name.len() > LONGEST_NAME;
        if metadata.is_dir() {
            let inside = match depth.checked_sub(1) {
                _ if is_long => Err("its name is too long".to_owned()),
                None => Err(format!("more than {DEEPEST} folders within each other")),
                Some(depth) => walk(&entry.path(), &format!("{name}/"), depth, names_left, max_bytes, listing),
            };
            if *names_left == 0 {
                return inside;
            }
            if let Err(reason) = inside {
                listing.unknown.push((format!("{name}/"), reason));
            }
            continue;
        }
        let refused = if metadata.is_symlink() {
            Some("a link, which is not followed".to_owned())
        } else if !metadata.is_file() {
            continue;
        } else if is_long {
            Some(format!("its name has more than {LONGEST_NAME} bytes"))
        } else if metadata.len() > max_bytes {
            Some(format!("{} bytes; the limit is {max_bytes}", metadata.len()))
        } else if metadata.len() == 0 {
            Some("it is empty".to_owned())
        } else {
            None
        };
        // A link without an ending may lead to a folder of documents.
        let Some(kind) = kind.or((metadata.is_symlink()).then_some(Kind::Text)) else { continue };
        listing.files.push(Found {
            name: if is_long { shorten(&name, LONGEST_NAME / 4) } else { name },
            path: entry.path(),
            kind,
            size: metadata.len(),
            modified_ms: modified_ms(&metadata),
            refused,
        });
    }
    Ok(())
}

fn kind_of(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "md" | "markdown" => Some(Kind::Markdown),
        "pdf" => Some(Kind::Pdf),
        "txt" | "text" => Some(Kind::Text),
        _ => None,
    }
}

fn modified_ms(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

/// A file's bytes, at most as many as allowed, and their checksum in hex. The error is a reason for people.
pub fn read(folder: &Path, file: &Found, max_bytes: u64) -> Result<(Vec<u8>, String), String> {
    // A folder on the way may have become a link since it was listed.
    let real = file.path.canonicalize().map_err(|error| reason(&error))?;
    let root = folder.canonicalize().map_err(|error| reason(&error))?;
    if !real.starts_with(&root) || !fs::symlink_metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
        return Err("a link, which is not followed".into());
    }
    let mut bytes = Vec::new();
    let opened = File::open(&real).map_err(|error| reason(&error))?;
    opened.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > max_bytes {
        return Err(format!("more than {max_bytes} bytes"));
    }
    let checksum = hex(&Sha256::digest(&bytes));
    Ok((bytes, checksum))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it is not there".into(),
        ErrorKind::PermissionDenied => "this program may not read it".into(),
        ErrorKind::NotADirectory => "it is not a folder".into(),
        _ => shorten(&error.to_string(), 80),
    }
}
