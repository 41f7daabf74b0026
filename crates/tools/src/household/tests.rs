//! Tastes as somebody meets them: read, changed, learned from, taken back, kept apart and joined.

use super::{
    Household, Notebook, Owner, Profile, Rating, Teacher,
    constraints::{TitleFacts, allows, joint},
    learning::Change,
    toolkit,
};
use crate::testing::{call, told, tool};
use majordomo_domain::{
    Audience, Call, Effect, Label, ModelRole, Origin, Output, Person, PersonId, Standing, ToolError, Toolkit,
    tool::{About, Ask, BRIEF_CHARS, Class, Known},
};
use majordomo_store::Store;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const FILE: &str = include_str!("fixtures/household_preferences.json");

async fn run(kit: &Toolkit, name: &str, arguments: Value, call: &Call) -> Result<Output, ToolError> {
    tool(kit, name).parse(&arguments.to_string())?.run(call).await
}

async fn house() -> (Toolkit, Store) {
    let store = Store::scratch().await.unwrap();
    (toolkit(Some(store.clone())), store)
}

/// A house with the preferences of the file.
async fn furnished() -> (Toolkit, Store) {
    let (kit, store) = house().await;
    let file = serde_json::from_str(FILE).unwrap();
    Household::new(Some(store.clone())).import(Owner::House, file, 1).await.unwrap();
    (kit, store)
}

fn next(before: &Call, key: impl ToString) -> Call {
    Call { key: key.to_string(), ..before.clone() }
}

async fn whole(kit: &Toolkit, whose: &str, call: &Call) -> Value {
    told(&run(kit, "read_household_preferences", json!({ "whose": whose }), call).await.unwrap())
}

#[tokio::test]
async fn preferences_are_read_whole_by_key_by_path_and_in_short() {
    let (kit, _store) = furnished().await;
    let one = call();
    let whole = whole(&kit, "household", &one).await;
    assert_eq!((&whole["notes"], &whole["snacks"]["popcorn"]), (&json!("Sundays are for comedies."), &json!("salted")));
    for (arguments, expected) in [
        (json!({ "path": "likes.people" }), json!(["Buster Keaton"])),
        (json!({ "path": "/constraints/eraMinYear" }), json!(1920)),
        (json!({ "path": "likes.genres.1", "keys": null, "compact": null }), json!("western")),
        (
            json!({ "keys": ["neverRecommend", "nothing"] }),
            json!({ "neverRecommend": { "tmdbIds": [961], "titles": ["Nosferatu (1922)"] }, "nothing": null }),
        ),
    ] {
        let read = run(&kit, "read_household_preferences", arguments.clone(), &one).await.unwrap();
        assert_eq!(told(&read), expected, "{arguments}");
    }
    let nothing = run(&kit, "read_household_preferences", json!({ "path": "likes.colours" }), &one).await.unwrap();
    assert_eq!(nothing.text, "Nothing is set at likes.colours.");
    let short =
        run(&kit, "read_household_preferences", json!({ "compact": true, "whose": "household" }), &one).await.unwrap();
    insta::assert_snapshot!("compact", short.text);
    // However much there is, what is in short is short, and the limits come before the flavours.
    let much: Vec<String> = (0..150).map(|n| format!("a rather long vibe number {n}")).collect();
    let patch = json!({ "patch": { "likes": { "vibes": much, "motifs": much }, "notes": "n".repeat(1_500) } });
    run(&kit, "update_household_preferences", patch, &one).await.unwrap();
    let short = run(&kit, "read_household_preferences", json!({ "compact": true }), &one).await.unwrap().text;
    assert!(short.chars().count() <= 1_800 && short.contains("Nothing older than: 1920"), "{}", short.len());
}

#[tokio::test]
async fn nobody_likes_anything_before_it_is_said() {
    let (kit, _store) = house().await;
    for whose in ["household", "me"] {
        assert_eq!(whole(&kit, whose, &call()).await, json!({ "version": 1 }));
    }
    let short = run(&kit, "read_household_preferences", json!({ "compact": true }), &call()).await.unwrap();
    assert_eq!(short.text, "Nothing is known of their taste yet.");
    assert_eq!(allows(&Profile::default(), &TitleFacts { year: Some(1888), ..TitleFacts::default() }), Ok(()));
}

#[tokio::test]
async fn preferences_are_changed_in_every_promised_way() {
    let (kit, _store) = furnished().await;
    let one = call();
    for (number, (arguments, path, expected)) in [
        // Merged at every level; null takes out, text that is JSON is meant as such.
        (
            json!({ "patch": { "likes": { "genres": ["noir"] }, "notes": null } }),
            "likes",
            json!({
                "genres": ["noir"], "people": ["Buster Keaton"], "languages": ["en", "de"], "vibes": ["cosy"],
                "aesthetics": ["black and white"], "motifs": ["trains"]
            }),
        ),
        (json!({ "patch": "{\"constraints\":{\"eraMinYear\":\"1930\"}}" }), "constraints.eraMinYear", json!(1930)),
        (json!({ "path": "constraints.allowJumpScares", "value": "true" }), "constraints.allowJumpScares", json!(true)),
        (
            json!({ "path": "constraints.runtimeSweetSpotMins", "value": "[90, 120]" }),
            "constraints.runtimeSweetSpotMins",
            json!([90, 120]),
        ),
        (
            json!({ "path": "likes.people", "append": "Margot Robbie" }),
            "likes.people",
            json!(["Buster Keaton", "Margot Robbie"]),
        ),
        (
            json!({ "path": "likes.people", "append": "margot robbie" }),
            "likes.people",
            json!(["Buster Keaton", "Margot Robbie"]),
        ),
        (json!({ "path": "dislikes.people", "append": ["A", "B"] }), "dislikes.people", json!(["A", "B"])),
        (json!({ "path": "dislikes.people", "remove_value": "a", "append": null }), "dislikes.people", json!(["B"])),
        (json!({ "path": "neverRecommend.tmdbIds", "append": "603" }), "neverRecommend.tmdbIds", json!([961, 603])),
        (
            json!({ "path": "neverRecommend.titles", "append": "1917" }),
            "neverRecommend.titles",
            json!(["Nosferatu (1922)", "1917"]),
        ),
        (json!({ "path": "snacks.drinks", "value": "tea" }), "snacks", json!({ "drinks": "tea", "popcorn": "salted" })),
        (
            json!({ "ops": [
                { "op": "add", "path": "/likes/vibes/-", "value": "eerie" },
                { "op": "add", "path": "/likes/vibes/0", "value": "brisk" },
                { "op": "replace", "path": "/likes/vibes/1", "value": "snug" },
                { "op": "remove", "path": "/likes/motifs/0" },
            ] }),
            "likes.vibes",
            json!(["brisk", "snug", "eerie"]),
        ),
        (
            json!({ "ops": [{ "op": "remove", "path": "/heuristics/maxOptions" }] }),
            "heuristics.zeroSpoilers",
            json!(true),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let output = run(&kit, "update_household_preferences", arguments.clone(), &next(&one, number)).await.unwrap();
        assert!(output.receipt.is_some());
        let read = run(&kit, "read_household_preferences", json!({ "path": path }), &one).await.unwrap();
        let mut expected = expected;
        expected.sort_all_objects();
        assert_eq!(told(&read), expected, "{arguments}");
    }
    let now = whole(&kit, "household", &one).await;
    assert_eq!(
        (&now["notes"], &now["heuristics"]["maxOptions"], &now["likes"]["motifs"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn what_contradicts_itself_or_does_not_fit_is_refused_and_changes_nothing() {
    let (kit, _store) = furnished().await;
    let one = call();
    let before = whole(&kit, "household", &one).await;
    for (arguments, reason) in [
        (
            json!({ "path": "likes.people", "append": "A", "remove_value": "Buster Keaton" }),
            "append and remove_value were both given",
        ),
        (json!({}), "nothing to change was given"),
        (json!({ "path": "likes.people" }), "nothing to change was given"),
        (json!({ "append": "A" }), "need a path"),
        (json!({ "patch": { "likes": {} }, "path": "notes", "value": "x" }), "more than one way"),
        (json!({ "path": "notes", "value": "x", "append": "y" }), "value and append"),
        (json!({ "patch": "[1]" }), "patch is a JSON object"),
        (json!({ "path": "constraints.eraMinYear", "value": "long ago" }), "constraints.eraMinYear does not fit"),
        (json!({ "path": "constraints.languageWhitelist", "append": "English" }), "codes such as en"),
        (json!({ "path": "constraints.runtimeSweetSpotMins", "value": "[120,90]" }), "the shortest, then the longest"),
        (json!({ "path": "notes", "append": "x" }), "this is not a list"),
        (
            json!({ "ops": [{ "op": "add", "path": "/likes/vibes/-", "value": "x" }, { "op": "replace", "path": "/likes/none", "value": "y" }] }),
            "there is nothing at",
        ),
        (json!({ "ops": [{ "op": "add", "path": "/likes/vibes/-" }] }), "need a value"),
        (json!({ "path": "notes", "value": "x".repeat(2_001) }), "more than 2000 characters"),
        (json!({ "whose": "everybody", "path": "notes", "value": "x" }), "unknown variant"),
    ] {
        let refused = run(&kit, "update_household_preferences", arguments.clone(), &one).await;
        assert!(
            matches!(&refused, Err(ToolError::TellModel(text)) if text.contains(reason)),
            "{arguments}: {refused:?}"
        );
    }
    assert_eq!(whole(&kit, "household", &one).await, before);
}

#[tokio::test]
async fn ones_own_taste_is_a_note_and_nobody_elses_and_the_households_is_asked_about() {
    let (kit, _store) = house().await;
    let (one, other) = (call(), call());
    let update = tool(&kit, "update_household_preferences");
    let class = |arguments: &str| update.parse(arguments).unwrap().class();
    assert_eq!(class(r#"{"path":"likes.vibes","append":"x","whose":"me"}"#), Class::Note);
    assert_eq!(class(r#"{"path":"likes.vibes","append":"x"}"#), Class::Write);
    let said = run(
        &kit,
        "update_household_preferences",
        json!({ "path": "likes.genres", "append": "claustrophobic thrillers", "whose": "me" }),
        &one,
    )
    .await
    .unwrap();
    assert_eq!(
        said.receipt.as_deref(),
        Some("In one’s own preferences: “claustrophobic thrillers” added to likes.genres.")
    );
    assert_eq!(whole(&kit, "me", &one).await["likes"]["genres"], json!(["claustrophobic thrillers"]));
    // Also in a room: it is the person's, wherever they talk.
    let in_room = Call { room: Some("discord:1".into()), ..one.clone() };
    assert_eq!(whole(&kit, "me", &in_room).await["likes"]["genres"], json!(["claustrophobic thrillers"]));
    for (who, whose) in [(&other, "me"), (&other, "household"), (&one, "household")] {
        assert_eq!(whole(&kit, whose, who).await, json!({ "version": 1 }));
    }
    let read = run(&kit, "read_household_preferences", json!({ "whose": "me" }), &one).await.unwrap();
    assert_eq!(read.label, Some(Label { origin: Origin::Own, audience: Audience::Person }));
    // The question names what will be.
    let arguments = r#"{"path":"likes.people","append":"Margot Robbie"}"#;
    let parsed = update.parse(arguments).unwrap();
    assert_eq!(parsed.wording().question, "In the household’s preferences, add “Margot Robbie” to likes.people?");
    assert_eq!(parsed.preview(&one).await.unwrap().facts[0].value, "“Margot Robbie” added to likes.people");
    parsed.run(&next(&one, "yes")).await.unwrap();
    assert_eq!(whole(&kit, "household", &other).await["likes"]["people"], json!(["Margot Robbie"]));
    let others = run(&kit, "read_household_preferences", json!({}), &other).await.unwrap();
    assert_eq!(others.label.unwrap().origin, Origin::Household);
}

#[tokio::test]
async fn changes_at_once_are_all_kept_and_a_repeat_of_a_call_changes_nothing() {
    let (kit, _store) = house().await;
    let one = call();
    let calls: Vec<Call> = (0..6).map(|n| next(&one, n)).collect();
    let adding = calls.iter().enumerate().map(|(n, call)| {
        run(
            &kit,
            "update_household_preferences",
            json!({ "path": "likes.people", "append": format!("Actor {n}") }),
            call,
        )
    });
    for outcome in futures_util::future::join_all(adding).await {
        outcome.unwrap();
    }
    let now = whole(&kit, "household", &one).await;
    let people = now["likes"]["people"].as_array().unwrap();
    assert!(people.len() == 6 && (0..6).all(|n| people.contains(&json!(format!("Actor {n}")))), "{people:?}");
    let patch = json!({ "path": "likes.people", "remove_value": "Actor 0" });
    let first = run(&kit, "update_household_preferences", patch.clone(), &next(&one, "r")).await.unwrap();
    run(&kit, "update_household_preferences", json!({ "path": "likes.people", "append": "Actor 0" }), &next(&one, "s"))
        .await
        .unwrap();
    assert_eq!(run(&kit, "update_household_preferences", patch, &next(&one, "r")).await.unwrap(), first);
    assert!(whole(&kit, "household", &one).await["likes"]["people"].as_array().unwrap().contains(&json!("Actor 0")));
}

#[tokio::test]
async fn preferences_are_searched_and_asked_in_one_sentence() {
    let (kit, _store) = furnished().await;
    let one = call();
    let found = told(&run(&kit, "search_household_preferences", json!({ "query": "KEATON" }), &one).await.unwrap());
    assert_eq!(
        found,
        json!({ "found": 2, "entries": [
            { "path": "anchors.trustedFaces", "value": "Buster Keaton" },
            { "path": "likes.people", "value": "Buster Keaton" }
        ] })
    );
    let limited =
        told(&run(&kit, "search_household_preferences", json!({ "query": "likes", "limit": 2 }), &one).await.unwrap());
    assert_eq!((limited["found"].as_u64().unwrap() > 2, limited["entries"].as_array().unwrap().len()), (true, 2));
    let none = run(&kit, "search_household_preferences", json!({ "query": "zeppelin" }), &one).await.unwrap();
    assert_eq!(none.text, "Nothing in the preferences has this word.");

    let asked: Arc<Mutex<Vec<(ModelRole, String)>>> = Arc::default();
    let heard = asked.clone();
    let worker = Ask(Arc::new(move |role, _, about| {
        heard.lock().unwrap().push((role, about));
        Box::pin(async { Ok("They like Mr. Keaton and trains.\nAlso they like much else.".to_owned()) })
    }));
    let asking = Call { ask: worker, ..one };
    let answer =
        run(&kit, "query_household_preferences", json!({ "query": "whom do we like?" }), &asking).await.unwrap();
    assert_eq!(answer.text, "They like Mr. Keaton and trains.");
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0].0, ModelRole::Worker);
    assert!(asked[0].1.contains("Likes people: Buster Keaton") && asked[0].1.ends_with("Question: whom do we like?"));
}

#[tokio::test]
async fn everything_forgotten_can_be_brought_back() {
    let (kit, _store) = furnished().await;
    let one = call();
    let before = whole(&kit, "household", &one).await;
    let reset = tool(&kit, "household_preferences_reset");
    assert_eq!(reset.effect, Effect::Destroy);
    let gone = run(&kit, "household_preferences_reset", json!({}), &next(&one, 1)).await.unwrap();
    assert_eq!(whole(&kit, "household", &one).await, json!({ "version": 1 }));
    let twice = run(&kit, "household_preferences_reset", json!({}), &next(&one, 2)).await;
    assert_eq!(twice, Err(ToolError::TellModel("there is nothing to forget".into())));
    let undo = gone.undo.unwrap();
    run(&kit, &undo.tool, undo.arguments, &next(&one, 3)).await.unwrap();
    assert_eq!(whole(&kit, "household", &one).await, before);
    let nothing = run(&kit, "household_preferences_restore", json!({ "whose": "me" }), &next(&one, 4)).await;
    assert!(matches!(nothing, Err(ToolError::TellModel(_))), "{nothing:?}");
}

#[tokio::test]
async fn what_was_learned_says_when_and_from_what_and_one_thing_is_taken_back() {
    let (kit, _store) = house().await;
    let one = call();
    let like = |word: &str| json!({ "path": "likes.genres", "append": word, "whose": "me" });
    run(&kit, "update_household_preferences", like("westerns"), &next(&one, 1)).await.unwrap();
    let second = run(&kit, "update_household_preferences", like("musicals"), &next(&one, 2)).await.unwrap();
    run(&kit, "update_household_preferences", like("operas"), &next(&one, 3)).await.unwrap();
    run(&kit, "household_rate", json!({ "title": "Metropolis", "rating": 9, "genres": ["Drama"] }), &next(&one, 4))
        .await
        .unwrap();
    let learned = told(&run(&kit, "household_learned", json!({ "whose": "me" }), &one).await.unwrap());
    assert_eq!(
        learned["newest"][0],
        json!({
            "id": 4, "when": "2026-11-21 06:53 UTC", "from": "rated “Metropolis” 9 of 10", "what": ["“Metropolis” added to anchors.loved"]
        })
    );
    assert_eq!(
        (&learned["newest"][3]["from"], &learned["newest"][3]["what"]),
        (&json!("said"), &json!(["“westerns” added to likes.genres"]))
    );
    // One in the middle, by the call that undoes it.
    let undo = second.undo.unwrap();
    let back = run(&kit, &undo.tool, undo.arguments.clone(), &next(&one, 5)).await.unwrap();
    assert_eq!(back.text, "Taken back: “musicals” added to likes.genres.");
    assert_eq!(whole(&kit, "me", &one).await["likes"]["genres"], json!(["westerns", "operas"]));
    let again = run(&kit, &undo.tool, undo.arguments, &next(&one, 6)).await;
    assert!(matches!(again, Err(ToolError::TellModel(_))), "{again:?}");
    assert_eq!(run(&kit, "household_learned", json!({}), &one).await.unwrap().text, "Nothing was learned yet.");
}

const TEACHER: Teacher = Teacher { by: None, origin: Origin::Own, at_ms: 1 };

fn rated(title: &str, rating: f64, genres: &[&str]) -> Rating {
    Rating { title: title.into(), rating, genres: genres.iter().map(|g| (*g).into()).collect(), ..Rating::default() }
}

#[test]
fn ratings_teach_when_they_agree_and_words_weigh_more() {
    let mut notebook = Notebook::default();
    notebook.learn_rating(rated("A", 9.0, &["Western", "Drama"]), TEACHER);
    assert!(notebook.profile.likes.genres.is_empty(), "one rating is no taste");
    notebook.learn_rating(rated("B", 9.0, &["western"]), TEACHER);
    assert_eq!(notebook.profile.likes.genres, ["western"]);
    assert_eq!(notebook.profile.anchors.loved, ["A", "B"]);
    for title in ["C", "D"] {
        notebook.learn_rating(Rating { tmdb_id: Some(7), ..rated(title, 1.0, &["Musical"]) }, TEACHER);
    }
    assert_eq!(notebook.profile.dislikes.genres, ["Musical"]);
    assert_eq!(
        (notebook.profile.never_recommend.titles.len(), notebook.profile.never_recommend.tmdb_ids.len()),
        (2, 1)
    );
    // Rated anew, the earlier rating no longer counts.
    notebook.learn_rating(rated("c", 7.5, &["Musical"]), TEACHER);
    assert_eq!(notebook.profile.never_recommend.titles, ["D"]);
    assert_eq!(notebook.profile.anchors.responded_to, ["c"]);
    // What somebody said stands.
    let mut notebook = Notebook::default();
    notebook.profile.dislikes.genres = vec!["Western".into()];
    for title in ["A", "B", "C"] {
        notebook.learn_rating(rated(title, 10.0, &["Western"]), TEACHER);
    }
    assert!(notebook.profile.likes.genres.is_empty());
}

#[tokio::test]
async fn what_is_liked_now_is_no_longer_disliked() {
    let (kit, _store) = furnished().await;
    let one = call();
    run(&kit, "update_household_preferences", json!({ "path": "likes.genres", "append": "Musical" }), &one)
        .await
        .unwrap();
    let now = whole(&kit, "household", &one).await;
    assert_eq!((&now["likes"]["genres"][2], &now["dislikes"]["genres"]), (&json!("Musical"), &Value::Null));
}

#[test]
fn lessons_have_a_bound_and_older_ones_stay_learned() {
    let mut notebook = Notebook::default();
    for n in 0..400 {
        notebook.learn_rating(rated(&format!("Film {n}"), 5.0, &["Drama"]), TEACHER);
    }
    assert_eq!((notebook.lessons.len(), notebook.newest), (300, 400));
    assert!(serde_json::to_string(&notebook).unwrap().len() < 1 << 19);
}

#[test]
fn what_is_forbidden_is_refused_with_its_reason_and_what_is_not_known_is_not() {
    let profile = Profile::of(serde_json::from_str(FILE).unwrap()).unwrap();
    let good = TitleFacts {
        title: "Safety Last!".into(),
        tmdb_id: Some(22596),
        year: Some(1923),
        language: Some("en".into()),
        runtime_minutes: Some(74),
        genres: vec!["Comedy".into()],
        keywords: vec!["department store".into()],
        ..TitleFacts::default()
    };
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (title, reason) in [
        (good.clone(), None),
        (TitleFacts { title: "Unknown".into(), ..TitleFacts::default() }, None),
        (TitleFacts { tmdb_id: Some(961), ..good.clone() }, Some("never to be recommended")),
        (TitleFacts { title: "Nosferatu".into(), year: Some(1922), ..good.clone() }, Some("never to be recommended")),
        (TitleFacts { title: "Nosferatu".into(), year: Some(1979), ..good.clone() }, None),
        (TitleFacts { year: Some(1919), ..good.clone() }, Some("nothing older than 1920")),
        (TitleFacts { year: Some(1920), ..good.clone() }, None),
        (TitleFacts { language: Some("fr".into()), ..good.clone() }, Some("only en, de is wanted")),
        (TitleFacts { language: Some("en-US".into()), ..good.clone() }, None),
        (TitleFacts { runtime_minutes: Some(151), ..good.clone() }, Some("60 to 150 are wanted")),
        (TitleFacts { keywords: words(&["Animal Death"]), ..good.clone() }, Some("content to avoid")),
        (TitleFacts { content_warnings: words(&["drownings"]), ..good.clone() }, Some("content to avoid")),
        (TitleFacts { keywords: words(&["animal"]), ..good.clone() }, None),
        (TitleFacts { keywords: words(&["found footage"]), ..good.clone() }, Some("looks like what is not wanted")),
        (TitleFacts { keywords: words(&["jump scares"]), ..good.clone() }, Some("jump scares")),
        (TitleFacts { has_jump_scares: Some(true), ..good.clone() }, Some("jump scares")),
        (TitleFacts { has_jump_scares: Some(false), keywords: words(&["jump scare"]), ..good.clone() }, None),
    ] {
        let outcome = allows(&profile, &title);
        assert_eq!(outcome.is_ok(), reason.is_none(), "{title:?}: {outcome:?}");
        assert!(outcome.is_ok() || outcome.as_ref().unwrap_err().contains(reason.unwrap()), "{outcome:?}");
    }
}

#[test]
fn people_who_watch_together_share_every_limit_and_what_most_of_them_like_comes_first() {
    let of = |value: Value| Profile::of(value).unwrap();
    let one = of(json!({
        "likes": { "genres": ["Horror", "Western"], "people": ["Buster Keaton"] }, "dislikes": { "genres": ["Musical"] },
        "constraints": { "eraMinYear": 1930, "languageWhitelist": ["en", "de"], "runtimeSweetSpotMins": [60, 120], "allowJumpScares": true },
        "heuristics": { "maxOptions": 5 }, "notes": "mine alone", "anchors": { "loved": ["mine alone"] }
    }));
    let two = of(json!({
        "likes": { "genres": ["western", "Musical"] }, "dislikes": { "people": ["Otto"] },
        "constraints": { "eraMinYear": 1950, "languageWhitelist": ["de"], "runtimeSweetSpotMins": [90, 200], "allowJumpScares": false,
            "contentWarnings": ["gore"] },
        "heuristics": { "maxOptions": 2, "zeroSpoilers": true, "contentFlagsUpfront": ["gore"] }, "neverRecommend": { "tmdbIds": [3] }
    }));
    let together = joint(&[&one, &two]);
    assert_eq!(together.profile.likes.genres, ["Western", "Horror"]);
    assert_eq!(together.shares[0], ("Western".into(), 1.0));
    assert_eq!(together.profile.dislikes.genres, ["Musical"]);
    assert_eq!(together.conflicts, [""; 0]);
    insta::assert_snapshot!("joint", together.profile.compact(1_800));
    let apart = of(json!({ "constraints": { "languageWhitelist": ["fr"], "runtimeSweetSpotMins": [20, 30] } }));
    let together = joint(&[&one, &two, &apart]);
    assert_eq!(together.conflicts, ["no language suits everybody", "no running time suits everybody"]);
}

#[tokio::test]
async fn an_evening_joins_named_people_and_tells_nothing_else_of_them() {
    let (kit, store) = house().await;
    let person = |name: &str, standing| Person {
        id: PersonId::new(),
        name: name.into(),
        standing,
        zone: None,
        language: None,
        created_at_ms: 0,
    };
    let (ada, bo) = (person("Ada", Standing::Member), person("Bo", Standing::Member));
    for who in [&ada, &bo] {
        store.put_person(who).await.unwrap();
    }
    let (first, second) = (Call { person: Arc::new(ada), ..call() }, Call { person: Arc::new(bo), ..call() });
    let patch = json!({ "whose": "me", "patch": { "likes": { "genres": ["western"] }, "notes": "canary" } });
    run(&kit, "update_household_preferences", patch.clone(), &first).await.unwrap();
    run(&kit, "update_household_preferences", patch, &second).await.unwrap();
    let evening = run(&kit, "household_evening", json!({ "people": ["bo"] }), &first).await.unwrap();
    assert_eq!(evening.text, "Liked by more than one: western\nLikes genres: western");
    let unknown = run(&kit, "household_evening", json!({ "people": ["Cy"] }), &first).await.unwrap_err();
    assert_eq!(unknown.to_string(), "nobody here is named Cy; the household has Ada, Bo");
    let guest = Call { person: Arc::new(person("Guest", Standing::Guest)), ..first };
    assert!(run(&kit, "household_evening", json!({ "people": ["bo"] }), &guest).await.is_err());
}

#[tokio::test]
async fn a_file_comes_in_and_goes_out_the_same_and_what_was_there_is_kept_aside() {
    let (kit, store) = house().await;
    let household = Household::new(Some(store));
    let one = call();
    run(&kit, "update_household_preferences", json!({ "path": "notes", "value": "before" }), &one).await.unwrap();
    let file: Value = serde_json::from_str(FILE).unwrap();
    household.import(Owner::House, file.clone(), 5).await.unwrap();
    let mut out = household.export(Owner::House).await.unwrap().to_value();
    // Lists that are empty in the file are not written; everything else comes back, the unknown key too.
    let mut expected = file;
    for list in ["comfortSignals", "avoidOverEcho"] {
        expected["anchors"].as_object_mut().unwrap().remove(list);
    }
    out.sort_all_objects();
    expected.sort_all_objects();
    assert_eq!(out, expected);
    run(&kit, "household_preferences_restore", json!({}), &next(&one, "back")).await.unwrap();
    assert_eq!(whole(&kit, "household", &one).await["notes"], "before");
    let broken = household.import(Owner::House, json!({ "likes": { "genres": 7.5, "people": { "a": 1 } } }), 6).await;
    assert!(
        matches!(&broken, Err(ToolError::TellModel(text)) if text.starts_with("likes.people does not fit")),
        "{broken:?}"
    );
}

async fn brief(kit: &Toolkit, call: &Call) -> Option<Known> {
    kit.brief.as_ref().unwrap()(About { person: call.person.clone(), room: call.room.clone() }).await.unwrap()
}

#[tokio::test]
async fn a_conversation_begins_with_the_taste_of_the_house_and_the_person_and_never_with_others_words() {
    let (kit, store) = house().await;
    let one = call();
    assert_eq!(brief(&kit, &one).await, None);
    Household::new(Some(store.clone())).import(Owner::House, serde_json::from_str(FILE).unwrap(), 1).await.unwrap();
    run(
        &kit,
        "update_household_preferences",
        json!({ "path": "likes.vibes", "append": "canary-own", "whose": "me" }),
        &one,
    )
    .await
    .unwrap();
    let alone = brief(&kit, &one).await.unwrap();
    assert!(alone.text.contains("Nothing older than: 1920") && alone.text.contains("canary-own"), "{}", alone.text);
    assert_eq!(alone.label, Label { origin: Origin::Own, audience: Audience::Person });
    assert_eq!(brief(&kit, &one).await.unwrap(), alone, "the same every time");
    let in_room = brief(&kit, &Call { room: Some("discord:1".into()), ..one.clone() }).await.unwrap();
    assert!(!in_room.text.contains("canary-own"));
    assert_eq!(in_room.label, Label::OWN);

    // What another member, or a page, has put into the household's is read when it is asked for, not before the first word.
    let admin = Person { standing: Standing::Admin, ..(*call().person).clone() };
    store.put_person(&admin).await.unwrap();
    let (other, admin) = (call(), Call { person: Arc::new(Person { id: admin.id, ..admin }), ..call() });
    store.put_person(&other.person).await.unwrap();
    for (who, word) in [
        (&other, "canary-other"),
        (&admin, "canary-admin"),
        (&Call { label: Label::OUTSIDE, ..one.clone() }, "canary-page"),
    ] {
        run(&kit, "update_household_preferences", json!({ "path": "likes.vibes", "append": word }), &next(who, word))
            .await
            .unwrap();
    }
    let now = brief(&kit, &one).await.unwrap().text;
    for (canary, is_there) in
        [("canary-own", true), ("canary-admin", true), ("canary-other", false), ("canary-page", false)]
    {
        assert_eq!(now.contains(canary), is_there, "{canary}: {now}");
    }
    let theirs = brief(&kit, &other).await.unwrap().text;
    assert!(theirs.contains("canary-other") && !theirs.contains("canary-own"), "{theirs}");
    // However long both are, there is room for both.
    let much: Vec<String> = (0..150).map(|n| format!("a rather long motif number {n}")).collect();
    let lists = json!({ "likes": { "motifs": much, "people": much, "genres": much, "vibes": much }, "dislikes": { "genres": ["x"], "vibes": much, "tones": much } });
    for whose in ["me", "household"] {
        run(&kit, "update_household_preferences", json!({ "patch": lists, "whose": whose }), &next(&one, whose))
            .await
            .unwrap();
    }
    let long = brief(&kit, &one).await.unwrap().text;
    assert!(
        long.chars().count() <= BRIEF_CHARS
            && long.contains("What this person likes")
            && long.contains("What the household"),
        "{long}"
    );
}

#[test]
fn a_change_taken_back_leaves_what_was_changed_since() {
    let mut notebook = Notebook::default();
    let set = |year: i32| Profile::of(json!({ "constraints": { "eraMinYear": year } })).unwrap();
    notebook.replace(set(1950), super::Source::Said, TEACHER);
    notebook.profile = set(1960);
    assert_eq!(notebook.unlearn(1), Some(Vec::new()));
    assert_eq!(notebook.profile, set(1960));
    let change = Change::Set { path: "a.b".into(), before: None, after: Some(json!(1)) };
    assert_eq!(change.in_words(), "a.b set to 1");
}

#[tokio::test]
async fn a_store_that_is_away_is_said_as_such() {
    let (kit, store) = house().await;
    store.close().await;
    let one = call();
    for (name, arguments) in [
        ("read_household_preferences", json!({})),
        ("search_household_preferences", json!({ "query": "x" })),
        ("query_household_preferences", json!({ "query": "x" })),
        ("update_household_preferences", json!({ "path": "notes", "value": "x" })),
        ("household_preferences_reset", json!({})),
        ("household_preferences_restore", json!({})),
        ("household_rate", json!({ "title": "x", "rating": 1 })),
        ("household_learned", json!({})),
        ("household_unlearn", json!({ "id": 1 })),
        ("household_evening", json!({ "people": ["x"] })),
    ] {
        let outcome = run(&kit, name, arguments, &one).await;
        assert!(matches!(outcome, Err(ToolError::CouldNotAsk { .. })), "{name}: {outcome:?}");
    }
    assert!(kit.brief.as_ref().unwrap()(About { person: one.person.clone(), room: None }).await.is_err());
}
