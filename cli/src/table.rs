//! Calm tables: a quiet heading, columns held apart by space alone.

use comfy_table::{Attribute, Cell as Field, Color, ContentArrangement, Row, presets};

use crate::print::Tone;

/// Narrower than this is no terminal that a table can be fitted to, or one that does not tell its width.
const NARROWEST: u16 = 40;

/// One field of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn tone(&self) -> Tone {
        self.tone
    }

    fn field(self, colours: bool) -> Field {
        let field = Field::new_owned(self.text);
        if !colours {
            return field;
        }
        match self.tone {
            Tone::Plain => field,
            Tone::Strong => field.add_attribute(Attribute::Bold),
            Tone::Good => field.fg(Color::DarkGreen),
            Tone::Partly => field.fg(Color::DarkYellow),
            Tone::Bad => field.fg(Color::DarkRed),
            Tone::Quiet => field.add_attribute(Attribute::Dim),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        Self { headings: headings.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text. On a terminal it is fitted to the width; elsewhere a row stays on its line.
    pub(crate) fn render(self, colours: bool) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        if table.width().is_some_and(|width| width >= NARROWEST) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        if colours {
            table.enforce_styling().style_text_only();
        }
        let heading = |text: String| Cell::new(text.to_uppercase(), Tone::Quiet).field(colours);
        table.set_header(Row::from(self.headings.into_iter().map(heading)));
        for row in self.rows {
            table.add_row(Row::from(row.into_iter().map(|cell| cell.field(colours))));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_without_borders_or_trailing_space() {
        let mut table = Table::new(["key", "state"]);
        table.row(["a".into(), Cell::new("on", Tone::Good)]);
        table.row(["dashboard_v2".into(), "12.5 %".into()]);
        assert_eq!(table.render(false), "KEY           STATE\na             on\ndashboard_v2  12.5 %");
    }

    #[test]
    fn colours_appear_only_when_asked_for() {
        let table = || {
            let mut table = Table::new(["key"]);
            table.row([Cell::new("on", Tone::Strong)]);
            table
        };
        assert!(!table().render(false).contains('\u{1b}'));
        assert!(table().render(true).contains("\u{1b}[1mon"));
    }
}
