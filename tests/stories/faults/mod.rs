//! What can go wrong between an SDK and its server, told through a proxy that makes it go wrong.
//!
//! In every row an answer of the flags in use stays what it was, `trouble()` names the fault while it lasts, and the
//! newest revision is live, with no trouble left, by the first attempt after the fault. The waits
//! between attempts are drawn by chance up to a bound, unless the row says otherwise.
//!
//! | fault | status | trouble | attempts |
//! | --- | --- | --- | --- |
//! | server absent at the start | `Defaults`: the caller's defaults are served | `Unreachable` | jittered, bounded |
//! | connections broken, at once or after eight bytes | `Stale`, its age grows with each attempt | `Unreachable` | jittered, bounded |
//! | 401, 403 | `Stale` | `Refused(status)` | half of `Timing::refused` (60 s) apart at least |
//! | 404, 500 | `Stale` | `Answered(status)` | jittered, bounded |
//! | 429, 503 with `Retry-After` | `Stale` | `Answered(status)` | never before `Retry-After` |
//! | cut in the middle of a put | `Defaults` at the start; half a flag set is none | `Unreachable` | jittered, bounded; asks for everything |
//! | half-open: no byte, no end | `Stale` after `Timing::silence` (45 s) | `Silent` | each given up after `Timing::answer` (10 s) |
//! | heartbeats missed for less than `Timing::silence` | `Live` throughout | none | none: the stream is kept |
//! | slow drip | `Stale`; the first event must be there within three times `Timing::answer` | `Silent` | jittered, bounded |
//! | slow drip on an open stream | `Stale` after `Timing::silence` without a whole event or heartbeat | `Silent` | each given up as the row above |
//! | a patch lost | `Live` at the revision before, until the next patch shows the gap | `Unreadable` | at once one that names no revision, and so is put everything |
//! | a patch that does not parse | `Stale` | `Unreadable` | the same |
//! | an operator from the future | `Live`; only the flag that has it serves the caller's default, until it can be read again | none | none |
//! | the server's clock jumps a day | `Live` throughout | none | none: the stream is kept |
//! | 500 clients lose their server together | `Stale`, then `Live`, each | | spread by chance, bounded for each client |

mod fleet;
mod frames;
mod lost;
mod start;
mod streams;

use std::time::Duration;

use hoist::{Client, Status, Timing, Trouble};
use serde_json::json;
use tokio::time::Instant;

use tests::{Environment, Fault, Node, Proxy, live_at, until, users};

const FLAG: &str = "dashboard_v2";
const COPY: &str = "checkout_copy";
const RETRY_MAX: Duration = Duration::from_millis(400);

/// The longest time until the next attempt in any row: a server's `Retry-After` of one second, half of it again by
/// chance, and an attempt that is given up after `Timing::answer`.
const LONGEST_WAIT: Duration = Duration::from_millis(2_500);

/// What a machine that is busy with other stories may add.
const SLACK: Duration = Duration::from_secs(20);

/// Waits as in production, made short: the proportions are what is told.
fn timing() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        retry: ms(50),
        retry_max: RETRY_MAX,
        refused: ms(300),
        settled: ms(100),
        answer: ms(1_000),
        silence: ms(2_000),
        poll: ms(200),
        poll_for: ms(2_000),
        ..Timing::default()
    }
}

/// A server behind a proxy, and an application before it.
struct World {
    node: Node,
    proxy: Proxy,
    key: String,
    client: Client,
    users: Vec<String>,
}

impl World {
    /// The application is started behind a fault, with two flags that are on for some users.
    async fn start(fault: Fault) -> World {
        let node = Node::start().await;
        node.api().create_flag(FLAG).await;
        node.api().create_flag(COPY).await;
        let environment = node.api().environment("development");
        environment.rollout(FLAG, 50, "half of all").await;
        environment.rollout(COPY, 25, "some").await;
        let proxy = Proxy::start(&node.url, fault).await;
        let key = node.api().sdk_key("development").await;
        let builder = Client::builder(&proxy.url).sdk_key(&key).app("shop").timing(timing());
        let client = builder.connect().await.unwrap();
        World { node, proxy, key, client, users: users(200) }
    }

    /// The same, and the application has its flags.
    async fn live() -> World {
        let world = World::start(Fault::Pass).await;
        live_at(&world.client, world.environment().revision().await).await;
        assert!(world.answers().contains(&(true, false)) && world.answers().contains(&(false, true)));
        world
    }

    fn environment(&self) -> Environment {
        self.node.api().environment("development")
    }

    /// What both flags answer to every user.
    fn answers(&self) -> Vec<(bool, bool)> {
        let answer = |user: &String| {
            (self.client.enabled(FLAG, user.as_str()), self.client.enabled(COPY, user.as_str()))
        };
        self.users.iter().map(answer).collect()
    }

    /// Waits until the application is troubled by this, and gives the status that it tells then.
    async fn troubled(&self, expected: fn(&Trouble) -> bool) -> Status {
        until(&self.client, |_| self.client.trouble().as_ref().is_some_and(expected)).await;
        self.client.status()
    }

    /// Changes the flags behind the fault: the first is off for everyone.
    async fn kill(&self) -> u64 {
        self.environment().kill(FLAG, "errors in checkout").await["revision"].as_u64().unwrap()
    }

    /// Ends the fault, and waits for the newest revision, by which the first flag is off. The first attempt that begins
    /// after the fault must bring it, and no wait before it may be longer than the longest of the table.
    async fn heals_at(&self, revision: u64) {
        let streams =
            || self.proxy.attempts().iter().filter(|attempt| attempt.path.contains("stream")).count();
        let (before, over) = (streams(), Instant::now());
        self.proxy.set(Fault::Pass).await;
        self.is_live_at(revision).await;
        // One may have been under way when the fault ended.
        assert!(streams() <= before + 2, "{} attempts after the fault", streams() - before);
        assert!(over.elapsed() < LONGEST_WAIT + SLACK, "live again only after {:?}", over.elapsed());
    }

    /// Waits for the revision by which the first flag is off.
    async fn is_live_at(&self, revision: u64) {
        live_at(&self.client, revision).await;
        assert_eq!((self.client.status(), self.client.trouble()), (Status::Live { revision }, None));
        assert!(self.answers().iter().all(|(first, _)| !first));
        assert!(self.answers().iter().any(|(_, second)| *second));
    }

    /// The waits between the requests for flags since there were so many attempts.
    fn waits_since(&self, count: usize) -> Vec<Duration> {
        let times: Vec<_> = self.proxy.attempts()[count..].iter().map(|attempt| attempt.at).collect();
        times.windows(2).map(|two| two[1] - two[0]).collect()
    }
}

/// The settings of a flag that is on for those whose plan is `beta`, by a rule of this name.
fn for_beta_testers(rule: &str) -> serde_json::Value {
    let conditions = json!([{ "attribute": "plan", "operator": "in", "values": ["beta"] }]);
    json!({ "enabled": true, "rules": [{ "name": rule, "conditions": conditions, "serve": "on" }],
        "default": { "serve": "off" }, "off_variant": "off" })
}
