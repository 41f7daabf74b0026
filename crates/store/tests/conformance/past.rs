//! What happened to wishes outside: gathered into lines of their story, each once whoever reads it how often.

use super::{requests::wish, *};
use futures_util::future::join_all;
use majordomo_domain::{Happening, Past, RequestId, RequestState};

const HOUR: i64 = 3_600_000;

fn row(request: RequestId, at_ms: i64, kind: &str, part: u32) -> Happening {
    Happening {
        request,
        key: format!("{kind} ABCDEF"),
        at_ms,
        kind: kind.into(),
        part: Some(format!("S02E{part:02}")),
        text: format!("it was {kind}"),
    }
}

fn pack(request: RequestId) -> Vec<Happening> {
    let each = |n: u32| {
        let at_ms = HOUR + i64::from(n) * 1_000;
        [row(request, HOUR, "grabbed", n), row(request, HOUR + at_ms, "imported", n)]
    };
    (1..=10).flat_map(each).collect()
}

async fn lines(store: &Store, request: RequestId) -> Vec<(String, String, i64)> {
    let story = store.request_story(request).await.unwrap();
    story.into_iter().map(|line| (line.kind, line.text, line.at_ms)).collect()
}

#[tokio::test]
async fn a_past_read_twice_in_parts_and_backwards_is_a_few_lines_in_their_places() {
    on_every_database(async |store| {
        let person = PersonId::new();
        let new = wish(person, "series tvdb:1", RequestState::Wanted, 100);
        let id = new.request.id;
        store.ask_request(new).await.unwrap();
        store.close_request(id, RequestState::Failed, None, "over".into(), 3 * HOUR).await.unwrap();
        let add = async |happenings: Vec<Happening>| {
            let newest_ms = happenings.iter().map(|row| row.at_ms).max();
            store.add_past("media", "sonarr default", Past { happenings, newest_ms }).await.unwrap();
        };
        let mut rows = pack(id);
        add(rows.iter().skip(7).step_by(2).cloned().collect()).await;
        rows.reverse();
        add(rows.clone()).await;
        add(rows[..3].to_vec()).await;
        let told = |kind: &str, text: &str, at_ms: i64| (kind.to_owned(), text.to_owned(), at_ms);
        let whole = [
            told("asked", "asked for Metropolis", 100),
            told("grabbed", "it was grabbed (10 parts, S02E01 to S02E10)", HOUR),
            told("imported", "it was imported (10 parts, S02E01 to S02E10)", 2 * HOUR + 10_000),
            told("failed", "over", 3 * HOUR),
        ];
        assert_eq!(lines(&store, id).await, whole);
        assert_eq!(store.past_mark("media", "sonarr default").await.unwrap(), Some(2 * HOUR + 10_000));

        // The same download again the day after is another line, and a film has no parts.
        let film = Happening { part: None, key: "deleted".into(), ..row(id, 30 * HOUR, "deleted", 1) };
        add(vec![row(id, 29 * HOUR, "grabbed", 3), row(id, 29 * HOUR, "grabbed", 4), film]).await;
        let late = [
            told("grabbed", "it was grabbed (S02E03, S02E04)", 29 * HOUR),
            told("deleted", "it was deleted", 30 * HOUR),
        ];
        assert_eq!(lines(&store, id).await, [whole.as_slice(), &late].concat());
        store.add_past("media", "sonarr default", Past { happenings: Vec::new(), newest_ms: Some(5) }).await.unwrap();
        assert_eq!(store.past_mark("media", "sonarr default").await.unwrap(), Some(30 * HOUR), "it only goes forward");
        assert_eq!(store.past_mark("media", "sonarr 4k").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_that_read_the_same_past_one_writes_it() {
    on_every_pair(async |one, two| {
        let new = wish(PersonId::new(), "series tvdb:1", RequestState::Wanted, 100);
        let id = new.request.id;
        one.ask_request(new).await.unwrap();
        let past = || Past { happenings: pack(id), newest_ms: Some(2 * HOUR) };
        let both = [&one, &two, &one, &two].map(|store| store.add_past("media", "sonarr default", past()));
        for written in join_all(both).await {
            written.unwrap();
        }
        assert_eq!(lines(&two, id).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn only_what_was_granted_and_is_not_long_over_has_a_past_worth_reading_and_it_goes_with_its_person() {
    on_every_database(async |store| {
        store.put_person(&super::person("Ada")).await.unwrap();
        let bea = Person { standing: Standing::Member, ..super::person("Bea") };
        store.put_person(&bea).await.unwrap();
        let person = bea.id;
        let mut ids = Vec::new();
        for (subject, state, closed_at_ms) in [
            ("film 1", RequestState::Wanted, None),
            ("film 2", RequestState::Asked, None),
            ("film 3", RequestState::Declined, Some(900)),
            ("film 4", RequestState::Watchable, Some(900)),
            ("film 5", RequestState::Watchable, Some(400)),
            ("film 6", RequestState::Cancelled, Some(900)),
        ] {
            let open = if closed_at_ms.is_some() { RequestState::Wanted } else { state };
            let new = wish(person, subject, open, 100);
            ids.push(new.request.id);
            store.ask_request(new.clone()).await.unwrap();
            if let Some(at) = closed_at_ms {
                store.close_request(new.request.id, state, None, "over".into(), at).await.unwrap();
            }
        }
        let mut worth: Vec<String> =
            store.requests_with_past("media", 500).await.unwrap().into_iter().map(|one| one.subject).collect();
        worth.sort();
        assert_eq!(worth, ["film 1", "film 4", "film 6"]);
        assert!(store.requests_with_past("other", 500).await.unwrap().is_empty());

        store.add_past("media", "x", Past { happenings: pack(ids[0]), newest_ms: None }).await.unwrap();
        assert_eq!(lines(&store, ids[0]).await.len(), 3);
        store.forget_person(person).await.unwrap();
        assert!(lines(&store, ids[0]).await.is_empty());
        // What was read meanwhile is of nobody any more.
        store.add_past("media", "x", Past { happenings: pack(ids[0]), newest_ms: None }).await.unwrap();
        assert!(lines(&store, ids[0]).await.is_empty());
    })
    .await;
}
