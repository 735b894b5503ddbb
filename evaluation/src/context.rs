//! Who is asking: the targeting key and attributes that conditions look at.
//!
//! [`EvaluationContext`] is what evaluation reads from. It borrows, so an application's own struct can be a context
//! without a map being built for each request. [`Context`] is the owned form, as it comes over the wire.

mod attribute;
mod owned;

pub use attribute::{AsAttribute, Attribute, AttributeList};
pub use owned::{AttributeValue, Context};

/// The name under which conditions and `bucket_by` ask for the targeting key.
pub(crate) const TARGETING_KEY: &str = "targetingKey";

/// What an evaluation can know about the one it is for.
pub trait EvaluationContext {
    /// The key that identifies whom the evaluation is for; it is what rollouts and splits hash unless they say
    /// otherwise.
    fn targeting_key(&self) -> Option<&str>;

    /// An attribute by name, none when there is none. It need not answer for `targetingKey`: evaluation asks
    /// [`EvaluationContext::targeting_key`] for that.
    fn attribute(&self, name: &str) -> Option<Attribute<'_>>;
}

impl EvaluationContext for str {
    fn targeting_key(&self) -> Option<&str> {
        Some(self)
    }

    fn attribute(&self, _name: &str) -> Option<Attribute<'_>> {
        None
    }
}

impl EvaluationContext for String {
    fn targeting_key(&self) -> Option<&str> {
        Some(self)
    }

    fn attribute(&self, _name: &str) -> Option<Attribute<'_>> {
        None
    }
}

impl<T: EvaluationContext + ?Sized> EvaluationContext for &T {
    fn targeting_key(&self) -> Option<&str> {
        (**self).targeting_key()
    }

    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        (**self).attribute(name)
    }
}
