//! The Hoist server: flags, their settings, their audit, and the stream that SDKs follow.
//!
//! A room per noun (`flags/`, `segments/`, …) holds its types, its routes and its SQL. What they share lies here:
//! [`change::Change`] is the only way to write, [`snapshots`] is what is served, [`stream`] is how it gets out.

pub mod access;
pub mod app;
pub mod audit;
pub mod body;
mod cache;
pub mod change;
pub mod clock;
mod dashboard;
mod document;
pub mod edge;
mod ending;
pub mod environments;
pub mod error;
pub mod exposures;
pub mod fanout;
pub mod flags;
mod follow;
mod headers;
pub mod health;
pub mod history;
pub mod instances;
pub mod keys;
mod leases;
mod look;
pub mod migrate;
pub mod moving;
mod news;
pub mod ofrep;
mod origin;
pub mod page;
pub mod preconditions;
pub mod projects;
pub mod promotion;
mod rates;
pub mod reply;
mod routes;
pub mod sdk_api;
pub mod segments;
pub mod serving;
pub mod sessions;
pub mod settings;
mod showable;
pub mod size;
pub mod snapshots;
pub mod source;
pub mod stale;
pub mod store;
pub mod stream;
mod tasks;
pub mod telemetry;
pub mod tokens;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App as HttpApp, HttpServer, ResponseError, body::BoxBody, web};

pub use app::App;
pub use clock::{Clock, Timestamp};
pub use document::openapi;
pub use ending::Stop;
pub use error::Error;
pub use serving::Serving;
pub use settings::Settings;
pub use store::MigrationState;

use ending::{LAST_WORDS, Leave, Signals};
use origin::Origin;
use routes::Routes;
use settings::Mode;
use tasks::Tasks;
use upstream::Upstream;

/// How long a client may take to send the head of a request.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unanswered before the connection counts as dead.
const UNANSWERED: Duration = Duration::from_secs(30);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened or is not as this version needs it.
    #[error("{}", told(.0))]
    Store(Error),
    /// The data folder cannot be made.
    #[error("the data folder {path} cannot be made: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server broke while it ran.
    #[error("the server stopped: {0}")]
    Stopped(#[from] std::io::Error),
}

impl From<Error> for StartError {
    // Not as its cause, which says less.
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Who starts a server may know what a caller of it is not told.
fn told(error: &Error) -> String {
    match error {
        Error::Internal(source) => source.clone(),
        other => other.to_string(),
    }
}

/// A server that listens, and perhaps already answers.
pub struct Server {
    /// Where it listens; the port is the real one, also when port 0 was asked for.
    pub address: SocketAddr,
    node: Node,
    tasks: Tasks,
    running: actix_web::dev::Server,
}

/// What runs.
#[derive(Clone)]
enum Node {
    /// An ordinary node, over a store.
    Ordinary(Box<App>),
    /// An edge, over another server.
    Edge(Box<Serving>, Arc<Upstream>),
}

impl Node {
    async fn start(settings: Settings, clock: Clock) -> Result<(Self, Tasks), StartError> {
        let is_edge = settings.upstream.is_some();
        if is_edge || settings.database_url.starts_with("sqlite:") {
            let folder =
                |source| StartError::Folder { path: settings.data_dir.display().to_string(), source };
            std::fs::create_dir_all(&settings.data_dir).map_err(folder)?;
        }
        telemetry::measured::recorder();
        if let Some(settings::Upstream { url, keys }) = &settings.upstream {
            let upstream = Arc::new(Upstream::open(&settings, url, keys).await?);
            let serving = Serving::new(settings, clock, Origin::Upstream(upstream.clone()))?;
            let tasks = edge::runner::start(&serving, &upstream);
            return Ok((Self::Edge(Box::new(serving), upstream), tasks));
        }
        let app = App::start(settings, clock).await?;
        let tasks = tasks::start(&app);
        Ok((Self::Ordinary(Box::new(app)), tasks))
    }

    fn serving(&self) -> &Serving {
        match self {
            Self::Ordinary(app) => &app.serving,
            Self::Edge(serving, _) => serving,
        }
    }

    fn configure(&self, config: &mut web::ServiceConfig) {
        config.app_data(web::Data::new(self.serving().clone()));
        match self {
            Self::Ordinary(app) => {
                config.app_data(web::Data::new(App::clone(app)));
                routes::configure(config);
            }
            Self::Edge(..) => routes::configure_edge(config),
        }
    }

    /// Writes down the last of what it knows: its streams have ended, and others should know.
    async fn finish(&self) -> error::Result<()> {
        match self {
            // Whoever never had the database has nothing for it.
            Self::Ordinary(app) if !app.is_settled() => Ok(()),
            Self::Ordinary(app) => {
                app.write_counts().await?;
                tasks::finish(app).await
            }
            Self::Edge(serving, upstream) => edge::runner::finish(serving, upstream).await,
        }
    }

    /// Closes its connections, when nobody uses them any more.
    async fn close(&self) {
        if let Self::Ordinary(app) = self {
            app.store.close().await;
        }
    }
}

impl Server {
    /// Opens the store, warms the snapshots, binds the address. It answers once [`Server::run`] is awaited.
    pub async fn bind(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let (listen, workers, leave) = (settings.listen, settings.workers, Leave::of(&settings));
        let (node, tasks) = Node::start(settings, clock).await?;
        let routes = web::Data::new(Routes::default());
        let each = node.clone();
        let mut server = HttpServer::new(move || {
            HttpApp::new()
                .app_data(web::Data::new(each.serving().clone()))
                .app_data(routes.clone())
                .wrap(from_fn(ofrep::client_api::share))
                .wrap(from_fn(expect_loopback))
                .wrap(from_fn(look::show_failures))
                .wrap(from_fn(telemetry::observe))
                .wrap(from_fn(headers::guard))
                .configure(|config| each.configure(config))
        })
        .on_connect(|connection, _| notice_the_dead(connection))
        .tcp_nodelay(true)
        .h1_write_buffer_size(stream::WRITE_BUFFER)
        .client_request_timeout(REQUEST_HEAD_TIMEOUT)
        .shutdown_timeout(leave.rest.as_secs())
        .disable_signals();
        if let Some(workers) = workers {
            server = server.workers(workers);
        }
        let server = server.bind(listen).map_err(|source| StartError::Listen { address: listen, source })?;
        let address = server.addrs().first().copied().unwrap_or(listen);
        Ok(Self { address, node, tasks, running: server.run() })
    }

    /// Answers until the server is stopped by its [`Stop`], or the process is asked to end.
    pub async fn run(self) -> Result<(), StartError> {
        let Self { node, mut tasks, running, .. } = self;
        running.await?;
        let told = async {
            if let Some(traces) = &node.serving().traces
                && tokio::time::timeout(LAST_WORDS, traces.flush()).await.is_err()
            {
                tracing::warn!("the last traces were not sent in time");
            }
        };
        let last = async {
            let finished = node.finish().await;
            tasks.shutdown().await;
            // Before the runtime goes, on which connections live.
            node.close().await;
            finished
        };
        let (finished, ()) = tokio::join!(tokio::time::timeout(LAST_WORDS, last), told);
        match finished {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "nobody was told that this node ends, nor what it counted last");
            }
            Err(_) => tracing::warn!("nobody was told in time that this node ends, nor what it counted last"),
        }
        Ok(())
    }

    /// A way to stop the server from elsewhere.
    pub fn stop_handle(&self) -> Stop {
        Stop { serving: self.node.serving().clone(), server: self.running.handle() }
    }
}

/// Runs a server until the process is asked to end (SIGTERM, SIGINT). `started` is told once it listens. Asked a second
/// time, the process ends at once.
pub fn run(settings: Settings, started: impl FnOnce(SocketAddr)) -> Result<(), StartError> {
    telemetry::start_logging(&settings);
    actix_web::rt::System::new().block_on(async move {
        let server = Server::bind(settings, Clock::system()).await?;
        let mut signals = Signals::listen()?;
        started(server.address);
        let stop = server.stop_handle();
        tokio::spawn(async move {
            signals.asked().await;
            tracing::info!("shutting down");
            tokio::select! {
                () = stop.stop() => {}
                () = signals.asked() => {
                    tracing::warn!("asked to end a second time: what was under way is given up");
                    std::process::exit(1);
                }
            }
        });
        server.run().await
    })
}

/// A client that vanished without a word is noticed within [`UNANSWERED`], not after the kernel's quarter of an hour:
/// its place among the streams is somebody else's.
fn notice_the_dead(connection: &dyn std::any::Any) {
    let Some(tcp) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
    let socket = socket2::SockRef::from(tcp);
    let keepalive = socket2::TcpKeepalive::new().with_time(UNANSWERED).with_interval(UNANSWERED / 3);
    let set =
        socket.set_tcp_user_timeout(Some(UNANSWERED)).and_then(|()| socket.set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        tracing::debug!(%error, "a connection keeps the system's time-outs");
    }
}

/// In development mode, refuses a `Host` that is not this machine: a page elsewhere whose name was pointed here (DNS
/// rebinding) must not use the well-known tokens.
async fn expect_loopback(
    request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let development = request
        .app_data::<web::Data<Serving>>()
        .is_some_and(|serving| serving.settings.mode == Mode::Development);
    // The `Host` itself: what forwarding headers say, any page can say.
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| Some(request.uri().authority()?.as_str())).unwrap_or_default().to_owned();
    if development && !is_loopback(&host) {
        let error =
            Error::Forbidden(format!("development mode answers to this machine only, not to `{host}`"));
        return Ok(request.into_response(error.error_response()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = match host.strip_prefix('[').and_then(|bracketed| bracketed.split_once(']')) {
        Some((name, port)) if port.is_empty() || port.starts_with(':') => name,
        Some(_) => return false,
        None => host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name),
    };
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "hoist.localhost:1",
            "LOCALHOST",
            "127.0.0.2",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "[::1].evil.example",
            "10.0.0.1:8080",
            "",
            "[::2]:1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
