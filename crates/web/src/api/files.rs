//! Files that come with a message: few kinds, bounded, and what they say they are. Nothing is unpacked or drawn here, so what is small on
//! the wire stays small; of a picture only the first bytes are read, for its kind and how large it would be drawn. Nothing is written
//! under a file's name: it is text of the message, and the message's id is what a file is found by.

use crate::error::ApiError;
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use imagesize::ImageType;
use majordomo_domain::{Part, text};
use serde::Deserialize;
use utoipa::ToSchema;

/// Files of one message.
const MAX_FILES: usize = 8;
/// Bytes of one file.
const MAX_BYTES: usize = 10_000_000;
/// Pixels of a picture, and of each of its sides. Whoever draws it needs four bytes for each; no model looks at so many.
const MAX_PIXELS: usize = 50_000_000;
const MAX_SIDE: usize = 16_384;
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

/// The parts of a message for these files. 422 `WRONG_FILE` for a kind we do not take or one that is not what it says, 413 for too many
/// bytes or pixels.
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
    let bytes = STANDARD.decode(&file.data).map_err(|_| wrong_file(format!("the data of “{name}” is not base64")))?;
    let media_type = file.media_type.trim().to_ascii_lowercase();
    match media_type.as_str() {
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" => check_picture(&name, &media_type, &bytes)?,
        "application/pdf" if bytes.starts_with(b"%PDF-") => {}
        "text/plain" | "text/markdown" | "text/csv" | "application/json" if is_text(&bytes) => {}
        "application/pdf" | "text/plain" | "text/markdown" | "text/csv" | "application/json" => {
            return Err(not_what_it_says(&name));
        }
        _ => return Err(wrong_file(format!("“{name}”: files of this kind are not taken"))),
    }
    if media_type.starts_with("image/") {
        Ok(Part::Image { media_type, data: file.data })
    } else {
        Ok(Part::File { name, media_type, data: file.data })
    }
}

fn check_picture(name: &str, media_type: &str, bytes: &[u8]) -> Result<(), ApiError> {
    let real = match imagesize::image_type(bytes) {
        Ok(ImageType::Png) => "image/png",
        Ok(ImageType::Jpeg) => "image/jpeg",
        Ok(ImageType::Gif) => "image/gif",
        Ok(ImageType::Webp) => "image/webp",
        _ => return Err(not_what_it_says(name)),
    };
    if real != media_type || holds_markup(bytes) {
        return Err(not_what_it_says(name));
    }
    let (width, height) = imagesize::blob_size(bytes).map_or((0, 0), |size| (size.width, size.height));
    if width == 0 || height == 0 {
        return Err(wrong_file(format!("“{name}” is damaged: it does not say how large a picture it is")));
    }
    if width.max(height) > MAX_SIDE || width.saturating_mul(height) > MAX_PIXELS {
        return Err(ApiError::too_large(format!(
            "“{name}” has {width} × {height} pixels; a picture has at most {} million, and {MAX_SIDE} a side",
            MAX_PIXELS / 1_000_000
        )));
    }
    Ok(())
}

/// A picture that is a page at the same time, for whoever looks for one in it. No picture needs these words.
fn holds_markup(bytes: &[u8]) -> bool {
    let tags: [&[u8]; 4] = [b"html", b"script", b"!doctype", b"iframe"];
    let ends = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'<').any(|(at, _)| {
        let rest = &bytes[at + 1..];
        tags.iter().any(|tag| {
            rest.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)) && ends(rest.get(tag.len()))
        })
    })
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

fn not_what_it_says(name: &str) -> ApiError {
    wrong_file(format!("“{name}” is not what its media type says"))
}

fn wrong_file(sentence: String) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "WRONG_FILE", sentence)
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
