//! Replaces secrets by `***`, in whatever form they travel.
//!
//! A runner masks only what it is given, as it is given; GitLab can't be given secrets at run time. So nothing leaves this
//! program, neither to a log nor into a file, before the redactor has searched it for every secret as it is and in its
//! base64, hexadecimal, percent-encoded and JSON forms.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_encode_byte;
use secrecy::{ExposeSecret as _, SecretString};

/// Replaces a secret.
const MASK: &str = "***";

/// Shorter texts are no secrets: their mask would hide half of the log, and give them away.
const SHORTEST: usize = 4;

/// How many bytes are redacted at a time, at least.
const BLOCK: usize = 16 << 10;

/// The first bytes of a long secret that give it away: a message that was cut must not show its first half.
const PREFIX: usize = 24;

/// Finds secrets in text. It can't be printed.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The forms of each prefix, in the order of the automaton's patterns.
    forms: Vec<Vec<SecretString>>,
    /// Searches for the prefixes; `None` without secrets.
    prefixes: Option<AhoCorasick>,
}

impl Redactor {
    /// A redactor of these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut redactor = Self::default();
        redactor.add_all(secrets);
        redactor
    }

    /// Adds a secret: all its forms, and those of each of its lines. Returns whether it is one: texts of fewer than four
    /// characters aren't.
    pub fn add(&mut self, secret: &SecretString) -> bool {
        let known = self.forms().count();
        self.add_all([secret]);
        self.forms().count() > known
    }

    /// Every form of every secret.
    pub fn forms(&self) -> impl Iterator<Item = &SecretString> {
        self.forms.iter().flatten()
    }

    /// The text without secrets, and without the beginnings of long ones.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(prefixes) = &self.prefixes else { return Cow::Borrowed(text) };
        let mut redacted = String::new();
        let mut rest = 0;
        while let Some(found) = prefixes.find(Input::new(text).range(rest..)) {
            redacted.push_str(&text[rest..found.start()]);
            redacted.push_str(MASK);
            rest = found.end() + self.continuation(found.pattern().as_usize(), &text[found.end()..]);
        }
        if rest == 0 {
            return Cow::Borrowed(text);
        }
        redacted.push_str(&text[rest..]);
        Cow::Owned(redacted)
    }

    /// A writer that redacts on the way to another.
    pub fn writer<W: Write>(&self, inner: W) -> RedactingWriter<'_, W> {
        RedactingWriter { redactor: self, inner, rest: Vec::new() }
    }

    /// The number of bytes after a prefix by which the text continues as a form with that prefix does.
    fn continuation(&self, pattern: usize, text: &str) -> usize {
        let common = |form: &SecretString| {
            let form = form.expose_secret();
            let pairs = text.chars().zip(form[prefix(form).len()..].chars());
            pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
        };
        self.forms[pattern].iter().map(common).max().unwrap_or(0)
    }

    fn add_all<'a>(&mut self, secrets: impl IntoIterator<Item = &'a SecretString>) {
        let mut forms: BTreeSet<String> = self.forms().map(|form| form.expose_secret().to_owned()).collect();
        for secret in secrets {
            let secret = secret.expose_secret();
            for part in std::iter::once(secret).chain(secret.lines().map(str::trim)) {
                if part.chars().count() >= SHORTEST {
                    forms.extend(derived_forms(part));
                }
            }
        }
        let mut by_prefix: BTreeMap<&str, Vec<SecretString>> = BTreeMap::new();
        for form in &forms {
            by_prefix.entry(prefix(form)).or_default().push(form.as_str().into());
        }
        self.prefixes = (!forms.is_empty()).then(|| {
            let mut builder = AhoCorasick::builder();
            // An automaton for a few kilobytes of log: one that is built fast, rather than one that searches fastest.
            builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA));
            builder.build(by_prefix.keys()).expect("a few secrets fit into an automaton")
        });
        self.forms = by_prefix.into_values().collect();
    }
}

/// The part of a form that is enough to hide it.
fn prefix(form: &str) -> &str {
    &form[..form.floor_char_boundary(PREFIX)]
}

/// A text as it is and in its encoded forms. Base64 in all three positions that it can have in a longer text, without the
/// characters that depend on its neighbours, and at the end of a text.
fn derived_forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut forms = vec![secret.to_owned()];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for offset in 0..3 {
            let encoded = engine.encode([&[0; 2][..offset], bytes].concat());
            let first = (offset * 8).div_ceil(6);
            let last = (offset + bytes.len()) * 8 / 6;
            forms.push(encoded[first..last].to_owned());
            forms.push(encoded[first..].to_owned());
        }
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hex.to_uppercase());
    forms.push(hex);
    // RFC 3986, the same with slashes kept, nothing kept, and forms, where a space is a plus.
    for unreserved in [&b"-._~"[..], b"-._~/", b"", b"*-._"] {
        let percent = percent_encoded(bytes, unreserved);
        forms.push(percent.replace("%20", "+"));
        forms.push(lower_case_escapes(&percent));
        forms.push(percent);
    }
    let json = serde_json::to_string(secret).expect("a string is JSON");
    let json = &json[1..json.len() - 1];
    forms.push(json.replace('/', "\\/"));
    forms.push(json.to_owned());
    forms
}

fn percent_encoded(bytes: &[u8], unreserved: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len() * 3);
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || unreserved.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(percent_encode_byte(byte));
        }
    }
    encoded
}

/// `%2F` as `%2f`; everything else as it is.
fn lower_case_escapes(percent: &str) -> String {
    let mut digits_left = 0;
    percent
        .chars()
        .map(|character| {
            if character == '%' {
                digits_left = 2;
            } else if digits_left > 0 {
                digits_left -= 1;
                return character.to_ascii_lowercase();
            }
            character
        })
        .collect()
}

/// Redacts what is written through it, some whole lines at a time: a secret needn't be seen across their ends, as each of its
/// lines is one too. [`RedactingWriter::finish`] writes the rest.
pub struct RedactingWriter<'r, W> {
    redactor: &'r Redactor,
    inner: W,
    /// What isn't written yet.
    rest: Vec<u8>,
}

impl<W: Write> RedactingWriter<'_, W> {
    /// Writes the rest and returns the inner writer.
    ///
    /// # Errors
    /// Those of the inner writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_redacted(self.rest.len())?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    /// Writes so many bytes of the rest. Those that aren't UTF-8 stay as they are: no secret has such, and a manifest may.
    fn write_redacted(&mut self, count: usize) -> io::Result<()> {
        for chunk in self.rest[..count].utf8_chunks() {
            self.inner.write_all(self.redactor.redact(chunk.valid()).as_bytes())?;
            self.inner.write_all(chunk.invalid())?;
        }
        self.rest.drain(..count);
        Ok(())
    }
}

impl<W: Write> Write for RedactingWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        if self.rest.len() >= BLOCK
            && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            self.write_redacted(self.rest.len() - bytes.len() + end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor_of(secrets: &[&str]) -> Redactor {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Redactor::new(&secrets)
    }

    #[test]
    fn bytes_that_are_not_utf_8_stay_as_they_are_and_secrets_among_them_do_not() {
        let redactor = redactor_of(&["hunter2"]);
        let mut writer = redactor.writer(Vec::new());
        writer.write_all(b"caf\xe9 hunter2\xe2\x82hunter2\n\xff").unwrap();
        assert_eq!(writer.finish().unwrap(), b"caf\xe9 ***\xe2\x82***\n\xff");
    }

    #[test]
    fn without_secrets_the_text_stays_as_it_is() {
        assert!(matches!(Redactor::default().redact("hunter2"), Cow::Borrowed("hunter2")));
    }

    #[test]
    fn a_text_too_short_to_be_a_secret_is_not_one() {
        let mut redactor = Redactor::default();
        assert!(!redactor.add(&SecretString::from("abc")));
        assert!(redactor.add(&SecretString::from("abcd")));
        assert_eq!(redactor.redact("abc abcd"), "abc ***");
    }

    #[test]
    fn the_longer_of_two_secrets_wins_where_one_begins_the_other() {
        assert_eq!(redactor_of(&["hunter", "hunter2-long"]).redact("x hunter2-long hunter2"), "x *** ***2");
    }

    #[test]
    fn each_line_of_a_secret_is_one() {
        let redactor = redactor_of(&["-----BEGIN-----\nline-one\r\nline-two\n"]);
        assert_eq!(redactor.redact("got line-two"), "got ***");
    }

    #[test]
    fn escapes_in_either_case_are_found() {
        let redactor = redactor_of(&["aB+/=\"ß"]);
        for spelled in
            ["aB%2B%2F%3D%22%C3%9F", "aB%2b%2f%3d%22%c3%9f", "aB%2B/%3D%22%C3%9F", "aB+/=\\\"ß", "aB+\\/=\\\"ß"]
        {
            assert_eq!(redactor.redact(spelled), "***", "{spelled}");
        }
    }

    #[test]
    fn a_long_secret_is_hidden_even_where_it_is_cut() {
        let redactor = redactor_of(&["0123456789-0123456789-0123456789-ß-0123456789"]);
        assert_eq!(redactor.redact("token 0123456789-0123456789-0123456789-ß-0123456789."), "token ***.");
        assert_eq!(redactor.redact("token 0123456789-0123456789-0123456789-…"), "token ***…");
        assert_eq!(redactor.redact("0123456789-0123456789-01x"), "***x");
        assert_eq!(redactor.redact("0123456789-0123456789-x"), "0123456789-0123456789-x");
        let nested = ["0123456789-0123456789-", "0123456789-0123456789-ab", "0123456789-0123456789-日本語"];
        assert_eq!(redactor_of(&nested).redact("0123456789-0123456789-日本語 x"), "*** x");
    }

    #[test]
    fn a_secret_cut_over_several_writes_is_found() {
        let redactor = redactor_of(&["correct-horse"]);
        let mut writer = redactor.writer(Vec::new());
        for piece in ["one corr", "ect-ho", "rse\ntwo correct", "-horse"] {
            writer.write_all(piece.as_bytes()).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), b"one ***\ntwo ***");
    }

    #[test]
    fn a_long_text_is_written_before_its_end_and_redacted_across_every_cut() {
        let redactor = redactor_of(&["correct-horse"]);
        let mut writer = redactor.writer(Vec::new());
        let text = "a correct-horse\nno ".repeat(BLOCK / 4);
        for piece in text.as_bytes().chunks(1_000) {
            writer.write_all(piece).unwrap();
            assert!(writer.rest.len() < BLOCK + 1_000);
        }
        assert_eq!(writer.finish().unwrap(), text.replace("correct-horse", "***").into_bytes());
    }

    proptest! {
        /// The same as looking for every form at every place.
        #[test]
        fn everything_that_is_a_form_is_hidden_from_the_left(
            secrets in prop::collection::vec("[ab\u{e9}]{4,7}", 1..4), text in "[ab\u{e9}x]{0,40}",
        ) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let redactor = redactor_of(&secrets);
            let (mut expected, mut rest) = (String::new(), &*text);
            while let Some(first) = rest.chars().next() {
                let forms = redactor.forms().map(|form| form.expose_secret());
                let hidden = forms.filter(|form| rest.starts_with(*form)).map(str::len).max();
                match hidden {
                    Some(_) => expected.push_str(MASK),
                    None => expected.push(first),
                }
                rest = &rest[hidden.unwrap_or(first.len_utf8())..];
            }
            prop_assert_eq!(redactor.redact(&text), expected);
        }

        #[test]
        fn no_form_of_a_secret_survives(
            secret in "[ -~]{4,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}", form in 0..7_usize,
        ) {
            prop_assume!(secret.trim() == secret && !"***".contains(&secret));
            let redactor = redactor_of(&[&secret]);
            let whole = format!("{before}{secret}{after}");
            let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            let spelled = match form {
                0 => whole,
                1 => base64::engine::general_purpose::STANDARD.encode(&whole),
                2 => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&whole),
                3 => hex(&whole),
                4 => hex(&whole).to_uppercase(),
                5 => percent_encoding::utf8_percent_encode(&whole, percent_encoding::NON_ALPHANUMERIC).to_string(),
                _ => serde_json::to_string(&whole).unwrap(),
            };
            let redacted = redactor.redact(&spelled).into_owned();
            prop_assert!(redacted.contains(MASK), "{spelled}");
            for form in redactor.forms() {
                prop_assert!(!redacted.contains(form.expose_secret()), "{redacted}");
            }
        }
    }
}
