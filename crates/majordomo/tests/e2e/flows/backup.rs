//! Backups, restoring them, moving to another database, and a power cut in the middle of each.

use crate::{
    harness::{PATIENCE, Setting, Stage, program, server, text_of},
    points,
};
use majordomo_standins::database::{Kind, PASSWORD, Server};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Output,
    time::Instant,
};

// Tests that ask the doctor have several threads: it asks the stand-ins, which answer in this process.

/// A command on the stage's data that a power cut ends at a point, or that comes to its end.
fn command_until(folder: &Path, point: &str, arguments: &[&str]) -> Output {
    program(folder).env("MAJORDOMO_FAULT_POINT", point).args(arguments).output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let text = text_of(output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
    text
}

#[track_caller]
fn refused(output: &Output, words: &str) {
    let text = text_of(output);
    assert!(!output.status.success() && text.contains(words), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

/// The only backup in a folder.
fn backup_in(folder: &Path) -> PathBuf {
    let names = files(folder);
    assert!(matches!(&names[..], [db, json] if db.ends_with(".db") && json.ends_with(".json")), "{names:?}");
    folder.join(&names[0])
}

async fn texts(stage: &Stage, conversation: &str) -> usize {
    stage.messages(conversation).await.iter().filter(|message| message["role"] == "user").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_the_service_runs_brings_the_house_back() {
    backup_and_back(Stage::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_the_service_runs_brings_the_house_back_on_postgresql() {
    let Some(server) = server(Kind::Postgres) else { return };
    backup_and_back(Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_the_service_runs_brings_the_house_back_on_mariadb() {
    let Some(server) = server(Kind::MariaDb) else { return };
    backup_and_back(Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await).await;
}

async fn backup_and_back(mut stage: Stage) {
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "what is 2+3?").await;
    let said = succeeds(&stage.command(&["backup"]));
    assert!(said.contains("opened and compared"), "{said}");
    let folder = stage.folder.path().join("data/backups");
    let file = backup_in(&folder);
    let file = file.to_str().unwrap();
    stage.ask(&conversation, "what is 3+4?").await;
    assert_eq!(texts(&stage, &conversation).await, 2);

    refused(&stage.command(&["restore", file]), "is in use by process ");
    stage.kill();
    refused(&stage.command(&["restore", file]), "holds people; give --replace");
    let said = succeeds(&stage.command(&["restore", file, "--replace"]));
    assert!(said.contains("is kept in ") && said.contains("before-restore"), "{said}");
    stage.start(&[]).await;
    assert_eq!(texts(&stage, &conversation).await, 1, "as it was when the backup was made");
    assert!(stage.ask(&conversation, "what is 3+4?").await.contains('7'), "and it goes on");

    // One that was touched is not believed, and nothing is replaced by it.
    let mut bytes = std::fs::read(file).unwrap();
    let question = b"what is 2+3?";
    let places: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place..].starts_with(question)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|place| bytes[place + 8] = b'9');
    std::fs::write(file, bytes).unwrap();
    let doctor = text_of(&stage.command(&["doctor"]));
    assert!(doctor.lines().any(|line| line.starts_with("backup") && line.contains("failed")), "{doctor}");
    stage.kill();
    refused(&stage.command(&["restore", file, "--replace"]), "nothing was restored");
    stage.start(&[]).await;
    assert_eq!(texts(&stage, &conversation).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_makes_a_backup_when_the_newest_is_old_and_the_doctor_opens_it() {
    let mut stage = Stage::with(Setting {
        settings: "[backup]\nevery_hours = 2\nkeep = 1\nfolder = \"elsewhere\"".into(),
        ..Setting::default()
    })
    .await;
    stage.kill();
    succeeds(&stage.command(&["backup"]));
    let folder = stage.folder.path().join("elsewhere");
    let old = backup_in(&folder);
    let manifest = old.with_extension("json");
    let mut text: Value = serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    text["made_at_ms"] = (text["made_at_ms"].as_i64().unwrap() - 2 * 3_600_000).into();
    std::fs::write(&manifest, text.to_string()).unwrap();
    // So that the new one is named otherwise, within the same second, too.
    for ending in ["db", "json"] {
        let file = old.with_extension(ending);
        std::fs::rename(&file, folder.join(format!("majordomo-20200101-000000.{ending}"))).unwrap();
    }
    let doctor = succeeds(&stage.command(&["doctor"]));
    assert!(doctor.lines().any(|line| line.starts_with("backup") && line.contains("2 hours old")), "{doctor}");
    stage.start(&[]).await;
    let begun = Instant::now();
    while files(&folder).len() != 2 || files(&folder)[0].contains("20200101") {
        assert!(begun.elapsed() < PATIENCE, "{:?}\n{}", files(&folder), stage.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let doctor = succeeds(&stage.command(&["doctor"]));
    assert!(doctor.lines().any(|line| line.starts_with("backup") && line.contains("0 hours old")), "{doctor}");
}

#[tokio::test]
async fn a_power_cut_in_a_backup_leaves_nothing_that_counts_as_one() {
    let mut stage = Stage::new().await;
    stage.kill();
    let folder = stage.folder.path().join("kept");
    let place = folder.to_str().unwrap();
    let mut cuts = 0;
    loop {
        cuts += 1;
        let cut = command_until(stage.folder.path(), &format!("{}:{cuts}", points::BACKUP), &["backup", place]);
        if cut.status.success() {
            break;
        }
        let names = files(&folder);
        let counts = names.iter().any(|name| name.ends_with(".json"));
        if counts {
            // The last cut is behind the last act: that backup is whole.
            succeeds(&command_until(
                stage.folder.path(),
                "none",
                &["restore", backup_in(&folder).to_str().unwrap(), "--replace"],
            ));
            std::fs::remove_dir_all(&folder).unwrap();
            continue;
        }
        let file = names.iter().find(|name| name.contains(".db"));
        if let Some(file) = file {
            let file = folder.join(file);
            refused(&stage.command(&["restore", file.to_str().unwrap(), "--replace"]), "has no manifest");
        }
    }
    assert!(cuts > 4, "every step was cut off once: {cuts}");
    backup_in(&folder);
}

#[tokio::test]
async fn a_power_cut_in_a_restore_leaves_what_was_there_and_the_next_try_brings_the_backup_back() {
    let mut stage = Stage::new().await;
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "what is 2+3?").await;
    succeeds(&stage.command(&["backup"]));
    stage.ask(&conversation, "what is 3+4?").await;
    stage.kill();
    let file = backup_in(&stage.folder.path().join("data/backups"));
    let restore = ["restore", file.to_str().unwrap(), "--replace"];
    let cut = command_until(stage.folder.path(), points::RESTORE, &restore);
    assert!(cut.status.code().is_none(), "cut off, not failed: {}", text_of(&cut));
    let aside = std::fs::read_dir(stage.folder.path().join("data")).unwrap();
    let kept = aside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("before-restore"));
    assert!(kept.count() > 0, "what was there is kept aside");
    succeeds(&stage.command(&restore));
    stage.start(&[]).await;
    assert_eq!(texts(&stage, &conversation).await, 1, "as it was when the backup was made");
    assert!(stage.ask(&conversation, "what is 3+4?").await.contains('7'), "and it goes on");
}

#[tokio::test]
async fn a_power_cut_at_any_statement_of_a_migration_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let cuts = migrate_with_cuts(folder.path(), |cut| format!("sqlite://{cut}/majordomo.db"));
    assert!(cuts > 30, "every statement was cut off once: {cuts}");
}

#[tokio::test]
async fn a_power_cut_at_any_statement_of_a_migration_is_gone_on_from_on_servers() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let Some(server) = server(kind) else { continue };
        let folder = tempfile::tempdir().unwrap();
        // One database that is cut off again and again, further on each time where statements stand for themselves.
        let cuts = migrate_with_cuts(folder.path(), |_| server.url());
        assert!(cuts >= 1, "{kind}: {cuts}");
        let (from, to) = (format!("sqlite://{}/a.db", folder.path().display()), server.url());
        std::fs::write(folder.path().join("majordomo.toml"), format!("[store]\nurl = \"{from}\"\n")).unwrap();
        succeeds(&program(folder.path()).arg("migrate").output().unwrap());
        // Every table and column is there: a copy fails without one.
        succeeds(&program(folder.path()).args(["copy-db", &from, &to]).output().unwrap());
    }
}

/// Cut a migration off at its first statement, its second, … and let the next start go on; how many cuts there were.
fn migrate_with_cuts(folder: &Path, url: impl Fn(usize) -> String) -> usize {
    let mut cuts = 0;
    loop {
        let url = url(cuts).replace("sqlite://", &format!("sqlite://{}/", folder.display()));
        let settings = folder.join("settings.toml");
        std::fs::write(&settings, format!("[store]\nurl = \"{url}\"\n")).unwrap();
        let settings = settings.to_str().unwrap();
        let point = format!("{}:{}", points::MIGRATE, cuts + 1);
        let cut = command_until(folder, &point, &["migrate", "--config", settings]);
        if cut.status.success() {
            return cuts;
        }
        assert!(cut.status.code().is_none(), "cut off, not failed: {}", text_of(&cut));
        if url.starts_with("sqlite:") {
            succeeds(&program(folder).args(["migrate", "--config", settings]).output().unwrap());
            succeeds(&program(folder).args(["person", "list", "--config", settings]).output().unwrap());
        }
        cuts += 1;
    }
}

#[tokio::test]
async fn a_house_moves_to_a_server_and_a_power_cut_on_the_way_is_seen_and_made_good() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let Some(server) = server(kind) else { continue };
        moves(&server).await;
    }
}

async fn moves(server: &Server) {
    let mut stage = Stage::new().await;
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "what is 2+3? 🎬").await;
    let (from, to) = (format!("sqlite://{}/data/majordomo.db", stage.folder.path().display()), server.url());
    refused(&stage.command(&["copy-db", &from, &to]), "is in use by process ");
    stage.kill();
    for time in [1, 12] {
        let point = format!("{}:{time}", points::COPY);
        let cut = command_until(stage.folder.path(), &point, &["copy-db", &from, &to]);
        assert!(!cut.status.success(), "{point}");
        let settings = stage.folder.path().join("half.toml");
        std::fs::write(&settings, format!("[store]\nurl = \"{to}\"\n")).unwrap();
        refused(
            &stage.command(&["migrate", "--config", settings.to_str().unwrap()]),
            "was not finished; run `majordomo copy-db`",
        );
    }
    let said = succeeds(&stage.command(&["copy-db", &from, &to]));
    assert!(said.contains("are the same in") && said.contains("messages "), "{said}");
    refused(&stage.command(&["copy-db", &from, &to]), "holds rows already");

    let file = stage.folder.path().join("majordomo.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[store]\nurl = \"{to}\"\n")).unwrap();
    stage.start(&[]).await;
    assert_eq!(texts(&stage, &conversation).await, 1);
    assert!(stage.ask(&conversation, "what is 3+4?").await.contains('7'));
}
