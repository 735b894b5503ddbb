//! `open-feature`: its client over a provider in memory. The crate has none, so there is one here that does as little as
//! it can: the row tells what the client adds to an evaluation.

use std::collections::HashMap;
use std::sync::Arc;

use hoist_bench::Person;
use hoist_evaluation::bucket::{murmur3_32, rollout_seed};
use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{
    Client, EvaluationContext, EvaluationContextFieldValue as Field, EvaluationError, EvaluationErrorCode,
    EvaluationResult, OpenFeature, StructValue, async_trait,
};

use super::now;
use crate::engine::Engine;

#[derive(Clone)]
pub(crate) struct Flags(Arc<Client>);

impl Engine for Flags {
    const NAME: &'static str = "open-feature 0.3, in memory";
    type User = EvaluationContext;

    fn new(flags: &[(String, &str)]) -> Flags {
        let flags =
            flags.iter().map(|(key, of)| (key.clone(), Flag { seed: rollout_seed(key), of: shape(of) }));
        let memory = Memory { metadata: ProviderMetadata::new("memory"), flags: flags.collect() };
        let mut api = now(OpenFeature::singleton_mut());
        let name = format!("{} flags", memory.flags.len());
        now(api.set_named_provider(&name, memory));
        Flags(Arc::new(api.create_named_client(&name)))
    }

    fn user(person: &Person) -> EvaluationContext {
        EvaluationContext::default()
            .with_targeting_key(person.key.as_str())
            .with_custom_field("plan", person.plan)
            .with_custom_field("country", person.country)
            .with_custom_field("app_version", person.app_version)
            .with_custom_field("age", i64::from(person.age))
            .with_custom_field("employee", person.employee)
            .with_custom_field("organization", i64::from(person.organization))
    }

    fn boolean(&mut self, key: &str, user: &EvaluationContext) -> bool {
        now(self.0.get_bool_value(key, Some(user), None)).unwrap_or_default()
    }

    fn letter(&mut self, key: &str, user: &EvaluationContext) -> u8 {
        now(self.0.get_string_value(key, Some(user), None)).map_or(b'-', |text| text.as_bytes()[0])
    }
}

struct Memory {
    metadata: ProviderMetadata,
    flags: HashMap<String, Flag>,
}

struct Flag {
    seed: u32,
    of: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    On,
    Off,
    Half,
    Rules,
    Split,
}

fn shape(name: &str) -> Shape {
    match name {
        "on" => Shape::On,
        "half" => Shape::Half,
        "rules" => Shape::Rules,
        "split" => Shape::Split,
        _ => Shape::Off,
    }
}

impl Memory {
    fn flag(&self, key: &str) -> EvaluationResult<&Flag> {
        self.flags.get(key).ok_or_else(|| wrong(EvaluationErrorCode::FlagNotFound))
    }
}

impl Flag {
    /// Where the user is among 100.
    fn percent(&self, user: &EvaluationContext) -> u32 {
        user.targeting_key.as_ref().map_or(100, |key| murmur3_32(key.as_bytes(), self.seed) % 100)
    }

    fn boolean(&self, user: &EvaluationContext) -> bool {
        match self.of {
            Shape::On => true,
            Shape::Half => self.percent(user) < 50,
            Shape::Rules => self.rules(user),
            Shape::Off | Shape::Split => false,
        }
    }

    fn rules(&self, user: &EvaluationContext) -> bool {
        let text = |name: &str| user.custom_fields.get(name).and_then(Field::as_str).unwrap_or_default();
        let is = |name: &str| user.custom_fields.get(name).and_then(Field::as_bool) == Some(true);
        let number = |name: &str| user.custom_fields.get(name).and_then(Field::as_i64);
        ["beta", "internal"].contains(&text("plan"))
            || ["US", "CA", "MX"].contains(&text("country"))
            || is("employee")
            || number("age").is_some_and(|age| age > 90)
            || text("plan").starts_with("stand") && self.percent(user) < 25
    }
}

fn wrong(code: EvaluationErrorCode) -> EvaluationError {
    EvaluationError::builder().code(code).build()
}

#[async_trait]
impl FeatureProvider for Memory {
    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        key: &str,
        user: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        Ok(ResolutionDetails::new(self.flag(key)?.boolean(user)))
    }

    async fn resolve_string_value(
        &self,
        key: &str,
        user: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        let letter = match self.flag(key)?.percent(user) {
            0..50 => "A",
            50..80 => "B",
            _ => "C",
        };
        Ok(ResolutionDetails::new(letter))
    }

    async fn resolve_int_value(
        &self,
        _key: &str,
        _user: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        Err(wrong(EvaluationErrorCode::TypeMismatch))
    }

    async fn resolve_float_value(
        &self,
        _key: &str,
        _user: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        Err(wrong(EvaluationErrorCode::TypeMismatch))
    }

    async fn resolve_struct_value(
        &self,
        _key: &str,
        _user: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        Err(wrong(EvaluationErrorCode::TypeMismatch))
    }
}
