//! How near a search text is to a title, whatever the accents, the article and a slip of the keyboard. Letters are compared by `strsim`.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// From here on a title is what was meant, misspelled.
pub(super) const NEAR: f64 = 0.72;

/// Words that may be missing in front.
const ARTICLES: [&str; 17] =
    ["the", "a", "an", "der", "die", "das", "ein", "eine", "le", "la", "les", "un", "une", "el", "los", "las", "una"];

/// Words in lower case without accents, with one space between them.
pub(super) fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let spaced: String = letters.map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_article(plain: &str) -> &str {
    match plain.split_once(' ') {
        Some((first, rest)) if ARTICLES.contains(&first) => rest,
        _ => plain,
    }
}

/// 0 for nothing in common, 1 for the same.
pub(super) fn nearness(wanted: &str, title: &str) -> f64 {
    let (wanted, title) = (plain(wanted), plain(title));
    let (wanted, title) = (without_article(&wanted), without_article(&title));
    if wanted.is_empty() || title.is_empty() {
        return 0.0;
    }
    let whole = strsim::normalized_damerau_levenshtein(wanted, title);
    // A part of a longer title: each word by the one of the title that is nearest to it. Short words are no evidence.
    let words: Vec<&str> = title.split(' ').collect();
    let (mut sum, mut letters) = (0.0, 0);
    for word in wanted.split(' ') {
        let nearest = words.iter().map(|known| strsim::normalized_damerau_levenshtein(word, known)).fold(0.0, f64::max);
        sum += nearest * word.len() as f64;
        letters += word.len();
    }
    let parts = if letters >= 4 { sum / letters as f64 * 0.9 } else { 0.0 };
    whole.max(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_accents_and_articles_are_forgiven_and_other_titles_are_not_taken() {
        for (wanted, title) in [
            ("Metropols", "Metropolis"),
            ("metroplois", "Metropolis"),
            ("haxan", "Häxan"),
            ("General", "The General"),
            ("nosfratu", "Nosferatu"),
            ("hunchbak of notre dame", "The Hunchback of Notre Dame"),
            ("caligari", "The Cabinet of Dr. Caligari"),
        ] {
            assert!(nearness(wanted, title) >= NEAR, "{wanted}: {title}: {}", nearness(wanted, title));
        }
        for (wanted, title) in [
            ("Metropolis", "Nosferatu"),
            ("The Kid", "The King"),
            ("M", "Metropolis"),
            ("robot city", "Man with a Movie Camera"),
        ] {
            assert!(nearness(wanted, title) < NEAR, "{wanted}: {title}: {}", nearness(wanted, title));
        }
        assert!(nearness("the general", "The General") > nearness("the general", "The General Line"));
    }
}
