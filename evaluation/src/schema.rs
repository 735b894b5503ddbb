//! OpenAPI schemas of the types whose JSON form is written by hand.

use std::borrow::Cow;

use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::{Percentage, Reason, Serve, Split, Variants};

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

impl PartialSchema for Percentage {
    fn schema() -> RefOr<Schema> {
        let number = of(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)));
        number
            .minimum(Some(0))
            .maximum(Some(100))
            .multiple_of(Some(0.001))
            .description(Some("A percentage with at most three decimals"))
            .into()
    }
}

impl ToSchema for Percentage {
    fn name() -> Cow<'static, str> {
        "Percentage".into()
    }
}

impl PartialSchema for Variants {
    fn schema() -> RefOr<Schema> {
        of(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .description(Some(
                "Variants in order: key to value. A list of `{\"key\", \"value\"}` is read too, for clients whose \
                 maps lose their order",
            ))
            .examples([serde_json::json!({"on": true, "off": false})])
            .into()
    }
}

impl ToSchema for Variants {
    fn name() -> Cow<'static, str> {
        "Variants".into()
    }
}

impl PartialSchema for Serve {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(of(Type::String).description(Some("The key of the one variant that is served")))
            .item(Ref::from_schema_name(Split::name()))
            .description(Some("One variant, or a split of variants"))
            .into()
    }
}

impl ToSchema for Serve {
    fn name() -> Cow<'static, str> {
        "Serve".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Split::name().into_owned(), Split::schema()));
        Split::schemas(schemas);
    }
}

impl PartialSchema for Reason {
    fn schema() -> RefOr<Schema> {
        let names = [
            Reason::Static,
            Reason::TargetingMatch,
            Reason::Split,
            Reason::Default,
            Reason::Disabled,
            Reason::PrerequisiteFailed,
            Reason::Error(crate::ErrorCode::General),
        ];
        of(Type::String).enum_values(Some(names.map(Reason::as_str))).into()
    }
}

impl ToSchema for Reason {
    fn name() -> Cow<'static, str> {
        "Reason".into()
    }
}
