//! The fuzzer's bytes as a row of choices.

use serde_json::{Number, Value};

use crate::golden::GOLDEN;

/// Bytes that choose; when they have run out, the first of everything is chosen.
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number below another, which is at most 65,536.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let number =
            if bound > 256 { u16::from_le_bytes(self.bytes()).into() } else { usize::from(self.byte()) };
        number % bound.max(1)
    }

    pub(crate) fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// A text: mostly one that means something in the golden cases.
    pub(crate) fn text(&mut self) -> String {
        if self.below(4) > 0 {
            return self.one(&GOLDEN.words).clone();
        }
        let length = self.below(24).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// A number of any size, also one that JSON cannot write.
    pub(crate) fn number(&mut self) -> f64 {
        match self.below(4) {
            0 => f64::from(self.byte()) - 1.0,
            1 => f64::from(u32::from_le_bytes(self.bytes())) / 1_000.0,
            2 => f64::from_le_bytes(self.bytes()),
            _ => *self.one(&[
                0.1,
                -0.0,
                100.0,
                100_000.0,
                99.9995,
                9_007_199_254_740_993.0,
                f64::NAN,
                f64::INFINITY,
            ]),
        }
    }

    /// Any JSON value, mostly a small one.
    pub(crate) fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth > 0 { 9 } else { 6 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) > 0),
            2 => Number::from_f64(self.number()).map_or(Value::Null, Value::Number),
            3 => Value::from(i64::from_le_bytes(self.bytes()) >> self.below(64)),
            4 => Value::String(self.text()),
            5 | 6 => self.one(&GOLDEN.parts).clone(),
            7 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => Value::Object((0..self.below(4)).map(|_| (self.text(), self.json(depth - 1))).collect()),
        }
    }
}
