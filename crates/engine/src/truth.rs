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

/// What a language says things done with. Adding a language is adding one of these.
struct Words {
    /// Words for things done, as assistants write them of themselves.
    done: &'static [&'static str],
    /// Those of them that films and series do as well: said of nobody they are a claim only about something of the household's.
    worldly: &'static [&'static str],
    /// Beginnings in which the assistant is the one who did it.
    mine: &'static [&'static str],
    /// Small words between those and what was done; None where anything may stand there.
    between: Option<&'static [&'static str]>,
    /// After these nothing is claimed to have happened just now; with `'` in front the end of a word.
    denied: &'static [&'static str],
    /// Words before what was done where nobody is named.
    opening: &'static [&'static str],
    /// Said of what was done, by nobody: a change somebody just made, unless a year says when.
    passive: &'static [&'static str],
    /// The same, where it may be of long ago: a claim only about something of the household's.
    passive_at_home: &'static [&'static str],
    /// Things and places of the household.
    home: &'static [&'static str],
    /// After what was done: how an answer is written, not what was changed.
    presented: &'static [&'static str],
    /// Whole sentences.
    alone: &'static [&'static str],
    /// Words by which a person asks for a change, at the beginning of a sentence.
    wishes: &'static [&'static str],
    /// The same behind an opening such as "can you".
    politely: &'static [&'static str],
    /// Such openings.
    please: &'static [&'static str],
}

const ENGLISH: Words = Words {
    done: &[
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
    ],
    worldly: &[
        "updated",
        "changed",
        "cancelled",
        "canceled",
        "created",
        "sent",
        "set",
        "moved",
        "renamed",
        "started",
        "ordered",
        "recorded",
        "approved",
        "replaced",
        "cleared",
        "restored",
        "stopped",
        "marked",
        "erased",
        "forgotten",
        "removed",
        "stored",
    ],
    mine: &["i have", "i've", "i’ve", "i just", "i already", "i", "we have", "we've", "we’ve"],
    between: Some(&["just", "now", "already", "also", "successfully", "gone", "ahead", "and", "then", "have", "both"]),
    denied: &[
        "not", "'n't", "'n’t", "cannot", "unable", "never", "if", "once", "when", "would", "could", "should", "will",
        "can", "want me", "like me", "shall", "yet", "waits", "waiting", "before", "unless", "until",
    ],
    opening: &["done", "ok", "okay", "sure", "all", "successfully", "great", "got it", "all done"],
    passive: &[
        "has been",
        "have been",
        "is now",
        "are now",
        "has now been",
        "has successfully been",
        "was successfully",
    ],
    passive_at_home: &["was", "were"],
    home: &[
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
        "reminder",
        "reminders",
        "household",
    ],
    presented: &[
        "below",
        "above",
        "brackets",
        "parentheses",
        "table",
        "bold",
        "by year",
        "by title",
        "by rating",
        "by date",
        "alphabetically",
        "my mind",
        "up the",
        "out to",
        "off with",
        "that the",
        "earlier",
        "with a star",
    ],
    alone: &["done", "all done", "it's done", "it’s done", "that's done", "that’s done", "consider it done"],
    wishes: &ENGLISH_WISHES,
    politely: &ENGLISH_WISHES,
    please: &[
        "please",
        "can you",
        "could you",
        "would you",
        "will you",
        "can you please",
        "could you please",
        "i want you to",
        "now",
    ],
};

const GERMAN: Words = Words {
    done: &[
        "hinzugefügt",
        "entfernt",
        "gelöscht",
        "gespeichert",
        "geändert",
        "aktualisiert",
        "verschoben",
        "gestartet",
        "gesendet",
        "geschickt",
        "gesetzt",
        "bestellt",
        "gebucht",
        "notiert",
        "gemerkt",
        "angelegt",
        "erstellt",
        "abgesagt",
        "umbenannt",
        "verliehen",
        "eingetragen",
        "heruntergeladen",
        "angefordert",
        "gestoppt",
        "eingeschaltet",
        "ausgeschaltet",
        "aufgenommen",
        "storniert",
        "geplant",
    ],
    worldly: &[],
    mine: &["ich habe", "ich hab", "habe ich", "hab ich", "wir haben"],
    between: None,
    denied: &[
        "nicht",
        "nichts",
        "kein",
        "keine",
        "keinen",
        "nie",
        "wenn",
        "falls",
        "sobald",
        "würde",
        "könnte",
        "sollte",
        "soll",
        "kann",
        "konnte",
        "werde",
        "wird",
        "werden",
        "dass",
        "bevor",
        "möchtest",
        "gesehen",
        "gelesen",
    ],
    opening: &["erledigt", "ok", "okay", "gut", "alles", "fertig"],
    passive: &[],
    passive_at_home: &["wurde", "wurden", "ist", "sind"],
    home: &[
        "bibliothek",
        "liste",
        "merkliste",
        "sammlung",
        "kalender",
        "erinnerung",
        "erinnerungen",
        "gruppe",
        "party",
        "warteschlange",
        "radarr",
        "sonarr",
        "plex",
        "notizen",
        "deine",
        "deiner",
        "deinem",
        "deinen",
        "dein",
        "jetzt",
    ],
    presented: &["unten", "oben", "tabelle", "klammern", "alphabetisch", "nach jahr"],
    alone: &["erledigt", "fertig", "alles erledigt", "ist erledigt", "das ist erledigt", "schon erledigt"],
    wishes: &[
        "füge",
        "füg",
        "lösche",
        "lösch",
        "entferne",
        "bewerte",
        "merke",
        "merk",
        "speichere",
        "vergiss",
        "storniere",
        "benenne",
    ],
    politely: &[
        "hinzufügen",
        "löschen",
        "entfernen",
        "bewerten",
        "merken",
        "speichern",
        "vergessen",
        "stornieren",
        "umbenennen",
        "füge",
        "lösche",
        "entferne",
        "bewerte",
        "merke",
        "merk",
        "speichere",
    ],
    please: &["bitte", "kannst du", "könntest du", "würdest du", "kannst du bitte", "könntest du bitte", "jetzt"],
};

const FRENCH: Words = Words {
    done: &[
        "ajouté",
        "supprimé",
        "effacé",
        "enregistré",
        "modifié",
        "envoyé",
        "déplacé",
        "programmé",
        "annulé",
        "créé",
        "commandé",
        "réservé",
        "noté",
        "lancé",
        "téléchargé",
        "retiré",
        "renommé",
        "arrêté",
        "activé",
        "désactivé",
        "prêté",
        "mis",
        "sauvegardé",
        "planifié",
        "demandé",
    ],
    worldly: &[],
    mine: &["j'ai", "j’ai", "je l'ai", "je l’ai", "je les ai", "nous avons"],
    between: Some(&["bien", "déjà", "aussi", "maintenant", "donc", "tout", "juste", "également"]),
    denied: &["ne", "pas", "jamais", "si", "quand", "lorsque", "peux", "pourrais", "veux", "faut", "avant", "rien"],
    opening: &["c'est fait", "c’est fait", "ok", "voilà", "parfait", "fait"],
    passive: &[],
    passive_at_home: &["a été", "ont été", "a bien été", "est maintenant", "sont maintenant"],
    home: &[
        "bibliothèque",
        "liste",
        "collection",
        "calendrier",
        "rappel",
        "rappels",
        "groupe",
        "radarr",
        "sonarr",
        "plex",
        "notes",
        "ta",
        "ton",
        "tes",
        "votre",
        "vos",
    ],
    presented: &["dessous", "dessus", "tableau", "parenthèses"],
    alone: &["c'est fait", "c’est fait", "fait", "voilà c'est fait", "voilà c’est fait"],
    wishes: &[
        "ajoute",
        "ajoutez",
        "supprime",
        "supprimez",
        "efface",
        "retire",
        "enregistre",
        "annule",
        "renomme",
        "oublie",
        "retiens",
    ],
    politely: &[
        "ajouter",
        "supprimer",
        "effacer",
        "retirer",
        "enregistrer",
        "annuler",
        "renommer",
        "oublier",
        "retenir",
        "noter",
    ],
    please: &["peux-tu", "pourrais-tu", "peux tu", "pourrais tu", "tu peux", "s'il te plaît", "s’il te plaît", "stp"],
};

const ENGLISH_WISHES: [&str; 14] = [
    "add",
    "remove",
    "delete",
    "rate",
    "request",
    "download",
    "monitor",
    "unmonitor",
    "schedule",
    "cancel",
    "rename",
    "remember",
    "forget",
    "save",
];

const LANGUAGES: [&Words; 3] = [&ENGLISH, &GERMAN, &FRENCH];

/// Whether an answer says that the assistant itself has changed something.
pub(crate) fn claims_a_change(answer: &str) -> bool {
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

/// Whether a person asks for a change, in the imperative: "add V", "can you add V?", not "how do I add V?".
pub(crate) fn asks_for_a_change(said: &str) -> bool {
    let ends = |c: char| matches!(c, '.' | '!' | '?' | ';' | ':' | ',' | '\n');
    said.split(ends).map(plain).any(|sentence| LANGUAGES.iter().any(|words| words.wish(&sentence)))
}

/// Whether an answer neither asks back nor says that something is not so.
pub(crate) fn only_talks(answer: &str) -> bool {
    let text = format!(" {} ", plain(answer));
    let denies = |word: &&str| match word.strip_prefix('\'') {
        Some(ending) => text.contains(&format!("{ending} ")),
        None => text.contains(&format!(" {word} ")),
    };
    const OTHER: [&str; 8] = ["no", "already", "schon", "bereits", "déjà", "sorry", "leider", "désolé"];
    !answer.contains('?')
        && !OTHER.iter().any(denies)
        && !LANGUAGES.iter().any(|words| words.denied.iter().filter(|word| !PROMISES.contains(word)).any(denies))
}

/// Words that deny that it was done and promise that it will be.
const PROMISES: [&str; 8] = ["will", "shall", "werde", "wird", "werden", "once", "when", "before"];

fn sentences(line: &str) -> impl Iterator<Item = String> {
    line.split_inclusive(['.', '!', '?', ';', ':']).filter(|sentence| !sentence.trim_end().ends_with('?')).map(plain)
}

/// In lower case, one space between words, and nothing else but apostrophes.
fn plain(sentence: &str) -> String {
    let plain: String =
        sentence.chars().map(|c| if c.is_alphanumeric() || matches!(c, '\'' | '’') { c } else { ' ' }).collect();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says_done(answer: &str) -> bool {
    let is_alone = |sentence: String| LANGUAGES.iter().any(|words| words.alone.contains(&sentence.as_str()));
    answer.lines().flat_map(sentences).any(is_alone)
}

fn is_claim(sentence: &str) -> bool {
    LANGUAGES.iter().any(|words| words.claim(sentence))
}

impl Words {
    fn wish(&self, sentence: &str) -> bool {
        let first = sentence.split(' ').next().unwrap_or_default();
        if self.wishes.contains(&first) {
            return true;
        }
        let behind = |please: &&str| sentence.strip_prefix(*please)?.strip_prefix(' ');
        // Where the order of words is free, the verb stands at the end.
        self.please.iter().filter_map(behind).any(|rest| match self.between {
            None => rest.split(' ').any(|word| self.politely.contains(&word) || self.wishes.contains(&word)),
            Some(_) => {
                let first = rest.split(' ').next().unwrap_or_default();
                self.politely.contains(&first) || self.wishes.contains(&first)
            }
        })
    }

    fn claim(&self, sentence: &str) -> bool {
        let words: Vec<&str> = sentence.split(' ').filter(|word| !word.is_empty()).collect();
        let Some(place) = words.iter().position(|word| self.is_done(word)) else { return false };
        let before = words[..place].join(" ");
        let (padded, after) = (format!(" {before} "), format!(" {} ", words[place + 1..].join(" ")));
        let has = |text: &str, phrase: &str| text.contains(&format!(" {phrase} "));
        let is_denied = self.denied.iter().any(|word| match word.strip_prefix('\'') {
            Some(ending) => before.contains(ending),
            None => has(&padded, word),
        });
        if is_denied || self.presented.iter().any(|phrase| has(&after, phrase)) {
            return false;
        }
        // Where the order of words is free, what was done stands at the end and its place before it.
        let is_free = self.between.is_none();
        let has_year = words.iter().any(is_year);
        let is_at_home = words.iter().any(|word| self.home.contains(word));
        // "Added V to the party", "Done added V": said without a subject; "Set in Berlin" is about a film.
        if place == 0 || self.opening.contains(&before.as_str()) {
            return !has_year && (is_at_home || !begins_with_place(&after));
        }
        // "I have just added V", "ich habe V hinzugefügt".
        let is_mine = self.mine.iter().any(|mine| {
            let Some(at) = padded.rfind(&format!(" {mine} ")) else { return false };
            let mut rest = padded[at + mine.len() + 2..].split_whitespace();
            self.between.is_none_or(|between| rest.all(|word| between.contains(&word)))
        });
        if is_mine || has_year {
            return is_mine;
        }
        let is_worldly = self.worldly.contains(&words[place]);
        let said =
            |forms: &[&str]| forms.iter().any(|form| if is_free { has(&padded, form) } else { before.ends_with(form) });
        let ends_there = !is_free && !is_worldly && words.len() == place + 1;
        said(self.passive) && (is_at_home || !is_worldly)
            || said(self.passive_at_home) && words.len() <= 14 && (is_at_home || ends_there)
    }

    /// French words of this kind have four endings.
    fn is_done(&self, word: &str) -> bool {
        let stem = word.strip_suffix('s').unwrap_or(word);
        let stem = stem.strip_suffix('e').filter(|stem| stem.ends_with('é')).unwrap_or(stem);
        self.done.contains(&word) || stem.ends_with('é') && self.done.contains(&stem)
    }
}

fn is_year(word: &&str) -> bool {
    word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit())
}

/// "Set in Berlin", "created by Fritz Lang", "cancelled after two seasons": what follows is when, where or by whom.
fn begins_with_place(after: &str) -> bool {
    const PLACES: [&str; 12] =
        ["in", "at", "by", "after", "during", "on", "against", "before", "between", "from", "as", "with"];
    after.split_whitespace().next().is_some_and(|word| PLACES.contains(&word))
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

    /// Answers as models write them, and whether they claim that something was changed.
    const ANSWERS: [(&str, bool); 92] = [
        ("I've added Metropolis to your library.", true),
        ("I have removed it from the watchlist.", true),
        ("I just sent Otto the list.", true),
        ("I already scheduled the reminder for you.", true),
        ("I've gone ahead and cancelled the request.", true),
        ("We've updated your profile.", true),
        ("Sure! I added both films.", true),
        ("Okay. I have now set the quality to 4K.", true),
        ("Added to your list.", true),
        ("Removed from your watchlist, as you asked.", true),
        ("Done, added Nosferatu.", true),
        ("All done! Saved.", true),
        ("Metropolis has been requested.", true),
        ("Both films have been added.", true),
        ("Your reminder has been cancelled.", true),
        ("Your list has been updated.", true),
        ("The film is now queued.", true),
        ("V was added.", true),
        ("Metropolis was removed from the library.", true),
        ("Here is the plan.\n\nI've booked the tickets.", true),
        ("- I’ve deleted the old copy\n- The new one is fine", true),
        ("Great, renamed it.", true),
        ("I've marked it as seen.", true),
        ("I have noted your preference.", true),
        ("Good news: I've started the download.", true),
        ("I've stored it in memory.", true),
        ("I've enabled the schedule.", true),
        ("Ich habe Metropolis zu deiner Liste hinzugefügt.", true),
        ("Ich hab den Film gelöscht.", true),
        ("Erledigt: Ich habe die Erinnerung gespeichert.", true),
        ("Den Termin habe ich für dich eingetragen.", true),
        ("Hinzugefügt: Nosferatu.", true),
        ("Nosferatu wurde deiner Bibliothek hinzugefügt.", true),
        ("Die Serie ist jetzt angefordert.", true),
        ("Wir haben die Bestellung storniert.", true),
        ("J'ai ajouté Metropolis à ta liste.", true),
        ("J’ai bien supprimé les deux films.", true),
        ("Je l'ai enregistré.", true),
        ("C'est fait, ajoutée.", true),
        ("Metropolis a été ajouté à votre bibliothèque.", true),
        ("Les notes ont été effacées de votre calendrier.", true),
        ("J'ai mis Nosferatu dans ta liste.", true),
        ("Metropolis (1927) was directed by Fritz Lang.", false),
        ("Set in a city of the future, the film follows Freder.", false),
        ("Created by Fritz Lang and Thea von Harbou.", false),
        ("Cancelled after two seasons, it still has admirers.", false),
        ("Restored in 2010, it runs 148 minutes.", false),
        ("The show has been cancelled.", false),
        ("The series was cancelled.", false),
        ("The lost scenes were restored in 2010 and added to the film.", false),
        ("The premiere has been moved to March 2027.", false),
        ("It was added to the National Film Registry in 1999.", false),
        ("I've added up the run times: 301 minutes.", false),
        ("I've ordered them by year.", false),
        ("I've added the years in brackets.", false),
        ("I've changed my mind about the second one.", false),
        ("I noted that the film is silent.", false),
        ("I have marked the silent ones in the table.", false),
        ("I can add it. Shall I?", false),
        ("Would you like me to have it added?", false),
        ("It will be added once you approve.", false),
        ("I have not added anything.", false),
        ("I haven't removed it.", false),
        ("I couldn’t find a film that was added this week.", false),
        ("Nothing was changed.", false),
        ("If I had added it, you would see it in Plex.", false),
        ("I never deleted that.", false),
        ("It waits for your decision and was not requested.", false),
        ("Is it added to your list?", false),
        ("> I've added V to the party", false),
        ("| Film | added |\n| V | I've added it |", false),
        ("```\nI've added it\n```", false),
        ("Recently added in Plex: Nosferatu, Faust.", false),
        ("Films added this month: none.", false),
        ("The film, released in January, started a fashion.", false),
        ("You added it yourself last week.", false),
        ("Otto added it yesterday.", false),
        ("Here are three films.", false),
        ("Lang started shooting and moved to Berlin.", false),
        ("Soll ich Metropolis hinzufügen?", false),
        ("Ich habe nichts geändert.", false),
        ("Ich habe den Film noch nicht hinzugefügt.", false),
        ("Sobald du zustimmst, wird er hinzugefügt.", false),
        ("Die Szene wurde nach der Premiere entfernt.", false),
        ("Der Film wurde 2010 in die Sammlung aufgenommen.", false),
        ("Ich habe gelesen, dass er gelöscht wurde.", false),
        ("Er wartet auf deine Entscheidung.", false),
        ("Je n'ai pas ajouté le film.", false),
        ("Veux-tu que je l'ajoute ?", false),
        ("Le film a été créé à Berlin.", false),
        ("Si tu acceptes, il sera ajouté.", false),
        ("Le film a été ajouté au registre national en 1999.", false),
    ];

    #[test]
    fn no_innocent_answer_is_set_right_and_every_claim_without_a_receipt_is() {
        let receipt = Changes { receipts: vec!["V was added.".into()], ..Changes::default() };
        let waiting = Changes { waiting: vec!["Lend V".into()], ..Changes::default() };
        let uncertain = Changes { uncertain: vec!["Ship V".into()], ..Changes::default() };
        let nothing = Changes::default();
        let wrong: Vec<_> = ANSWERS
            .iter()
            .filter(|(answer, is_claim)| {
                let without = [&nothing, &waiting, &uncertain];
                without.iter().any(|changes| changes.correction(answer).is_some() != *is_claim)
                    || receipt.correction(answer).is_some()
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        // Alone they claim something only where something was to be done.
        for alone in ["Done.", "It's done!", "Erledigt.", "C’est fait."] {
            assert_eq!((nothing.correction(alone), waiting.correction(alone).is_some()), (None, true), "{alone}");
        }
    }

    #[test]
    fn a_wish_for_a_change_is_told_from_questions_and_talk() {
        for wish in [
            "Add V to my party, he's a Solo",
            "Please remove Johnny.",
            "Can you add Metropolis in 4K?",
            "Nice! Now delete the old one.",
            "Remember that I like silent films",
            "Füge Metropolis hinzu",
            "Kannst du Metropolis bitte hinzufügen?",
            "Bitte lösche den Film",
            "Ajoute Metropolis",
            "Peux-tu supprimer ce film ?",
        ] {
            assert!(asks_for_a_change(wish), "{wish}");
        }
        for talk in [
            "How do I add a film?",
            "What was added this week?",
            "Did you remove it?",
            "Why was it cancelled?",
            "I will delete it myself",
            "Kann man Filme hinzufügen?",
            "Wer hat den Film gelöscht?",
            "Comment ajouter un film ?",
            "Metropolis",
        ] {
            assert!(!asks_for_a_change(talk), "{talk}");
        }
        for answer in ["Sure, one moment.", "I will add it now.", "Ich werde ihn hinzufügen."] {
            assert!(only_talks(answer), "{answer}");
        }
        for answer in [
            "Which Dune do you mean?",
            "I cannot do that.",
            "It's in already.",
            "I don’t have such a tool.",
            "Das kann ich leider nicht.",
        ] {
            assert!(!only_talks(answer), "{answer}");
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
