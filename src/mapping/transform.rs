//! The transforms of a placeholder's value: `{stem|strip-date|slug}`.
//!
//! A transform takes a value to another one, or to none: `date:year` of a name without a date. [`TRANSFORMS`] is the closed list,
//! from which messages, the documentation and the schema are made.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::Regex;

/// A transform as people know it.
#[derive(Debug)]
pub struct TransformEntry {
    /// Its name: `strip-date`.
    pub name: &'static str,
    /// What it takes after a colon.
    pub argument: Argument,
    /// One sentence, without the final period.
    pub meaning: &'static str,
    /// A placeholder with it.
    pub example: &'static str,
    /// A value before it, and the value that it gives; `None` for no value.
    pub results: &'static [(&'static str, Option<&'static str>)],
}

/// What a transform takes after a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A text.
    Text,
    /// Part of a template.
    Template,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, or nothing.
    MaybeOneOf(&'static [&'static str]),
}

const fn entry(
    name: &'static str,
    argument: Argument,
    meaning: &'static str,
    example: &'static str,
    results: &'static [(&'static str, Option<&'static str>)],
) -> TransformEntry {
    TransformEntry { name, argument, meaning, example, results }
}

/// The parts of a date.
const DATE_PARTS: &[&str] = &["year", "month", "day"];
/// The rules by which a slug is made, named after the generator that has them.
const SLUG_RULES: &[&str] = &["jekyll", "jekyll-pretty", "hugo"];

/// Every transform, in the order in which they are listed.
pub static TRANSFORMS: &[TransformEntry] = &[
    entry("lower", Argument::None, "Lowercase letters", "{stem|lower}", &[("About-Us", Some("about-us"))]),
    entry(
        "slug",
        Argument::MaybeOneOf(SLUG_RULES),
        "The slug that a generator makes of a name; without a word as Jekyll's `slugify`",
        "{stem|slug}",
        &[("Hello, World_2!", Some("hello-world-2"))],
    ),
    entry(
        "strip-number",
        Argument::None,
        "Drops the number before each name of a path, as Docusaurus does",
        "{1|strip-number}",
        &[("01-guide/02_start", Some("guide/start")), ("2024-05-06-news", Some("2024-05-06-news"))],
    ),
    entry(
        "strip-date",
        Argument::None,
        "Drops a date at the beginning",
        "{stem|strip-date}",
        &[("2024-05-06-turns-2-0", Some("turns-2-0"))],
    ),
    entry(
        "date",
        Argument::OneOf(DATE_PARTS),
        "A part of the date at the beginning, with leading zeros; no time zone is applied",
        "{stem|date:year}",
        &[("2024-05-06-news", Some("2024")), ("news", None)],
    ),
    entry(
        "without",
        Argument::Text,
        "Drops the text at the end, if it is there",
        "{tail|without:.html}",
        &[("docs/a.html", Some("docs/a"))],
    ),
    entry(
        "before",
        Argument::Text,
        "The part before the first place of the text",
        "{stem|before:-}",
        &[("a-b-c", Some("a")), ("abc", None)],
    ),
    entry(
        "after",
        Argument::Text,
        "The part after the first place of the text",
        "{stem|after:-}",
        &[("a-b-c", Some("b-c")), ("abc", None)],
    ),
    entry(
        "absolute",
        Argument::None,
        "The value if it begins with `/`",
        "{front.slug|absolute}",
        &[("/a/b", Some("/a/b")), ("a/b", None)],
    ),
    entry(
        "relative",
        Argument::None,
        "The value if it doesn't begin with `/`",
        "{front.slug|relative}",
        &[("a/b", Some("a/b")), ("/a/b", None)],
    ),
    entry(
        "join",
        Argument::Text,
        "One value of all values of a list, with the text between them",
        "{front.categories|join:/}",
        &[("news", Some("news"))],
    ),
    entry(
        "default",
        Argument::Template,
        "Where there is no value, this part of a template, which may have placeholders; comes last",
        "{front.slug|default:{stem|slug}}",
        &[],
    ),
    entry(
        "optional",
        Argument::None,
        "Where there is no value, no URL and no warning; comes last",
        "{front.aliases|optional}",
        &[],
    ),
];

/// A transform with its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    Lower,
    Slug(SlugRules),
    StripNumber,
    StripDate,
    Date(DatePart),
    Without(Box<str>),
    Before(Box<str>),
    After(Box<str>),
    Absolute,
    Relative,
    Join(Box<str>),
}

/// The generator whose slugs are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlugRules {
    /// Jekyll's `slugify` without a mode: lowercase letters and digits, everything else is a hyphen.
    Jekyll,
    /// Jekyll's mode `pretty`, with the case left as it is: the slugs of posts.
    JekyllPretty,
    /// Hugo's paths: lowercase, spaces are hyphens, and few other characters stay.
    Hugo,
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatePart {
    Year,
    Month,
    Day,
}

/// A value on its way through transforms; a path's bytes, not necessarily UTF-8.
pub(super) type Text<'v> = Cow<'v, [u8]>;

impl Transform {
    /// The transform of a name with its argument, both of which are known to fit; `None` for those of a whole placeholder.
    pub(super) fn of(name: &str, argument: &str) -> Option<Self> {
        Some(match name {
            "lower" => Self::Lower,
            "slug" => Self::Slug(match argument {
                "hugo" => SlugRules::Hugo,
                "jekyll-pretty" => SlugRules::JekyllPretty,
                _ => SlugRules::Jekyll,
            }),
            "strip-number" => Self::StripNumber,
            "strip-date" => Self::StripDate,
            "date" => Self::Date(match argument {
                "year" => DatePart::Year,
                "month" => DatePart::Month,
                _ => DatePart::Day,
            }),
            "without" => Self::Without(argument.into()),
            "before" => Self::Before(argument.into()),
            "after" => Self::After(argument.into()),
            "absolute" => Self::Absolute,
            "relative" => Self::Relative,
            "join" => Self::Join(argument.into()),
            _ => return None,
        })
    }

    /// Applies it to the values of a placeholder.
    pub(super) fn apply<'v>(&self, values: Vec<Text<'v>>) -> Vec<Text<'v>> {
        if let Self::Join(between) = self {
            return if values.is_empty() { values } else { vec![values.join(between.as_bytes()).into()] };
        }
        values.into_iter().filter_map(|value| self.apply_to(value)).collect()
    }

    fn apply_to<'v>(&self, value: Text<'v>) -> Option<Text<'v>> {
        Some(match self {
            Self::Lower => text_of(&value, |text| text.to_lowercase()),
            Self::Slug(rules) => {
                let text = String::from_utf8_lossy(&value);
                rules.slug(&text).into_bytes().into()
            }
            Self::StripNumber => {
                let segments: Vec<_> = value.split(|&byte| byte == b'/').map(without_number).collect();
                segments.join(&b'/').into()
            }
            Self::StripDate => match date(&value) {
                Some((_, end)) => part(value, end.., b"-_ "),
                None => value,
            },
            Self::Date(part) => {
                let ([year, month, day], _) = date(&value)?;
                let text = match part {
                    DatePart::Year => format!("{year:04}"),
                    DatePart::Month => format!("{month:02}"),
                    DatePart::Day => format!("{day:02}"),
                };
                text.into_bytes().into()
            }
            Self::Without(end) => match value.strip_suffix(end.as_bytes()).map(<[u8]>::len) {
                Some(length) => part(value, ..length, b""),
                None => value,
            },
            Self::Before(text) => {
                let at = find(&value, text.as_bytes())?;
                part(value, ..at, b"")
            }
            Self::After(text) => {
                let at = find(&value, text.as_bytes())?;
                part(value, at + text.len().., b"")
            }
            Self::Absolute => return value.starts_with(b"/").then_some(value),
            Self::Relative => return (!value.starts_with(b"/")).then_some(value),
            Self::Join(_) => value,
        })
    }
}

/// A part of a value, without these bytes at its beginning.
fn part<'v>(value: Text<'v>, range: impl std::slice::SliceIndex<[u8], Output = [u8]>, skipped: &[u8]) -> Text<'v> {
    let trimmed = |bytes: &[u8]| bytes.iter().take_while(|byte| skipped.contains(byte)).count();
    match value {
        Cow::Borrowed(bytes) => {
            let bytes = &bytes[range];
            Cow::Borrowed(&bytes[trimmed(bytes)..])
        }
        Cow::Owned(bytes) => {
            let bytes = &bytes[range];
            Cow::Owned(bytes[trimmed(bytes)..].to_vec())
        }
    }
}

fn find(value: &[u8], text: &[u8]) -> Option<usize> {
    value.windows(text.len()).position(|window| window == text)
}

/// Changes what is UTF-8 of a value, and leaves the other bytes as they are.
fn text_of(value: &[u8], change: impl Fn(&str) -> String) -> Text<'static> {
    let mut changed = Vec::with_capacity(value.len());
    for chunk in value.utf8_chunks() {
        changed.extend(change(chunk.valid()).into_bytes());
        changed.extend(chunk.invalid());
    }
    changed.into()
}

/// A name without its number: `01-intro`, `2. Start`, `3 - End`. Not where it is a date or a version: `2024-05-06`, `7.0`.
///
/// Source: Docusaurus's `DefaultNumberPrefixParser` (`numberPrefix.ts`, 3.9).
fn without_number(name: &[u8]) -> &[u8] {
    let after = |bytes: &'_ [u8], is: fn(u8) -> bool| bytes.iter().take_while(|byte| is(**byte)).count();
    let is_space = |byte: u8| byte == b' ';
    let is_separator = |byte: u8| matches!(byte, b'-' | b'_' | b'.');
    let digits = after(name, |byte| byte.is_ascii_digit());
    let rest = &name[digits..];
    let before = after(rest, is_space);
    let separators = after(&rest[before..], is_separator);
    let rest = &rest[before + separators..];
    let is_followed = before == 0 && separators == 1 && rest.first().is_some_and(u8::is_ascii_digit);
    let rest = &rest[after(rest, is_space)..];
    if digits == 0 || separators == 0 || is_followed || rest.is_empty() || is_separator(rest[0]) { name } else { rest }
}

/// The date at the beginning of a value, and where it ends: `2024-05-06`, `2024-5-6`, `2024/05/06`, `20240506` isn't one.
pub(super) fn date(value: &[u8]) -> Option<([u16; 3], usize)> {
    let mut numbers = [0_u16; 3];
    let mut at = 0;
    let mut separator = None;
    for (place, number) in numbers.iter_mut().enumerate() {
        if place > 0 {
            let next = *value.get(at).filter(|byte| matches!(byte, b'-' | b'/'))?;
            if separator.replace(next).is_some_and(|first| first != next) {
                return None;
            }
            at += 1;
        }
        let length = value[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let fits = if place == 0 { length == 4 } else { matches!(length, 1 | 2) };
        *number = std::str::from_utf8(&value[at..at + length]).ok().filter(|_| fits)?.parse().ok()?;
        at += length;
    }
    let [_, month, day] = numbers;
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((numbers, at))
}

impl SlugRules {
    /// The slug of a text.
    fn slug(self, text: &str) -> String {
        match self {
            Self::Jekyll => hyphenated(text, is_word).to_lowercase(),
            Self::JekyllPretty => hyphenated(text, |letter| is_word(letter) || "._~!$&'()+,;=@".contains(letter)),
            Self::Hugo => hugo_path(text),
        }
    }
}

/// Replaces each run of other characters by one hyphen, and drops those at the ends: Jekyll's `slugify` (`lib/jekyll/utils.rb`,
/// 4.3), whose expressions take a `-` for another character as well.
fn hyphenated(text: &str, stays: impl Fn(char) -> bool) -> String {
    let runs = text.split(|letter: char| !stays(letter)).filter(|run| !run.is_empty());
    runs.collect::<Vec<_>>().join("-")
}

/// Whether a character is a letter, a mark or a decimal digit, as `[\p{M}\p{L}\p{Nd}]`.
fn is_word(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric();
    }
    static WORD: OnceLock<Regex> = OnceLock::new();
    // `\w` is these, numbers of other kinds that are alphabetic, the connectors and the joiners.
    let word = WORD.get_or_init(|| Regex::new(r"\A\w\z").expect("a word character is an expression"));
    static DIGIT: OnceLock<Regex> = OnceLock::new();
    let digit = DIGIT.get_or_init(|| Regex::new(r"\A\d\z").expect("a digit is an expression"));
    let mut utf8 = [0; 4];
    let text = &*letter.encode_utf8(&mut utf8);
    let is_connector =
        "\u{203f}\u{2040}\u{2054}\u{fe33}\u{fe34}\u{fe4d}\u{fe4e}\u{fe4f}\u{ff3f}\u{200c}\u{200d}".contains(letter);
    !is_connector && word.is_match(text) && (!letter.is_numeric() || digit.is_match(text))
}

/// Hugo's name for a path (`helpers/path.go`, `UnicodeSanitize`, and `MakePathSanitized` for the case): spaces become single
/// hyphens, and of other characters only letters, digits, marks and `./_+~-@` stay.
fn hugo_path(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    let mut hyphen_is_due = false;
    let mut was_hyphen = false;
    for letter in text.chars() {
        if letter != ' ' && (is_word(letter) || "./_+~-@".contains(letter)) {
            was_hyphen = letter == '-';
            if hyphen_is_due && !was_hyphen {
                path.push('-');
            }
            hyphen_is_due = false;
            path.push(letter);
        } else if letter.is_whitespace() && !path.is_empty() && !was_hyphen {
            hyphen_is_due = true;
        }
    }
    path.to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn once(call: &str, value: &[u8]) -> Option<Vec<u8>> {
        let (name, argument) = call.split_once(':').unwrap_or((call, ""));
        Transform::of(name, argument).unwrap().apply(vec![value.into()]).pop().map(Cow::into_owned)
    }

    fn text(call: &str, value: &str) -> String {
        String::from_utf8(once(call, value.as_bytes()).unwrap_or_default()).unwrap()
    }

    /// Docusaurus's own tests of its parser (`numberPrefix.test.ts`), as far as they differ from each other.
    #[test]
    fn numbers_are_stripped_as_docusaurus_does() {
        let kept = [
            "MyDoc",
            "a1-My Doc",
            "My Doc-000",
            "Hey - 03 - My Doc",
            "00abc01-My Doc",
            "My -001 Doc",
            "2021-01-31 - Doc",
            "31-01-2021 - Doc",
            "2021_01_31 - Doc",
            "2021.01.31 - Doc",
            "01-2021 - Doc",
            "8.0",
            "8.0.0",
            "14.2.16",
            "18.2",
            "8_0",
            "8-0",
            "7.0-foo",
            "01-",
            "01",
            "01 - - x",
        ];
        for name in kept {
            assert_eq!(text("strip-number", name), name);
        }
        for name in
            ["1-My Doc", "01 - My Doc", "001    -    My Doc", "0 . My Doc", "00003.My Doc", "0_My Doc", "999---My Doc"]
        {
            assert_eq!(text("strip-number", name), "My Doc", "{name}");
        }
        assert_eq!(text("strip-number", "0-MyFolder/1 - My Sub/003_doc"), "MyFolder/My Sub/doc");
    }

    #[test]
    fn a_date_begins_a_value_and_is_one() {
        for (value, expected) in [
            ("2024-05-06-a", Some("2024 05 06 a")),
            ("2024/5/6/a", Some("2024 05 06 /a")),
            ("2024-05-06", Some("2024 05 06 ")),
            ("2024-05-06T10:00:00Z", Some("2024 05 06 T10:00:00Z")),
            ("2024-05-06 10:00", Some("2024 05 06 10:00")),
            ("2024-13-06-a", None),
            ("2024-05-32-a", None),
            ("2024-05-a", None),
            ("24-05-06-a", None),
            ("20240506-a", None),
            ("2024-05/06", None),
            ("", None),
        ] {
            let parts = ["date:year", "date:month", "date:day"].map(|call| once(call, value.as_bytes()));
            let rest = text("strip-date", value);
            match expected {
                Some(expected) => {
                    let parts = parts.map(|part| String::from_utf8(part.unwrap()).unwrap());
                    assert_eq!(format!("{} {rest}", parts.join(" ")), expected);
                }
                None => assert!(parts == [None, None, None] && rest == value, "{value}"),
            }
        }
    }

    #[test]
    fn bytes_outside_utf8_stay_where_a_transform_changes_letters() {
        assert_eq!(once("lower", b"\xe9-\xc3\x89X").unwrap(), b"\xe9-\xc3\xa9x");
        assert_eq!(once("without:.html", b"\xe9.html").unwrap(), b"\xe9");
        assert_eq!(once("slug", b"a\xe9b").unwrap(), b"a-b");
    }

    /// What the generators themselves make of names: `tests/presets/run` writes the file.
    #[test]
    fn slugs_are_those_of_the_generators() {
        let vectors = include_str!("../../tests/presets/slugs.tsv");
        let mut count = 0;
        for line in vectors.lines().filter(|line| !line.starts_with('#')) {
            let (rules, rest) = line.split_once('\t').unwrap();
            let (name, slug) = rest.split_once('\t').unwrap();
            assert_eq!(text(&format!("slug:{rules}"), name), slug, "{rules}: {name}");
            count += 1;
        }
        assert!(count > 60, "the vectors are gone");
    }

    proptest! {
        #[test]
        fn a_slug_of_a_slug_is_the_slug(value in "\\PC{0,40}", rules in prop::sample::select(SLUG_RULES)) {
            let slug = text(&format!("slug:{rules}"), &value);
            // A letter of which the lowercase form is two characters is at its end after one step.
            prop_assert_eq!(&text(&format!("slug:{rules}"), &slug), &slug);
            prop_assert!(!slug.contains([' ', '?', '%', '"', '<']), "{}", slug);
            prop_assert!(rules == "hugo" || !slug.contains(['/', '#', '\\']), "{}", slug);
        }

        #[test]
        fn no_transform_panics_or_makes_a_value_of_none(value: Vec<u8>, argument in "[-/.a-z0-9]{1,3}") {
            for entry in TRANSFORMS {
                let words = match entry.argument {
                    Argument::OneOf(words) | Argument::MaybeOneOf(words) => words.iter().map(|word| (*word).to_owned()).collect(),
                    _ => vec![argument.clone()],
                };
                for argument in words {
                    let Some(transform) = Transform::of(entry.name, &argument) else { continue };
                    let values = transform.apply(vec![Cow::Borrowed(&value[..]); 2]);
                    prop_assert!(values.len() <= 2);
                    prop_assert!(transform.apply(Vec::new()).is_empty());
                }
            }
        }

        #[test]
        fn stripping_twice_is_stripping_once_where_no_second_number_follows(value in "[a-z0-9]{1,3}[-_. ]{0,2}[a-z]{1,3}[-/a-z0-9]{0,6}") {
            let stripped = text("strip-number", &value);
            prop_assert!(value.ends_with(stripped.rsplit('/').next().unwrap()));
        }
    }
}
