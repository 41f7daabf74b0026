//! Text of a document's bytes, by its format, with headings or pages.

use super::{
    folder::Kind,
    passages::Section,
    pdf::{self, Pages},
};
use majordomo_domain::text::is_blank;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use std::time::Instant;

/// Characters of one document that are kept: a book of a thousand pages.
pub const MOST_CHARS: usize = 2_000_000;

/// A document's text.
#[derive(Debug, Default, PartialEq)]
pub struct Text {
    pub sections: Vec<Section>,
    /// What is missing of it.
    pub remark: Option<String>,
}

/// Read it, until the deadline. The error is a reason for people.
pub fn read(kind: Kind, bytes: Vec<u8>, deadline: Instant) -> Result<Text, String> {
    let mut text = match kind {
        Kind::Pdf => {
            let Pages { pages, remark } = pdf::read(&bytes, MOST_CHARS, deadline)?;
            let sections =
                pages.into_iter().map(|(page, text)| Section { page: Some(page), text, ..Section::default() });
            Text { sections: sections.collect(), remark }
        }
        Kind::Markdown => Text { sections: markdown(&decode(bytes)?), remark: None },
        Kind::Text => Text { sections: vec![Section { text: decode(bytes)?, ..Section::default() }], remark: None },
    };
    let mut left = MOST_CHARS;
    for section in &mut text.sections {
        match section.text.char_indices().nth(left) {
            Some((end, _)) => {
                section.text.truncate(end);
                left = 0;
                text.remark = Some(format!("only its first {MOST_CHARS} characters are kept"));
            }
            None => left -= section.text.chars().count(),
        }
    }
    Ok(text)
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    match text.contains('\0') {
        true => Err("it is not text".into()),
        false => Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned)),
    }
}

/// Sections by heading, as they were written: tables and lists are best read in the source.
fn markdown(source: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    // The headings above the place we are at, by level.
    let mut above: Vec<(HeadingLevel, String)> = Vec::new();
    let mut start = 0;
    let mut heading: Option<(HeadingLevel, String)> = None;
    for (event, range) in Parser::new(source).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                sections.extend(section(&above, source.get(start..range.start), Some(level)));
                heading = Some((level, String::new()));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut heading {
                    words.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, words)) = heading.take() {
                    above.retain(|(other, _)| *other < level);
                    above.push((level, words.trim().to_owned()));
                    start = range.end;
                }
            }
            _ => {}
        }
    }
    sections.extend(section(&above, source.get(start..), None));
    sections
}

/// What stands under the last of these headings, up to a heading of the level `next`.
fn section(above: &[(HeadingLevel, String)], body: Option<&str>, next: Option<HeadingLevel>) -> Option<Section> {
    let heading = above.iter().map(|(_, heading)| heading.as_str()).collect::<Vec<_>>().join(" › ");
    let body = body.unwrap_or_default();
    let text = match above.last() {
        // A heading with nothing under it says something by itself, unless it is only the roof of deeper ones.
        Some((level, words)) if is_blank(body) && next.is_none_or(|next| next <= *level) => words,
        _ => body,
    };
    (!is_blank(text)).then(|| Section { heading, page: None, text: text.to_owned() })
}
