//! Reads what `#[context(…)]` says about each field.

use std::collections::HashSet;

use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result, Type};

/// The name under which evaluation asks for the targeting key itself.
const TARGETING_KEY: &str = "targetingKey";

/// The part that each field plays.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) targeting_key: Option<Part<'a>>,
    pub(crate) attributes: Vec<(String, Part<'a>)>,
}

/// A field that takes part.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) of_type: &'a Type,
}

impl<'a> Parts<'a> {
    pub(crate) fn read(input: &'a DeriveInput) -> Result<Parts<'a>> {
        if let Some(attribute) = input.attrs.iter().find(|it| it.path().is_ident("context")) {
            return Err(Error::new_spanned(attribute, "`#[context(…)]` belongs on a field"));
        }
        let mut parts = Parts::default();
        let mut names = HashSet::new();
        for field in named_fields(input)? {
            parts.add(field, &mut names)?;
        }
        Ok(parts)
    }

    fn add(&mut self, field: &'a Field, names: &mut HashSet<String>) -> Result<()> {
        let Some(name) = &field.ident else { return Ok(()) };
        let marks = Marks::read(field)?;
        let part = Part { name, of_type: &field.ty };
        if marks.skip {
            return Ok(());
        }
        if marks.targeting_key && self.targeting_key.replace(part).is_some() {
            return Err(Error::new_spanned(
                field,
                "a context has one targeting key; another field has it already",
            ));
        }
        let attribute = match &marks.rename {
            Some(rename) => rename.value(),
            None if marks.targeting_key => return Ok(()),
            None => name.unraw().to_string(),
        };
        if attribute == TARGETING_KEY {
            let detail =
                "`targetingKey` names the targeting key itself; mark its field `#[context(targeting_key)]`";
            return Err(Error::new_spanned(field, detail));
        }
        if !names.insert(attribute.clone()) {
            return Err(Error::new_spanned(field, format!("there is an attribute `{attribute}` already")));
        }
        self.attributes.push((attribute, part));
        Ok(())
    }
}

fn named_fields(input: &DeriveInput) -> Result<impl Iterator<Item = &Field>> {
    let refused = |what: &str| {
        let detail =
            format!("EvaluationContext can be derived for a struct with named fields, not for {what}");
        Err(Error::new_spanned(&input.ident, detail))
    };
    match &input.data {
        Data::Struct(it) => match &it.fields {
            Fields::Named(fields) => Ok(fields.named.iter()),
            Fields::Unnamed(_) => refused("a tuple struct"),
            Fields::Unit => refused("a unit struct"),
        },
        Data::Enum(_) => refused("an enum"),
        Data::Union(_) => refused("a union"),
    }
}

#[derive(Default)]
struct Marks {
    targeting_key: bool,
    skip: bool,
    rename: Option<LitStr>,
}

impl Marks {
    fn read(field: &Field) -> Result<Marks> {
        let mut marks = Marks::default();
        for attribute in field.attrs.iter().filter(|it| it.path().is_ident("context")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("targeting_key") {
                    marks.targeting_key = true;
                } else if meta.path.is_ident("skip") {
                    marks.skip = true;
                } else if meta.path.is_ident("rename") {
                    let name: LitStr = meta.value()?.parse()?;
                    if name.value().is_empty() {
                        return Err(Error::new(name.span(), "an attribute has a name"));
                    }
                    marks.rename = Some(name);
                } else {
                    return Err(meta.error("expected `targeting_key`, `rename = \"…\"` or `skip`"));
                }
                Ok(())
            })?;
        }
        if marks.skip && (marks.targeting_key || marks.rename.is_some()) {
            return Err(Error::new_spanned(
                field,
                "a field that is skipped has no other part in the context",
            ));
        }
        Ok(marks)
    }
}
