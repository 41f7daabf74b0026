//! Files that come with a message: few kinds, bounded, and what they say they are.

use crate::error::ApiError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use majordomo_domain::{Part, text};
use serde::Deserialize;
use utoipa::ToSchema;

/// Files of one message.
const MAX_FILES: usize = 8;
/// Bytes of one file.
const MAX_BYTES: usize = 10_000_000;
/// Characters of a file's name.
const MAX_NAME: usize = 120;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileBody {
    name: String,
    /// `image/png`, `image/jpeg`, `image/gif`, `image/webp`, `application/pdf`, `application/json`, `text/plain`,
    /// `text/markdown` or `text/csv`.
    media_type: String,
    /// Base64.
    data: String,
}

/// The parts of a message for these files. 422 for a kind we do not take or one that is not what it says, 413 for too much.
pub(crate) fn parts_of(files: Vec<FileBody>) -> Result<Vec<Part>, ApiError> {
    if files.len() > MAX_FILES {
        return Err(ApiError::too_large(format!("a message has at most {MAX_FILES} files")));
    }
    files.into_iter().map(part_of).collect()
}

fn part_of(file: FileBody) -> Result<Part, ApiError> {
    let name = clean_name(&file.name);
    if file.data.len() / 4 * 3 > MAX_BYTES {
        return Err(ApiError::too_large(format!("“{name}” is larger than {} MB", MAX_BYTES / 1_000_000)));
    }
    let bytes =
        STANDARD.decode(&file.data).map_err(|_| ApiError::invalid(format!("the data of “{name}” is not base64")))?;
    let media_type = file.media_type.trim().to_ascii_lowercase();
    let is_text = || !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok();
    let is_what_it_says = match media_type.as_str() {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        "application/pdf" => bytes.starts_with(b"%PDF-"),
        "text/plain" | "text/markdown" | "text/csv" | "application/json" => is_text(),
        _ => return Err(ApiError::invalid(format!("“{name}”: files of this kind are not taken"))),
    };
    if !is_what_it_says || bytes.is_empty() {
        return Err(ApiError::invalid(format!("“{name}” is not what its media type says")));
    }
    if media_type.starts_with("image/") {
        Ok(Part::Image { media_type, data: file.data })
    } else {
        Ok(Part::File { name, media_type, data: file.data })
    }
}

/// The last part of a path, without what could mislead.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    // Marks that turn the direction of text make `exe.txt` of `txt.exe`.
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name: String = text::clean(last).chars().filter(|c| !matches!(c, '\n' | '\t') && !turns(*c)).collect();
    let name = text::shorten(name.trim().trim_start_matches('.'), MAX_NAME);
    if text::is_blank(&name) { "file".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_tricks() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("C:\\x\\list.csv"), "list.csv");
        assert_eq!(clean_name("a\u{202e}txt.exe"), "atxt.exe");
        assert_eq!(clean_name("..\u{0}\n"), "file");
    }
}
