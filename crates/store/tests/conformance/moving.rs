//! A household moves from one database into another and back, and is the same.

use super::*;
use majordomo_store::{
    backup,
    transfer::{self, Existing, TableSum},
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use std::collections::BTreeSet;

/// Beginnings of keys that alphabets of databases put in different orders.
const BEGINNINGS: [&str; 8] = ["a", "Z", "ä", "_", "😀", "\u{ff5e}", "é", "ß"];

/// Fill every table there is with rows: accents, emoji, texts longer than 64 KiB, the largest numbers, and nothing wherever a
/// column may be empty.
async fn fill(url: &str) {
    Store::open(url).await.unwrap().close().await;
    let mut connection = AnyConnection::connect(url).await.unwrap();
    for table in transfer::tables().await.unwrap() {
        let about = "SELECT CAST(type AS TEXT) AS kind, CAST(\"notnull\" AS INTEGER) AS wanted FROM pragma_table_info(?) ORDER BY cid";
        let columns = sqlx::query(about).bind(table.name.clone()).fetch_all(&mut connection).await.unwrap();
        for row in 0..130_usize {
            let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            let places = vec!["?"; names.len()].join(", ");
            let text = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, names.join(", "));
            let mut query = sqlx::query(AssertSqlSafe(text));
            for (place, column) in columns.iter().enumerate() {
                let kind: String = column.get("kind");
                let is_empty = column.get::<i64, _>("wanted") == 0 && (row + place) % 3 == 0;
                let beginning = BEGINNINGS[row % BEGINNINGS.len()];
                query = match kind.as_str() {
                    "BIGINT" if is_empty => query.bind(None::<i64>),
                    "BIGINT" if row == 0 => query.bind(i64::MAX),
                    "BIGINT" => query.bind(row as i64 - 50),
                    "SMALLINT" => query.bind(i64::from(row % 2 == 0)),
                    _ if is_empty => query.bind(None::<String>),
                    "TEXT" if row == 1 => query.bind("Nosferatu 🧛 läuft, “ja” \\ ' \" \n".repeat(3_000)),
                    "TEXT" => query.bind(format!("{beginning} {row} 🎬")),
                    // The narrowest such column has ten characters.
                    _ => query.bind(format!("{beginning}{row}")),
                };
            }
            query.execute(&mut connection).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
        }
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_household_that_moves_to_another_database_and_back_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let first = format!("sqlite://{}/first.db", folder.path().display());
    fill(&first).await;
    let before: Vec<TableSum> = transfer::sums(&first).await.unwrap();
    assert!(before.iter().all(|sum| sum.rows == 130), "{before:?}");
    on_every_address(async |address| {
        assert_eq!(transfer::copy(&first, &address, Existing::Keep).await.unwrap(), before, "{}", scheme(&address));
        assert_eq!(transfer::sums(&address).await.unwrap(), before);
        let back = format!("sqlite://{}/back-from-{}.db", folder.path().display(), scheme(&address));
        assert_eq!(transfer::copy(&address, &back, Existing::Keep).await.unwrap(), before);
        // It is there to be used, and nothing is copied over it by mistake.
        Store::open(&address).await.unwrap().close().await;
        let error = transfer::copy(&back, &address, Existing::Keep).await.unwrap_err();
        assert!(error.to_string().contains("holds rows already, in people"), "{error}");
        assert_eq!(transfer::copy(&back, &address, Existing::Remove).await.unwrap(), before, "when told so, it is");
    })
    .await;
}

#[tokio::test]
async fn what_is_written_during_a_copy_or_a_backup_is_not_half_in_it() {
    on_every_address(async |address| {
        let store = Store::open(&address).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let target = format!("sqlite://{}/copy.db", folder.path().display());
        let stop = std::sync::atomic::AtomicBool::new(false);
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let writing = async {
            let mut n = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                n += 1;
                accepted(&store, &said(&new, &format!("message {n}"), None, 100 + n)).await;
            }
        };
        let copying = async {
            for n in 1..=4 {
                if n % 2 == 0 {
                    transfer::copy(&address, &target, Existing::Remove).await.unwrap();
                } else {
                    let made =
                        backup::make(&address, folder.path(), &format!("2026112{n}-093000"), 9, n).await.unwrap();
                    backup::restore(&made, &target).await.unwrap();
                }
                let copy = Store::open(&target).await.unwrap();
                let (messages, turns) = (
                    copy.conversation(new.id).await.unwrap().message_count,
                    copy.conversation_usage(new.id).await.unwrap().2,
                );
                assert_eq!(messages, turns, "a message and its turn are one commit");
                copy.close().await;
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        };
        futures_util::future::join(writing, copying).await;
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn backups_are_kept_by_number_and_bring_any_database_back() {
    let folder = tempfile::tempdir().unwrap();
    on_every_address(async |address| {
        let kept = folder.path().join(scheme(&address));
        let store = Store::open(&address).await.unwrap();
        let ada = person("Ada");
        store.put_person(&ada).await.unwrap();
        for n in 1..=4 {
            let made = backup::make(&address, &kept, &format!("2026112{n}-093000"), 2, n).await.unwrap();
            backup::verify(&made).await.unwrap();
        }
        let backups = backup::list(&kept).unwrap();
        let names: Vec<_> = backups.iter().map(|b| b.file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["majordomo-20261124-093000.db", "majordomo-20261123-093000.db"]);
        // The manifests and the lock beside them, and nothing else.
        assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 5);
        let again = backup::make(&address, &kept, "20261124-093000", 2, 5).await.unwrap_err();
        assert!(again.to_string().contains("is there already"), "{again}");

        store.put_person(&person("Bea")).await.unwrap();
        store.close().await;
        backup::restore(&backups[0], &address).await.unwrap();
        let store = Store::open(&address).await.unwrap();
        assert_eq!(store.people().await.unwrap(), [ada]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_flipped_byte_anywhere_is_an_error_or_an_answer_and_nothing_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    let url = format!("sqlite://{}", whole.display());
    let store = Store::open(&url).await.unwrap();
    let new = conversation(PersonId::new());
    store.create_conversation(new.clone()).await.unwrap();
    for n in 0..20 {
        accepted(&store, &said(&new, &"words ".repeat(100), None, 100 + n)).await;
    }
    store.close().await;
    drop(store);
    let bytes = std::fs::read(&whole).unwrap();
    let (mut refused, mut answered) = (0, 0);
    for n in 0..200 {
        // Half of the places at the beginning, where the file says what it is.
        let place = if n % 2 == 0 { n * 7 } else { n * (bytes.len() / 200) };
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        let file = folder.path().join(format!("damaged-{n}.db"));
        std::fs::write(&file, damaged).unwrap();
        let open = async {
            let store = Store::open(&format!("sqlite://{}", file.display())).await?;
            store.messages(new.id, None, 100).await?;
            store.unfinished_turns("a", 1_000, |_| false).await?;
            store.check().await?;
            store.close().await;
            Ok::<(), StoreError>(())
        };
        match tokio::time::timeout(std::time::Duration::from_secs(20), open).await.expect("no hang") {
            Ok(()) => answered += 1,
            Err(_) => refused += 1,
        }
        assert!(file.metadata().is_ok_and(|found| found.len() >= bytes.len() as u64), "place {place}");
        std::fs::remove_file(file).unwrap();
    }
    assert!(refused > 0 && answered > 0, "{refused} {answered}");
}

/// The list of what is copied comes from the migrations, so that a table that is new cannot be forgotten.
#[tokio::test]
async fn every_table_of_the_migrations_is_copied() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut made = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        made.extend(
            text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next().map(str::to_owned)),
        );
    }
    let copied: BTreeSet<String> = transfer::tables().await.unwrap().into_iter().map(|table| table.name).collect();
    assert!(made.len() > 15 && made.contains("audit"));
    assert_eq!(copied, made);
}

#[tokio::test]
async fn what_cannot_be_copied_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite://{}/{name}", folder.path().display());
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    std::fs::write(folder.path().join("poem.db"), "Wer reitet so spät durch Nacht und Wind? ".repeat(100)).unwrap();
    Store::open(&at("newer.db")).await.unwrap().close().await;
    let mut connection = AnyConnection::connect(&at("newer.db")).await.unwrap();
    connection.execute("INSERT INTO schema_version (version) VALUES (99)").await.unwrap();
    connection.close().await.unwrap();
    for (name, words) in [
        ("nowhere.db", "there is no file"),
        ("empty.db", "no database of majordomo"),
        ("poem.db", "damaged"),
        ("newer.db", "newer version (schema 99"),
    ] {
        let error = transfer::copy(&at(name), &at("target.db"), Existing::Keep).await.unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
        assert!(!folder.path().join("target.db").exists(), "nothing was begun");
    }
}

fn scheme(address: &str) -> &str {
    address.split(':').next().unwrap_or_default()
}
