//! What an answer says was done, against what the tools report was done. An answer that claims a change without a receipt gets a
//! correction in the same message; the receipts themselves are written by code.

use majordomo_domain::CallResult;

/// What became of the calls of a turn that would change something.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// One sentence for each change that was made.
    pub receipts: Vec<String>,
    /// Titles of calls that wait for a decision.
    pub waiting: Vec<String>,
    /// Titles of calls of which nobody knows whether they happened.
    pub uncertain: Vec<String>,
}

impl Changes {
    pub fn of<'a>(results: impl Iterator<Item = &'a CallResult>) -> Self {
        let mut changes = Self::default();
        for result in results {
            if let Some(receipt) = &result.receipt {
                changes.receipts.push(receipt.clone());
            } else if result.approval.is_some() {
                changes.waiting.push(result.title.clone());
            } else if result.uncertain {
                changes.uncertain.push(result.title.clone());
            }
        }
        changes
    }

    /// The sentence that sets an answer right, when it claims what did not happen.
    pub fn correction(&self, answer: &str) -> Option<String> {
        // "Done." alone claims something only where something was to be done.
        let was_tried = !self.waiting.is_empty() || !self.uncertain.is_empty();
        if !self.receipts.is_empty() || !(claims_a_change(answer) || was_tried && says_done(answer)) {
            return None;
        }
        Some(if let Some(waiting) = self.waiting.first() {
            format!("This has not happened yet: “{waiting}” waits for a decision.")
        } else if let Some(uncertain) = self.uncertain.first() {
            format!(
                "Whether this happened is not known: “{uncertain}” was started and did not report back. Please check."
            )
        } else {
            "This has not happened: nothing was changed in this answer.".into()
        })
    }
}

/// Words for things done, as assistants write them of themselves.
const DONE: [&str; 36] = [
    "added",
    "removed",
    "deleted",
    "requested",
    "updated",
    "changed",
    "saved",
    "stored",
    "scheduled",
    "cancelled",
    "canceled",
    "created",
    "sent",
    "set",
    "moved",
    "renamed",
    "started",
    "queued",
    "ordered",
    "booked",
    "remembered",
    "noted",
    "recorded",
    "approved",
    "downloaded",
    "upgraded",
    "replaced",
    "cleared",
    "restored",
    "stopped",
    "enabled",
    "disabled",
    "marked",
    "assigned",
    "erased",
    "forgotten",
];

/// Beginnings of a sentence in which the assistant is the one who did it.
const MINE: [&str; 8] = ["i have", "i've", "i’ve", "i just", "i already", "i", "we have", "we've"];
/// Small words between those and what was done.
const BETWEEN: [&str; 9] = ["just", "now", "already", "also", "successfully", "gone ahead and", "then", "have", "both"];
/// After these nothing is claimed to have happened just now.
const DENIED: [&str; 21] = [
    "not", "n't", "n’t", "cannot", "unable", "never", "if", "once", "when", "would", "could", "should", "will", "can",
    "want me", "like me", "shall", "yet", "waits", "waiting", "before",
];

/// Whether an answer says that the assistant itself has changed something.
fn claims_a_change(answer: &str) -> bool {
    let mut in_code = false;
    answer.lines().any(|line| {
        // What stands in code, quotes and tables is material.
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return false;
        }
        !in_code && !line.trim_start().starts_with(['>', '|']) && sentences(line).any(|sentence| is_claim(&sentence))
    })
}

fn sentences(line: &str) -> impl Iterator<Item = String> {
    line.split_inclusive(['.', '!', '?', ';', ':']).filter(|sentence| !sentence.trim_end().ends_with('?')).map(
        |sentence| {
            let plain: String = sentence
                .chars()
                .map(|c| if c.is_alphanumeric() || matches!(c, '\'' | '’') { c } else { ' ' })
                .collect();
            plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
        },
    )
}

fn says_done(answer: &str) -> bool {
    answer.lines().flat_map(sentences).any(|sentence| {
        matches!(
            sentence.as_str(),
            "done" | "all done" | "it's done" | "it’s done" | "that's done" | "consider it done"
        )
    })
}

fn is_claim(sentence: &str) -> bool {
    let words: Vec<&str> = sentence.split(' ').filter(|word| !word.is_empty()).collect();
    let is_done = |word: &str| DONE.contains(&word);
    let Some(place) = words.iter().position(|word| is_done(word)) else {
        return false;
    };
    let before = words[..place].join(" ");
    let padded = format!(" {before} ");
    let denied = DENIED.iter().any(|word| {
        let is_ending = word.starts_with("n'") || word.starts_with("n’");
        if is_ending { before.contains(word) } else { padded.contains(&format!(" {word} ")) }
    });
    if denied {
        return false;
    }
    // "Added V to the party", "Done added V": said without a subject.
    if place == 0
        || matches!(before.as_str(), "done" | "ok" | "okay" | "sure" | "all" | "successfully" | "great" | "got it")
    {
        return true;
    }
    // "I have just added V".
    let mine = MINE.iter().any(|mine| {
        let Some(at) = padded.rfind(&format!(" {mine} ")) else { return false };
        let rest = padded[at + mine.len() + 2..].trim();
        rest.is_empty()
            || rest.split(' ').all(|word| BETWEEN.iter().any(|between| between.split(' ').any(|b| b == word)))
    });
    // "V has been added", "V was added", "V is now saved": a change somebody just made, unless a date says when.
    let passive =
        ["has been", "have been", "is now", "are now", "has now been", "has successfully been", "was successfully"]
            .iter()
            .any(|form| before.ends_with(form));
    let was_just_now =
        ["was", "were"].iter().any(|form| before.ends_with(form)) && words[place..].iter().all(|w| !is_year(w));
    mine || passive && words[place..].iter().all(|w| !is_year(w))
        || was_just_now && words.len() <= 12 && ends_at_home(&words[place..])
}

fn is_year(word: &&str) -> bool {
    word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit())
}

/// "was added to the party": the place is one of the household's.
fn ends_at_home(words: &[&str]) -> bool {
    const HOME: [&str; 15] = [
        "party",
        "list",
        "library",
        "watchlist",
        "queue",
        "radarr",
        "sonarr",
        "plex",
        "calendar",
        "schedule",
        "notes",
        "memory",
        "your",
        "reminders",
        "household",
    ];
    words.len() == 1 || words.iter().any(|word| HOME.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_told_from_offers_questions_denials_and_facts_about_films() {
        for claim in [
            "I've added V to your party.",
            "I have just added V (Solo) to the party!",
            "Done! V is in.\nI added her.",
            "Added Metropolis in 4K.",
            "Okay, added.",
            "Metropolis has been added to your library.",
            "V is now saved in the party.",
            "V was added to the party.",
            "Sure. I’ve gone ahead and removed Johnny.",
            "Great news: your reminder has been scheduled.",
            "I've already deleted it, nothing else to do.",
        ] {
            assert!(claims_a_change(claim), "{claim}");
        }
        for innocent in [
            "I can add V to the party. Shall I?",
            "I have not added V yet.",
            "I haven't added anything.",
            "I couldn't remove Johnny.",
            "Once you approve, V will be added.",
            "Should V be added to the party?",
            "It waits for your decision and was not added.",
            "Metropolis was added to the National Film Registry in 1999.",
            "The scene was removed by the censors after the premiere in Berlin.",
            "The film was restored in 2010 and has been updated in 2015.",
            "> I've added V",
            "```\nadded 3 rows\n```",
            "Here are three films. The second one was directed by Murnau.",
            "Done.",
            "If it has been added, you will see it in Plex.",
            "",
        ] {
            assert!(!claims_a_change(innocent), "{innocent}");
        }
    }

    #[test]
    fn a_claim_without_a_receipt_is_set_right_in_the_words_of_what_happened() {
        let result = |receipt: Option<&str>, waits: bool, uncertain: bool| CallResult {
            title: "Add V (Solo) to the party".into(),
            receipt: receipt.map(str::to_owned),
            approval: waits.then(majordomo_domain::ApprovalId::new),
            uncertain,
            ..CallResult::default()
        };
        let claim = "I've added V to the party.";
        for (results, expected) in [
            (vec![result(Some("V was added."), false, false)], None),
            (
                vec![result(None, true, false)],
                Some("This has not happened yet: “Add V (Solo) to the party” waits for a decision."),
            ),
            (vec![], Some("This has not happened: nothing was changed in this answer.")),
            (
                vec![result(None, false, true)],
                Some(
                    "Whether this happened is not known: “Add V (Solo) to the party” was started and did not report back. Please check.",
                ),
            ),
        ] {
            assert_eq!(Changes::of(results.iter()).correction(claim).as_deref(), expected);
        }
        assert_eq!(Changes::default().correction("Shall I add V?"), None);
        assert_eq!(Changes::default().correction("Done."), None);
        assert!(Changes::of([result(None, true, false)].iter()).correction("Done.").is_some());
    }
}
