//! Which tools fit a few words: BM25 over names, keywords and descriptions, by the library `bm25`.
//!
//! Nobody says in which language they ask, so a word stands for its plain form in each of four: words of the same language meet there,
//! whatever their endings.

use crate::catalogue::IndexEntry;
use bm25::{Embedder, EmbedderBuilder, Scorer, Tokenizer};
use rust_stemmers::{Algorithm, Stemmer};
use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// Languages tools have keywords in: the code of the list of little words, the endings.
const LANGUAGES: [(&str, Algorithm); 4] =
    [("en", Algorithm::English), ("de", Algorithm::German), ("es", Algorithm::Spanish), ("fr", Algorithm::French)];
/// Little words that tell tools apart all the same: who, where, when, how many.
const TELLING: [&str; 21] = [
    "who", "where", "when", "how", "many", "wer", "wo", "wann", "wie", "viele", "quien", "donde", "cuando", "cuanto",
    "cuantos", "cuantas", "qui", "ou", "quand", "combien", "my",
];
/// Characters of a word that count, and words of a question.
const LONGEST_WORD: usize = 40;
const MOST_WORDS: usize = 60;

/// Finds entries of the catalogue. It is put together when it is first asked, so that a start does not wait for it.
pub(crate) struct Finder {
    pub index: Arc<Vec<IndexEntry>>,
    ranking: OnceLock<Ranking>,
}

struct Ranking {
    embedder: Embedder<u64, Words>,
    scorer: Scorer<usize, u64>,
}

impl Finder {
    pub fn new(index: Arc<Vec<IndexEntry>>) -> Self {
        Self { index, ranking: OnceLock::new() }
    }

    /// Entries that have one of the words, the best first.
    pub fn find(&self, question: &str) -> Vec<&IndexEntry> {
        let ranking = self.ranking.get_or_init(|| Ranking::of(&self.index));
        let question: Vec<&str> = question.split_whitespace().take(MOST_WORDS).collect();
        let mut scored = ranking.scorer.matches(&ranking.embedder.embed(&question.join(" ")));
        // Of equally good ones always the same first.
        scored.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.id.cmp(&other.id)));
        let mut found: Vec<&IndexEntry> = scored.into_iter().filter_map(|found| self.index.get(found.id)).collect();
        // Whoever knows the name means that one.
        if let [name] = question[..]
            && let Some(place) = found.iter().position(|entry| entry.spec.name == name)
        {
            found[..=place].rotate_right(1);
        }
        found
    }
}

impl Ranking {
    fn of(index: &[IndexEntry]) -> Self {
        let searched: Vec<&str> = index.iter().map(|entry| entry.searched.as_str()).collect();
        let embedder =
            EmbedderBuilder::<u64, Words>::with_tokenizer_and_fit_to_corpus(Words::new(), &searched).b(0.5).build();
        let mut scorer = Scorer::new();
        for (number, text) in searched.iter().enumerate() {
            scorer.upsert(&number, embedder.embed(text));
        }
        Self { embedder, scorer }
    }
}

/// Words in their plain forms: lower case, without accents and endings, without little words such as "the".
struct Words {
    stemmers: [Stemmer; 4],
    little: HashSet<String>,
}

impl Words {
    fn new() -> Self {
        let little = LANGUAGES.iter().flat_map(|(code, _)| stop_words::get(code)).map(|word| plain(word));
        Self {
            stemmers: LANGUAGES.map(|(_, endings)| Stemmer::create(endings)),
            little: little.filter(|word| !TELLING.contains(&word.as_str())).collect(),
        }
    }
}

fn plain(word: &str) -> String {
    word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

impl Tokenizer for Words {
    fn tokenize(&self, text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        // Names of tools are several words.
        let text = text.replace(['_', '\'', '’'], " ");
        for word in text.unicode_words() {
            let word: String = word.to_lowercase().chars().take(LONGEST_WORD).collect();
            if word.chars().count() < 2 || self.little.contains(&plain(&word)) {
                continue;
            }
            // Endings are cut while accents are there, which some languages' endings have.
            let from = tokens.len();
            for stemmer in &self.stemmers {
                let form = plain(&stemmer.stem(&word));
                if !tokens[from..].contains(&form) {
                    tokens.push(form);
                }
            }
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_meets_its_other_forms_in_each_language_and_little_words_say_nothing() {
        let words = Words::new();
        for (one, other) in [
            ("downloads", "downloading"),
            ("Folgen", "Folge"),
            ("películas", "pelicula"),
            ("téléchargements", "telechargement"),
            ("radarr_queue", "queue"),
        ] {
            let (one, other) = (words.tokenize(one), words.tokenize(other));
            assert!(one.iter().any(|form| other.contains(form)), "{one:?} {other:?}");
        }
        assert_eq!(words.tokenize("the der los les and und y et I"), [""; 0]);
        assert!(!words.tokenize("where wo dónde où").is_empty());
    }
}
