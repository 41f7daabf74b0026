//! Where the master key is: the file of the settings, a variable, a systemd credential, or a file of the user's own, in this
//! order. It is never in the data folder unless somebody puts it there, since whoever copies that folder copies the secrets.

use crate::config::{Environment, Loaded};
use anyhow::{Context, bail, ensure};
use majordomo_domain::Secret;
use majordomo_store::{MasterKey, Secrets, Store};
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Holds the key itself, in base64.
const VARIABLE: &str = "MAJORDOMO_SECRETS_KEY";
/// The name of the systemd credential.
const CREDENTIAL: &str = "majordomo.key";
/// Bytes of a key file that are read at most.
const LONGEST_FILE: u64 = 1024;

/// Where a key is looked for.
enum Place {
    /// Kept by us: nobody else may read it.
    File(PathBuf),
    Variable(String),
    /// Kept by systemd, which has its own way of giving it to us alone.
    Credential(PathBuf),
    /// Nobody said where, and there is no home folder to put it.
    Nowhere,
}

fn place(loaded: &Loaded, environment: &Environment) -> Place {
    let given = |name: &str| environment.get(name).filter(|value| !value.trim().is_empty());
    if let Some(path) = &loaded.config.secrets.key_file {
        return Place::File(path.clone());
    }
    if let Some(text) = given(VARIABLE) {
        return Place::Variable(text.clone());
    }
    if let Some(folder) = given("CREDENTIALS_DIRECTORY") {
        let path = Path::new(folder).join(CREDENTIAL);
        if path.exists() {
            return Place::Credential(path);
        }
    }
    let folder = given("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    match folder.or_else(|| given("HOME").map(|home| Path::new(home).join(".config"))) {
        Some(folder) => Place::File(folder.join("majordomo").join("secrets.key")),
        None => Place::Nowhere,
    }
}

/// The secrets of the database by name. None of them, and no key asked for, when there are none.
pub async fn secrets(
    loaded: &Loaded,
    environment: &Environment,
    store: &Store,
) -> anyhow::Result<BTreeMap<String, Secret>> {
    if store.secret_names().await?.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(unlock(loaded, environment, store).await?.all().await?)
}

/// Open the secrets that are there.
pub async fn unlock(loaded: &Loaded, environment: &Environment, store: &Store) -> anyhow::Result<Secrets> {
    let place = place(loaded, environment);
    let found = match &place {
        Place::File(path) => match read(path, Care::Ours)? {
            Some(key) => (key, path.display().to_string()),
            None => bail!(
                "the database holds secrets, and their master key is missing: there is no {}; put the key back, or name it with \
                 [secrets] key_file or {VARIABLE}",
                path.display()
            ),
        },
        Place::Variable(text) => (of_variable(text)?, VARIABLE.to_owned()),
        Place::Credential(path) => match read(path, Care::Theirs)? {
            Some(key) => (key, path.display().to_string()),
            None => bail!("the credential {} is gone", path.display()),
        },
        Place::Nowhere => bail!(
            "the database holds secrets, and their master key is missing: name it with [secrets] key_file or {VARIABLE}"
        ),
    };
    let (key, from) = found;
    store.unlock(key).await.with_context(|| format!("wrong master key in {from}"))
}

/// As [`unlock`], with a key made when there is none and no secret yet; the path of the new key.
pub async fn unlock_or_make(
    loaded: &Loaded,
    environment: &Environment,
    store: &Store,
) -> anyhow::Result<(Secrets, Option<PathBuf>)> {
    if !store.secret_names().await?.is_empty() {
        return Ok((unlock(loaded, environment, store).await?, None));
    }
    let (key, made) = match place(loaded, environment) {
        Place::File(path) => match read(&path, Care::Ours)? {
            Some(key) => (key, None),
            None => {
                let is_chosen = loaded.config.secrets.key_file.is_some();
                ensure!(
                    is_chosen || !is_inside(&path, &loaded.config.data),
                    "the master key would be made at {}, in the data folder, where every copy of the secrets would have it beside \
                     them; name another place with [secrets] key_file",
                    path.display()
                );
                (make(&path)?, Some(path))
            }
        },
        Place::Variable(text) => (of_variable(&text)?, None),
        Place::Credential(path) => {
            (read(&path, Care::Theirs)?.with_context(|| format!("the credential {} is gone", path.display()))?, None)
        }
        Place::Nowhere => {
            bail!(
                "there is no place for the master key: name one with [secrets] key_file, or give the key as {VARIABLE}"
            )
        }
    };
    Ok((store.unlock(key).await?, made))
}

/// The key in a file, made when the file is not there; whether it was made.
pub fn read_or_make(path: &Path) -> anyhow::Result<(MasterKey, bool)> {
    match read(path, Care::Ours)? {
        Some(key) => Ok((key, false)),
        None => Ok((make(path)?, true)),
    }
}

/// Who looks after a file's permissions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Ours,
    Theirs,
}

/// None when there is no such file.
fn read(path: &Path, care: Care) -> anyhow::Result<Option<MasterKey>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read the master key in {}", path.display())),
    };
    // Asked of the open file, so that nobody changes it in between.
    let mode = file.metadata().with_context(|| format!("cannot look at {}", path.display()))?.permissions().mode();
    ensure!(
        care == Care::Theirs || mode & 0o077 == 0,
        "the master key in {path} can be used by others than its owner (mode {mode:04o}); run `chmod 600 {path}`",
        path = path.display(),
        mode = mode & 0o7777,
    );
    let mut text = String::new();
    let read = file.take(LONGEST_FILE).read_to_string(&mut text);
    let key = read.ok().and_then(|_| MasterKey::of_text(&text));
    let key = key.with_context(|| {
        format!(
            "{} holds no master key; one is 32 bytes as base64, as `openssl rand -base64 32` makes it",
            path.display()
        )
    })?;
    Ok(Some(key))
}

fn of_variable(text: &str) -> anyhow::Result<MasterKey> {
    MasterKey::of_text(text).with_context(|| {
        format!("{VARIABLE} holds no master key; one is 32 bytes as base64, as `openssl rand -base64 32` makes it")
    })
}

/// Write a new key, on disk before it seals anything. Whoever comes at the same moment gets the same key.
fn make(path: &Path) -> anyhow::Result<MasterKey> {
    let cannot = || format!("cannot write the master key to {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(cannot)?;
    let key = MasterKey::random()?;
    let mut name = path.file_name().with_context(cannot)?.to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = folder.join(name);
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).with_context(cannot)?;
    let written = writeln!(file, "{}", *key.text()).and_then(|()| file.sync_all());
    // A link, unlike a move, never takes the place of a key that is there.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => {
            File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot)?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path, Care::Ours)?.with_context(cannot),
        Err(error) => Err(error).with_context(cannot),
    }
}

/// Whether a file is, or would be, somewhere in a folder.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    path.ancestors()
        .skip(1)
        .find_map(|above| fs::canonicalize(above).ok())
        .is_some_and(|above| above.starts_with(folder))
}
