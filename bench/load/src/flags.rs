//! The flags that are served: a hundred, about 30 kB.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::Server;

/// How many flags there are.
pub const FLAGS: usize = 100;

/// The key of the flag that is changed.
pub const CHANGED: &str = "flag-0";

/// Makes the flags: a quarter each plainly on, off, rolled out to 50 %, and with a rule before that.
pub async fn create(server: &Server) -> Result<()> {
    for number in 0..FLAGS {
        let key = format!("flag-{number}");
        server.create(&key).await?;
        let path = format!("/projects/default/environments/development/flags/{key}");
        server.send(Method::PUT, &path, settings(number)).await?;
    }
    Ok(())
}

fn settings(number: usize) -> Value {
    let rule = json!({"name": "nordics", "rollout": 25, "serve": "on",
        "conditions": [{"attribute": "country", "operator": "in", "values": ["NO", "SE", "DK"]}]});
    let rules = if number % 4 == 3 { vec![rule] } else { Vec::new() };
    let rollout = if number.is_multiple_of(4) || number % 4 == 3 { 50 } else { 100 };
    json!({"enabled": number % 4 != 1, "rules": rules, "default": {"rollout": rollout, "serve": "on"},
        "off_variant": "off"})
}

/// Rolls [`CHANGED`] out to `percentage` and returns the revision of that change.
pub async fn change(server: &Server, percentage: u32) -> Result<u64> {
    let path = format!("/projects/default/environments/development/flags/{CHANGED}/rollout");
    let body = json!({"percentage": percentage, "enabled": true, "reason": "bench"});
    let settings = server.send(Method::PUT, &path, body).await?;
    settings["revision"].as_u64().ok_or_else(|| anyhow::anyhow!("no revision in {settings}"))
}
