//! Escapes untrusted text for logs, terminals and summaries.
//!
//! File names come from whoever opens a pull request, messages from a server. A runner runs a line that begins with `::`
//! (after blanks) or contains `##[` as a command, a terminal obeys escape sequences, and GitLab folds the lines between
//! `section_start` and `section_end`. Every line that the program writes passes through [`sanitize`] once, as a whole.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes everything invisible and every command prefix: control and format characters become `\n`, `\x1b`, `\u{202e}`;
/// `##[` becomes `##\[`; a leading `::` becomes `\::`. Other text is returned unchanged.
///
/// The result has no line break. Sanitizing twice gives the same text as sanitizing once.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !needs_escaping(text) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_invisible(character) {
            escape(character, &mut line);
        } else if character == '[' && completes_a_command_prefix(&line) {
            line.push_str("\\[");
        } else {
            line.push(character);
        }
    }
    let blanks = line.len() - line.trim_start().len();
    if line[blanks..].starts_with("::") {
        line.insert(blanks, '\\');
    }
    Cow::Owned(line)
}

fn needs_escaping(text: &str) -> bool {
    text.contains("##") || text.trim_start().starts_with("::") || text.chars().any(is_invisible)
}

/// Whether `[` after this text completes `##[` (GitHub) or `##vso[` (Azure Pipelines).
pub(super) fn completes_a_command_prefix(line: &str) -> bool {
    line.trim_end_matches(|character: char| character.is_ascii_alphabetic()).ends_with("##")
}

fn escape(character: char, line: &mut String) {
    let written = match character {
        '\n' => line.write_str("\\n"),
        '\r' => line.write_str("\\r"),
        '\t' => line.write_str("\\t"),
        '\0'..='\x7f' => write!(line, "\\x{:02x}", u32::from(character)),
        _ => write!(line, "\\u{{{:x}}}", u32::from(character)),
    };
    written.expect("writing to a string can't fail");
}

/// Controls, line and paragraph separators, format characters (general category Cf), everything else that renderers
/// omit (`Default_Ignorable_Code_Point`), and noncharacters. GitHub's runner compares by culture, and such a comparison skips
/// these: `#`, a soft hyphen, `#[` is `##[` to it.
///
/// Source: Unicode 17.0, `DerivedGeneralCategory.txt` and `DerivedCoreProperties.txt`, 2026-11-22.
pub(super) fn is_invisible(character: char) -> bool {
    if character < '\u{ad}' {
        return character.is_control();
    }
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(character) & 0xfffe == 0xfffe
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What hostile names and messages are made of.
    pub(crate) const HOSTILE: &[&str] = &[
        "\n::set-output name=status::done",
        "\r::add-mask::e",
        "\u{2028}::error::forged",
        "\u{a0}\u{3000}\t ::stop-commands::x",
        "::warning file=a,line=1::forged",
        "page##[add-mask]e.html",
        "#\u{ad}#\u{200d}[error]forged",
        "##\u{feff}[error]",
        "\u{feff}::error::forged",
        "##vso[task.setvariable variable=PATH]x",
        "\x1b[2J\x1b]0;title\x07",
        "\x1b[0Ksection_start:1:x\r\x1b[0Kfolded",
        "\u{9b}31mred",
        "invoice\u{202e}fdp.exe",
        "a|b`c``d<img src=x onerror=alert(1)>",
        "[link](https://evil.example/) @octocat #1 www.evil.example",
        "$(touch pwned).txt; `id` && ${IFS}",
        "]]></failure>&\"'\u{ffff}",
        "delimiter\ncdn_purge_0\nPATH=/evil",
        "tag \u{e0041}\u{e007f} filler \u{3164}\u{115f}",
    ];

    /// Texts that are hostile more often than chance would make them.
    pub(crate) fn hostile_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            proptest::sample::select(HOSTILE).prop_map(str::to_owned),
            proptest::sample::select(
                &["::", ":", "#", "##", "[", "]", " ", "\\", "\n", "\r", "\u{ad}", "`", "|", "***"][..]
            )
            .prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
            "[a-z]{0,3}",
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    /// Whether a runner would see a command: the two forms that GitHub's runner parses, read as widely as can be. Any
    /// name counts as a command, invisible characters don't separate, and every line break of Unicode ends a line.
    pub(crate) fn runner_sees_a_command(output: &str) -> bool {
        let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
        output.split(breaks).any(|line| {
            let seen: String = line.chars().filter(|character| !is_invisible(*character)).collect();
            let colons = seen.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::"));
            let bracket = seen.find("##[").is_some_and(|at| seen[at..].contains(']'));
            let azure = seen.find("##vso[").is_some_and(|at| seen[at..].contains(']'));
            colons || bracket || azure
        })
    }

    #[test]
    fn the_runner_in_these_tests_does_see_commands() {
        for text in
            [" ::error::x", "\u{3000}::a b=c::", "x ##[group]y", "#\u{ad}#[error]", "x\n::endgroup::", "##vso[a]"]
        {
            assert!(runner_sees_a_command(text), "{text:?}");
        }
    }

    #[test]
    fn plain_text_is_returned_as_it_is() {
        for text in ["", "https://www.example.com/a::b/#frag[1]", "größe/日本語.html", "a [b] c", "# [x]"] {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn hostile_names_become_visible() {
        let sanitized: Vec<_> = HOSTILE.iter().map(|text| sanitize(text)).collect();
        insta::assert_snapshot!(sanitized.join("\n"), @r#"
        \n::set-output name=status::done
        \r::add-mask::e
        \u{2028}::error::forged
         　\t ::stop-commands::x
        \::warning file=a,line=1::forged
        page##\[add-mask]e.html
        #\u{ad}#\u{200d}[error]forged
        ##\u{feff}[error]
        \u{feff}::error::forged
        ##vso\[task.setvariable variable=PATH]x
        \x1b[2J\x1b]0;title\x07
        \x1b[0Ksection_start:1:x\r\x1b[0Kfolded
        \u{9b}31mred
        invoice\u{202e}fdp.exe
        a|b`c``d<img src=x onerror=alert(1)>
        [link](https://evil.example/) @octocat #1 www.evil.example
        $(touch pwned).txt; `id` && ${IFS}
        ]]></failure>&"'\u{ffff}
        delimiter\ncdn_purge_0\nPATH=/evil
        tag \u{e0041}\u{e007f} filler \u{3164}\u{115f}
        "#);
    }

    proptest! {
        #[test]
        fn no_text_is_a_command_after_sanitizing(text in hostile_text()) {
            let line = sanitize(&text);
            prop_assert!(!runner_sees_a_command(&line), "{line:?}");
            prop_assert!(!line.chars().any(is_invisible), "{line:?}");
        }

        #[test]
        fn sanitizing_twice_is_sanitizing_once(text in hostile_text()) {
            let once = sanitize(&text).into_owned();
            prop_assert_eq!(sanitize(&once), once.as_str());
        }
    }
}
