//! Secrets sealed in the database: stored from the command line, used by the settings, refused without their key, rotated
//! through any number of kills; and never on disk as they are.

use crate::{
    harness::{Stage, database_bytes, program, text_of, with_input},
    points,
};
use majordomo_standins::{Mode, Town};
use majordomo_store::{MasterKey, Store};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A house of its own with a place for the master key, away from the data.
struct Safe {
    folder: TempDir,
}

impl Safe {
    fn new() -> Self {
        let safe = Self { folder: tempfile::tempdir().unwrap() };
        safe.settings("");
        safe
    }

    fn settings(&self, text: &str) {
        let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n{text}");
        std::fs::write(self.folder.path().join("majordomo.toml"), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn key_file(&self) -> PathBuf {
        self.path().join("home/.config/majordomo/secrets.key")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.path());
        command.args(arguments).env("HOME", self.path().join("home"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn set(&self, name: &str, value: &str) -> String {
        let output = with_input(self.command(&["secret", "set", name]), &format!("{value}\n"));
        assert!(output.status.success(), "{}", text_of(&output));
        text_of(&output)
    }

    #[track_caller]
    fn refused(&self, command: Command, sentence: &str) {
        let mut command = command;
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{sentence}");
        assert_eq!(text_of(&output).trim_end(), sentence);
    }

    fn key(&self, file: &Path) -> MasterKey {
        MasterKey::of_text(&std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
            .unwrap()
    }

    /// What a process with the master key reads.
    async fn read(&self, file: &Path) -> BTreeMap<String, String> {
        let store =
            Store::open(&format!("sqlite://{}", self.path().join("data/majordomo.db").display())).await.unwrap();
        let all = store.unlock(self.key(file)).await.unwrap().all().await.unwrap();
        store.close().await;
        all.into_iter().map(|(name, secret)| (name, secret.expose().to_owned())).collect()
    }

    fn versions(&self) -> Vec<i64> {
        let list = self.run(&["secret", "list", "--json"]);
        let list: Value = serde_json::from_slice(&list.stdout).unwrap();
        list.as_array().unwrap().iter().map(|secret| secret["key_version"].as_i64().unwrap()).collect()
    }

    async fn nothing_on_disk_as_it_is(&self, values: &BTreeMap<String, String>) {
        for (file, bytes) in database_bytes(self.path()).await {
            for value in values.values() {
                assert!(!bytes.windows(value.len()).any(|window| window == value.as_bytes()), "{value} is in {file}");
            }
        }
    }
}

fn canaries(count: usize) -> BTreeMap<String, String> {
    (0..count).map(|n| (format!("KEY_{n}"), format!("canary-{n}-\"sings\"/in+the cellar"))).collect()
}

#[test]
fn a_secret_comes_by_standard_input_and_is_seen_no_more() {
    let safe = Safe::new();
    let first = safe.set("TMDB", "canary-of-the-films");
    let key_file = safe.key_file();
    assert_eq!(
        first,
        format!(
            "A new master key is in {}. Keep a copy of it with your backups but apart from them: without it the secrets cannot be \
             read.\nTMDB is stored. The settings use it as \"secret:TMDB\", from the next start on.\n",
            key_file.display()
        )
    );
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&key_file), mode(key_file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(key_file.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    assert!(!safe.set("OPENAI", "canary-of-the-model").contains("master key"));
    let list = safe.run(&["secret", "list"]);
    assert_eq!(text_of(&list), "OPENAI  set today, key 1\nTMDB    set today, key 1\n");
    assert!(!text_of(&safe.run(&["secret", "list", "--json"])).contains("canary"));

    for (name, value, sentence) in [
        ("TMDB", "", "the value is blank or a placeholder, not a secret; nothing was stored"),
        ("TMDB", "changeme", "the value is blank or a placeholder, not a secret; nothing was stored"),
        ("two words", "x", "a secret's name has 1 to 100 letters, digits, dots, dashes and underscores"),
    ] {
        let output = with_input(safe.command(&["secret", "set", name]), value);
        assert!(!output.status.success());
        assert_eq!(text_of(&output).trim_end(), sentence);
    }
    // Nobody gets far with the value as an argument.
    let output = safe.run(&["secret", "set", "TMDB", "canary-of-the-films"]);
    assert!(!output.status.success());
    safe.refused(
        safe.command(&["secret", "remove", "TMBD"]),
        "there is no secret \"TMBD\"; `majordomo secret list` shows them",
    );
    for name in ["TMDB", "OPENAI"] {
        assert_eq!(text_of(&safe.run(&["secret", "remove", name])), format!("{name} is removed.\n"));
    }
    safe.refused(safe.command(&["secret", "rotate"]), "there are no secrets yet");
}

/// On two threads, since the stand-ins of this process answer while a command is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_use_secrets_of_the_database() {
    const TMDB: &str = "fedcba9876543210fedcba9876543210";
    const MODEL: &str = "sk-canary-of-the-model";
    // These answer whoever has the key.
    let town = Town::plan().model(Mode::demo_at_once()).model_key(MODEL).tmdb().tmdb_key(TMDB).start().await.unwrap();
    let mut stage = Stage::new().await;
    stage.kill();
    let settings = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"logfmt\"\n[secrets]\nkey_file = \"keys/master\"\n\
         [models.standin]\ndialect = \"chat_completions\"\nbase_url = \"{}\"\napi_key = \"secret:MODEL\"\n\
         roles = {{ chat = \"demo-household\" }}\n[tools.tmdb]\nbase_url = \"{}\"\nimage_base_url = \"{}\"\n\
         api_key = \"secret:TMDB\"\n",
        town.model_url(),
        town.tmdb_url(),
        town.tmdb_image_url()
    );
    std::fs::write(stage.folder.path().join("majordomo.toml"), settings).unwrap();
    let set = |name: &str, value: &str| {
        let mut command = program(stage.folder.path());
        command.args(["secret", "set", name]);
        let output = with_input(command, value);
        assert!(output.status.success(), "{}", text_of(&output));
    };
    set("MODEL", MODEL);
    set("TMDB", TMDB);
    stage.start(&[]).await;
    let conversation = stage.conversation().await;
    let answer = stage.ask(&conversation, "what's trending this week?").await;
    assert!(answer.contains("**"), "titles of films: {answer}");
    assert!(!town.requests_to("model").is_empty() && !town.requests_to("tmdb").is_empty());

    // While the service runs, its secrets are sealed anew, and it neither notices nor needs them again.
    let rotated = stage.command(&["secret", "rotate"]);
    assert_eq!(text_of(&rotated), "Rotated: 2 secrets sealed anew with key 2; the old key is gone.\n");
    assert!(stage.ask(&conversation, "what's trending this week?").await.contains("**"));
    let doctor = text_of(&stage.command(&["doctor"]));
    for part in ["secrets    ok      2 sealed, the master key opens them", "tmdb       ok", "models     ok"] {
        assert!(doctor.contains(part), "{doctor}");
    }
    stage.restart().await;
    assert!(stage.ask(&conversation, "what's trending this week?").await.contains("**"));
}

#[test]
fn a_secret_the_settings_name_and_nobody_stored_is_refused_with_its_line() {
    let safe = Safe::new();
    safe.settings("[tools.tmdb]\napi_key = \"secret:TMBD\"\n");
    let line = "majordomo.toml:4: [tools.tmdb] api_key: there is no secret \"TMBD\"; ";
    safe.refused(safe.command(&["serve"]), &format!("{line}`majordomo secret set TMBD` makes it"));
    assert!(!safe.key_file().exists(), "nobody needed a key yet");
    safe.set("TMDB", "fedcba9876543210fedcba9876543210");
    safe.refused(safe.command(&["serve"]), &format!("{line}did you mean \"TMDB\"?"));
    safe.refused(safe.command(&["chat", "--once", "hello"]), &format!("{line}did you mean \"TMDB\"?"));
    // Commands that need no secret work all the same.
    assert!(safe.run(&["person", "list"]).status.success());
}

#[tokio::test]
async fn without_the_right_master_key_nothing_starts_and_nothing_changes() {
    let safe = Safe::new();
    let values = canaries(3);
    for (name, value) in &values {
        safe.set(name, value);
    }
    let key_file = safe.key_file();
    let right = std::fs::read_to_string(&key_file).unwrap();
    let rows = database_bytes(safe.path()).await.pop().unwrap().1;
    let other = MasterKey::random().unwrap();
    let fingerprints = (safe.key(&key_file).fingerprint(), other.fingerprint());
    let write = |text: &str, mode: u32| {
        std::fs::write(&key_file, text).unwrap();
        std::fs::set_permissions(&key_file, PermissionsExt::from_mode(mode)).unwrap();
    };
    let wrong = |from: &str| {
        format!(
            "wrong master key in {from}: the secrets in the database were sealed with the master key {}, and the one given is {}",
            fingerprints.0, fingerprints.1
        )
    };
    let shown = key_file.display().to_string();
    let (no_key, loose) = (
        format!("{shown} holds no master key; one is 32 bytes as base64, as `openssl rand -base64 32` makes it"),
        format!("the master key in {shown} can be used by others than its owner (mode 0640); run `chmod 600 {shown}`"),
    );
    for arguments in [&["serve"][..], &["chat", "--once", "hello"], &["secret", "rotate"]] {
        write(&other.text(), 0o600);
        safe.refused(safe.command(arguments), &wrong(&shown));
        write("", 0o600);
        safe.refused(safe.command(arguments), &no_key);
        write(&right, 0o640);
        safe.refused(safe.command(arguments), &loose);
        let mut by_variable = safe.command(arguments);
        by_variable.env("MAJORDOMO_SECRETS_KEY", other.text().as_str());
        safe.refused(by_variable, &wrong("MAJORDOMO_SECRETS_KEY"));
        std::fs::remove_file(&key_file).unwrap();
        safe.refused(
            safe.command(arguments),
            &format!(
                "the database holds secrets, and their master key is missing: there is no {shown}; put the key back, or name it \
                 with [secrets] key_file or MAJORDOMO_SECRETS_KEY"
            ),
        );
        let mut homeless = safe.command(arguments);
        homeless.env_remove("HOME");
        safe.refused(
            homeless,
            "the database holds secrets, and their master key is missing: name it with [secrets] key_file or \
             MAJORDOMO_SECRETS_KEY",
        );
        // A new secret is none that makes a new key: the others would be lost.
        let output = with_input(safe.command(&["secret", "set", "KEY_9"]), "x-canary");
        assert!(text_of(&output).contains("master key is missing"), "{}", text_of(&output));
        assert!(!key_file.exists());
    }
    let doctor = safe.run(&["doctor"]);
    assert!(!doctor.status.success());
    assert!(text_of(&doctor).contains("secrets    failed"), "{}", text_of(&doctor));
    write(&right, 0o600);
    assert_eq!(safe.read(&key_file).await, values);
    assert_eq!(safe.versions(), [1, 1, 1]);
    let same = database_bytes(safe.path()).await.pop().unwrap().1;
    assert!(rows.len() == same.len(), "nothing was written");
    safe.nothing_on_disk_as_it_is(&values).await;
}

#[tokio::test]
async fn the_master_key_is_found_in_each_of_its_places_in_order() {
    let safe = Safe::new();
    let keys: Vec<MasterKey> = (0..3).map(|_| MasterKey::random().unwrap()).collect();
    let credentials = safe.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let (file, credential) = (safe.path().join("of-the-settings"), credentials.join("majordomo.key"));
    for (path, key, mode) in [(&file, &keys[0], 0o600), (&credential, &keys[2], 0o440)] {
        std::fs::write(path, format!("{}\n", *key.text())).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let mut places = 3;
    for (settings, variable, wanted) in [
        (format!("[secrets]\nkey_file = \"{}\"\n", file.display()), true, &keys[0]),
        (String::new(), true, &keys[1]),
        (String::new(), false, &keys[2]),
    ] {
        safe.settings(&settings);
        let mut command = safe.command(&["secret", "set", "TMDB"]);
        command.env("CREDENTIALS_DIRECTORY", &credentials);
        if variable {
            command.env("MAJORDOMO_SECRETS_KEY", keys[1].text().as_str());
        }
        let output = with_input(command, "canary");
        assert!(output.status.success(), "{}", text_of(&output));
        let store =
            Store::open(&format!("sqlite://{}", safe.path().join("data/majordomo.db").display())).await.unwrap();
        let secrets = store.unlock(wanted.clone()).await.unwrap().all().await.unwrap();
        assert_eq!(secrets["TMDB"].expose(), "canary");
        store.remove_secret("TMDB").await.unwrap();
        store.close().await;
        places -= 1;
    }
    assert_eq!(places, 0);
    assert!(!safe.key_file().exists(), "no key was made where one was given");
    // A key that would end up beside the secrets is not made unless somebody says so.
    safe.settings("");
    let mut command = safe.command(&["secret", "set", "TMDB", "--data", "home/.config"]);
    command.env("HOME", safe.path().join("home"));
    std::fs::create_dir_all(safe.path().join("home/.config")).unwrap();
    let output = with_input(command, "canary");
    assert!(text_of(&output).contains("in the data folder"), "{}", text_of(&output));
    assert!(!safe.key_file().exists());
}

#[tokio::test]
async fn a_rotation_killed_at_any_row_is_gone_on_with_and_loses_nothing() {
    const SECRETS: usize = 6;
    let safe = Safe::new();
    let values = canaries(SECRETS);
    for (name, value) in &values {
        safe.set(name, value);
    }
    safe.nothing_on_disk_as_it_is(&values).await;
    let key_file = safe.key_file();
    let [begun, sealed, row_done, row_written] = points::ROTATE;
    let mut cuts = vec![begun.to_owned(), sealed.to_owned()];
    for row in 1..=SECRETS {
        cuts.extend([format!("{row_done}:{row}"), format!("{row_written}:{row}")]);
    }
    let mut version = 1;
    for point in &cuts {
        let mut command = safe.command(&["secret", "rotate"]);
        let output = command.env("MAJORDOMO_FAULT_POINT", point).output().unwrap();
        assert!(!output.status.success(), "{point} stops the program");
        // In the middle everything can be read, and the service would start.
        assert_eq!(safe.read(&key_file).await, values, "{point}");
        let versions = safe.versions();
        let sealed_anew = versions.iter().filter(|one| **one == version + 1).count();
        let expected = match point.split_once(':') {
            None => {
                if point == begun {
                    0
                } else {
                    SECRETS
                }
            }
            Some((name, row)) if name == row_done => row.parse().unwrap(),
            Some((_, row)) => row.parse::<usize>().unwrap() - 1,
        };
        assert_eq!(sealed_anew, expected, "{point}: {versions:?}");
        let again = safe.run(&["secret", "rotate"]);
        version += 1;
        let left = match SECRETS - expected {
            1 => "1 secret".to_owned(),
            many => format!("{many} secrets"),
        };
        assert_eq!(
            text_of(&again),
            format!(
                "The rotation that was stopped is finished: {left} sealed anew with key {version}; the old key is gone.\n"
            ),
            "{point}"
        );
        assert_eq!(safe.versions(), [version; SECRETS], "{point}");
        assert_eq!(safe.read(&key_file).await, values, "{point}");
        safe.nothing_on_disk_as_it_is(&values).await;
    }
}

#[tokio::test]
async fn after_a_change_of_the_master_key_only_the_new_one_opens_the_secrets() {
    let safe = Safe::new();
    let values = canaries(4);
    for (name, value) in &values {
        safe.set(name, value);
    }
    let (old_file, new_file) = (safe.key_file(), safe.path().join("new.key"));
    let new = new_file.display().to_string();
    // Killed on the way, nothing has changed.
    let mut command = safe.command(&["secret", "rotate", "--master", &new]);
    assert!(!command.env("MAJORDOMO_FAULT_POINT", points::ROTATE_MASTER).output().unwrap().status.success());
    assert_eq!(safe.read(&old_file).await, values);
    let changed = safe.run(&["secret", "rotate", "--master", &new]);
    assert!(changed.status.success(), "{}", text_of(&changed));
    assert!(text_of(&changed).starts_with(&format!("From now on only the master key in {new} opens the secrets.")));
    assert_eq!(safe.read(&new_file).await, values);
    let (old, now) = (safe.key(&old_file).fingerprint(), safe.key(&new_file).fingerprint());
    safe.refused(
        safe.command(&["serve"]),
        &format!(
            "wrong master key in {}: the secrets in the database were sealed with the master key {now}, and the one given is {old}",
            old_file.display()
        ),
    );
    safe.settings(&format!("[secrets]\nkey_file = \"{new}\"\n"));
    safe.refused(
        safe.command(&["secret", "rotate", "--master", &new]),
        "this is the master key that is in use already",
    );
    assert!(safe.run(&["secret", "rotate"]).status.success());
    assert_eq!(safe.read(&new_file).await, values);
    // Neither key is in the database, nor is what the old one had sealed.
    let mut searched = values.clone();
    for file in [&old_file, &new_file] {
        searched.insert(file.display().to_string(), std::fs::read_to_string(file).unwrap().trim().to_owned());
    }
    searched.insert("the old fingerprint".into(), old);
    safe.nothing_on_disk_as_it_is(&searched).await;
}
