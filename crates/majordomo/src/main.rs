//! The top of the house: settings, wiring, command line. It knows every room and decides nothing; it only connects them.
//!
//! Start reading at `wire.rs`, the whole program on one page; then `cli/serve.rs`.

mod cli;
mod config;
mod credentials;
mod lock;
mod master_key;
mod redact;
mod telemetry;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
