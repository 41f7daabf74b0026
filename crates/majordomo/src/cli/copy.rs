//! `majordomo copy-db`: a household from one database into another.

use super::{Common, load, print};
use crate::{config, lock};
use anyhow::{Context, ensure};
use clap::Args;
use majordomo_store::transfer::{self, Existing};
use std::process::ExitCode;

#[derive(Args)]
pub struct Copy {
    /// The address to copy from
    from: String,
    /// The address to copy to; empty, or the target of a copy that was not finished
    to: String,
}

pub async fn copy(common: &Common, options: &Copy) -> anyhow::Result<ExitCode> {
    let loaded = load(common)?;
    let environment = config::process_environment();
    let resolved = |address: &str| match address.strip_prefix("env:") {
        None => Ok(address.to_owned()),
        Some(name) => environment.get(name).cloned().with_context(|| format!("the variable {name} is not set")),
    };
    let (from, to) = (resolved(&options.from)?, resolved(&options.to)?);
    ensure!(from != to, "the two addresses are the same");
    let shown = (config::without_password(&from), config::without_password(&to));
    for (url, shown) in [(&from, &shown.0), (&to, &shown.1)] {
        majordomo_store::check_address(url).with_context(|| shown.clone())?;
        if let Some(who) = lock::holder(url, &loaded.config.data)? {
            anyhow::bail!("{shown} is in use by {who}; stop it first");
        }
    }
    let sums = transfer::copy(&from, &to, Existing::Keep)
        .await
        .with_context(|| format!("{} was not copied to {}", shown.0, shown.1))?;
    for sum in &sums {
        print(&format!("{:15} {:>9} rows  {}", sum.table, sum.rows, sum.sha256))?;
    }
    let rows: u64 = sums.iter().map(|sum| sum.rows).sum();
    print(&format!("{rows} rows in {} tables are the same in {} and {}", sums.len(), shown.0, shown.1))?;
    Ok(ExitCode::SUCCESS)
}
