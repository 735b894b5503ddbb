//! `hoist flag create` and `hoist flag update`: what is said about a flag in all environments.

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use crate::api::{Api, Call};
use crate::args::Because;
use crate::failure::{Failure, Outcome};
use crate::print::Console;
use crate::typed::{key, time};
use crate::value::{object, text};

/// Create a flag; it is off in every environment until someone turns it on
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist flag create dashboard_v2
  hoist flag create checkout_copy --type string --variant classic=\"Buy now\" --variant short=Buy
  hoist flag create limits --type object --variant few='{\"hits\":10}' --variant many='{\"hits\":50}'")]
pub(crate) struct Create {
    /// Key, as the code will ask for it; it stays for ever
    #[arg(value_parser = key)]
    key: String,
    /// Type of its values
    #[arg(long = "type", value_name = "TYPE", default_value = "boolean")]
    flag_type: FlagType,
    /// What it is for; decides how long it should live
    #[arg(long, default_value = "release")]
    purpose: Purpose,
    /// Who answers for it, a person or a team
    #[arg(long, env = "USER", default_value = "", hide_default_value = true)]
    owner: String,
    /// A variant and its value, in order; a boolean flag has on=true and off=false unless told otherwise
    #[arg(long = "variant", value_name = "KEY=VALUE")]
    variants: Vec<String>,
    /// What users are drawn by instead of the key: give two flags the same salt to give them the same users
    #[arg(long)]
    salt: Option<String>,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    because: Because,
}

/// Change what is said about a flag, in all environments
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hoist flag update dashboard_v2 --owner web-team --tag web --expires-at 2027-01-31"
)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
    .args(["purpose", "owner", "name", "description", "tags", "expires_at", "no_tags", "no_expiry", "variants"]))]
pub(crate) struct Update {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    /// What it is for
    #[arg(long)]
    purpose: Option<Purpose>,
    /// Who answers for it
    #[arg(long)]
    owner: Option<String>,
    /// A variant and its value; those given replace the ones there are, in this order
    #[arg(long = "variant", value_name = "KEY=VALUE")]
    variants: Vec<String>,
    /// Take all tags away
    #[arg(long, conflicts_with = "tags")]
    no_tags: bool,
    /// Take the expiry away
    #[arg(long, conflicts_with = "expires_at")]
    no_expiry: bool,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    because: Because,
}

/// What may be said about a flag from the beginning and later.
#[derive(Debug, Args)]
struct About {
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// What it does
    #[arg(long)]
    description: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// When it should be gone: a date or a time (UTC)
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<String>,
}

/// The type of a flag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FlagType {
    Boolean,
    String,
    Number,
    Object,
}

/// What a flag is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Purpose {
    Release,
    Experiment,
    Operational,
    KillSwitch,
    Permission,
}

/// The word for it on the wire, which is the word for it on the command line.
pub(crate) fn word(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

impl Create {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        if self.owner.is_empty() {
            let how = "a flag needs an owner: name one with --owner (the variable USER is empty)";
            return Err(Failure::Usage(how.to_owned()).into());
        }
        let variants =
            (!self.variants.is_empty()).then(|| variants(self.flag_type, &self.variants)).transpose()?;
        let about = self.about;
        let body = object([
            ("key", Some(self.key.clone().into())),
            ("type", Some(word(&self.flag_type).into())),
            ("purpose", Some(word(&self.purpose).into())),
            ("owner", Some(self.owner.into())),
            ("name", about.name.map(Into::into)),
            ("description", about.description.map(Into::into)),
            ("tags", (!about.tags.is_empty()).then(|| about.tags.into())),
            ("variants", variants.map(Value::Object)),
            ("expires_at", about.expires_at.map(Into::into)),
            ("salt", self.salt.map(Into::into)),
        ]);
        let call = Call::post(console.api.in_project(&["flags"])).body(&body);
        let answer = console.api.send(call.because(self.because.reason.as_deref()))?;
        let sentence = format!(
            "Created flag {0}. It is off everywhere; turn it on with: hoist rollout {0} 10",
            self.key
        );
        console.done(&answer, &sentence)
    }
}

impl Update {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let path = console.api.in_project(&["flags", &self.key]);
        let variants = match self.variants.as_slice() {
            [] => None,
            typed => Some(variants(flag_type(&console.api, &path)?, typed)?.into()),
        };
        let about = self.about;
        let tags = (self.no_tags || !about.tags.is_empty()).then(|| about.tags.into());
        let expires_at = if self.no_expiry { Some(Value::Null) } else { about.expires_at.map(Into::into) };
        let body = object([
            ("purpose", self.purpose.map(|purpose| word(&purpose).into())),
            ("owner", self.owner.map(Into::into)),
            ("name", about.name.map(Into::into)),
            ("description", about.description.map(Into::into)),
            ("tags", tags),
            ("variants", variants),
            ("expires_at", expires_at),
        ]);
        let call = Call::patch(path).body(&body);
        let answer = console.api.send(call.because(self.because.reason.as_deref()))?;
        console.done(&answer, &format!("Updated flag {}.", self.key))
    }
}

/// The type of an existing flag, which says how its variants are typed.
fn flag_type(api: &Api, path: &str) -> Result<FlagType> {
    let name = text(&api.send(Call::get(path.to_owned()))?.value()?, "type");
    FlagType::from_str(&name, false)
        .map_err(|_| anyhow::anyhow!("the flag is of a type unknown here: {name}"))
}

/// Reads `key=value` variants in order. Values of string flags are taken to the letter, all others are JSON.
fn variants(flag_type: FlagType, typed: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut variants = Map::new();
    for variant in typed {
        let usage = |detail: String| Failure::Usage(format!("--variant {variant}: {detail}"));
        let (key, value) = variant.split_once('=').ok_or_else(|| usage("write KEY=VALUE".to_owned()))?;
        let value = if flag_type == FlagType::String {
            Value::from(value)
        } else {
            serde_json::from_str(value).map_err(|error| usage(format!("`{value}` is not JSON: {error}")))?
        };
        if variants.insert(key.to_owned(), value).is_some() {
            return Err(usage(format!("`{key}` is given twice")));
        }
    }
    Ok(variants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flag_type: FlagType, typed: &[&str], expected: Option<&str>) {
        let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
        let read = variants(flag_type, &typed).ok().map(|variants| Value::Object(variants).to_string());
        assert_eq!(read.as_deref(), expected, "{typed:?}");
    }

    #[test]
    fn variants_keep_their_order_and_their_type() {
        check(FlagType::String, &["b=1", "a=x=y"], Some(r#"{"b":"1","a":"x=y"}"#));
        check(FlagType::Number, &["few=10", "many=50.5"], Some(r#"{"few":10,"many":50.5}"#));
        check(FlagType::Object, &[r#"small={"hits":10}"#], Some(r#"{"small":{"hits":10}}"#));
    }

    #[test]
    fn a_variant_that_cannot_be_read_is_refused() {
        check(FlagType::Number, &["few=ten"], None);
        check(FlagType::String, &["few"], None);
        check(FlagType::String, &["a=1", "a=2"], None);
    }

    #[test]
    fn purposes_are_typed_as_they_are_sent() {
        assert_eq!(word(&Purpose::KillSwitch), "kill_switch");
    }
}
