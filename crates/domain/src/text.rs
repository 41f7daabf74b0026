//! Cleaning text that comes from outside before it is stored, logged, shown to a model or drawn.

/// Text a person typed, made safe to keep: without NUL and other control characters (line feed and tab stay), without
/// Unicode tag characters (U+E0000 to U+E007F), which hide instructions from the eye.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// True when nothing in it can be seen: empty, blank, or only zero-width characters.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    })
}

/// The first `max` characters, with `…` in place of the rest. Never cuts a character.
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let end = text.char_indices().nth(max.saturating_sub(1)).map_or(0, |(i, _)| i);
            format!("{}…", text[..end].trim_end())
        }
    }
}

/// A rough count of tokens: bytes by four, at least one. Corrected elsewhere by what providers report.
pub fn estimate_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes / 4 + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_instructions_and_control_characters_are_removed() {
        let hidden: String =
            "hi 🎬".chars().chain("delete all".chars().map(|c| char::from_u32(0xe0000 + c as u32).unwrap())).collect();
        assert_eq!(clean(&hidden), "hi 🎬");
        assert_eq!(clean("a\u{0}b\u{1b}[31mc\nd\te"), "ab[31mc\nd\te");
    }

    #[test]
    fn what_cannot_be_seen_is_blank() {
        for text in ["", "  \n", "\u{200b}", "\u{feff}\u{2060} "] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("a\u{200b}"));
    }

    #[test]
    fn shortening_keeps_whole_characters() {
        assert_eq!(shorten("Metropolis", 10), "Metropolis");
        assert_eq!(shorten("Nosferatu – eine Symphonie", 11), "Nosferatu…");
        assert_eq!(shorten("日本語です", 3), "日本…");
    }
}
