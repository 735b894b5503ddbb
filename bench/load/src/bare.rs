//! The floor: actix-web with nothing around it, answering the bytes that Hoist answered.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::{Context, Result};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::process::Process;

/// The option by which a program becomes the bare server.
pub const OPTION: &str = "--bare";

/// One answer, to be given again and again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers, without those that every HTTP server adds by itself.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// The bare server as a child process: this very program with [`OPTION`]. It is killed on drop.
pub struct Bare {
    /// Where it listens.
    pub url: String,
    child: Child,
    client: reqwest::Client,
}

impl Bare {
    /// Starts it.
    pub fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg(OPTION).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the child's output")?).read_line(&mut line)?;
        Ok(Self { url: line.trim().to_owned(), child, client: crate::server::client()? })
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Teaches it to answer `/{name}`.
    pub async fn learn(&self, name: &str, answer: &Answer) -> Result<()> {
        let request = self.client.post(format!("{}/learn/{name}", self.url)).json(answer);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Gives it the frame with which `/stream` begins.
    pub async fn begin_with(&self, frame: Vec<u8>) -> Result<()> {
        self.client.post(format!("{}/first", self.url)).body(frame).send().await?.error_for_status()?;
        Ok(())
    }

    /// Has it send a frame to every stream.
    pub async fn publish(&self, frame: Vec<u8>) -> Result<()> {
        self.client.post(format!("{}/next", self.url)).body(frame).send().await?.error_for_status()?;
        Ok(())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer as it is given.
type Learnt = (StatusCode, Vec<(String, String)>, Bytes);

#[derive(Default)]
struct Script {
    answers: RwLock<HashMap<String, Learnt>>,
    first: RwLock<Bytes>,
    next: watch::Sender<Bytes>,
}

/// Is the bare server, until it is killed.
pub async fn serve() -> Result<()> {
    let script = web::Data::new(Script::default());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(script.clone())
            .app_data(web::JsonConfig::default().limit(1 << 20))
            .app_data(web::PayloadConfig::new(1 << 20))
            .route("/learn/{name}", web::post().to(learn))
            .route("/first", web::post().to(set_first))
            .route("/next", web::post().to(set_next))
            .route("/stream", web::get().to(follow))
            .route("/{name}", web::get().to(give))
            .route("/{name}", web::post().to(give))
    })
    .tcp_nodelay(true)
    .bind("127.0.0.1:0")?;
    let address = server.addrs().first().copied().context("an address")?;
    println!("http://{address}");
    Ok(server.run().await?)
}

async fn learn(
    script: web::Data<Script>,
    name: web::Path<String>,
    answer: web::Json<Answer>,
) -> HttpResponse {
    let Answer { status, headers, body } = answer.into_inner();
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let mut answers = script.answers.write().unwrap_or_else(PoisonError::into_inner);
    answers.insert(name.into_inner(), (status, headers, Bytes::from(body)));
    HttpResponse::NoContent().finish()
}

/// Reads the body as any server must, and answers what it has learnt.
async fn give(script: web::Data<Script>, name: web::Path<String>, _: Bytes) -> HttpResponse {
    let answers = script.answers.read().unwrap_or_else(PoisonError::into_inner);
    let Some((status, headers, body)) = answers.get(&*name) else { return HttpResponse::NotFound().finish() };
    let mut response = HttpResponse::build(*status);
    for (name, value) in headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    if body.is_empty() { response.finish() } else { response.body(body.clone()) }
}

async fn set_first(script: web::Data<Script>, frame: Bytes) -> HttpResponse {
    *script.first.write().unwrap_or_else(PoisonError::into_inner) = frame;
    HttpResponse::NoContent().finish()
}

async fn set_next(script: web::Data<Script>, frame: Bytes) -> HttpResponse {
    script.next.send_replace(frame);
    HttpResponse::NoContent().finish()
}

async fn follow(script: web::Data<Script>) -> HttpResponse {
    let first = script.first.read().unwrap_or_else(PoisonError::into_inner).clone();
    let start = (Some(first), script.next.subscribe());
    let frames = stream::unfold(start, |(first, mut next)| async move {
        if first.is_none() {
            next.changed().await.ok()?;
        }
        let frame = first.unwrap_or_else(|| next.borrow_and_update().clone());
        Some((Ok::<_, std::io::Error>(frame), (None, next)))
    });
    HttpResponse::Ok().content_type("text/event-stream").streaming(frames)
}
