//! What an application's own types need to take part in evaluations.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

/// A type that can be the targeting key of a derived context: text, or an `Option` of it.
///
/// An application implements it for its own identifiers. It borrows, because no text is built per evaluation: an
/// identifier that is a number keeps its text next to it.
///
/// ```
/// struct UserId(String);
///
/// impl hoist::TargetingKey for UserId {
///     fn as_targeting_key(&self) -> Option<&str> {
///         Some(&self.0)
///     }
/// }
///
/// #[derive(hoist::EvaluationContext)]
/// struct User {
///     #[context(targeting_key)]
///     id: UserId,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the targeting key of a context",
    label = "a targeting key is text, such as `String` or `Option<String>`",
    note = "rollouts hash the key's text: keep an identifier of another type as text, or implement `hoist::TargetingKey`"
)]
pub trait TargetingKey {
    /// The key; none when the context is anonymous.
    fn as_targeting_key(&self) -> Option<&str>;
}

macro_rules! text {
    ($($of_type:ty),*) => {$(
        impl TargetingKey for $of_type {
            fn as_targeting_key(&self) -> Option<&str> {
                Some(self)
            }
        }
    )*};
}

text!(str, String, Box<str>, Arc<str>, Rc<str>, Cow<'_, str>);

impl<T: TargetingKey> TargetingKey for Option<T> {
    fn as_targeting_key(&self) -> Option<&str> {
        self.as_ref().and_then(T::as_targeting_key)
    }
}

impl<T: TargetingKey + ?Sized> TargetingKey for &T {
    fn as_targeting_key(&self) -> Option<&str> {
        (**self).as_targeting_key()
    }
}

/// What the derive refuses at compile time.
///
/// A field whose type is no attribute:
/// ```compile_fail,E0277
/// #[derive(hoist::EvaluationContext)]
/// struct User {
///     joined: std::time::Instant,
/// }
/// ```
/// A targeting key that is no text:
/// ```compile_fail,E0277
/// #[derive(hoist::EvaluationContext)]
/// struct User {
///     #[context(targeting_key)]
///     id: u64,
/// }
/// ```
/// Anything without named fields, or two attributes of one name:
/// ```compile_fail
/// #[derive(hoist::EvaluationContext)]
/// enum User {
///     Anonymous,
/// }
/// ```
/// ```compile_fail
/// #[derive(hoist::EvaluationContext)]
/// struct User {
///     plan: String,
///     #[context(rename = "plan")]
///     tariff: String,
/// }
/// ```
#[cfg(doctest)]
struct Refused;
