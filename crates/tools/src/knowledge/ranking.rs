//! Which passages answer a question best: BM25 over words in their plain form, by the library `bm25`.

use super::passages::Passage;
use bm25::{Embedder, EmbedderBuilder, Scorer, TokenEmbedder, Tokenizer};
use majordomo_domain::text::shorten;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::HashSet;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// Names in the settings, the code of the list of little words, the endings.
const LANGUAGES: [(&str, &str, Algorithm); 14] = [
    ("danish", "da", Algorithm::Danish),
    ("dutch", "nl", Algorithm::Dutch),
    ("english", "en", Algorithm::English),
    ("finnish", "fi", Algorithm::Finnish),
    ("french", "fr", Algorithm::French),
    ("german", "de", Algorithm::German),
    ("hungarian", "hu", Algorithm::Hungarian),
    ("italian", "it", Algorithm::Italian),
    ("norwegian", "no", Algorithm::Norwegian),
    ("portuguese", "pt", Algorithm::Portuguese),
    ("romanian", "ro", Algorithm::Romanian),
    ("russian", "ru", Algorithm::Russian),
    ("spanish", "es", Algorithm::Spanish),
    ("swedish", "sv", Algorithm::Swedish),
];

pub fn language(name: &str) -> Option<(&'static str, Algorithm)> {
    LANGUAGES.iter().find(|(known, ..)| *known == name).map(|(_, code, endings)| (*code, *endings))
}

pub fn languages() -> Vec<&'static str> {
    LANGUAGES.iter().map(|(name, ..)| *name).collect()
}

/// Characters of a word that count; what is longer is no word.
const LONGEST_WORD: usize = 40;
/// Passages the usual length of one is taken from.
const SAMPLE: usize = 1_000;
/// Words named as missing.
const MOST_MISSING: usize = 8;

/// Words in their plain form: lower case, without accents, without endings, without little words such as "the".
pub struct Words {
    stemmer: Stemmer,
    little: HashSet<String>,
}

impl Words {
    /// English when the language is not known.
    pub fn of(name: &str) -> Self {
        let (code, endings) = language(name).unwrap_or(("en", Algorithm::English));
        let little = stop_words::get(code).iter().map(|word| plain(word)).collect();
        Self { stemmer: Stemmer::create(endings), little }
    }

    /// Each word as written, and in its plain form.
    pub fn pairs<'t>(&self, text: &'t str) -> impl Iterator<Item = (&'t str, String)> {
        text.unicode_words().filter_map(|word| {
            // Endings are cut while accents are there, which some languages' endings have.
            let lower: String = word.to_lowercase().chars().take(LONGEST_WORD).collect();
            (!self.little.contains(&plain(&lower))).then(|| (word, plain(&self.stemmer.stem(&lower))))
        })
    }
}

fn plain(word: &str) -> String {
    word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

impl Tokenizer for Words {
    fn tokenize(&self, text: &str) -> Vec<String> {
        self.pairs(text).map(|(_, word)| word).collect()
    }
}

/// A word as a number, wide enough that no two of a household's words share one.
type Word = u64;

pub struct Ranking {
    words: Words,
    embedder: Embedder<Word, Words>,
    scorer: Scorer<u32, Word>,
    known: HashSet<Word>,
}

/// What a question found.
pub struct Ranked {
    /// Passages by their number, the best first.
    pub passages: Vec<u32>,
    /// Words of the question that are in no passage, as written.
    pub missing: Vec<String>,
    /// Whether there was a word to look for.
    pub has_words: bool,
}

impl Ranking {
    pub fn of(passages: &[Passage], language: &str) -> Self {
        let searched: Vec<String> =
            passages.iter().map(|passage| format!("{}\n{}", passage.heading, passage.text)).collect();
        let sample: Vec<&str> = searched.iter().take(SAMPLE).map(String::as_str).collect();
        let embedder =
            EmbedderBuilder::<Word, Words>::with_tokenizer_and_fit_to_corpus(Words::of(language), &sample).build();
        let mut scorer = Scorer::new();
        let mut known = HashSet::new();
        for (number, text) in (0..).zip(&searched) {
            let embedding = embedder.embed(text);
            known.extend(embedding.indices().copied());
            scorer.upsert(&number, embedding);
        }
        Self { words: Words::of(language), embedder, scorer, known }
    }

    pub fn rank(&self, question: &str, top: usize) -> Ranked {
        let mut seen = HashSet::new();
        let (mut missing, mut has_words) = (Vec::new(), false);
        for (written, word) in self.words.pairs(question) {
            has_words = true;
            let is_missing = !self.known.contains(&<Word as TokenEmbedder>::embed(&word));
            if seen.insert(word) && is_missing && missing.len() < MOST_MISSING {
                missing.push(shorten(written, LONGEST_WORD));
            }
        }
        let mut scored = self.scorer.matches(&self.embedder.embed(question));
        // Of equally good ones the earlier, so that an answer is the same every time.
        scored.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.id.cmp(&other.id)));
        Ranked { passages: scored.into_iter().take(top).map(|found| found.id).collect(), missing, has_words }
    }
}
