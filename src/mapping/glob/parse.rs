//! A pattern's text becomes pieces, or a problem with its remedy.

use std::iter::Peekable;
use std::str::Chars;

use super::LONGEST;

/// Braces inside braces, at most.
const DEEPEST: usize = 8;

/// What is wrong with a pattern, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mapping) struct Problem {
    pub(in crate::mapping) message: String,
    pub(in crate::mapping) help: Option<String>,
}

/// A part of a pattern. Neighbouring literals are one piece; none is empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Exactly this.
    Literal(String),
    /// `?` and `[…]`: one character that isn't `/`.
    One(Class),
    /// `*`: any characters but `/`, or none.
    Run,
    /// `**/`: whole directories with their `/`, or none.
    Descend,
    /// `**` at an end: one or more whole segments.
    Rest,
    /// `{a,b}`: one of these.
    Choice(Vec<Vec<Self>>),
}

/// The characters one wildcard may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Inclusive.
    ranges: Vec<(char, char)>,
    /// Everything but the ranges.
    negated: bool,
}

impl Class {
    /// Whether it holds a character; `None` stands for a byte that is no part of UTF-8.
    pub(super) fn holds(&self, character: Option<char>) -> bool {
        let listed = character.is_some_and(|c| self.ranges.iter().any(|&(low, high)| (low..=high).contains(&c)));
        character != Some('/') && listed != self.negated
    }
}

/// Reads a pattern.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, Problem> {
    check_segments(text)?;
    let mut parser = Parser { characters: text.chars().peekable(), depth: 0 };
    let tokens = parser.sequence()?;
    resolve(tokens, true, true)
}

/// What can be said of the text before it is taken apart: its length, and segments that no path in git has.
fn check_segments(text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(problem("an empty pattern matches nothing", "remove it, or write `**` for every file"));
    }
    if text.len() > LONGEST {
        return Err(problem(
            format!("a pattern of {} bytes; {LONGEST} is the limit", text.len()),
            "split it into several patterns",
        ));
    }
    if text.contains(char::is_control) {
        return Err(problem(
            "a line break or another control character in a pattern",
            "write each pattern as an item of a list; `?` stands for such a character in a name",
        ));
    }
    if text.trim() != text {
        return Err(problem(
            "white space at an end of a pattern",
            "remove it; `[ ]` stands for a space at an end of a name",
        ));
    }
    if let Some(rest) = text.strip_prefix("./").or_else(|| text.strip_prefix('/')) {
        return Err(problem(
            "a pattern begins at the repository's root, without `/` or `./`",
            format!("write `{}`", if rest.is_empty() { "**" } else { rest.trim_start_matches('/') }),
        ));
    }
    if let Some(directory) = text.strip_suffix('/') {
        return Err(problem(
            "only files change, and this names a directory",
            format!("did you mean `{}/**`?", directory.trim_end_matches("/**")),
        ));
    }
    text.split('/').try_for_each(check_segment)
}

/// Whether a whole segment can be one of a path in git.
fn check_segment(segment: &str) -> Result<(), Problem> {
    match segment {
        "" => Err(problem("`//` is in no path", "write `/`, or `/**/` for any directories between")),
        "." | ".." => Err(problem(
            format!("`{segment}` is in no path of a repository"),
            "patterns begin at the repository's root, wherever the configuration lies",
        )),
        _ => Ok(()),
    }
}

/// The same for the whole segments of a text inside braces, which may have no segment that is empty. `begins` and `ends` say
/// whether it begins, and ends, where a segment does.
fn check_alternative(text: &str, begins: bool, ends: bool) -> Result<(), Problem> {
    if (begins && text.starts_with('/')) || (ends && text.ends_with('/')) {
        return Err(slash_at_an_end());
    }
    let last = text.matches('/').count();
    let is_whole = |place: usize| (place > 0 || begins) && (place < last || ends);
    text.split('/')
        .enumerate()
        .filter(|(place, _)| is_whole(*place))
        .try_for_each(|(_, segment)| check_segment(segment))
}

fn slash_at_an_end() -> Problem {
    problem(
        "an alternative with a `/` where a name must stand matches nothing",
        "write `{public,docs}/**`; for everything in a directory `{docs/**,index.html}`",
    )
}

fn problem(message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem { message: message.into(), help: Some(help.into()) }
}

/// As [`Piece`], before it is known what a `**` stands next to.
enum Token {
    Literal(String),
    One(Class),
    Run,
    Stars,
    Choice(Vec<Vec<Self>>),
}

struct Parser<'t> {
    characters: Peekable<Chars<'t>>,
    /// How many braces are open.
    depth: usize,
}

impl Parser<'_> {
    /// Up to the end, or to the `,` or `}` that ends an alternative, which stays.
    fn sequence(&mut self) -> Result<Vec<Token>, Problem> {
        let mut tokens = Vec::new();
        while let Some(&character) = self.characters.peek() {
            if self.depth > 0 && matches!(character, ',' | '}') {
                break;
            }
            self.characters.next();
            match character {
                '*' => tokens.push(self.stars()?),
                '?' => tokens.push(Token::One(Class { ranges: Vec::new(), negated: true })),
                '[' => tokens.push(Token::One(self.class()?)),
                '{' => tokens.push(self.choice()?),
                '}' => return Err(problem("`}` without `{`", "write `\\}` for a plain brace")),
                '\\' => push_literal(&mut tokens, self.escaped()?),
                plain => push_literal(&mut tokens, plain),
            }
        }
        Ok(tokens)
    }

    fn stars(&mut self) -> Result<Token, Problem> {
        let more = std::iter::from_fn(|| self.characters.next_if_eq(&'*')).count();
        match more {
            0 => Ok(Token::Run),
            1 => Ok(Token::Stars),
            _ => Err(problem("three or more `*` in a row", "write `*` within a segment, `**` for whole directories")),
        }
    }

    fn escaped(&mut self) -> Result<char, Problem> {
        match self.characters.next() {
            Some('*') if self.characters.peek() == Some(&'*') => Err(problem(
                "`\\**` is a plain `*` and a wildcard",
                "directories are separated by `/`: write `/**`; for a name with a plain `*` write `[*]*`",
            )),
            Some(special) if "*?[]{}!,-^\\".contains(special) => Ok(special),
            Some(plain) => Err(problem(
                format!("`\\{plain}` has no meaning"),
                "`\\` makes one of `* ? [ ] { } , ! \\` a plain character; directories are separated by `/`",
            )),
            None => Err(problem("`\\` at the end", "write `\\\\` for a plain backslash")),
        }
    }

    /// Behind `{`. Always has two alternatives or more.
    fn choice(&mut self) -> Result<Token, Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(problem(
                format!("braces inside braces, more than {DEEPEST} deep"),
                "split it into several patterns",
            ));
        }
        let mut alternatives = Vec::new();
        loop {
            alternatives.push(self.sequence()?);
            match self.characters.next() {
                Some(',') => {}
                Some(_) => break,
                None => {
                    return Err(problem("unclosed `{`", "close it with `}`, or write `\\{` for a plain brace"));
                }
            }
        }
        self.depth -= 1;
        if alternatives.len() == 1 {
            return Err(problem(
                "braces around a single alternative",
                "braces choose: `*.{js,css}`; placeholders such as `{tail}` belong in `urls`",
            ));
        }
        Ok(Token::Choice(alternatives))
    }

    /// Behind `[`. A `]` that comes first is one of the characters.
    fn class(&mut self) -> Result<Class, Problem> {
        let unclosed = || problem("unclosed `[`", "close it with `]`, or write `\\[` for a plain bracket");
        let negated = self.characters.next_if(|&c| matches!(c, '!' | '^')).is_some();
        let mut ranges = Vec::new();
        loop {
            let low = match self.characters.next().ok_or_else(unclosed)? {
                ']' if !ranges.is_empty() => break,
                '[' if self.characters.peek() == Some(&':')
                    && self.characters.clone().collect::<String>().contains(":]") =>
                {
                    return Err(problem("`[:…:]` is no class here", "write the characters: `[0-9]`, `[a-z]`"));
                }
                '\\' => self.escaped()?,
                plain => plain,
            };
            let mut high = low;
            if self.characters.peek() == Some(&'-') {
                // A `-` that comes last is one of the characters.
                let mut ahead = self.characters.clone();
                ahead.next();
                if ahead.peek() != Some(&']') {
                    self.characters.next();
                    high = match self.characters.next().ok_or_else(unclosed)? {
                        '\\' => self.escaped()?,
                        plain => plain,
                    };
                }
            }
            if low > high {
                return Err(problem(
                    format!("the range `{low}-{high}` runs backwards"),
                    format!("write `{high}-{low}`"),
                ));
            }
            if low == '/' || high == '/' {
                return Err(problem("a `/` in `[…]`", "`[…]` is one character of a name; write the `/` outside"));
            }
            ranges.push((low, high));
        }
        Ok(Class { ranges, negated })
    }
}

fn push_literal(tokens: &mut Vec<Token>, character: char) {
    if let Some(Token::Literal(text)) = tokens.last_mut() {
        text.push(character);
    } else {
        tokens.push(Token::Literal(character.into()));
    }
}

/// Decides what each `**` is. `begins` and `ends` say whether the sequence begins, and ends, where a segment does.
fn resolve(tokens: Vec<Token>, begins: bool, ends: bool) -> Result<Vec<Piece>, Problem> {
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    let mut at_start = begins;
    while let Some(token) = tokens.next() {
        let at_end = match tokens.peek() {
            None => ends,
            Some(Token::Literal(text)) => text.starts_with('/'),
            Some(_) => false,
        };
        let starts_next = matches!(&token, Token::Literal(text) if text.ends_with('/'));
        match token {
            Token::Literal(text) => {
                check_alternative(&text, at_start, at_end)?;
                pieces.push(Piece::Literal(text));
            }
            Token::One(class) => pieces.push(Piece::One(class)),
            Token::Run => pieces.push(Piece::Run),
            Token::Stars if !(at_start && at_end) => {
                return Err(problem(
                    "`**` beside other characters of a segment",
                    "`**` stands for whole directories: `public/**/*.html`; within a segment write `*`",
                ));
            }
            Token::Stars => match tokens.peek_mut() {
                Some(Token::Literal(text)) => {
                    text.remove(0);
                    pieces.push(Piece::Descend);
                    if text.is_empty() {
                        tokens.next();
                        if ends && tokens.peek().is_none() {
                            return Err(slash_at_an_end());
                        }
                    }
                    at_start = true;
                    continue;
                }
                _ => pieces.push(Piece::Rest),
            },
            Token::Choice(alternatives) => pieces.push(Piece::Choice(
                alternatives
                    .into_iter()
                    .map(|alternative| resolve(alternative, at_start, at_end))
                    .collect::<Result<_, _>>()?,
            )),
        }
        at_start = starts_next;
    }
    Ok(pieces)
}
