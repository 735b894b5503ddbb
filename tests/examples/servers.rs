//! Runs a command beside a PostgreSQL server that all its tests share: `servers cargo nextest run`.

use std::process::Command;

use servers::{DATABASE_VARIABLE, Postgres};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, arguments) = arguments.split_first().expect("a command to run");
    let postgres = Postgres::start().await;
    let status = Command::new(command)
        .args(arguments)
        .env(DATABASE_VARIABLE, postgres.url("postgres"))
        .status()
        .expect("the command runs");
    drop(postgres);
    std::process::exit(status.code().unwrap_or(1));
}
