//! URL templates: literal text with placeholders.
//!
//! The scheme and the host are always spelled out, and a placeholder can only fill a place after them, so that no file
//! name ever decides where a request goes. What the template itself spells is taken as it is.

use std::ops::Range;

use super::encoding::{self, Encoded, Part};
use super::placeholder::{FRONT, Placeholder, TemplateContext};
use super::transform::{Argument, TRANSFORMS, Transform, TransformEntry};
use super::url;

/// The most URLs that one template gives for a file: its front matter may have several lists.
const MOST_URLS: usize = 100;
/// Defaults inside defaults, at most.
const DEEPEST: usize = 4;
/// The longest value of a front matter that becomes a part of a URL, in bytes.
const LONGEST_VALUE: usize = 2048;

/// A parsed template: `https://www.example.com/{tail}`.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    highest_capture: Option<(usize, Range<usize>)>,
    /// The first placeholder of the front matter, by its place in the text.
    front: Option<Range<usize>>,
    /// As it was written.
    text: Box<str>,
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
    Value(Box<Value>),
}

/// A placeholder with its transforms.
#[derive(Clone, Debug)]
struct Value {
    placeholder: Placeholder,
    transforms: Vec<Transform>,
    without: WithoutValue,
    /// After a `?`.
    in_query: bool,
    /// As it is written.
    text: Box<str>,
}

/// The result of a placeholder that has no value for a file.
#[derive(Clone, Debug)]
enum WithoutValue {
    /// No URL, and a warning.
    Reported,
    /// No URL.
    Omitted,
    /// This part of a template.
    Default(Vec<Piece>),
}

/// A URL that is being put together.
#[derive(Clone, Debug)]
struct Draft {
    url: String,
    /// A `/` that comes next is dropped.
    nothing_before: bool,
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
        if !expression && let Some((span, message, help)) = url::more_than_one(text) {
            problems.push(problem(span, message, help));
        }
        if let Some(start) = text.find("${").filter(|start| !expression && !text[start + 2..].starts_with('{')) {
            let help = "drop it: a placeholder is `{tail}` alone; for a plain `$` write `%24`";
            problems.push(problem(start..start + 1, "a `$` before a placeholder, as a shell has it", help));
        }
        let in_query = tag.is_some();
        let mut reader = Reader {
            text,
            literal: String::new(),
            pieces: Vec::new(),
            in_query,
            highest: None,
            front: None,
            depth: 0,
            arguments: Vec::new(),
        };
        reader.read(path, &mut problems);
        check_characters(text, tag, &plain_path, &reader.arguments, &mut problems);
        if problems.is_empty() {
            let Reader { pieces, highest, front, .. } = reader;
            Ok(Self { pieces, highest_capture: highest, front, text: text.into() })
        } else {
            problems.sort_by_key(|problem| problem.span.start);
            Err(problems)
        }
    }

    /// The template as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The highest numbered placeholder, `{1}`…`{9}`, with its place in the text; `None` without one.
    pub fn highest_capture(&self) -> Option<(usize, Range<usize>)> {
        self.highest_capture.clone()
    }

    /// Whether it gives the same URL for every file.
    pub(super) fn is_constant(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// The directory before the first placeholder, with its `/`.
    pub(super) fn fixed_directory(&self) -> &str {
        let fixed = match self.pieces.first() {
            Some(Piece::Literal(text)) => text,
            _ => "",
        };
        &fixed[..fixed.rfind('/').map_or(0, |slash| slash + 1)]
    }

    /// The first placeholder of the front matter, by its place in the text; `None` without one.
    pub fn front_matter(&self) -> Option<Range<usize>> {
        self.front.clone()
    }

    /// The host of every URL that it gives, without a port; of a regular expression only if there is one alone.
    pub(super) fn host(&self, expression: bool) -> Option<String> {
        let spelled = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.to_string()),
            Piece::Value(_) => None,
        };
        let spelled: String = self.pieces.iter().filter_map(spelled).collect();
        if expression { url::host_of_pattern(&spelled) } else { url::host(&spelled).map(str::to_owned) }
    }

    /// The URLs of a file: one, or more if its front matter has a list. A `/` after a placeholder without a value is dropped, so
    /// that `{dir}/{name}` at the root is no `//name`.
    ///
    /// # Errors
    /// A sentence fragment on a placeholder that has no value, or one that can't be part of a URL.
    pub(super) fn render(&self, context: &TemplateContext<'_>, form: Form) -> Result<Vec<String>, String> {
        let mut drafts = vec![Draft { url: String::with_capacity(self.text.len() + 64), nothing_before: false }];
        append(&self.pieces, context, form, &mut drafts)?;
        let finished = |draft: Draft| {
            let mut url = draft.url;
            url.shrink_to_fit();
            url
        };
        Ok(drafts.into_iter().map(finished).collect())
    }
}

/// Appends pieces to each draft; a list multiplies them, and an omitted value leaves none.
fn append(pieces: &[Piece], context: &TemplateContext<'_>, form: Form, drafts: &mut Vec<Draft>) -> Result<(), String> {
    for piece in pieces {
        match piece {
            Piece::Literal(text) => drafts.iter_mut().for_each(|draft| draft.push(text)),
            Piece::Value(value) => value.append(context, form, drafts)?,
        }
    }
    Ok(())
}

impl Value {
    fn append(&self, context: &TemplateContext<'_>, form: Form, drafts: &mut Vec<Draft>) -> Result<(), String> {
        let part = match (form.expression, self.in_query) {
            (true, _) => Part::Expression,
            (false, true) => Part::Query,
            (false, false) => Part::Path,
        };
        let is_front = matches!(self.placeholder, Placeholder::Front(_));
        if self.transforms.is_empty() && !is_front {
            drafts.iter_mut().for_each(|draft| draft.fill(context.value(&self.placeholder), part, form));
            return Ok(());
        }
        let mut values = context.values(&self.placeholder).map_err(|problem| format!("`{}` {problem}", self.text))?;
        for transform in &self.transforms {
            values = transform.apply(values);
        }
        if is_front {
            for value in &values {
                check_value(value).map_err(|problem| format!("`{}` {problem}", self.text))?;
            }
        }
        if values.is_empty() {
            return match &self.without {
                WithoutValue::Reported => Err(format!("`{}` has no value", self.text)),
                WithoutValue::Omitted => {
                    drafts.clear();
                    Ok(())
                }
                WithoutValue::Default(pieces) => {
                    append(pieces, context, form, drafts)?;
                    drafts.iter_mut().for_each(|draft| draft.end_value(part));
                    Ok(())
                }
            };
        }
        if drafts.len() * values.len() > MOST_URLS {
            return Err(format!("`{}` gives more than {MOST_URLS} URLs", self.text));
        }
        *drafts = drafts
            .iter()
            .flat_map(|draft| values.iter().map(|value| draft.clone().filled(value, part, form)))
            .collect();
        Ok(())
    }
}

impl Draft {
    fn push(&mut self, text: &str) {
        self.url.push_str(if self.nothing_before { text.strip_prefix('/').unwrap_or(text) } else { text });
        self.nothing_before = false;
    }

    fn filled(mut self, value: &[u8], part: Part, form: Form) -> Self {
        // A front matter's path begins with a `/`, as the template has one.
        let is_after_slash = part != Part::Query && self.url.ends_with('/');
        let slashes = value.iter().take_while(|byte| is_after_slash && **byte == b'/').count();
        self.fill(&value[slashes..], part, form);
        self
    }

    fn fill(&mut self, value: &[u8], part: Part, form: Form) {
        encoding::append(&mut self.url, value, part, form.encoded);
        self.end_value(part);
    }

    fn end_value(&mut self, part: Part) {
        self.nothing_before = part != Part::Query && self.url.ends_with('/');
    }
}

/// Checks a value of a front matter, which anyone may have written: it has to be a part of a path.
fn check_value(value: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(value);
    if value.len() > LONGEST_VALUE {
        return Err(format!("is longer than {LONGEST_VALUE} bytes"));
    }
    if text.contains("://") || text.starts_with("//") {
        return Err("names a host, and a URL's host is always the template's".into());
    }
    if text.contains(char::is_control) {
        return Err("has a control character".into());
    }
    if text.contains("{{") || text.contains("{%") {
        return Err("has the generator's own placeholders: write a rule for it".into());
    }
    let is_pattern = |segment: &str| {
        segment.strip_prefix(':').is_some_and(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()))
    };
    match text.split('/').find(|segment| is_pattern(segment)) {
        Some(segment) => Err(format!("has the generator's own placeholder `{segment}`: write a rule for it")),
        None => Ok(()),
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
/// is no expression, `arguments` are the texts of transforms, which are no part of a URL.
fn check_characters(
    text: &str,
    tag: Option<usize>,
    plain_path: &Range<usize>,
    arguments: &[Range<usize>],
    problems: &mut Vec<TemplateProblem>,
) {
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        let (message, help) = match character {
            '#' | ',' | '%' | '\\' if arguments.iter().any(|argument| argument.contains(&start)) => continue,
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
    front: Option<Range<usize>>,
    /// How many defaults this is inside of.
    depth: usize,
    /// The places of the arguments of transforms that aren't parts of a template.
    arguments: Vec<Range<usize>>,
}

impl Reader<'_> {
    /// `path` is where the path begins; before it, everything is literal.
    fn read(&mut self, path: usize, problems: &mut Vec<TemplateProblem>) {
        self.literal.push_str(&self.text[..path]);
        if path > 0 && !self.text[path..].starts_with('/') {
            self.literal.push('/');
        }
        let mut at = path;
        while at < self.text.len() {
            at = self.sequence(at, problems);
            if at < self.text.len() {
                problems.push(problem(at..at + 1, "`}` without `{`", "write `}}` for a plain brace"));
                at += 1;
            }
        }
        self.end_literal();
    }

    /// Reads up to the end, or to a `}` that closes nothing of it; returns its place.
    fn sequence(&mut self, begin: usize, problems: &mut Vec<TemplateProblem>) -> usize {
        let mut at = begin;
        while let Some(character) = self.text[at..].chars().next() {
            let rest = &self.text[at..];
            // In a default a `}` closes a placeholder, whatever follows.
            if rest.starts_with("{{") || (rest.starts_with("}}") && self.depth == 0) {
                if let Some(name) = doubled(rest) {
                    let help = format!("write `{{{name}}}`; for plain text `%7B{name}%7D`");
                    problems.push(problem(at..at + name.len() + 4, "a placeholder in doubled braces", help));
                }
                self.literal.push(character);
                at += 2;
            } else if character == '{' {
                at = self.placeholder(at, problems);
            } else if character == '}' {
                break;
            } else {
                if character == '|' && self.depth > 0 {
                    let help = "write transforms before `default`; for a plain `|` write `%7C`";
                    problems.push(problem(at..at + 1, "a `|` in a default", help));
                }
                if character == '?' && self.depth > 0 {
                    let help = "write the `?` and the query after the placeholder";
                    problems.push(problem(at..at + 1, "a query in a default", help));
                }
                self.in_query |= character == '?';
                self.literal.push(character);
                at += character.len_utf8();
            }
        }
        at
    }

    /// Reads the placeholder at a `{`; returns where it ends.
    fn placeholder(&mut self, open: usize, problems: &mut Vec<TemplateProblem>) -> usize {
        let text = self.text;
        let unclosed = |problems: &mut Vec<TemplateProblem>, from: usize| {
            let end = text[from..].find(['{', '/']).map_or(text.len(), |length| from + length);
            problems.push(problem(open..end, "unclosed `{`", "close it with `}`, or write `{{` for a plain brace"));
            end
        };
        let part_end = |from: usize| text[from..].find(['|', '{', '}']).map(|length| from + length);
        let Some(name_end) = part_end(open + 1).filter(|&end| !text[end..].starts_with('{')) else {
            return unclosed(problems, open + 1);
        };
        let name = &text[open + 1..name_end];
        let placeholder = Placeholder::named(name);
        if placeholder.is_none() {
            let end = if text[name_end..].starts_with('}') { name_end + 1 } else { name_end };
            problems.push(problem(open..end, format!("unknown placeholder `{{{name}}}`"), nearest(name)));
        }
        self.end_literal();
        let mut transforms = Vec::new();
        let mut without = None;
        let mut at = name_end;
        while text[at..].starts_with('|') {
            let begin = at + 1;
            let name_end = begin + text[begin..].find([':', '|', '{', '}']).unwrap_or(text.len() - begin);
            let name = &text[begin..name_end];
            let entry = TRANSFORMS.iter().find(|entry| entry.name == name);
            if let Some(WithoutValue::Default(_) | WithoutValue::Omitted) = without {
                problems.push(problem(
                    begin..name_end,
                    "a transform after the last one",
                    "put `default` and `optional` at the end, and only one of them",
                ));
            }
            if name == "default" && text[name_end..].starts_with(':') {
                let (pieces, end) = self.default(name_end + 1, problems);
                without = Some(WithoutValue::Default(pieces));
                at = end;
                continue;
            }
            let Some(end) = part_end(name_end).filter(|&end| !text[end..].starts_with('{')) else {
                return unclosed(problems, name_end);
            };
            let argument = text[name_end..end].strip_prefix(':');
            if argument.is_some() {
                self.arguments.push(name_end + 1..end);
            }
            at = end;
            match entry {
                None => problems.push(problem(
                    begin..name_end,
                    format!("unknown transform `{name}`"),
                    nearest_transform(name),
                )),
                Some(entry) => match check_argument(entry, argument) {
                    Some((message, help)) => problems.push(problem(begin..end, message, help)),
                    None if name == "optional" => without = Some(WithoutValue::Omitted),
                    None => transforms.extend(Transform::of(name, argument.unwrap_or_default())),
                },
            }
        }
        if !text[at..].starts_with('}') {
            return unclosed(problems, at);
        }
        let span = open..at + 1;
        if let Some(placeholder) = placeholder {
            match placeholder {
                Placeholder::Wildcard(number)
                    if self.highest.as_ref().is_none_or(|(highest, _)| *highest < number.into()) =>
                {
                    self.highest = Some((number.into(), span.clone()));
                }
                Placeholder::Front(_) if self.front.is_none() => self.front = Some(span.clone()),
                _ => {}
            }
            let without = without.unwrap_or(WithoutValue::Reported);
            let text = text[span.clone()].into();
            let value = Value { placeholder, transforms, without, in_query: self.in_query, text };
            self.pieces.push(Piece::Value(Box::new(value)));
        }
        span.end
    }

    /// Reads the part of a template that is a default, up to the `}` that closes its placeholder; returns the place of that.
    fn default(&mut self, begin: usize, problems: &mut Vec<TemplateProblem>) -> (Vec<Piece>, usize) {
        if self.depth == DEEPEST {
            problems.push(problem(
                begin..begin,
                format!("defaults inside defaults, more than {DEEPEST} deep"),
                "write several rules",
            ));
            let end = self.text[begin..].find('}').map_or(self.text.len(), |length| begin + length);
            return (Vec::new(), end);
        }
        let before = std::mem::take(&mut self.pieces);
        self.depth += 1;
        let end = self.sequence(begin, problems);
        self.end_literal();
        self.depth -= 1;
        (std::mem::replace(&mut self.pieces, before), end)
    }

    fn end_literal(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(std::mem::take(&mut self.literal).into()));
        }
    }
}

/// What is wrong with the argument of a transform, and the remedy.
fn check_argument(entry: &TransformEntry, argument: Option<&str>) -> Option<(String, String)> {
    let name = entry.name;
    let one_of = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`{name}:{word}`")).collect();
        format!("write {}", words.join(" or "))
    };
    match (entry.argument, argument) {
        (Argument::None, Some(_)) => {
            Some((format!("`{name}` takes no argument"), format!("write `{}`", entry.example)))
        }
        (Argument::Text | Argument::Template, None | Some("")) => {
            Some((format!("`{name}` lacks its argument"), format!("write it after a colon: `{}`", entry.example)))
        }
        (Argument::OneOf(words), None | Some("")) => Some((format!("`{name}` lacks its argument"), one_of(words))),
        (Argument::OneOf(words) | Argument::MaybeOneOf(words), Some(word)) if !words.contains(&word) => {
            Some((format!("`{name}` knows no `{word}`"), one_of(words)))
        }
        _ => None,
    }
}

/// What was meant by an unknown transform.
fn nearest_transform(name: &str) -> String {
    let names = || TRANSFORMS.iter().map(|entry| entry.name);
    match closest(name, names()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("there are {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// The most similar of some names, if one is similar at all.
fn closest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), known), known))
        .filter(|&(likeness, _)| likeness >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
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
    if let Some(key) = name.strip_prefix(FRONT).or((name == "front").then_some("")) {
        let help = "write the key of the front matter after the dot: `{front.slug}`";
        return if key.is_empty() { help.into() } else { format!("{help}; a key has letters, digits, `-` and `_`") };
    }
    if name == "date" || name.starts_with("date.") {
        return "a date is a part of another value: `{stem|date:year}`, `{front.date|date:year}`".into();
    }
    match closest(name, Placeholder::NAMED.iter().map(|&(known, _)| known)) {
        Some(known) => format!("did you mean `{{{known}}}`?"),
        None => {
            "there are `{path}`, `{tail}`, `{dir}`, `{name}`, `{stem}`, `{ext}`, `{1}` to `{9}` and `{front.KEY}`; write `{{` for a \
             plain brace"
                .into()
        }
    }
}

#[cfg(test)]
mod tests;
