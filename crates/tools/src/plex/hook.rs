//! What a Plex webhook says: a form with JSON in the field `payload`, and sometimes a picture, which is passed over.

use super::Plex;
use futures_util::{FutureExt, future::BoxFuture};
use majordomo_domain::{
    ToolError,
    hook::{Hook, Notification},
    text::{clean, shorten},
};
use serde_json::{Map, Value, json};

/// Bytes of the JSON; a real one has a few thousand.
const MOST_BYTES: usize = 256 * 1024;
/// Fields of the item that are kept.
const KEPT: [&str; 15] = [
    "ratingKey",
    "guid",
    "type",
    "title",
    "year",
    "grandparentTitle",
    "grandparentRatingKey",
    "parentTitle",
    "parentRatingKey",
    "parentIndex",
    "index",
    "librarySectionType",
    "librarySectionID",
    "librarySectionTitle",
    "userRating",
];

/// The receiver of Plex's webhooks: what is new makes the index look.
pub struct Webhook {
    plex: Plex,
}

impl Webhook {
    pub fn new(plex: Plex) -> Self {
        Self { plex }
    }
}

impl Hook for Webhook {
    fn name(&self) -> &str {
        "plex"
    }

    fn receive<'a>(
        &'a self,
        content_type: &'a str,
        body: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Notification>, ToolError>> {
        async move {
            let notification = understand(content_type, body).await?;
            if notification.as_ref().is_some_and(is_new_in_library) {
                self.plex.library_is_stale();
            }
            Ok(notification)
        }
        .boxed()
    }
}

/// One webhook as a fact: `kind` is Plex's word (`library.new`, `media.scrobble` …), `body` has `account`, `server`, `player` and
/// `item` with the item's keys and `ids` such as `tmdb://603`. None for events without a name.
///
/// `content_type` is the request's, with the boundary in it.
pub async fn understand(content_type: &str, body: &[u8]) -> Result<Option<Notification>, ToolError> {
    let payload = payload(content_type, body).await?;
    let said: Value = serde_json::from_slice(&payload).map_err(|_| not_understood("its payload is not JSON"))?;
    let Some(event) = said["event"].as_str().filter(|event| is_word(event)) else { return Ok(None) };
    let name = |value: &Value| shorten(&clean(value.as_str().unwrap_or_default()), 120);
    let metadata = &said["Metadata"];
    let mut item = Map::new();
    for field in KEPT {
        match &metadata[field] {
            Value::String(text) => item.insert(field.to_owned(), json!(shorten(&clean(text), 200))),
            Value::Number(number) => item.insert(field.to_owned(), json!(number)),
            _ => None,
        };
    }
    let ids = metadata["Guid"].as_array().into_iter().flatten().take(8).map(|guid| name(&guid["id"]));
    let ids: Vec<String> = ids.filter(|id| !id.is_empty()).collect();
    if !ids.is_empty() {
        item.insert("ids".into(), json!(ids));
    }
    let body = json!({
        "account": {"id": said["Account"]["id"].as_i64(), "title": name(&said["Account"]["title"])},
        "server": {"title": name(&said["Server"]["title"]), "uuid": name(&said["Server"]["uuid"])},
        "player": {"title": name(&said["Player"]["title"]), "local": said["Player"]["local"].as_bool()},
        "is_owner": said["owner"].as_bool().unwrap_or(false),
        "item": item,
    });
    Ok(Some(Notification { source: "plex".into(), kind: event.to_owned(), body, ..Notification::default() }))
}

/// Whether a notification means that the library has something it did not have.
pub fn is_new_in_library(notification: &Notification) -> bool {
    notification.kind == "library.new"
}

async fn payload(content_type: &str, body: &[u8]) -> Result<Vec<u8>, ToolError> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| not_understood("it is not a form"))?;
    let body = bytes::Bytes::copy_from_slice(body);
    let whole = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let limit = multer::SizeLimit::new().for_field("payload", MOST_BYTES as u64);
    let constraints = multer::Constraints::new().size_limit(limit);
    let mut form = multer::Multipart::with_constraints(whole, boundary, constraints);
    while let Some(field) = form.next_field().await.map_err(|_| not_understood("its form is broken"))? {
        if field.name() == Some("payload") {
            let bytes = field.bytes().await.map_err(|_| not_understood("its payload is broken or too long"))?;
            return Ok(bytes.to_vec());
        }
    }
    Err(not_understood("it has no payload"))
}

/// `media.play`, `admin.database.backup`.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 60 && text.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_'))
}

fn not_understood(what: &str) -> ToolError {
    ToolError::TellModel(format!("a webhook of Plex was not understood: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=----boundary7";

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut text = String::new();
        for (head, body) in parts {
            text.push_str(&format!("------boundary7\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n"));
        }
        text.push_str("------boundary7--\r\n");
        text.into_bytes()
    }

    fn heard(content_type: &str, body: &[u8]) -> Result<Option<Notification>, ToolError> {
        understand(content_type, body).now_or_never().expect("needs no waiting")
    }

    const NEW: &str = r#"{"event":"library.new","user":true,"owner":true,"Account":{"id":1,"title":"Household","thumb":"https://plex.tv/users/x"},
        "Server":{"title":"Den","uuid":"54664a3d8acc39983675640ec9ce00b70af9cc36"},
        "Metadata":{"librarySectionType":"movie","ratingKey":"1012","guid":"plex://movie/5d7768244de0ee001fcc7fed","type":"movie",
        "title":"Metro\u202epolis\u0007","year":1927,"summary":"a long text that is nobody's business here",
        "Guid":[{"id":"imdb://tt0017136"},{"id":"tmdb://19"}]}}"#;

    #[test]
    fn a_new_film_is_told_with_its_keys_and_ids() {
        let picture = r#"name="thumb"; filename="thumb.jpg""#;
        let body = form(&[(picture, "\u{1}\u{2}not a picture"), (r#"name="payload""#, NEW)]);
        let notification = heard(TYPE, &body).unwrap().unwrap();
        assert_eq!((notification.source.as_str(), notification.kind.as_str()), ("plex", "library.new"));
        assert!(is_new_in_library(&notification));
        assert_eq!(
            notification.body,
            json!({
                "account": {"id": 1, "title": "Household"},
                "server": {"title": "Den", "uuid": "54664a3d8acc39983675640ec9ce00b70af9cc36"},
                "player": {"title": "", "local": null},
                "is_owner": true,
                "item": {"ratingKey": "1012", "guid": "plex://movie/5d7768244de0ee001fcc7fed", "type": "movie",
                    "title": "Metro\u{202e}polis", "year": 1927, "librarySectionType": "movie", "ids": ["imdb://tt0017136", "tmdb://19"]},
            })
        );
    }

    #[test]
    fn an_episode_that_was_watched_names_its_series_and_the_account() {
        let said = r#"{"event":"media.scrobble","Account":{"id":2,"title":"Guest"},"Player":{"title":"TV","local":true},
            "Metadata":{"type":"episode","ratingKey":"7","title":"One","grandparentTitle":"Dragnet","grandparentRatingKey":"5","parentIndex":1,"index":2}}"#;
        let notification = heard(TYPE, &form(&[(r#"name="payload""#, said)])).unwrap().unwrap();
        assert_eq!(notification.kind, "media.scrobble");
        assert_eq!(notification.body["item"]["grandparentTitle"], "Dragnet");
        assert_eq!(
            (&notification.body["item"]["parentIndex"], &notification.body["account"]["id"]),
            (&json!(1), &json!(2))
        );
    }

    #[test]
    fn what_is_no_webhook_is_refused_and_what_says_nothing_is_passed_over() {
        let refused = |content_type: &str, body: &[u8]| heard(content_type, body).unwrap_err().to_string();
        assert!(refused("application/json", NEW.as_bytes()).contains("not a form"));
        assert!(refused(TYPE, b"nothing of a form").contains("form is broken"));
        assert!(refused(TYPE, &form(&[(r#"name="other""#, NEW)])).contains("no payload"));
        assert!(refused(TYPE, &form(&[(r#"name="payload""#, "{")])).contains("not JSON"));
        let long = format!("{{\"event\":\"library.new\",\"x\":\"{}\"}}", "x".repeat(MOST_BYTES));
        assert!(refused(TYPE, &form(&[(r#"name="payload""#, &long)])).contains("too long"));
        let deep = "[".repeat(100_000);
        assert!(refused(TYPE, &form(&[(r#"name="payload""#, &deep)])).contains("not JSON"));
        for nothing in ["{}", r#"{"event":7}"#, r#"{"event":"Delete everything!"}"#] {
            assert_eq!(heard(TYPE, &form(&[(r#"name="payload""#, nothing)])).unwrap(), None, "{nothing}");
        }
    }
}
