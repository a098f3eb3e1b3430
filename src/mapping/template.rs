//! URL templates: literal text with placeholders.
//!
//! The scheme and the host are always spelled out, and a placeholder can only fill a place after them, so that no file
//! name ever decides where a request goes. What the template itself spells is taken as it is.

use std::ops::Range;

use super::encoding::{self, Encoded, Part};
use super::placeholder::{Placeholder, TemplateContext};
use super::url;

/// A parsed template: `https://www.example.com/{tail}`.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    highest_capture: Option<(usize, Range<usize>)>,
    /// The text's length: a URL is about as long.
    length: usize,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The bytes of the template's text to blame.
    pub span: Range<usize>,
    /// Lowercase fragment: `unknown placeholder \`{pth}\``.
    pub message: String,
    /// What to do: `did you mean \`{path}\`?`.
    pub help: Option<String>,
}

/// How the placeholders of a template are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The characters that are percent-encoded.
    pub(super) encoded: Encoded,
    /// The template is a regular expression.
    pub(super) expression: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Box<str>),
    Value {
        placeholder: Placeholder,
        /// After a `?`.
        in_query: bool,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Every problem in it: unknown placeholders (with the nearest known name), unclosed braces, no scheme or host, what
    /// no URL may contain.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateProblem>> {
        Self::read(text, None, false)
    }

    /// Reads the template of a regular expression, in whose host the dots may be escaped: `https://www\.example\.com/{dir}/.*`.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_expression(text: &str) -> Result<Self, Vec<TemplateProblem>> {
        Self::read(text, None, true)
    }

    /// Reads the template of a cache tag's URL: `https://www.example.com/#product-{stem}`. The value of a placeholder is
    /// percent-encoded as in a query: a file's name can't become two tags.
    ///
    /// # Errors
    /// As [`Template::parse`], and anything but one tag right after a host.
    pub fn parse_tag(text: &str) -> Result<Self, Vec<TemplateProblem>> {
        let path = url::authority(text).map_or(0, |(_, path)| path);
        if !text.starts_with("https://") || !text[path..].starts_with("/#") || text.ends_with("/#") {
            let help = "write the host, `/#` and the tag: `https://www.example.com/#product-{stem}`";
            return Err(vec![problem(0..text.len(), "this isn't the URL of a tag", help)]);
        }
        Self::read(text, Some(path + 1), false)
    }

    /// Reads the template of a directory's URL. A file's own name at its end would name a directory that doesn't exist.
    ///
    /// # Errors
    /// As [`Template::parse`], and a file's whole name at the end.
    pub fn parse_directory(text: &str) -> Result<Self, Vec<TemplateProblem>> {
        let template = Self::read(text, None, false)?;
        let path = text.split_once('?').map_or(text, |(path, _)| path).trim_end_matches('/');
        let Some(name) = ["{path}", "{tail}", "{name}"].into_iter().find(|name| path.ends_with(name)) else {
            return Ok(template);
        };
        let help = "end it in `{dir}/`, in `{stem}/` where a page `about.md` is served as `/about/`, or in a number like `{1}/`";
        Err(vec![problem(path.len() - name.len()..path.len(), "a file's own name, which is no directory", help)])
    }

    /// `tag`: the place of the `#` before a tag.
    fn read(text: &str, tag: Option<usize>, expression: bool) -> Result<Self, Vec<TemplateProblem>> {
        let mut problems = Vec::new();
        let path = match begin(text, expression) {
            Ok(path) => path,
            Err(problem) => {
                problems.push(problem);
                0
            }
        };
        // Only in an expression a `\` is an escape; in a query it is itself.
        let plain_path = match text[path..].find('?') {
            _ if expression || path == 0 || tag.is_some() => 0..0,
            query => path..query.map_or(text.len(), |query| path + query),
        };
        check_characters(text, tag, &plain_path, &mut problems);
        if !expression && let Some((span, message, help)) = url::more_than_one(text) {
            problems.push(problem(span, message, help));
        }
        if let Some(start) = text.find("${").filter(|start| !expression && !text[start + 2..].starts_with('{')) {
            let help = "drop it: a placeholder is `{tail}` alone; for a plain `$` write `%24`";
            problems.push(problem(start..start + 1, "a `$` before a placeholder, as a shell has it", help));
        }
        let in_query = tag.is_some();
        let mut reader = Reader { text, literal: String::new(), pieces: Vec::new(), in_query, highest: None };
        reader.read(path, &mut problems);
        if problems.is_empty() {
            Ok(Self { pieces: reader.pieces, highest_capture: reader.highest, length: text.len() })
        } else {
            problems.sort_by_key(|problem| problem.span.start);
            Err(problems)
        }
    }

    /// The highest numbered placeholder, `{1}`…`{9}`, with its place in the text; `None` without one.
    pub fn highest_capture(&self) -> Option<(usize, Range<usize>)> {
        self.highest_capture.clone()
    }

    /// Whether it gives the same URL for every file.
    pub(super) fn is_constant(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// The host of every URL that it gives, without a port; of a regular expression only if there is one alone.
    pub(super) fn host(&self, expression: bool) -> Option<String> {
        let spelled = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.to_string()),
            Piece::Value { .. } => None,
        };
        let spelled: String = self.pieces.iter().filter_map(spelled).collect();
        if expression { url::host_of_pattern(&spelled) } else { url::host(&spelled).map(str::to_owned) }
    }

    /// The URL of a file. A `/` after a placeholder without a value is dropped, so that `{dir}/{name}` at
    /// the root is no `//name`.
    pub(super) fn render(&self, context: &TemplateContext<'_>, form: Form) -> String {
        let mut url = String::with_capacity(self.length + 64);
        let mut nothing_before = false;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => {
                    let text = if nothing_before { text.strip_prefix('/').unwrap_or(text) } else { text };
                    url.push_str(text);
                    nothing_before = false;
                }
                Piece::Value { placeholder, in_query } => {
                    let value = context.value(*placeholder);
                    let part = match (form.expression, in_query) {
                        (true, _) => Part::Expression,
                        (false, true) => Part::Query,
                        (false, false) => Part::Path,
                    };
                    encoding::append(&mut url, value, part, form.encoded);
                    nothing_before = value.is_empty() && !in_query && url.ends_with('/');
                }
            }
        }
        url.shrink_to_fit();
        url
    }
}

/// Checks the scheme and the host; where the path begins.
fn begin(text: &str, expression: bool) -> Result<usize, TemplateProblem> {
    let problem =
        |span, message: &str, help: String| TemplateProblem { span, message: message.into(), help: Some(help) };
    if text.is_empty() {
        return Err(problem(0..0, "an empty URL", "write one such as `https://www.example.com/{tail}`".into()));
    }
    let Some((span, path)) = url::authority(text) else {
        let looks_like_a_host = text.split(['/', '{']).next().is_some_and(|start| start.contains('.'));
        let help = match text.split_once("://") {
            Some((_, rest)) => format!("write `https://{rest}`"),
            None if looks_like_a_host => format!("write `https://{text}`"),
            None => format!("write it whole: `https://www.example.com/{}`", text.trim_start_matches('/')),
        };
        return Err(problem(0..text.len(), "a URL begins with `https://` or `http://`", help));
    };
    if text[span.clone()].contains(['{', '}']) {
        return Err(problem(
            span,
            "a placeholder in the host",
            "write the host out, and begin the path with `/`: `https://www.example.com/{tail}`".into(),
        ));
    }
    let authority = &text[span.clone()];
    let authority = if expression { authority.replace("\\.", ".") } else { authority.to_owned() };
    match url::check_authority(&authority) {
        Ok(()) => Ok(path),
        Err((message, help)) => Err(problem(span, &message, help)),
    }
}

/// Checks for characters that no URL may contain. `tag` is the place of the `#` before a tag, `plain_path` that of a path that
/// is no expression.
fn check_characters(text: &str, tag: Option<usize>, plain_path: &Range<usize>, problems: &mut Vec<TemplateProblem>) {
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        let (message, help) = match character {
            '#' if tag == Some(start) => continue,
            ',' if tag.is_some_and(|tag| start > tag) => {
                ("a comma in a tag", "write each tag as a template of its own")
            }
            '#' => ("a fragment", "no server ever sees what follows a `#`: remove it, or write `%23` for a plain `#`"),
            '%' if !url::is_escape(&text.as_bytes()[start..]) => {
                ("a `%` without two hexadecimal digits", "write `%25` for a plain `%`")
            }
            '\\' if plain_path.contains(&start) => {
                ("a `\\` in a path", "clients read it as `/`: write `/`, or `%5C` for a plain `\\`")
            }
            _ if character.is_whitespace() => ("white space in a URL", "write `%20` for a space"),
            _ if character.is_control() => ("a control character in a URL", "remove it"),
            _ => continue,
        };
        problems.push(TemplateProblem { span: start..end, message: message.into(), help: Some(help.into()) });
    }
}

/// Takes a template's text apart.
struct Reader<'t> {
    text: &'t str,
    /// The literal that is being read.
    literal: String,
    pieces: Vec<Piece>,
    in_query: bool,
    highest: Option<(usize, Range<usize>)>,
}

impl Reader<'_> {
    /// `path` is where the path begins; before it, everything is literal.
    fn read(&mut self, path: usize, problems: &mut Vec<TemplateProblem>) {
        self.literal.push_str(&self.text[..path]);
        if path > 0 && !self.text[path..].starts_with('/') {
            self.literal.push('/');
        }
        let mut at = path;
        while let Some(character) = self.text[at..].chars().next() {
            let rest = &self.text[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                if let Some(name) = doubled(rest) {
                    let help = format!("write `{{{name}}}`; for plain text `%7B{name}%7D`");
                    problems.push(problem(at..at + name.len() + 4, "a placeholder in doubled braces", help));
                }
                self.literal.push(character);
                at += 2;
            } else if character == '{' {
                at = self.placeholder(at, problems);
            } else {
                if character == '}' {
                    problems.push(problem(at..at + 1, "`}` without `{`", "write `}}` for a plain brace"));
                }
                self.in_query |= character == '?';
                self.literal.push(character);
                at += character.len_utf8();
            }
        }
        self.end_literal();
    }

    /// Reads the placeholder at a `{`; returns where it ends.
    fn placeholder(&mut self, open: usize, problems: &mut Vec<TemplateProblem>) -> usize {
        let rest = &self.text[open + 1..];
        let name = match rest.find(['{', '}']) {
            Some(length) if rest[length..].starts_with('}') => &rest[..length],
            _ => {
                let end = rest.find(['{', '/']).map_or(self.text.len(), |length| open + 1 + length);
                problems.push(problem(open..end, "unclosed `{`", "close it with `}`, or write `{{` for a plain brace"));
                return end;
            }
        };
        let span = open..open + 1 + name.len() + 1;
        let end = span.end;
        match Placeholder::named(name) {
            Some(placeholder) => {
                if let Placeholder::Wildcard(number) = placeholder
                    && self.highest.as_ref().is_none_or(|(highest, _)| *highest < number.into())
                {
                    self.highest = Some((number.into(), span));
                }
                self.end_literal();
                self.pieces.push(Piece::Value { placeholder, in_query: self.in_query });
            }
            None => problems.push(problem(span, format!("unknown placeholder `{{{name}}}`"), nearest(name))),
        }
        end
    }

    fn end_literal(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(std::mem::take(&mut self.literal).into()));
        }
    }
}

/// The name of a placeholder in doubled braces, as other template languages write them: `{{tail}}`. A number may be a
/// repetition in an expression: `a{{2}}`.
fn doubled(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix("{{")?.split_once("}}")?.0;
    Placeholder::NAMED.iter().any(|(known, _)| *known == name).then_some(name)
}

fn problem(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> TemplateProblem {
    TemplateProblem { span, message: message.into(), help: Some(help.into()) }
}

/// What was meant by an unknown placeholder.
fn nearest(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return "wildcards are numbered `{1}` to `{9}`".into();
    }
    let close = Placeholder::NAMED
        .iter()
        .map(|&(known, _)| (strsim::jaro_winkler(&name.to_lowercase(), known), known))
        .filter(|&(likeness, _)| likeness >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((_, known)) => format!("did you mean `{{{known}}}`?"),
        None => {
            "there are `{path}`, `{tail}`, `{dir}`, `{name}`, `{stem}`, `{ext}` and `{1}` to `{9}`; write `{{` for a plain brace"
                .into()
        }
    }
}

#[cfg(test)]
mod tests;
