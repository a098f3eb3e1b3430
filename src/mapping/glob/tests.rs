use proptest::prelude::*;

use super::*;

fn captured(pattern: &str, path: &str) -> Option<Vec<String>> {
    captured_bytes(pattern, path.as_bytes())
}

fn captured_bytes(pattern: &str, path: &[u8]) -> Option<Vec<String>> {
    let captures = Glob::parse(pattern).unwrap().captures(path)?;
    Some(captures.all().iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect())
}

#[test]
fn wildcards_match_and_are_numbered_as_they_stand() {
    for (pattern, path, expected) in [
        ("static/robots.txt", "static/robots.txt", &[][..]),
        ("**", "a", &["a"]),
        ("**", "a/b/c", &["a/b/c"]),
        ("public/**", "public/a/b.html", &["a/b.html"]),
        ("**/*.md", "a.md", &["", "a"]),
        ("**/*.md", "x/y/a.md", &["x/y", "a"]),
        ("content/posts/*/*.md", "content/posts/x/y.md", &["x", "y"]),
        ("a/**/b", "a/b", &[""]),
        ("a/**/b", "a/x/b/y/b", &["x/b/y"]),
        ("**/**", "a/b", &["a", "b"]),
        ("a/**/**/b", "a/x/y/b", &["x/y", ""]),
        ("*.{js,css}", "a.b.css", &["a.b", "css"]),
        ("{*.js,*.css}", "main.css", &["main.css"]),
        ("{public,static}/**", "static/a/b", &["static", "a/b"]),
        ("{a,b{c,d}}*/e", "bdx/e", &["bd", "x"]),
        ("app{,.min}.js", "app.js", &[""]),
        ("app{,.min}.js", "app.min.js", &[".min"]),
        ("{public/**,index.html}", "public/a/b", &["public/a/b"]),
        ("{docs/**/,}index.md", "docs/x/index.md", &["docs/x/"]),
        ("{**/a,b}/c", "x/y/a/c", &["x/y/a"]),
        ("{x/**,b}/c", "x/1/2/c", &["x/1/2"]),
        ("*-*.html", "a-b-c.html", &["a-b", "c"]),
        ("????-*", "2026-é", &["2", "0", "2", "6", "é"]),
        ("[a-c][!a-c]", "bé", &["b", "é"]),
        ("[]a]", "]", &["]"]),
        ("[a-]", "-", &["-"]),
        (r"[\]-\^]", "^", &["^"]),
        (r"\!a\*\{b\}", "!a*{b}", &[]),
        ("*", ".htaccess", &[".htaccess"]),
        ("1/?/?/?/?/?/?/?/?/?/?", "1/a/b/c/d/e/f/g/h/i/j", &["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
    ] {
        let expected = expected.iter().map(|&value| value.to_owned()).collect();
        assert_eq!(captured(pattern, path), Some(expected), "{pattern} on {path}");
    }
}

#[test]
fn a_path_as_windows_writes_it_is_no_pattern_that_matches_nothing() {
    for pattern in [r"public\**", r"public\**\a.html", r"public\docs\a.html"] {
        let help = Glob::parse(pattern).unwrap_err().help;
        assert!(help.contains("separated by `/`"), "{pattern}: {help}");
    }
}

#[test]
fn a_wildcard_stays_in_its_segment_and_a_match_is_the_whole_path() {
    for (pattern, path) in [
        ("*", "a/b"),
        ("?", "/"),
        ("a?b", "a/b"),
        ("a[!x]b", "a/b"),
        ("public/**", "public"),
        ("public/**", "publicity/a"),
        ("a/**/b", "ab"),
        ("a/**/b", "a/xb"),
        ("**/b", "ab"),
        ("static/robots.txt", "static/robots.txt.bak"),
        ("static/robots.txt", "x/static/robots.txt"),
        ("ab*ba", "aba"),
        ("*.HTML", "a.html"),
        ("?", "é́"),
    ] {
        assert_eq!(captured(pattern, path), None, "{pattern} on {path}");
    }
}

#[test]
fn a_byte_outside_utf8_is_one_character() {
    assert_eq!(captured_bytes("caf?.html", b"caf\xe9.html"), Some(vec!["\u{fffd}".into()]));
    assert_eq!(captured_bytes("*[!a]", b"\xe2\x82"), Some(vec!["\u{fffd}".into(), "\u{fffd}".into()]));
    assert_eq!(captured_bytes("[é]", b"\xc3"), None);
}

#[test]
fn what_would_silently_match_nothing_is_a_problem_with_its_remedy() {
    let problems = [
        "",
        "/public/**",
        "./public/**",
        "public/",
        "public/**/",
        "a//b",
        "a/../b",
        "**.html",
        "public/**.html",
        "a/b**",
        "***",
        "{a**,b}",
        "x{**/a,b}",
        "{a,b/**}c",
        "{a",
        "{a,b",
        "a}",
        "[a",
        "[",
        "[!]",
        "[z-a]",
        "[a/]",
        "{tail}",
        "{}",
        r"public\index.html",
        "a\\",
    ]
    .map(|pattern| {
        let problem = Glob::parse(pattern).expect_err(pattern);
        format!("{pattern:20} {}; {}", problem.message, problem.help)
    });
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn white_space_and_line_breaks_that_no_name_has_are_said() {
    for (pattern, said) in [
        ("public/**\npublic/*.html", "line break"),
        ("public/*.html\n", "line break"),
        ("public/*.html\r\n", "line break"),
        ("a\tb", "line break"),
        (" public/drafts/**", "white space"),
        ("public/*.html ", "white space"),
        ("\u{a0}public/*.html", "white space"),
    ] {
        let problem = Glob::parse(pattern).expect_err(pattern);
        assert!(problem.message.contains(said) && !problem.help.is_empty(), "{pattern:?}: {problem:?}");
    }
    assert_eq!(captured("[ ]a b?c", " a b\nc"), Some(vec![" ".into(), "\n".into()]));
}

#[test]
fn an_alternative_that_can_match_nothing_is_a_problem_and_one_that_can_is_none() {
    for pattern in [
        "{public/**,docs/}",
        "{a/,b}/c",
        "{/a,b}/c",
        "a/{/b,c}",
        "**/{/b,c}",
        "{./public,docs}/*.html",
        "{public/./a,docs}/*.html",
        "{a/..,b}/c",
        "{a/**/,b}",
        "{a/{b/,c},d}",
        "a[[:digit:]]",
    ] {
        let problem = Glob::parse(pattern).expect_err(pattern);
        assert!(!problem.help.is_empty(), "{pattern}: {problem:?}");
    }
    for pattern in
        ["{public/,docs/}*.html", "a{/b,/c}", "a{/**/,/}b", "{docs/**/,}index.md", "{.,..}a", "a{.,..}", "[[]a", "[:]"]
    {
        Glob::parse(pattern).unwrap_or_else(|problem| panic!("{pattern}: {problem:?}"));
    }
}

#[test]
fn a_bomb_is_refused_or_costs_no_more_than_its_length() {
    assert!(Glob::parse(&"a".repeat(LONGEST + 1)).is_err());
    assert!(Glob::parse(&format!("{}{}", "{a,".repeat(100), "}".repeat(100))).is_err());
    let path = "a/".repeat(1000) + "a";
    for pattern in ["**/".repeat(300) + "b", "*a".repeat(500) + "b", "{a,b}".repeat(200), "{a,**/a}/".repeat(100) + "b"]
    {
        let glob = Glob::parse(&pattern).unwrap_or_else(|problem| panic!("{pattern}: {problem:?}"));
        assert_eq!(glob.captures(path.as_bytes()), None);
    }
    // The largest expressions still compile.
    for pattern in ["?".repeat(LONGEST), "[!é]?".repeat(170), "[a-é一-龥]".repeat(78), "**/".repeat(340) + "b"] {
        Glob::parse(&pattern).unwrap_or_else(|problem| panic!("{pattern}: {problem:?}")).captures(b"b");
    }
}

/// A segment for us and the same for globset, where `[!a]` would match a `/`, and where `{` drops the `**` next to it.
fn segment() -> impl Strategy<Value = (String, String)> {
    let plain =
        prop::sample::select(vec!["a", "b", "-", ".", "*", "?", "[ab]", "[a-c]", "{a,b*}", "{,a}", "{a,{b,?}c}", "ab"])
            .prop_map(|text| (text.to_owned(), text.to_owned()));
    let negated = Just(("[!a]".to_owned(), "[!a/]".to_owned()));
    let stars = |text: &str| text.contains("**") || text == "." || text == "..";
    prop::collection::vec(prop_oneof![9 => plain, 1 => negated], 1..5)
        .prop_map(|parts| parts.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
        .prop_map(|(ours, theirs)| (ours.concat(), theirs.concat()))
        .prop_filter("two stars in a row mean something else", move |(ours, _)| !stars(ours))
}

fn pattern() -> impl Strategy<Value = (String, String)> {
    let deep = Just(("**".to_owned(), "**".to_owned()));
    prop::collection::vec(prop_oneof![2 => segment(), 1 => deep], 1..5).prop_map(|segments| {
        let (ours, theirs): (Vec<_>, Vec<_>) = segments.into_iter().unzip();
        (ours.join("/"), theirs.join("/"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn patterns_match_what_globset_says((ours, theirs) in pattern(), paths in prop::collection::vec("[abc.-]{1,3}(/[abc.-]{1,3}){0,3}", 8)) {
        let glob = Glob::parse(&ours).unwrap();
        let oracle = GlobBuilder::new(&theirs)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build()
            .unwrap()
            .compile_matcher();
        for path in paths {
            prop_assert_eq!(glob.captures(path.as_bytes()).is_some(), oracle.is_match(&path), "{} on {}", ours, path);
        }
    }

    /// Between them, literals and captures spell the path.
    #[test]
    fn captures_put_back_into_the_pattern_give_the_path(
        parts in prop::collection::vec(prop::sample::select(vec!["a", "b", "/", "*", "?", "[ab]", "{a,b/c}", "é"]), 1..8),
        path in "[abé]{1,4}(/[abcé]{1,3}){0,2}",
    ) {
        let text = parts.concat();
        prop_assume!(!text.contains("**"));
        let Ok(glob) = Glob::parse(&text) else { return Ok(()) };
        if let Some(captures) = glob.captures(path.as_bytes()) {
            let mut values = captures.all().iter();
            let spelled: Vec<u8> = parts.iter().flat_map(|part| match *part {
                "a" | "b" | "/" | "é" => part.as_bytes(),
                _ => values.next().unwrap(),
            }).copied().collect();
            prop_assert_eq!(spelled, path.into_bytes());
        }
    }

    #[test]
    fn no_text_and_no_path_is_a_panic(text in r"[ab*?{},!\[\]\\/é^-]{0,12}", path: Vec<u8>) {
        if let Ok(glob) = Glob::parse(&text) {
            glob.captures(&path);
        }
    }
}
