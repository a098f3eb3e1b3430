//! Reads the keys at the top of a TOML document, up to its first table: texts, lists of texts, and other values as they are
//! written.
//!
//! A whole parser would make the program two percent larger for a few keys of a page.

/// Lists and tables inside each other.
const MOST_DEPTH: usize = 32;
/// Values, nested ones included.
const MOST_VALUES: usize = 4096;

/// The keys of a document's beginning with their values.
pub(super) fn read(text: &str) -> Result<Vec<(String, Value)>, String> {
    let mut reader = Reader { text, rest: text, values: 0 };
    let mut entries = Vec::new();
    loop {
        reader.skip_blank();
        if reader.rest.is_empty() || reader.rest.starts_with('[') {
            return Ok(entries);
        }
        let entry = reader.pair().ok_or_else(|| reader.problem())?;
        entries.extend(entry);
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    values: usize,
}

/// A value of TOML.
pub(super) enum Value {
    /// A string, or another value as it is written.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An inline table, whose values count for nothing.
    Table,
}

impl Reader<'_> {
    fn problem(&self) -> String {
        let read = &self.text[..self.text.len() - self.rest.len()];
        // The document begins in the file's second line.
        format!("line {} can't be read as TOML", read.matches('\n').count() + 2)
    }

    /// Skips white space, line ends and comments.
    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// A key with its value. A key with a dot is one of a table, and counts for nothing.
    fn pair(&mut self) -> Option<Option<(String, Value)>> {
        let key = self.key()?;
        self.skip_space();
        let mut is_nested = false;
        while self.take(".").is_some() {
            is_nested = true;
            self.skip_space();
            self.key()?;
            self.skip_space();
        }
        self.take("=")?;
        self.skip_space();
        let value = self.value(0)?;
        self.skip_space();
        let ends = self.rest.is_empty() || self.rest.starts_with(['\n', '\r', '#']);
        ends.then_some((!is_nested).then_some((key, value)))
    }

    fn key(&mut self) -> Option<String> {
        if self.rest.starts_with(['"', '\'']) {
            return self.string();
        }
        let is_bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        let length = self.rest.find(|letter| !is_bare(letter)).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!key.is_empty()).then(|| key.to_owned())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.values += 1;
        if depth > MOST_DEPTH || self.values > MOST_VALUES {
            return None;
        }
        match self.rest.chars().next()? {
            '"' | '\'' => self.string().map(Value::Text),
            '[' => self.list(depth).map(Value::List),
            '{' => self.table(depth),
            _ => {
                let length = self.rest.find([',', ']', '}', '#', '\n', '\r']).unwrap_or(self.rest.len());
                let (value, rest) = self.rest.split_at(length);
                self.rest = rest;
                let value = value.trim_end();
                (!value.is_empty()).then(|| Value::Text(value.to_owned()))
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Value>> {
        self.take("[")?;
        let mut items = Vec::new();
        loop {
            self.skip_blank();
            if self.take("]").is_some() {
                return Some(items);
            }
            items.push(self.value(depth + 1)?);
            self.skip_blank();
            if self.take(",").is_none() && !self.rest.starts_with(']') {
                return None;
            }
        }
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        self.take("{")?;
        loop {
            self.skip_blank();
            if self.take("}").is_some() {
                return Some(Value::Table);
            }
            self.key()?;
            self.skip_space();
            while self.take(".").is_some() {
                self.key()?;
                self.skip_space();
            }
            self.take("=")?;
            self.skip_space();
            self.value(depth + 1)?;
            self.skip_blank();
            if self.take(",").is_none() && !self.rest.starts_with('}') {
                return None;
            }
        }
    }

    /// A string in one of the four forms.
    fn string(&mut self) -> Option<String> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.rest.starts_with(quote))?;
        self.take(quote)?;
        let is_long = quote.len() == 3;
        if is_long {
            self.rest = self.rest.strip_prefix("\r\n").or(self.rest.strip_prefix('\n')).unwrap_or(self.rest);
        }
        let mut text = String::new();
        loop {
            if self.rest.starts_with(quote) {
                // Up to two quotes may come right before the three that end it.
                if is_long && self.rest[1..].starts_with(quote) {
                    text.push_str(&self.rest[..1]);
                    self.rest = &self.rest[1..];
                    continue;
                }
                self.take(quote)?;
                return Some(text);
            }
            let mut letters = self.rest.chars();
            match letters.next()? {
                '\n' | '\r' if !is_long => return None,
                '\\' if quote.starts_with('"') => {
                    self.rest = letters.as_str();
                    text.extend(self.escape(is_long)?);
                }
                letter => {
                    text.push(letter);
                    self.rest = letters.as_str();
                }
            }
        }
    }

    /// The character of an escape after its `\`; none at a line's end, whose white space is dropped.
    fn escape(&mut self, is_long: bool) -> Option<Option<char>> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        let rest = letters.as_str();
        let plain = match letter {
            'b' => '\u{8}',
            't' => '\t',
            'n' => '\n',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            '"' => '"',
            '\\' => '\\',
            'x' | 'u' | 'U' => {
                let length = match letter {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let digits =
                    rest.get(..length).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
                self.rest = &rest[length..];
                return char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(Some);
            }
            space if is_long && space.is_whitespace() => {
                let line = self.rest.trim_start_matches([' ', '\t', '\r']);
                self.rest = line.strip_prefix('\n')?.trim_start();
                return Some(None);
            }
            _ => return None,
        };
        self.rest = rest;
        Some(Some(plain))
    }
}
