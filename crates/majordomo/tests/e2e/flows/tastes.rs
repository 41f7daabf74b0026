//! What the household likes to watch, on the real program: told, asked about, learned, and known before the first word.

use crate::harness::{Stage, text_of};
use majordomo_standins::model::Script;
use reqwest::StatusCode;
use serde_json::{Value, json};

impl Stage {
    /// What the model was sent last, as text.
    fn sent_last(&self) -> String {
        let requests = self.town.requests_to("model");
        requests.iter().rfind(|request| request.method == "POST").unwrap().body.to_string()
    }

    async fn preferences(&self, whose: &str) -> Value {
        let (status, body) = self.post("/api/tools/read_household_preferences", json!({ "whose": whose })).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str(body["text"].as_str().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn what_is_imported_reaches_the_model_before_the_first_word_and_stays_the_same_over_a_talk() {
    let stage = Stage::new().await;
    let file = stage.folder.path().join("household_preferences.json");
    let written = json!({ "version": 1, "constraints": { "eraMinYear": 1925 }, "neverRecommend": { "titles": ["canary-title"] }, "own": [1] });
    std::fs::write(&file, written.to_string()).unwrap();
    let talk = stage.conversation().await;
    stage.town.model().script(Script::text("Hello."));
    stage.ask(&talk, "Hello").await;
    assert!(!stage.sent_last().contains("likes to watch"), "nothing is known, and nothing is said");

    let imported = stage.command(&["preferences", "import", file.to_str().unwrap()]);
    assert!(text_of(&imported).starts_with("The household’s preferences are those of"), "{}", text_of(&imported));
    let talk = stage.conversation().await;
    for _ in 0..2 {
        stage.town.model().script(Script::text("Something silent."));
        stage.ask(&talk, "What should we watch tonight?").await;
        let sent = stage.sent_last();
        assert_eq!(sent.matches("Nothing older than: 1925").count(), 1, "{sent}");
        assert!(sent.contains("Never recommend: canary-title"), "{sent}");
    }
    let out = stage.command(&["preferences", "export"]);
    assert_eq!(serde_json::from_slice::<Value>(&out.stdout).unwrap(), written);
    std::fs::write(&file, "{\"constraints\":{\"eraMinYear\":\"old\"}}").unwrap();
    let refused = stage.command(&["preferences", "import", file.to_str().unwrap()]);
    assert!(!refused.status.success());
    assert!(text_of(&refused).contains("constraints.eraMinYear does not fit"), "{}", text_of(&refused));
    assert_eq!(stage.preferences("household").await["constraints"]["eraMinYear"], 1925);
}

#[tokio::test]
async fn ones_own_taste_is_kept_at_once_and_the_households_after_a_yes() {
    let mut stage = Stage::new().await;
    let talk = stage.conversation().await;
    let says = |stage: &Stage, asked: &str, arguments: Value, then: &str| {
        let model = stage.town.model();
        model.script(Script::call("update_household_preferences", arguments).when_asked(asked).after_results(false));
        model.script(Script::text(then).when_asked(asked).after_results(true));
    };
    let asked = "I love claustrophobic thrillers";
    says(
        &stage,
        asked,
        json!({ "whose": "me", "path": "likes.genres", "append": "claustrophobic thrillers" }),
        "Noted.",
    );
    let answer = stage.ask(&talk, asked).await;
    assert!(answer.contains("“claustrophobic thrillers” added to likes.genres"), "{answer}");
    assert_eq!(stage.preferences("me").await["likes"]["genres"], json!(["claustrophobic thrillers"]));

    let asked = "Add Margot Robbie to our favorite actors";
    says(&stage, asked, json!({ "path": "likes.people", "append": "Margot Robbie" }), "It waits for your yes.");
    stage.ask(&talk, asked).await;
    assert_eq!(stage.preferences("household").await, json!({ "version": 1 }));
    stage.restart().await;
    let (_, open) = stage.get("/api/approvals?state=open").await;
    let approval = &open["approvals"][0];
    assert_eq!(approval["wording"]["question"], "In the household’s preferences, add “Margot Robbie” to likes.people?");
    stage.town.model().script(Script::text("She is in."));
    let path = format!("/api/approvals/{}", approval["id"].as_str().unwrap());
    let (_, decided) = stage.post(&path, json!({ "decision": "approve" })).await;
    stage.over(decided["turn_id"].as_str().unwrap()).await;
    assert_eq!(stage.preferences("household").await["likes"]["people"], json!(["Margot Robbie"]));
    stage.check_whole();
}

#[tokio::test]
async fn a_rating_changes_what_a_later_talk_begins_with() {
    let stage = Stage::new().await;
    let (status, kept) = stage.post("/api/tools/household_rate", json!({ "title": "Metropolis", "rating": 9.5 })).await;
    assert_eq!(status, StatusCode::OK, "{kept}");
    let talk = stage.conversation().await;
    stage.town.model().script(Script::text("Something like it."));
    stage.ask(&talk, "What should I watch tonight?").await;
    assert!(stage.sent_last().contains("Loved: Metropolis"), "{}", stage.sent_last());
}
