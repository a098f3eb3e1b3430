//! Writes the rows of a query's answer as a table for people, or as JSON or CSV for programs.
//!
//! One list of columns serves all three. JSON and CSV are written row by row; only a table waits for all rows, to align them.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width, presets};
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use crate::text::format::grouped;
use crate::text::wrap::{shortened, wrap};
use crate::text::{json, sanitize};

/// The least that is left of a column that is cut to fit.
const NARROWEST: u16 = 12;
/// Blanks between columns.
const GAP: u16 = 2;

/// How rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns; cut to a width, if there is one.
    Table {
        /// Columns of the terminal.
        width: Option<usize>,
    },
    /// One document: `{"version": 1, "<name>": [{…}, …]}`.
    Json,
    /// As RFC 4180, with plain line breaks: the first line has the names.
    Csv,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing is known.
    Nothing,
    /// Text, as somebody else wrote it.
    Text(String),
    /// A whole number.
    Count(u64),
    /// Bytes.
    Bytes(f64),
    /// Bits in a second.
    BitRate(f64),
    /// Percent.
    Percent(f64),
    /// A point in time.
    Time(Timestamp),
}

impl Value {
    /// Text; nothing, if it is empty.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    /// For people.
    fn shown(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => sanitize(text).into_owned(),
            Self::Count(count) => grouped(*count),
            Self::Bytes(bytes) => scaled(*bytes, "B"),
            Self::BitRate(bits) => scaled(*bits, "bit/s"),
            Self::Percent(percent) => format!("{percent:.0} %"),
            Self::Time(time) => whole_second(*time),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Nothing => serde_json::Value::Null,
            Self::Text(text) => text.clone().into(),
            Self::Count(count) => (*count).into(),
            Self::Bytes(number) | Self::BitRate(number) | Self::Percent(number) => number_of(*number),
            Self::Time(time) => time.to_string().into(),
        }
    }

    fn csv(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => field(text),
            other => match other.json() {
                serde_json::Value::String(text) => text,
                number => number.to_string(),
            },
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Bytes(_) | Self::BitRate(_) | Self::Percent(_))
    }
}

/// A whole number where it is one: `1024`, not `1024.0`.
fn number_of(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && (0.0..9.0e15).contains(&number) {
        // Exact: a whole number below 2^53.
        return (number as u64).into();
    }
    serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

/// A number with a prefix of the SI: `1.50 GB`, `812 kbit/s`.
pub fn scaled(number: f64, unit: &str) -> String {
    let prefixes = ["", "k", "M", "G", "T", "P", "E"];
    let (mut rest, mut place) = (number, 0);
    while rest.abs() >= 999.5 && place + 1 < prefixes.len() {
        rest /= 1000.0;
        place += 1;
    }
    let digits = match rest.abs() {
        _ if place == 0 && number.fract() == 0.0 => 0,
        small if small < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    format!("{rest:.digits$} {}{unit}", prefixes[place])
}

fn whole_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A text as a field of CSV. What a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets
/// don't show (OWASP, CSV injection).
fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    let needs_quotes = text.contains([',', '"', '\n', '\r', ';', '\t']) || text.trim() != text;
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Rows on their way out.
#[derive(Debug)]
pub struct TableWriter {
    name: &'static str,
    columns: &'static [&'static str],
    format: Format,
    rows: Vec<Vec<Value>>,
    pending: Option<String>,
    count: usize,
}

impl TableWriter {
    /// A table of this name with these columns.
    pub fn new(name: &'static str, columns: &'static [&'static str], format: Format) -> Self {
        Self { name, columns, format, rows: Vec::new(), pending: None, count: 0 }
    }

    /// How many rows it has so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The text before the first row.
    pub fn head(&self) -> Option<String> {
        match self.format {
            Format::Table { .. } => None,
            Format::Json => Some(format!("{{\"version\": 1, \"{}\": [", self.name)),
            Format::Csv => Some(self.columns.join(",")),
        }
    }

    /// Takes a row, a cell for each column; gives what can be written of it at once.
    pub fn row(&mut self, cells: Vec<Value>) -> Option<String> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        self.count += 1;
        match self.format {
            Format::Table { .. } => {
                self.rows.push(cells);
                None
            }
            Format::Json => {
                let fields = self.columns.iter().zip(&cells);
                let fields = fields.map(|(name, value)| format!("\"{name}\": {}", json::to_string(&value.json())));
                let line = format!("  {{{}}}", fields.collect::<Vec<_>>().join(", "));
                // Whether a comma follows is known when the next one comes.
                self.pending.replace(line).map(|line| line + ",")
            }
            Format::Csv => Some(cells.iter().map(Value::csv).collect::<Vec<_>>().join(",")),
        }
    }

    /// What is left to write.
    pub fn end(self) -> String {
        match self.format {
            Format::Table { width: None } => aligned(self.columns, &self.rows, None),
            Format::Table { width: Some(width) } => fitted(self.columns, self.rows, width),
            Format::Json => self.pending.map(|line| line + "\n").unwrap_or_default() + "]}\n",
            Format::Csv => String::new(),
        }
    }
}

/// A table for a terminal. Where it would be wider, each value that all rows share is shown once below it, then the task ids are
/// left out, then URLs are cut in their middle.
fn fitted(columns: &[&str], mut rows: Vec<Vec<Value>>, width: usize) -> String {
    let mut columns = columns.to_vec();
    let mut shared = Vec::new();
    let mut left_out = "";
    let width_of = |columns: &[&str], rows: &[Vec<Value>], index: usize| {
        rows.iter().map(|row| row[index].shown().width()).max().unwrap_or(0).max(columns[index].len())
    };
    let excess = |columns: &[&str], rows: &[Vec<Value>]| {
        let widths = (0..columns.len()).map(|index| width_of(columns, rows, index) + usize::from(GAP));
        widths.sum::<usize>().saturating_sub(width + usize::from(GAP))
    };
    let mut index = 0;
    while index < columns.len() {
        let is_shared = rows.len() > 1 && rows.iter().all(|row| row[index] == rows[0][index]);
        if is_shared && columns.len() > 1 && columns[index] != "url" && excess(&columns, &rows) > 0 {
            let value = rows[0][index].shown();
            if !value.is_empty() {
                shared.push(format!("{} {value}", columns[index].replace('_', " ")));
            }
            columns.remove(index);
            rows.iter_mut().for_each(|row| drop(row.remove(index)));
        } else {
            index += 1;
        }
    }
    if let Some(index) = columns.iter().position(|name| *name == "task_id").filter(|_| excess(&columns, &rows) > 0) {
        columns.remove(index);
        rows.iter_mut().for_each(|row| drop(row.remove(index)));
        left_out = "`--format csv` has the task ids";
    }
    if let Some(index) = columns.iter().position(|name| *name == "url") {
        let room = width_of(&columns, &rows, index).saturating_sub(excess(&columns, &rows));
        for row in &mut rows {
            row[index] = Value::text(shortened(&row[index].shown(), room.max(usize::from(NARROWEST))));
        }
    }
    let mut text = aligned(&columns, &rows, Some(width));
    let shared = if shared.is_empty() { String::new() } else { format!("in all rows: {}", shared.join(", ")) };
    for note in [&*shared, left_out].into_iter().filter(|note| !note.is_empty()) {
        wrap(note, width).into_iter().for_each(|line| text.push_str(&(line + "\n")));
    }
    text
}

/// Aligned columns, by what is seen. To fit `width`, text is cut: numbers and times are of no use when cut.
fn aligned(columns: &[&str], rows: &[Vec<Value>], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_truncation_indicator("…");
    // A delimiter that no cell holds: a cell is cut where its column ends, not at a word.
    table.set_delimiter('\0');
    let head = columns.iter().map(|name| name.replace('_', " ")).collect();
    let shown = rows.iter().map(|row| row.iter().map(Value::shown).collect());
    table.add_rows(std::iter::once(head).chain(shown).map(|cells: Vec<String>| {
        let mut row = Row::from(cells);
        row.max_height(1);
        row
    }));
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.try_into().unwrap_or(u16::MAX));
    }
    let widths = table.column_max_content_widths();
    for (index, column) in table.column_iter_mut().enumerate() {
        let gap = if index + 1 < columns.len() { GAP } else { 0 };
        column.set_padding((0, gap));
        let holds = |wanted: fn(&Value) -> bool| rows.iter().any(|row| wanted(&row[index]));
        if holds(Value::is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if width.is_some() {
            let narrowest = Width::Fixed(widths[index].min(NARROWEST) + gap);
            let is_fixed = holds(|value| value.is_number() || matches!(value, Value::Time(_)));
            column.set_constraint(match is_fixed {
                true => ColumnConstraint::ContentWidth,
                false => ColumnConstraint::LowerBoundary(narrowest),
            });
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: &[&str] = &["task_id", "url", "bytes"];

    fn rows() -> Vec<Vec<Value>> {
        let row = |id: &str, url: &str, bytes| vec![Value::text(id), Value::text(url), bytes];
        vec![
            row("1", "https://www.example.com/a", Value::Bytes(1_500_000.0)),
            row("22", "https://www.example.com/新年快乐", Value::Bytes(12.0)),
            row("", "=HYPERLINK(\"x\"),b", Value::Nothing),
        ]
    }

    fn written(format: Format, rows: Vec<Vec<Value>>) -> String {
        let mut table = TableWriter::new("records", COLUMNS, format);
        let mut lines: Vec<String> = table.head().into_iter().collect();
        lines.extend(rows.into_iter().filter_map(|row| table.row(row)));
        let end = table.end();
        lines.iter().map(|line| format!("{line}\n")).collect::<String>() + &end
    }

    #[test]
    fn a_table_is_aligned_by_what_is_seen_and_cut_to_the_terminal() {
        assert_eq!(
            written(Format::Table { width: None }, rows()),
            "task id  url                                 bytes
1        https://www.example.com/a         1.50 MB
22       https://www.example.com/新年快乐     12 B
         =HYPERLINK(\"x\"),b
"
        );
        let narrow = written(Format::Table { width: Some(36) }, rows());
        assert!(narrow.lines().all(|line| line.width() <= 36), "{narrow}");
        insta::assert_snapshot!(narrow, @r#"
        url                            bytes
        https://www.example.com/a    1.50 MB
        https://www.e….com/新年快乐     12 B
        =HYPERLINK("x"),b
        `--format csv` has the task ids
        "#);
        assert!(narrow.contains("`--format csv` has the task ids") && !narrow.contains("22 "), "{narrow}");
    }

    #[test]
    fn what_all_rows_share_is_shown_once_where_a_table_is_too_wide() {
        let columns = &["target", "url", "task_id"];
        let row = |page: &str| {
            let url = format!("https://www.example.com/blog/2026/{page}.html");
            vec![Value::text("mainland"), Value::text(url), Value::text("18392588710")]
        };
        insta::assert_snapshot!(fitted(columns, vec![row("first"), row("second")], 50), @"
        url
        https://www.example.com/blog/2026/first.html
        https://www.example.com/blog/2026/second.html
        in all rows: target mainland, task id 18392588710
        ");
        insta::assert_snapshot!(fitted(columns, vec![row("first"), row("second")], 90), @"
        target    url                                            task id
        mainland  https://www.example.com/blog/2026/first.html   18392588710
        mainland  https://www.example.com/blog/2026/second.html  18392588710
        ");
    }

    #[test]
    fn csv_quotes_what_it_must_and_disarms_formulas() {
        assert_eq!(
            written(Format::Csv, rows()),
            "task_id,url,bytes
1,https://www.example.com/a,1500000
22,https://www.example.com/新年快乐,12
,\"'=HYPERLINK(\"\"x\"\"),b\",
"
        );
        for (text, expected) in
            [("a\nb", "\"a\nb\""), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "\"'\tx\""), (" a", "\" a\"")]
        {
            assert_eq!(field(text), expected);
        }
    }

    #[test]
    fn json_is_one_document_whose_numbers_are_numbers() {
        let document: serde_json::Value = serde_json::from_str(&written(Format::Json, rows())).unwrap();
        assert_eq!(document["version"], 1);
        assert_eq!(
            document["records"][0],
            serde_json::json!({"task_id": "1", "url": "https://www.example.com/a", "bytes": 1_500_000})
        );
        assert_eq!(document["records"][2]["task_id"], serde_json::Value::Null);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written(Format::Json, Vec::new())).unwrap()["records"],
            serde_json::json!([])
        );
    }

    #[test]
    fn numbers_are_scaled_to_three_digits() {
        let formatted = [0.0, 12.0, 999.0, 1_000.0, 1_536.0, 999_499.0, 999_600.0, 12_345_678.0, 1.0e21, 0.25];
        let formatted = formatted.map(|number| scaled(number, "B"));
        assert_eq!(
            formatted,
            ["0 B", "12 B", "999 B", "1.00 kB", "1.54 kB", "999 kB", "1.00 MB", "12.3 MB", "1000 EB", "0.25 B"]
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_json_after_sanitizing(text in r"(##\[|::|\PC|\n|\x1b|\u{202e}|\[|\\){0,12}") {
            let row = vec![Value::Text(text.clone()), Value::Nothing, Value::Nothing];
            let printed: String = written(Format::Json, vec![row]).lines().map(|line| sanitize(line).into_owned()).collect();
            let document: serde_json::Value = serde_json::from_str(&printed).unwrap();
            prop_assert_eq!(document["records"][0]["task_id"].as_str().unwrap(), text);
        }

        #[test]
        fn no_table_is_wider_than_its_terminal(urls in proptest::collection::vec(r"\PC{0,60}", 1..5), width in 50_usize..120) {
            let rows = urls.iter().map(|url| vec![Value::text("id"), Value::text(url), Value::Count(7)]).collect();
            let table = written(Format::Table { width: Some(width) }, rows);
            prop_assert!(table.lines().all(|line| line.width() <= width), "{}", table);
        }
    }
}
