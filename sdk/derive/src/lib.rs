//! Derives `hoist::EvaluationContext` for an application's own struct, so that no map is built per evaluation.
//!
//! The derive is re-exported by `hoist` under the name of its trait; `hoist::EvaluationContext` has the examples.

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `hoist::EvaluationContext`: every named field is an attribute under its own name.
///
/// On a field:
/// - `#[context(targeting_key)]`: the field is the targeting key, not an attribute (with `rename` it is both). Its type
///   implements `hoist::TargetingKey`: text, or an `Option` of it. At most one field; without any the context is
///   anonymous.
/// - `#[context(rename = "…")]`: the attribute has this name.
/// - `#[context(skip)]`: the field is no attribute.
///
/// The type of every other field implements `hoist::AsAttribute`: text, numbers, booleans, and options and lists of
/// them. Two attributes of one name, an enum, a union and a struct without field names are refused.
#[proc_macro_derive(EvaluationContext, attributes(context))]
pub fn derive_evaluation_context(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::evaluation_context(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
