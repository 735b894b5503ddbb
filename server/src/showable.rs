//! Text of others that people are shown, also on a terminal.

/// Whether a character does something to the text around it instead of standing there: a control character, or one that
/// turns the direction of writing, by which a name could be made to read as another.
pub(crate) fn is_hidden(one: char) -> bool {
    let turns = matches!(one, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    one.is_control() || turns
}

/// The character, or one that stands for it.
pub(crate) fn clean(one: char) -> char {
    if is_hidden(one) { char::REPLACEMENT_CHARACTER } else { one }
}

/// A name as it can be stored and shown: without space around it, at most `longest` characters, and nothing in it that
/// does anything to the text around it. `None` when nothing is left.
pub(crate) fn name(text: &str, longest: usize) -> Option<String> {
    let name: String = text.trim().chars().take(longest).map(clean).collect();
    (!name.is_empty()).then_some(name)
}
