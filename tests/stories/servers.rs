//! The servers that stories start: they do what a story does to them, and none is left behind.

use std::process::Stdio;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection, Row};
use tests::{Certificate, Postgres, PostgresOptions, Redis, RedisOptions, example, within};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

async fn count(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("SELECT count(*) FROM seen").fetch_one(&mut connection).await.unwrap().get(0)
}

#[tokio::test]
async fn postgresql_keeps_what_was_committed_over_every_kind_of_end() {
    let durable = PostgresOptions { durable: true, ..PostgresOptions::default() };
    let mut postgres = Postgres::start_with(durable).await;
    let url = postgres.create_database().await;
    let mut connection = postgres.connect(&url).await;
    sqlx::query("CREATE TABLE seen (number BIGINT)").execute(&mut connection).await.unwrap();
    sqlx::query("INSERT INTO seen VALUES (1)").execute(&mut connection).await.unwrap();
    postgres.kill().await;
    assert!(sqlx::query("SELECT 1").execute(&mut connection).await.is_err(), "a session outlived the server");
    postgres.restart().await;
    assert_eq!(count(&url).await, 1);
    postgres.stop().await;
    assert!(PgConnection::connect(&url).await.is_err());
    postgres.restart().await;
    assert_eq!(count(&url).await, 1);
}

#[tokio::test]
async fn a_paused_postgresql_answers_once_it_goes_on() {
    let postgres = Postgres::start().await;
    let pool = PgPool::connect(&postgres.url("postgres")).await.unwrap();
    postgres.pause();
    let mut question = tokio::spawn(async move {
        sqlx::query("SELECT 7::BIGINT").fetch_one(&pool).await.unwrap().get::<i64, _>(0)
    });
    let early = tokio::time::timeout(Duration::from_millis(200), &mut question).await;
    assert!(early.is_err(), "a paused server answered");
    postgres.resume();
    assert_eq!(within("an answer", question).await.unwrap(), 7);
}

#[tokio::test]
async fn each_database_is_another_and_empty() {
    let (first, second) = (servers::database().await, servers::database().await);
    assert_ne!(first, second);
    let mut connection = PgConnection::connect(&first).await.unwrap();
    sqlx::query("CREATE TABLE seen (number BIGINT)").execute(&mut connection).await.unwrap();
    let mut connection = PgConnection::connect(&second).await.unwrap();
    assert!(sqlx::query("SELECT * FROM seen").execute(&mut connection).await.is_err());
}

#[tokio::test]
async fn redis_forgets_when_it_is_flushed_and_when_it_starts_again() {
    let mut redis = Redis::start().await;
    let known = async |redis: &Redis| redis.says("EXISTS seen").await;
    assert_eq!(redis.says("SET seen 1").await, "+OK");
    assert_eq!(known(&redis).await, ":1");
    redis.flush().await;
    assert_eq!(known(&redis).await, ":0");
    redis.says("SET seen 1").await;
    redis.kill().await;
    redis.restart().await;
    assert_eq!(known(&redis).await, ":0");
    redis.pause();
    redis.resume();
    assert_eq!(redis.says("PING").await, "+PONG");
}

#[tokio::test]
async fn redis_speaks_tls_on_one_port_and_plain_text_on_the_other() {
    let certificate = Some(Certificate::of("127.0.0.1"));
    let redis = Redis::start_with(RedisOptions { certificate, settings: Vec::new() }).await;
    assert!(redis.url().starts_with("rediss://"), "{}", redis.url());
    assert_ne!(redis.port(), redis.plain_port());
    assert_eq!(redis.says("PING").await, "+PONG");
}

#[tokio::test]
async fn a_server_does_not_outlive_a_process_that_is_killed() {
    let mut runner = Command::new(example("servers"))
        .args(["sh", "-c", "echo $TEST_DATABASE_URL; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(runner.stdout.take().unwrap()).lines();
    let url = within("the server's address", lines.next_line()).await.unwrap().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let folder: String = sqlx::query("SHOW data_directory").fetch_one(&mut connection).await.unwrap().get(0);
    runner.kill().await.unwrap();
    // It ends when the server does.
    let cut = sqlx::query("SELECT pg_sleep(600)").execute(&mut connection);
    assert!(within("the end of the server", cut).await.is_err());
    let folder = std::path::Path::new(&folder).parent().unwrap().to_owned();
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let gone = async {
        while folder.exists() {
            looks.tick().await;
        }
    };
    within("the end of its folder", gone).await;
}
