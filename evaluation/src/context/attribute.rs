//! Attributes as evaluation sees them: borrowed, and of four types.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The value of an attribute, borrowed from the context.
#[derive(Clone, Copy)]
pub enum Attribute<'a> {
    /// A text.
    String(&'a str),
    /// A number; all numbers compare as doubles.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Several values, any of which may satisfy a condition. A list within a list satisfies none.
    List(&'a dyn AttributeList),
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::String(text) => text.fmt(formatter),
            Attribute::Number(number) => number.fmt(formatter),
            Attribute::Boolean(boolean) => boolean.fmt(formatter),
            Attribute::List(list) => {
                let mut output = formatter.debug_list();
                list.any(&mut |element| {
                    output.entry(&element);
                    false
                });
                output.finish()
            }
        }
    }
}

/// A list of attribute values that can be asked whether one of them satisfies a test.
pub trait AttributeList {
    /// Whether any element satisfies the test; stops at the first that does.
    fn any(&self, test: &mut dyn FnMut(Attribute<'_>) -> bool) -> bool;
}

/// Something that can stand as an attribute's value.
pub trait AsAttribute {
    /// The value as an attribute, none when it is absent.
    fn as_attribute(&self) -> Option<Attribute<'_>>;
}

impl AsAttribute for str {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        Some(Attribute::String(self))
    }
}

macro_rules! texts {
    ($($text:ty),*) => { $(
        impl AsAttribute for $text {
            fn as_attribute(&self) -> Option<Attribute<'_>> {
                Some(Attribute::String(self))
            }
        }
    )* };
}

texts!(String, Box<str>, Arc<str>, Cow<'_, str>);

impl AsAttribute for bool {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        Some(Attribute::Boolean(*self))
    }
}

macro_rules! small_numbers {
    ($($number:ty),*) => { $(
        impl AsAttribute for $number {
            fn as_attribute(&self) -> Option<Attribute<'_>> {
                Some(Attribute::Number(f64::from(*self)))
            }
        }
    )* };
}

small_numbers!(i8, i16, i32, u8, u16, u32, f32, f64);

macro_rules! large_numbers {
    ($($number:ty),*) => { $(
        impl AsAttribute for $number {
            fn as_attribute(&self) -> Option<Attribute<'_>> {
                #[expect(clippy::cast_precision_loss, reason = "numbers are doubles, exact up to 2^53")]
                let number = *self as f64;
                Some(Attribute::Number(number))
            }
        }
    )* };
}

large_numbers!(i64, u64, isize, usize);

impl<T: AsAttribute> AsAttribute for Option<T> {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        self.as_ref().and_then(AsAttribute::as_attribute)
    }
}

impl<T: AsAttribute + ?Sized> AsAttribute for &T {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        (**self).as_attribute()
    }
}

impl<T: AsAttribute> AsAttribute for Vec<T> {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        Some(Attribute::List(self))
    }
}

impl<T: AsAttribute> AsAttribute for &[T] {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        Some(Attribute::List(self))
    }
}

impl<T: AsAttribute, const N: usize> AsAttribute for [T; N] {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        Some(Attribute::List(self))
    }
}

impl<T: AsAttribute> AttributeList for Vec<T> {
    fn any(&self, test: &mut dyn FnMut(Attribute<'_>) -> bool) -> bool {
        self.iter().filter_map(AsAttribute::as_attribute).any(test)
    }
}

impl<T: AsAttribute> AttributeList for &[T] {
    fn any(&self, test: &mut dyn FnMut(Attribute<'_>) -> bool) -> bool {
        self.iter().filter_map(AsAttribute::as_attribute).any(test)
    }
}

impl<T: AsAttribute, const N: usize> AttributeList for [T; N] {
    fn any(&self, test: &mut dyn FnMut(Attribute<'_>) -> bool) -> bool {
        self.iter().filter_map(AsAttribute::as_attribute).any(test)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, AsAttribute, Cow};

    fn check(value: impl AsAttribute, expected: &str) {
        let seen = value.as_attribute().map(|attribute| format!("{attribute:?}"));
        assert_eq!(seen.as_deref().unwrap_or("absent"), expected);
    }

    #[test]
    fn rust_values_stand_as_attributes() {
        check("a", "\"a\"");
        check(String::from("a"), "\"a\"");
        check(Cow::Borrowed("a"), "\"a\"");
        check(Arc::<str>::from("a"), "\"a\"");
        check(Box::<str>::from("a"), "\"a\"");
        check(true, "true");
        check(-3_i8, "-3.0");
        check(7_u64, "7.0");
        check(2.5_f32, "2.5");
        check(None::<String>, "absent");
        check(Some(&Some("a")), "\"a\"");
        check(vec![Some("a"), None, Some("b")], "[\"a\", \"b\"]");
        check(&[1_i32, 2][..], "[1.0, 2.0]");
        check([[true], [false]], "[[true], [false]]");
    }
}
