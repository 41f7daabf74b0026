//! Runs a command with real database servers at hand: `majordomo-databases cargo nextest run`. Their addresses are in the
//! environment variable `MAJORDOMO_TEST_STORES`, separated by blanks; the servers go when the command ends.

#![allow(clippy::print_stdout, reason = "what is skipped is said to the person at the terminal")]

use majordomo_standins::database::{Kind, Server};
use std::{
    io::{self, Write},
    process::{Command, ExitCode},
    time::Instant,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        let _ = writeln!(io::stderr(), "databases: give the command to run, such as `cargo nextest run`");
        return ExitCode::FAILURE;
    };
    let begun = Instant::now();
    let mut servers = Vec::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        match Server::start(kind) {
            Ok(server) => servers.push(server),
            Err(error) if std::env::var_os("CI").is_some() => {
                let _ = writeln!(io::stderr(), "databases: {kind} did not start: {error}");
                return ExitCode::FAILURE;
            }
            Err(error) => println!("databases: SKIPPED {kind}: {error}"),
        }
    }
    println!("databases: {} of 2 started in {} ms", servers.len(), begun.elapsed().as_millis());
    let addresses: Vec<String> = servers.iter().map(Server::url).collect();
    let status = Command::new(&program).args(arguments).env("MAJORDOMO_TEST_STORES", addresses.join(" ")).status();
    drop(servers);
    match status {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "databases: {} cannot be run: {error}", program.to_string_lossy());
            ExitCode::FAILURE
        }
    }
}
