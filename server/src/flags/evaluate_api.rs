//! The route that explains: what a flag answers to a context, and why, now or at any time before.

use actix_web::{post, web};
use hoist_evaluation::{Context, Explanation, Snapshot, explain};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LastChange;
use crate::access::Caller;
use crate::app::App;
use crate::body::{Text, parse};
use crate::clock::Timestamp;
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::reply::Reply;

/// A question: what does this flag answer to this context?
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FlagQuestion {
    /// The flag's key; an unknown one is explained too.
    pub flag: String,
    /// Who or what asks: `targetingKey` and attributes.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub context: Context,
    /// As of when; now when absent.
    pub at: Option<Moment>,
}

/// A moment: an RFC 3339 date and time, or a revision of the environment.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(example = "2026-11-23T14:03:00Z")]
pub(crate) enum Moment {
    /// An instant.
    #[schema(value_type = String)]
    At(Timestamp),
    /// A revision.
    Revision(u64),
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let at = || value.as_str().and_then(Timestamp::parse).map(Self::At);
        let moment = value.as_u64().map(Self::Revision).or_else(at);
        moment.ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 date and time or a revision"))
    }
}

impl Moment {
    /// Reads a moment out of a query.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::Revision).or_else(|| Timestamp::parse(text).map(Self::At))
    }

    /// The environment's revision at the moment.
    pub(crate) async fn revision(
        self,
        app: &App,
        project: &ProjectKey,
        environment: &EnvironmentKey,
    ) -> Result<u64> {
        match self {
            Self::Revision(revision) => Ok(revision),
            Self::At(at) => app.store.revision_at(project, environment, at).await,
        }
    }
}

/// An answer with its explanation, and the last change that led to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The answer, and every step that led to it.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The last change of the flag up to then.
    pub changed: Option<LastChange>,
}

/// Explains what a flag answers to a context: the same code that SDKs run, with an observer.
#[utoipa::path(tag = "settings", request_body = FlagQuestion, responses((status = 200, body = Answer), ReadProblems, WriteProblems))]
#[post("/projects/{project}/environments/{environment}/evaluate")]
pub(crate) async fn evaluate(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
    body: Text,
) -> Result<Reply> {
    let (project, environment) = path.into_inner();
    caller.view(&project, Some(&environment))?;
    // An object in a context is no attribute: evaluation passes it over, here as in every SDK.
    let (question, _) = parse::<FlagQuestion>(&body.0, &["context"])?;
    let wanted = match question.at {
        None => None,
        Some(moment) => Some(moment.revision(&app, &project, &environment).await?),
    };
    let state = app.state_since(&project, &environment, wanted.unwrap_or_default()).await?;
    let revision = wanted.unwrap_or(state.revision());
    if revision > state.revision() {
        let detail = format!("revision {revision} is still to come; the newest is {}", state.revision());
        return Err(Error::invalid("/at", detail));
    }
    let explanation = if revision == state.revision() {
        explain(&state.snapshot, &question.flag, &question.context)
    } else {
        let set = app.store.flag_set(&project, &environment, revision).await?;
        explain(&Snapshot::compile(&set), &question.flag, &question.context)
    };
    let changed = app.store.last_change(&project, &environment, &question.flag, revision).await?;
    Ok(Reply::ok(&Answer { explanation, changed }))
}
