//! `majordomo doctor`: what is configured, and what answers.

use super::{Common, load, open_store, print};
use crate::{config, lock, master_key, telemetry, wire};
use serde::Serialize;
use std::{process::ExitCode, time::Duration};

#[derive(Serialize)]
struct Finding {
    name: String,
    /// `ok`, `off`, `demo` or `failed`.
    state: &'static str,
    detail: String,
}

/// How long one service may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn doctor(common: &Common, json: bool) -> anyhow::Result<ExitCode> {
    let mut loaded = load(common)?;
    loaded.config.log.level = "error".into();
    let environment = config::process_environment();
    let telemetry = telemetry::start(&loaded.config.log, &loaded.config.telemetry, &environment)?;
    telemetry.hide(loaded.hidden(&environment));
    let mut findings = Vec::new();
    let mut found = |name: &str, state: &'static str, detail: String| {
        findings.push(Finding { name: name.to_owned(), state, detail });
    };
    let settings = match &loaded.file {
        Some(file) => format!("{} is understood", file.display()),
        None => "no settings file; defaults and the environment".to_owned(),
    };
    found("settings", "ok", settings);

    let url = loaded.config.store_url();
    let running = lock::holder(&url, &loaded.config.data)?;
    let store = open_store(&loaded).await?;
    let detail = match &running {
        Some(_) => "opened; the service is running with it".to_owned(),
        None => "opened, up to date".to_owned(),
    };
    match store.check().await {
        Ok(()) => found("store", "ok", format!("{} {detail}", config::without_password(&url))),
        Err(error) => found("store", "failed", error.to_string()),
    }

    match store.verify_histories().await {
        Ok(count) => found("histories", "ok", format!("the histories of {count} conversations are whole")),
        Err(error) => found("histories", "failed", error.to_string()),
    }
    match store.verify_audit().await {
        Ok(count) => found("audit", "ok", format!("the audit is whole, {count} entries")),
        Err(error) => found("audit", "failed", error.to_string()),
    }

    let (well, detail) = super::backup::look(&loaded.config).await;
    found("backup", if well { "ok" } else { "failed" }, detail);
    match master_key::secrets(&loaded, &environment, &store).await {
        Ok(secrets) => {
            telemetry.hide(secrets.values().cloned());
            if !secrets.is_empty() {
                found("secrets", "ok", format!("{} sealed, the master key opens them", secrets.len()));
            }
            loaded = loaded.with_secrets(&secrets, &environment)?;
            telemetry.hide(loaded.hidden(&environment));
        }
        Err(error) => found("secrets", "failed", format!("{error:#}")),
    }

    // The trial engine works on a database of its own, so that it takes up nobody's unfinished turns.
    let house = wire::build(&mut loaded, majordomo_store::Store::scratch().await?, "doctor").await?;
    for toolkit in house.engine.toolkits() {
        let Some(probe) = &toolkit.probe else { continue };
        let is_demo = house.demo.contains(&toolkit.name);
        match tokio::time::timeout(PATIENCE, probe()).await {
            Ok(Ok(detail)) => found(toolkit.name, if is_demo { "demo" } else { "ok" }, detail),
            Ok(Err(error)) => found(toolkit.name, "failed", error.to_string()),
            Err(_) => found(toolkit.name, "failed", format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }
    let models = house.engine.models().await;
    let has_models = !house.off.iter().any(|(name, _)| name == "models");
    if has_models {
        let detail = format!("{} models, {} is the first choice", models.models.len(), models.default);
        match &models.problem {
            None if house.demo.contains(&"model") => found("models", "demo", detail),
            None => found("models", "ok", detail),
            Some(problem) => found("models", "failed", problem.clone()),
        }
    }
    for (name, reason) in &house.off {
        found(name, "off", reason.clone());
    }

    if json {
        print(&serde_json::to_string_pretty(&findings)?)?;
    } else {
        for finding in &findings {
            print(&format!("{:10} {:7} {}", finding.name, finding.state, finding.detail))?;
        }
    }
    house.engine.stop(Duration::ZERO).await;
    let failed = findings.iter().any(|finding| finding.state == "failed");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
