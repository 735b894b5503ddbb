//! Reads Hoist feature flags in an application.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! # async fn example(key: &str) -> Result<(), hoist::ConnectError> {
//! let flags = hoist::Client::builder("http://127.0.0.1:8080").sdk_key(key).app("shop").connect().await?;
//! let got = flags.ready(Duration::from_secs(2)).await; // optional
//! println!("flags: {got}");
//!
//! let user = hoist::Context::new("user-1").with("plan", "beta");
//! if flags.enabled("dashboard_v2", &user) {
//!     println!("the new dashboard");
//! }
//! let copy = flags.string("checkout_copy", &user, "classic");
//! let why = flags.explain("dashboard_v2", &user);
//! # drop((copy, why));
//! flags.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Reading
//!
//! Evaluation happens in the application's own memory, against a copy of the environment's flags that the client keeps
//! up to date over one stream. [`Client::enabled`] and its siblings neither wait nor lock nor fail. Whoever reads
//! several flags that must agree, or wants a text without a copy of it, takes a [`View`]. Code that reads one flag very
//! often has it looked up once: [`Client::boolean_flag`].
//!
//! # For whom
//!
//! A flag is evaluated for an [`EvaluationContext`]: a `&str` or `String` is just a key, [`Context`] is a key with
//! attributes, and an application's own struct becomes one by the derive, with no map built per request:
//!
//! ```
//! #[derive(hoist::EvaluationContext)]
//! struct User {
//!     #[context(targeting_key)]
//!     id: String,
//!     plan: Option<String>,
//!     #[context(rename = "signed_up_days")]
//!     age: u32,
//!     groups: Vec<String>,
//!     #[context(skip)]
//!     password_hash: String,
//! }
//!
//! # let flags = hoist::testing::TestFlags::new().with("dashboard_v2", true).client();
//! # let user = User { id: "1".into(), plan: None, age: 3, groups: vec![], password_hash: String::new() };
//! # drop(user.password_hash.clone());
//! assert!(flags.enabled("dashboard_v2", &user));
//! ```
//!
//! # Truth
//!
//! [`Client::status`] says where answers come from: [`Status::Live`] is a proof with a time limit, everything else says
//! what it is. A server that fails changes no answer. [`Client::trouble`] says what is wrong, and
//! [`Client::metrics`] says it to a monitoring system.
//!
//! # Starting without a server
//!
//! [`ClientBuilder::cache_dir`] keeps the last known good flags on disk, and [`ClientBuilder::embedded`] compiles some
//! in. Whatever answers first, it is used in this order: the server, the disk, the embedded flags, the defaults in the
//! caller's code; [`Client::status`] says which it is.
//!
//! # Tests
//!
//! [`testing::TestFlags`] makes clients of flags that a test writes, without a server, a network or a runtime.

#[cfg(test)]
extern crate self as hoist;

mod answer;
mod backoff;
mod builder;
mod client;
mod connection;
mod context;
mod disk;
mod exposures;
mod feed;
mod flag;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod instance;
mod keeper;
mod metrics;
#[cfg(feature = "openfeature")]
pub mod openfeature;
mod reader;
mod receipts;
#[cfg(feature = "relay")]
pub mod relay;
mod server;
mod shared;
mod sse;
mod status;
mod task;
pub mod testing;
mod timing;
mod tls;
mod view;

pub use hoist_derive::EvaluationContext;
pub use hoist_evaluation as evaluation;
pub use hoist_evaluation::{
    AsAttribute, Attribute, AttributeList, AttributeValue, Context, ErrorCode, Evaluation, EvaluationContext,
    Explanation, Reason,
};

pub use answer::Answer;
pub use builder::{ClientBuilder, ConnectError};
pub use client::Client;
pub use context::TargetingKey;
pub use disk::CacheTrouble;
pub use flag::{BooleanFlag, NumberFlag, StringFlag};
pub use metrics::Metrics;
pub use status::{Readiness, Status, Trouble};
pub use timing::Timing;
pub use view::View;

/// Includes a flag set, as `GET /sdk/v1/snapshot` answers it, for [`ClientBuilder::embedded`]; the path is relative to
/// the file that says so, as with [`include_str!`].
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let flags = hoist::Client::builder("https://flags.example.com")
///     .sdk_key("hoist_sdk_development")
///     .embedded(hoist::include_snapshot!("../examples/flags.json"))
///     .connect()
///     .await?;
/// assert!(flags.enabled("dashboard_v2", "user-1")); // from the first moment
/// # Ok::<(), hoist::ConnectError>(())
/// # }).unwrap();
/// ```
#[macro_export]
macro_rules! include_snapshot {
    ($path:expr $(,)?) => {
        ::core::include_str!($path)
    };
}

/// This SDK and its version, as the server knows it.
pub(crate) const SDK: &str = concat!("hoist-rust/", env!("CARGO_PKG_VERSION"));
