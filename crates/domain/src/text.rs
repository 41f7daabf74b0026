//! Cleaning text that comes from outside before it is stored, logged, shown to a model or drawn.

/// Text a person typed, made safe to keep: without NUL and other control characters (line feed and tab stay), without
/// Unicode tag characters (U+E0000 to U+E007F), which hide instructions from the eye.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Text on a card somebody decides by: also without what turns the order of reading, joins or hides, and the code points that were
/// taken out, each once.
pub fn visible(text: &str) -> (String, Vec<char>) {
    let mut taken = Vec::new();
    let kept = text.chars().filter(|c| {
        let hides = !matches!(c, '\n' | '\t') && (is_hidden(*c) || is_unseen(*c));
        if hides && !taken.contains(c) {
            taken.push(*c);
        }
        !hides
    });
    (kept.collect(), taken)
}

/// Format characters and fillers: marks of direction, zero width, soft hyphens, joiners.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
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
    fn what_is_decided_by_hides_nothing() {
        let (text, taken) = visible("Me\u{202e}tro\u{200b}po\u{200b}lis\u{e0041}\n2");
        assert_eq!((text.as_str(), taken.as_slice()), ("Metropolis\n2", &['\u{202e}', '\u{200b}', '\u{e0041}'][..]));
        assert_eq!(visible("Amélie – 日本語"), ("Amélie – 日本語".to_owned(), Vec::new()));
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
