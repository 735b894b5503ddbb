//! Writes the implementation.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Generics, Result, parse_quote};

use crate::attributes::{Part, Parts};

pub(crate) fn evaluation_context(input: &DeriveInput) -> Result<TokenStream> {
    let parts = Parts::read(input)?;
    let name = &input.ident;
    let generics = bounded(&input.generics, &parts);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let targeting_key =
        parts.targeting_key.map_or_else(|| quote!(::core::option::Option::None), targeting_key);
    let arms = parts.attributes.iter().map(|(attribute, part)| {
        let value = attribute_value(*part);
        quote!(#attribute => #value,)
    });
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::hoist::EvaluationContext for #name #type_generics #where_clause {
            fn targeting_key(&self) -> ::core::option::Option<&str> {
                #targeting_key
            }

            fn attribute(&self, name: &str) -> ::core::option::Option<::hoist::Attribute<'_>> {
                match name {
                    #(#arms)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}

// The spans below are those of the field's type, so that a type that does not fit is underlined there.

fn targeting_key(part: Part<'_>) -> TokenStream {
    let field = part.name;
    quote_spanned!(part.of_type.span()=> ::hoist::TargetingKey::as_targeting_key(&self.#field))
}

fn attribute_value(part: Part<'_>) -> TokenStream {
    let field = part.name;
    quote_spanned!(part.of_type.span()=> ::hoist::AsAttribute::as_attribute(&self.#field))
}

/// Asks of a generic struct's fields what the implementation needs; for a plain one the compiler finds out by itself
/// and says so at the field.
fn bounded(generics: &Generics, parts: &Parts<'_>) -> Generics {
    let mut generics = generics.clone();
    if generics.type_params().next().is_none() {
        return generics;
    }
    let bounds = generics.make_where_clause();
    for (_, Part { of_type, .. }) in &parts.attributes {
        bounds.predicates.push(parse_quote!(#of_type: ::hoist::AsAttribute));
    }
    if let Some(Part { of_type, .. }) = parts.targeting_key {
        bounds.predicates.push(parse_quote!(#of_type: ::hoist::TargetingKey));
    }
    generics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(item: &str, expected: &str) {
        let input = syn::parse_str(item).unwrap();
        let got = evaluation_context(&input).map_or_else(|error| error.to_string(), |_| "fine".to_owned());
        assert_eq!(got, expected, "{item}");
    }

    #[test]
    fn what_cannot_be_a_context_is_refused_by_name() {
        let only = |what: &str| {
            format!("EvaluationContext can be derived for a struct with named fields, not for {what}")
        };
        check("struct A { a: String }", "fine");
        check("struct A {}", "fine");
        check("struct A(String);", &only("a tuple struct"));
        check("struct A;", &only("a unit struct"));
        check("enum A { B }", &only("an enum"));
        check("union A { b: u8 }", &only("a union"));
    }

    #[test]
    fn attributes_that_make_no_sense_are_refused_with_the_reason() {
        let check = |fields: &str, expected: &str| check(&format!("struct A {{ {fields} }}"), expected);
        check("#[context(targeting_key)] a: String, #[context(skip)] b: u8", "fine");
        check(
            "#[context(targeting_key)] a: String, #[context(targeting_key)] b: String",
            "a context has one targeting key; another field has it already",
        );
        check("#[context(key)] a: String", "expected `targeting_key`, `rename = \"…\"` or `skip`");
        check("#[context(rename = \"\")] a: String", "an attribute has a name");
        check("#[context(rename = 3)] a: String", "expected string literal");
        check("a: String, #[context(rename = \"a\")] b: String", "there is an attribute `a` already");
        check(
            "#[context(rename = \"targetingKey\")] a: String",
            "`targetingKey` names the targeting key itself; mark its field `#[context(targeting_key)]`",
        );
        check(
            "#[context(skip, rename = \"b\")] a: String",
            "a field that is skipped has no other part in the context",
        );
    }

    #[test]
    fn an_attribute_on_the_struct_is_refused() {
        check("#[context(skip)] struct A { a: String }", "`#[context(…)]` belongs on a field");
    }
}
