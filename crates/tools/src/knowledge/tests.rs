//! The knowledge base as somebody meets it: a folder of real files, asked, changed, broken.

use super::{Config, Knowledge, passages, toolkit};
use crate::testing::{call, tool};
use majordomo_domain::{Call, Effect, Label, Output, ToolError, Toolkit, tool::Class};
use majordomo_store::Store;
use proptest::prelude::*;
use std::{fs, time::Duration};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    store: Store,
    toolkit: Toolkit,
    call: Call,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::scratch().await.unwrap();
        let toolkit = toolkit(&Config { folder: Some(folder.path().to_owned()), ..config }, Some(store.clone()));
        Self { folder, store, toolkit, call: call() }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    async fn run(&self, name: &str, arguments: &str) -> Result<Output, ToolError> {
        tool(&self.toolkit, name).parse(arguments)?.run(&self.call).await
    }

    async fn search(&self, question: &str) -> String {
        self.run("knowledge_search", &serde_json::json!({"question": question}).to_string()).await.unwrap().text
    }

    /// Added, updated, removed, unchanged.
    async fn reindex(&self, arguments: &str) -> [usize; 4] {
        let said = self.run("reindex", arguments).await.unwrap().receipt.unwrap();
        let numbers: Vec<usize> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        numbers[..4].try_into().unwrap()
    }

    /// How often each part of the index was written.
    async fn revisions(&self) -> Vec<i64> {
        let mut revisions = Vec::new();
        for key in self.store.document_keys("knowledge", "household").await.unwrap() {
            if key.starts_with("part:") {
                revisions.push(self.store.document("knowledge", "household", &key).await.unwrap().unwrap().revision);
            }
        }
        revisions
    }

    /// A minute later.
    fn pass_a_minute(&mut self) {
        self.call.now_ms += 60_000;
    }
}

/// A PDF of one line for each page, as a small program would write it. The cross-reference table is right.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let content = |text: &str| format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (page, text) in pages.iter().enumerate() {
        let text = content(text);
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + 2 * page
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()));
    }
    assemble(&objects)
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", number + 1));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1));
    file.into_bytes()
}

const RULES: &str = "# House rules\n\nBe kind.\n\n## Combat\n\n### Initiative\n\nEverybody rolls two dice; the highest goes first.\n\n\
                     ### Retreat\n\nWhoever runs drops their torch.\n\n## Snacks\n\nNo crisps above the maps.\n";

#[tokio::test]
async fn reindexing_adds_updates_removes_and_skips_and_force_reads_everything_anew() {
    let bench = Bench::new().await;
    bench.write("rules.md", RULES);
    bench.write("games/manual.pdf", pdf(&["The engine is started with the red lever."]));
    bench.write("notes.txt", "The spare key hangs behind the clock.");
    bench.write("picture.png", "not a document");
    assert_eq!(bench.reindex("{}").await, [3, 0, 0, 0]);
    assert_eq!(bench.reindex("{}").await, [0, 0, 0, 3]);
    bench.write("rules.md", RULES.replace("two dice", "three dice"));
    bench.write("new.md", "# New\n\nBrass polish is in the cellar.");
    fs::remove_file(bench.folder.path().join("notes.txt")).unwrap();
    assert_eq!(bench.reindex("{}").await, [1, 1, 1, 1]);
    // Touched, not changed.
    bench.write("new.md", "# New\n\nBrass polish is in the cellar.");
    assert_eq!(bench.reindex("{}").await, [0, 0, 0, 3]);
    assert_eq!(bench.revisions().await, [1, 1, 1], "what did not change is not read again");
    assert_eq!(bench.reindex(r#"{"force":true}"#).await, [0, 3, 0, 0]);
    assert_eq!(bench.revisions().await, [2, 2, 2]);
    assert!(bench.search("how many dice").await.contains("three dice"));
    let gone = bench.search("spare key").await;
    assert!(gone.starts_with("This is not in the knowledge base"), "{gone}");
    // A list and one part for each of three files: nothing of what was is left over.
    assert_eq!(bench.store.document_keys("knowledge", "household").await.unwrap().len(), 4);
}

#[tokio::test]
async fn an_answer_names_its_source_and_without_a_match_it_says_so() {
    let bench = Bench::new().await;
    bench.write("rules.md", RULES);
    bench.write("manual.pdf", pdf(&["Oil it every spring.", "The engine is started with the red lever."]));
    let answer = bench.run("knowledge_search", r#"{"question":"Who goes first at initiative?"}"#).await.unwrap();
    assert!(answer.text.contains("[rules.md › House rules › Combat › Initiative]"), "{}", answer.text);
    assert!(answer.text.contains("Everybody rolls two dice; the highest goes first."), "{}", answer.text);
    // The passage after it comes along, under its own heading.
    assert!(answer.text.contains("[rules.md › House rules › Combat › Retreat]"), "{}", answer.text);
    assert_eq!(answer.label.unwrap_or(bench.toolkit.label), Label::OUTSIDE);
    // Endings and case do not matter, little words find nothing.
    let lever = bench.search("STARTING engines").await;
    assert!(lever.contains("[manual.pdf, page 2]\nThe engine is started with the red lever."), "{lever}");
    let nothing = bench.search("What does the constitution of Atlantis say?").await;
    assert!(nothing.starts_with("This is not in the knowledge base: none of its 2 documents says anything of it."));
    let part = bench.search("initiative in Atlantis").await;
    assert!(part.contains("No document has the words: Atlantis."), "{part}");
    for question in ["", "the and of", &"x ".repeat(600)] {
        let arguments = serde_json::json!({"question": question}).to_string();
        let refused = bench.run("knowledge_search", &arguments).await;
        assert!(matches!(refused, Err(ToolError::TellModel(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn what_follows_a_passage_is_told_once_and_without_its_repeated_beginning() {
    let bench = Bench::new().await;
    let sentences: Vec<String> = (0..120).map(|n| format!("Sentence {n} speaks of gardens number{n}.")).collect();
    bench.write("garden.txt", sentences.join(" "));
    let answer = bench.search("number40").await;
    for n in 41..55 {
        assert_eq!(answer.matches(&format!("number{n}.")).count(), 1, "{n}: {answer}");
    }
    let many = bench.search("gardens").await;
    for n in 0..120 {
        assert!(many.matches(&format!("number{n}.")).count() <= 1, "{n}: {many}");
    }
}

#[tokio::test]
async fn a_change_in_the_folder_is_seen_by_a_search_a_minute_later_and_not_sooner() {
    let mut bench = Bench::new().await;
    bench.write("one.md", "The attic holds skis.");
    assert!(bench.search("skis").await.contains("[one.md]"));
    bench.write("two.md", "The shed holds a canoe.");
    assert!(bench.search("canoe").await.starts_with("This is not in the knowledge base"));
    bench.pass_a_minute();
    assert!(bench.search("canoe").await.contains("[two.md]"));
    fs::remove_file(bench.folder.path().join("one.md")).unwrap();
    bench.pass_a_minute();
    assert!(bench.search("skis").await.starts_with("This is not in the knowledge base: its one document"));
}

#[tokio::test]
async fn the_index_survives_a_restart_and_is_seen_by_every_process() {
    let bench = Bench::new().await;
    bench.write("rules.md", RULES);
    assert!(bench.search("crisps").await.contains("rules.md"));
    let config = Config { folder: Some(bench.folder.path().to_owned()), ..Config::default() };
    let other = Knowledge::new(&config, Some(bench.store.clone()));
    let report = other.reindex(super::How::Changed, None, 1).await.unwrap();
    assert_eq!((report.added, report.unchanged), (0, 1), "the second process reads nothing again");
    bench.write("new.md", "Zeppelins are banned.");
    other.reindex(super::How::ByChecksum, None, 2).await.unwrap();
    // The first looked at the folder within this minute; it sees the index of the other all the same.
    assert!(bench.search("zeppelins").await.contains("[new.md]"));
    // A folder that is away is not an empty one: what was read before is told, with a doubt.
    let away = Knowledge::new(
        &Config { folder: Some("/nowhere/at/all".into()), ..Config::default() },
        Some(bench.store.clone()),
    );
    let told = away.search("zeppelins", 3).await.unwrap();
    assert!(told.contains("[new.md]") && told.contains("it is not there"), "{told}");
    assert!(matches!(away.reindex(super::How::ByChecksum, None, 4).await, Err(ToolError::CouldNotAsk { .. })));
    // Nothing was ever read, and nothing can be: that is no "not in the knowledge base".
    let never = Knowledge::new(
        &Config { folder: Some("/nowhere/at/all".into()), ..Config::default() },
        Some(Store::scratch().await.unwrap()),
    );
    assert!(matches!(never.search("zeppelins", 3).await, Err(ToolError::CouldNotAsk { .. })));
}

#[tokio::test]
async fn a_change_of_the_settings_cuts_everything_anew() {
    let bench = Bench::new().await;
    bench.write("long.txt", "One more word of it. ".repeat(200));
    bench.reindex("{}").await;
    let config = Config {
        folder: Some(bench.folder.path().to_owned()),
        chunk_chars: 400,
        overlap_chars: 0,
        top: 1,
        ..Config::default()
    };
    let finer = Knowledge::new(&config, Some(bench.store.clone()));
    let before = finer.status().await.unwrap().passages;
    let report = finer.reindex(super::How::Changed, None, 1).await.unwrap();
    assert_eq!((report.updated, report.unchanged), (1, 0));
    assert!(finer.status().await.unwrap().passages > before);
    let told = finer.search("word", 1).await.unwrap();
    assert!(told.len() < 1_000, "one passage and the next: {told}");
    let german = Config { language: "german".into(), ..config };
    let german = Knowledge::new(&german, Some(bench.store.clone()));
    bench.write("regeln.md", "Die Häuser der Spieler werden zuletzt gezählt.");
    assert!(german.search("Haus", 2).await.unwrap().contains("[regeln.md]"));
    assert!(german.search("die der werden", 2).await.is_err(), "little words of that language are not looked for");
}

/// Each is named with its reason, none stops the others, none makes an answer that looks like "nothing".
#[tokio::test]
async fn hostile_files_are_reported_by_name_and_the_others_are_found() {
    let bench = Bench::with(Config { max_files: 60, ..Config::default() }).await;
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret.md"), "The canary sleeps outside.").unwrap();
    let root = bench.folder.path();
    std::os::unix::fs::symlink(outside.path().join("secret.md"), root.join("link.md")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.join("linked")).unwrap();
    std::os::unix::fs::symlink(root, root.join("round")).unwrap();
    bench.write("good.md", "The otter lives under the pier.");
    bench.write("empty.md", "");
    bench.write("blank.md", " \n\u{200b}\n");
    bench.write("binary.md", [0xff, 0xfe, 0x00, 0x9f, 0x92]);
    bench.write("nul.txt", "a\0b");
    fs::File::create(root.join("huge.txt")).unwrap().set_len(30_000_000).unwrap();
    bench.write("broken.pdf", "%PDF-1.7\nthis is not one");
    bench.write("cut.pdf", &pdf(&["Cut off in the middle."])[..120]);
    bench.write("scan.pdf", pdf(&[""]));
    bench.write("brackets.md", "[".repeat(10_000));
    bench.write("quotes.md", ">".repeat(10_000));
    bench.write("stars.md", "*a ".repeat(10_000));
    bench.write(
        "brackets.pdf",
        assemble(&[
            "<< /Type /Catalog /Pages 2 0 R >>".into(),
            format!("<< /Type /Pages /Kids {}{} /Count 1 >>", "[".repeat(10_000), "]".repeat(10_000)),
        ]),
    );
    bench.write("two\nlines\u{1b}[31m.md", "The heron stands in the reeds.");
    bench.write(".hidden.md", "Hidden otters.");
    let answer = bench.search("otter").await;
    assert!(answer.contains("[good.md]") && !answer.contains("Hidden"), "{answer}");
    let nothing = bench.search("canary").await;
    assert!(nothing.starts_with("This is not in the knowledge base"), "{nothing}");
    let report = bench.run("reindex", "{}").await.unwrap();
    let status = Knowledge::new(&Config::default(), Some(bench.store.clone())).status().await.unwrap();
    let problems: std::collections::BTreeMap<String, String> = status.problems.into_iter().collect();
    for (name, reason) in [
        ("link.md", "a link, which is not followed"),
        ("linked", "a link, which is not followed"),
        ("round", "a link, which is not followed"),
        ("empty.md", "it is empty"),
        ("blank.md", "it has no text"),
        ("binary.md", "it is not text in UTF-8"),
        ("nul.txt", "it is not text"),
        ("huge.txt", "30000000 bytes; the limit is 20971520"),
        ("broken.pdf", "it is not a PDF that can be understood"),
        ("scan.pdf", "it has no text; its pages may be pictures"),
    ] {
        assert_eq!(problems.get(name).map(String::as_str), Some(reason), "{name}: {problems:?}");
    }
    for name in ["cut.pdf", "brackets.pdf"] {
        assert!(problems.contains_key(name), "{name}: {problems:?}");
    }
    assert!(report.text.contains("empty.md (it is empty)") || report.text.contains("more."), "{}", report.text);
    assert!(nothing.contains("binary.md (it is not text in UTF-8)"), "{nothing}");
    let heron = bench.search("heron").await;
    assert!(heron.contains("[two lines[31m.md]"), "{heron}");
}

/// PDFs made to keep a reader busy or to bring it down: they end, and say something.
#[tokio::test]
async fn a_pdf_that_contains_itself_ends() {
    let bench = Bench::new().await;
    let stream = |dictionary: &str, content: &str| {
        format!("<< {dictionary} /Length {} >>\nstream\n{content}\nendstream", content.len())
    };
    let page = "<< /Type /Page /Parent 2 0 R /Resources 6 0 R /Contents 5 0 R >>";
    let resources = "<< /Font << /F1 3 0 R >> /XObject << /X 7 0 R >> >>";
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    let drawing = "/X Do /X Do /X Do /X Do /X Do BT /F1 9 Tf (Inside of the drawing.) Tj ET";
    bench.write(
        "self.pdf",
        assemble(&[
            "<< /Type /Catalog /Pages 2 0 R >>".into(),
            "<< /Type /Pages /Kids [4 0 R 2 0 R] /Count 2 >>".into(),
            font.into(),
            page.into(),
            stream("", "/X Do BT /F1 9 Tf (Marmalade) Tj ET"),
            resources.into(),
            stream("/Type /XObject /Subtype /Form /Resources 6 0 R", drawing),
        ]),
    );
    // A page without resources of its own, below a parent that is its own parent.
    bench.write(
        "parents.pdf",
        assemble(&[
            "<< /Type /Catalog /Pages 2 0 R >>".into(),
            "<< /Type /Pages /Kids [4 0 R] /Count 1 /Parent 8 0 R /Resources 6 0 R >>".into(),
            font.into(),
            "<< /Type /Page /Parent 8 0 R /Contents 5 0 R >>".into(),
            stream("", "BT /F1 9 Tf (Chutney) Tj ET"),
            "<< /Font << /F1 3 0 R >> >>".into(),
            "null".into(),
            "<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R >>".into(),
        ]),
    );
    let marmalade = bench.search("marmalade").await;
    assert!(marmalade.contains("[self.pdf, page 1]"), "{marmalade}");
    assert!(bench.search("drawing").await.contains("Inside of the drawing."));
    let chutney = bench.search("chutney").await;
    assert!(chutney.contains("parents.pdf (none of its pages can be read)"), "{chutney}");
}

#[test]
fn words_and_lines_of_a_pdf_stay_apart() {
    let object = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding \
                  /FirstChar 114 /Widths [333] >>";
    let content = "BT /F1 12 Tf 1 0 0 1 72 700 Tm [(wo) 20 (rd) -300 (next)] TJ 0 -14 Td (line two) Tj T* (line three) Tj \
                   1 0 0 1 72 600 Tm (line four) Tj 1 0 0 1 172 600 Tm (its end) Tj (quoted) ' ET \
                   BT /F1 12 Tf 72 500 Td (r) Tj 4 0 Td (ed) Tj ET BT /F1 12 Tf 88 500 Td (ness) Tj ET BT /F1 12 Tf 72 480 Td (end) Tj ET";
    let bytes = assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>".into(),
        object.into(),
        "<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R >>".into(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ]);
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let read = super::pdf::read(&bytes, 10_000, deadline).unwrap();
    assert_eq!(read.pages[0].1.trim(), "word next\nline two\nline three\nline four its end\nquoted\nredness\nend");
    // Out of time at once: nothing is made up.
    let late = super::pdf::read(&bytes, 10_000, std::time::Instant::now()).unwrap_err();
    assert_eq!(late, "it has no pages that can be read");
}

#[tokio::test]
async fn what_there_was_no_time_for_is_told_and_read_the_next_time() {
    let bench = Bench::new().await;
    bench.write("one.md", "The attic holds skis.");
    let config = Config { folder: Some(bench.folder.path().to_owned()), ..Config::default() };
    let knowledge = Knowledge::new(&config, Some(bench.store.clone()));
    let report = knowledge.reindex(super::How::ByChecksum, Some(Duration::ZERO), 1).await.unwrap();
    assert_eq!((report.added, report.left), (0, 1));
    assert!(report.sentence().ends_with("For 1 there was no time; they come next time."), "{}", report.sentence());
    // The next search does not wait for a minute.
    assert!(knowledge.search("skis", 2).await.unwrap().contains("[one.md]"));
}

#[tokio::test]
async fn more_files_than_are_read_are_told() {
    let bench = Bench::with(Config { max_files: 2, ..Config::default() }).await;
    for name in ["a.md", "b.md", "c.md"] {
        bench.write(name, format!("Of {name} there is one."));
    }
    let said = bench.run("reindex", "{}").await.unwrap().text;
    assert!(said.contains("1 further files are over tools.knowledge.max_files"), "{said}");
}

#[tokio::test]
async fn an_empty_folder_is_no_knowledge() {
    let bench = Bench::new().await;
    let said = bench.search("anything").await;
    assert!(said.starts_with("The knowledge base holds no document that could be read."), "{said}");
    bench.write("broken.pdf", "no");
    let said = bench.run("reindex", "{}").await.unwrap().text;
    assert!(said.contains("broken.pdf (it is not a PDF that can be understood)"), "{said}");
}

/// A member needs no yes for it, a guest may not: what `access.rs` makes of a note.
#[test]
fn reading_the_folder_again_is_a_note_and_searching_a_read() {
    let kit = toolkit(&Config { folder: Some("x".into()), ..Config::default() }, None);
    let kinds = |name: &str| (tool(&kit, name).effect, tool(&kit, name).class);
    assert_eq!(kinds("knowledge_search"), (Effect::Read, Class::Read));
    assert_eq!(kinds("knowledge_reindex"), (Effect::Write, Class::Note));
    assert_eq!(kit.label, Label::OUTSIDE);
}

#[test]
fn settings_out_of_their_range_switch_it_off_with_a_reason() {
    let on = Config { folder: Some("documents".into()), ..Config::default() };
    assert_eq!(on.fault(), None);
    assert_eq!(Config::default().fault().unwrap(), "no folder: set tools.knowledge.folder");
    for (config, reason) in [
        (Config { top: 0, ..on.clone() }, "tools.knowledge.top: 0 is not between 1 and 20"),
        (Config { chunk_chars: 5_000, ..on.clone() }, "tools.knowledge.chunk_chars: 5000 is not between 200 and 4000"),
        (
            Config { overlap_chars: 501, ..on.clone() },
            "tools.knowledge.overlap_chars: 501 is more than half of chunk_chars, 1000",
        ),
        (
            Config { max_file_bytes: 1, ..on.clone() },
            "tools.knowledge.max_file_bytes: 1 is not between 1000 and 100000000",
        ),
        (Config { max_files: 0, ..on.clone() }, "tools.knowledge.max_files: 0 is not between 1 and 1000"),
    ] {
        assert_eq!(config.fault().as_deref(), Some(reason));
    }
    let unknown = Config { language: "klingon".into(), ..on }.fault().unwrap();
    assert!(
        unknown.starts_with("tools.knowledge.language: “klingon” is not one of danish, dutch, english"),
        "{unknown}"
    );
    for language in super::ranking::languages() {
        super::ranking::Words::of(language);
    }
}

#[test]
fn headings_are_kept_with_those_above_and_one_without_text_is_not_lost() {
    let bytes = b"Before.\n\n# One\n\n## Two `code`\n\ntext\n\nThree\n=====\n\n### Deep\n\n## Only said in a heading\n"
        .to_vec();
    let read = super::reading::read(super::folder::Kind::Markdown, bytes, std::time::Instant::now()).unwrap();
    let found: Vec<(String, String)> =
        read.sections.into_iter().map(|section| (section.heading, section.text.trim().to_owned())).collect();
    let expected = [
        ("", "Before."),
        ("One › Two code", "text"),
        ("Three › Deep", "Deep"),
        ("Three › Only said in a heading", "Only said in a heading"),
    ];
    assert_eq!(found, expected.map(|(heading, text)| (heading.to_owned(), text.to_owned())));
}

proptest! {
    /// Whatever the text: cutting ends, no passage is too long, and together they are the text.
    #[test]
    fn passages_are_the_whole_text(text in "\\PC{0,40}( |\n|\\PC){0,400}", size in 20usize..120, part in 0usize..=2) {
        let section = passages::Section { text: text.clone(), ..Default::default() };
        let cut = passages::cut(&[section], size, size / 4 * part);
        let whole: String = cut.iter().map(|passage| &passage.text[passage.repeats..]).collect();
        let kept = majordomo_domain::text::clean(&text);
        if !majordomo_domain::text::is_blank(&kept) {
            prop_assert_eq!(whole, kept.trim());
        }
        for passage in &cut {
            prop_assert!(passage.text.chars().count() <= size);
        }
    }

    /// Whatever the bytes, with the beginning of a PDF or without.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), at in 0usize..600) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let mut damaged = pdf(&["A line of text.", "And another."]);
        let place = at.min(damaged.len());
        let end = (place + bytes.len() / 20).min(damaged.len());
        damaged.splice(place..end, bytes.iter().copied().take(60));
        for kind in [super::folder::Kind::Pdf, super::folder::Kind::Markdown, super::folder::Kind::Text] {
            let _ = super::reading::read(kind, bytes.clone(), deadline);
            let _ = super::reading::read(kind, damaged.clone(), deadline);
        }
    }
}
