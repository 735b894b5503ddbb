//! What is said about flags in one environment.

use serde_json::{Value, json};

use crate::{Api, Call};

/// One of a project's environments, as one token sees it.
#[derive(Clone, Debug)]
pub struct Environment {
    api: Api,
    path: String,
}

impl Environment {
    pub(crate) fn new(api: Api, key: &str) -> Environment {
        Environment { api, path: format!("environments/{key}") }
    }

    /// The revision of the newest change.
    pub async fn revision(&self) -> u64 {
        self.api.get(&self.path).ok().await["revision"].as_u64().expect("a revision")
    }

    /// What is said about a flag.
    pub async fn settings(&self, flag: &str) -> Value {
        self.api.get(&format!("{}/flags/{flag}", self.path)).ok().await
    }

    /// Says everything about a flag.
    pub fn put(&self, flag: &str, settings: &Value) -> Call {
        self.api.put(&format!("{}/flags/{flag}", self.path)).json(settings)
    }

    /// A product owner's one call: so many percent, and turned on.
    pub async fn rollout(&self, flag: &str, percentage: impl Into<Value>, reason: &str) -> Value {
        let body = json!({ "percentage": percentage.into(), "enabled": true, "reason": reason });
        self.put_rollout(flag, &body).ok().await
    }

    /// The same call, with a body of the story's own.
    pub fn put_rollout(&self, flag: &str, body: &Value) -> Call {
        self.api.put(&format!("{}/flags/{flag}/rollout", self.path)).json(body)
    }

    /// Turns a flag off at once.
    pub async fn kill(&self, flag: &str, reason: &str) -> Value {
        let call = self.api.post(&format!("{}/flags/{flag}/kill", self.path));
        call.json(&json!({ "reason": reason })).ok().await
    }

    /// Asks what a flag answers to a user, and why.
    pub async fn why(&self, flag: &str, user: &str) -> Value {
        self.evaluate(&json!({ "flag": flag, "context": { "targetingKey": user } })).ok().await
    }

    /// Asks a question of the story's own.
    pub fn evaluate(&self, question: &Value) -> Call {
        self.api.post(&format!("{}/evaluate", self.path)).json(question)
    }
}
