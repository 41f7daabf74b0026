//! Text cut into passages that overlap, so that what stands at a cut is whole in one of them.

use majordomo_domain::text::{clean, is_blank, shorten};
use serde::{Deserialize, Serialize};

/// A part of a document under one heading, or one page of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// With those above it, such as `Combat › Initiative`. Empty before the first one.
    pub heading: String,
    /// From 1; None where a format has no pages.
    pub page: Option<u32>,
    pub text: String,
}

/// What is found and told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub heading: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Bytes at its beginning that are the end of the passage before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats: usize,
    pub text: String,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Characters of a heading with those above it.
const LONGEST_HEADING: usize = 200;

/// Cut sections into passages of at most `size` characters, each of which begins with up to `overlap` characters of the one
/// before. A cut is made between paragraphs, lines or words where one is near.
pub fn cut(sections: &[Section], size: usize, overlap: usize) -> Vec<Passage> {
    let mut passages = Vec::new();
    for section in sections {
        let text = clean(&section.text);
        let text = text.trim();
        if is_blank(text) {
            continue;
        }
        let heading = clean(&section.heading).split_whitespace().collect::<Vec<_>>().join(" ");
        let heading = shorten(&heading, LONGEST_HEADING);
        let (mut start, mut repeats) = (0, 0);
        loop {
            let rest = &text[start..];
            let end = match rest.char_indices().nth(size) {
                None => text.len(),
                Some((limit, _)) => start + good_end(&rest[..limit]),
            };
            let passage = text[start..end].to_owned();
            passages.push(Passage { heading: heading.clone(), page: section.page, repeats, text: passage });
            if end == text.len() {
                break;
            }
            let next = start_of_overlap(text, end, overlap);
            // Always on, however the characters are spread.
            let next = if next > start { next } else { end };
            (start, repeats) = (next, end - next);
        }
    }
    passages
}

/// Where a window of text is best cut: after a paragraph, a line or a word of its last fifth, else at its end.
fn good_end(window: &str) -> usize {
    let earliest = window.len() / 5 * 4;
    ["\n\n", "\n", ". ", " "]
        .iter()
        .find_map(|mark| window.rfind(mark).map(|at| at + mark.len()).filter(|at| *at > earliest))
        .unwrap_or(window.len())
}

/// `overlap` characters before the end, or a little later where a word begins.
fn start_of_overlap(text: &str, end: usize, overlap: usize) -> usize {
    if overlap == 0 {
        return end;
    }
    let start = text[..end].char_indices().nth_back(overlap - 1).map_or(0, |(at, _)| at);
    text[start..end].find(char::is_whitespace).map_or(start, |space| start + space).min(end)
}
