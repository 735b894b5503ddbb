//! Flags through the API of `OpenFeature`, behind the feature `openfeature`.
//!
//! ```
//! use hoist::testing::TestFlags;
//! use open_feature::{EvaluationContext, OpenFeature};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! # let client = TestFlags::new().with("dashboard_v2", true).client();
//! // let client = hoist::Client::builder("http://127.0.0.1:8080").sdk_key(key).app("shop").connect().await?;
//! let mut api = OpenFeature::singleton_mut().await;
//! api.set_provider(hoist::openfeature::Provider::new(client)).await;
//! let flags = api.create_client();
//!
//! let user = EvaluationContext::default().with_targeting_key("user-1").with_custom_field("plan", "beta");
//! assert_eq!(flags.get_bool_value("dashboard_v2", Some(&user), None).await, Ok(true));
//! # });
//! ```
//!
//! Evaluations are those of the [`Client`]: in memory, and counted like its own. Their metadata is `version` (of the
//! flag's settings), `environment`, and `rule` (its name, or its place counted from 0) when a rule served.

mod context;
mod value;

use std::time::Duration;

use hoist_evaluation::{ErrorCode, Evaluation, Reason};
use open_feature::provider::{FeatureProvider, ProviderMetadata, ProviderStatus, ResolutionDetails};
use open_feature::{
    EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationReason, EvaluationResult,
    FlagMetadata, StructValue, async_trait,
};

use crate::client::Client;
use crate::exposures::Fallback;
use crate::status::Status;
use context::Adapted;

/// How long registering a provider waits for flags: all evaluations through `OpenFeature` wait with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// An `OpenFeature` provider over a [`Client`].
///
/// A flag that is unknown, broken or of another type, and any flag while none have arrived, is an error with its
/// code. An integer getter takes a flag all of whose variants are written as whole numbers, a float getter any number.
/// Object values must be objects; a null within them is left out, because `OpenFeature` has none.
///
/// Of a context's structs, a `serde_json::Value` or [`open_feature::Value`] counts as the text, number, boolean or
/// list that it is, and so does a `Vec<String>`; objects and all other types are no attributes. A date is its RFC 3339
/// text in UTC.
#[derive(Debug)]
pub struct Provider {
    client: Client,
    patience: Duration,
    metadata: ProviderMetadata,
}

impl Provider {
    /// A provider that reads the client's flags. Closing the client stays with the caller.
    pub fn new(client: Client) -> Provider {
        Provider { client, patience: PATIENCE, metadata: ProviderMetadata::new("hoist") }
    }

    /// Waits at most so long for flags when it is registered, instead of 2 seconds. Until then, `OpenFeature` holds up
    /// every evaluation; whoever wants to wait longer awaits [`Client::ready`] first.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Provider {
        self.patience = patience;
        self
    }

    fn resolve<T>(
        &self,
        key: &str,
        context: &EvaluationContext,
        value: impl Fn(&Evaluation<'_>) -> Option<T>,
    ) -> EvaluationResult<ResolutionDetails<T>> {
        let view = self.client.view();
        let reader = view.reader();
        let asked = reader.find(key);
        let evaluation = reader.evaluate(asked, &Adapted::new(context));
        let value = value(&evaluation);
        reader.count(asked, &evaluation, value.is_some(), Fallback::Untold);
        let Some(environment) = view.environment() else {
            return Err(error(ErrorCode::ProviderNotReady, key));
        };
        match (value, evaluation.reason) {
            (_, Reason::Error(code)) => Err(error(code, key)),
            (None, _) => Err(error(ErrorCode::TypeMismatch, key)),
            (Some(value), reason) => Ok(ResolutionDetails {
                value,
                variant: evaluation.variant().map(str::to_owned),
                reason: Some(reason_of(reason)),
                flag_metadata: Some(metadata(&evaluation, environment)),
            }),
        }
    }
}

#[async_trait]
impl FeatureProvider for Provider {
    async fn initialize(&mut self, _context: &EvaluationContext) {
        // What it got is told by the status and by every evaluation.
        self.client.ready(self.patience).await;
    }

    fn status(&self) -> ProviderStatus {
        match self.client.status() {
            status if status.is_live() => ProviderStatus::Ready,
            Status::Defaults => ProviderStatus::NotReady,
            _ => ProviderStatus::STALE,
        }
    }

    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        self.resolve(flag_key, evaluation_context, |evaluation| evaluation.value()?.as_bool())
    }

    async fn resolve_int_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        self.resolve(flag_key, evaluation_context, value::whole)
    }

    async fn resolve_float_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        self.resolve(flag_key, evaluation_context, |evaluation| evaluation.value()?.as_f64())
    }

    async fn resolve_string_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        self.resolve(flag_key, evaluation_context, |evaluation| evaluation.string().map(str::to_owned))
    }

    async fn resolve_struct_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        self.resolve(flag_key, evaluation_context, |evaluation| evaluation.object().map(value::structure))
    }
}

/// `PREREQUISITE_FAILED` is no reason that `OpenFeature` knows; there, the flag is off.
fn reason_of(reason: Reason) -> EvaluationReason {
    match reason {
        Reason::Static => EvaluationReason::Static,
        Reason::TargetingMatch => EvaluationReason::TargetingMatch,
        Reason::Split => EvaluationReason::Split,
        Reason::Default => EvaluationReason::Default,
        Reason::Disabled | Reason::PrerequisiteFailed => EvaluationReason::Disabled,
        Reason::Error(_) => EvaluationReason::Error,
    }
}

fn metadata(evaluation: &Evaluation<'_>, environment: &str) -> FlagMetadata {
    let mut metadata = FlagMetadata::default().with_value("environment", environment);
    let Some(flag) = evaluation.flag else { return metadata };
    metadata.add_value("version", i64::try_from(flag.version()).unwrap_or(i64::MAX));
    if let Some(place) = evaluation.rule {
        let rules = flag.definition().map(|definition| definition.settings.rules.as_slice());
        let rule = rules.and_then(|rules| rules.get(usize::from(place)));
        let name = rule.and_then(|rule| rule.name.clone());
        metadata.add_value("rule", name.unwrap_or_else(|| place.to_string()));
    }
    metadata
}

fn error(code: ErrorCode, key: &str) -> EvaluationError {
    let (code, message) = match code {
        ErrorCode::ProviderNotReady => {
            (EvaluationErrorCode::ProviderNotReady, "no flags have arrived yet".to_owned())
        }
        ErrorCode::FlagNotFound => (EvaluationErrorCode::FlagNotFound, format!("there is no flag `{key}`")),
        ErrorCode::ParseError => {
            (EvaluationErrorCode::ParseError, format!("the definition of `{key}` has problems"))
        }
        ErrorCode::TypeMismatch => (EvaluationErrorCode::TypeMismatch, format!("`{key}` is of another type")),
        ErrorCode::TargetingKeyMissing => {
            (EvaluationErrorCode::TargetingKeyMissing, format!("`{key}` needs a targeting key"))
        }
        ErrorCode::InvalidContext => {
            (EvaluationErrorCode::InvalidContext, "the context makes no sense".to_owned())
        }
        ErrorCode::General | ErrorCode::ProviderFatal => {
            (EvaluationErrorCode::General(code.to_string()), format!("`{key}` has no answer"))
        }
    };
    EvaluationError { code, message: Some(message) }
}

#[cfg(test)]
mod tests;
