use proptest::prelude::*;

use super::*;

/// Keys and values as text.
fn read(content: &str) -> Result<String, String> {
    let front = FrontMatter::parse(content.as_bytes())?;
    Ok(front.shown().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" | "))
}

#[test]
fn the_three_forms_are_read_alike() {
    let expected = "slug=a b | draft=true | weight=3 | aliases=/x/, /y/ | date=2024-05-06";
    let yaml = "---\nslug: a b\ndraft: true\nweight: 3\naliases:\n  - /x/\n  - '/y/'\ndate: 2024-05-06\n---\nText";
    let toml = "+++\nslug = \"a b\"\ndraft = true # yes\nweight = 3\naliases = [\n  \"/x/\",\n  '/y/', # old\n]\ndate = 2024-05-06\n+++\n";
    assert_eq!(read(yaml).unwrap(), expected);
    assert_eq!(read(toml).unwrap(), expected);
    assert_eq!(read(&yaml.replace('\n', "\r\n")).unwrap(), expected);
    assert_eq!(read(&toml.replace('\n', "\r\n")).unwrap(), expected);
    assert_eq!(read(&format!("\u{feff}{yaml}")).unwrap(), expected);
    let json = r#"{"aliases": ["/x/", "/y/"], "date": "2024-05-06", "draft": true, "slug": "a b", "weight": 3}"#;
    let expected = "aliases=/x/, /y/ | date=2024-05-06 | draft=true | slug=a b | weight=3";
    assert_eq!(read(&format!("{json}\n\nText {{}}")).unwrap(), expected);
    assert_eq!(read(&format!("---json\n{json}\n---\n")).unwrap(), expected);
}

#[test]
fn a_file_without_front_matter_has_no_values() {
    for content in [
        "",
        "Text",
        "# Title\n---\na: b\n---\n",
        "----\na: b\n----\n",
        "{{< x >}}",
        "{% x %}",
        "---\n",
        "--- \nText, and no end",
    ] {
        assert_eq!(read(content).unwrap(), "", "{content}");
    }
    assert_eq!(read("---\n---\nText").unwrap(), "");
    assert_eq!(read("---\n# only a comment\n...\nText").unwrap(), "");
    assert_eq!(read("+++\n+++\n").unwrap(), "");
}

#[test]
fn a_value_that_is_no_text_is_known_and_not_used() {
    let yaml = "---\na: {b: c}\nc: [[d]]\ne: &x f\ng: *x\nh: [*x]\ni: ~\nj: ''\nk: [l, {m: n}]\no: |\n  p\n  q\n---\n";
    assert_eq!(
        read(yaml).unwrap(),
        "a=(is a mapping, not a text) | c=(is a mapping, not a text) | e=f | g=(is an alias of YAML, which isn't followed) \
         | h=(is an alias of YAML, which isn't followed) | i= | j= | k=(is a mapping, not a text) | o=p\nq\n"
    );
    let toml = "+++\na = {b = 1, c = [2]}\nd = [[\"e\"]]\nf.g = 1\n[table]\na = 2\n+++\n";
    assert_eq!(read(toml).unwrap(), "a=(is a mapping, not a text) | d=(is a mapping, not a text)");
    let long = format!("---\na: [{}]\nb: c\n---\n", "x, ".repeat(101));
    assert_eq!(read(&long).unwrap(), "a=(is a list of more than 100 values) | b=c");
}

#[test]
fn strings_of_toml_are_read_in_all_four_forms() {
    let text = r#"+++
a = "q\"\\ \u00e9\t\x41"
b = 'C:\x'
c = """
one
two \
   three"" """
d = '''
it's'''
"e f" = ""
+++"#;
    assert_eq!(read(text).unwrap(), "a=q\"\\ é\tA | b=C:\\x | c=one\ntwo three\"\"  | d=it's | e f=");
}

#[test]
fn what_can_not_be_read_is_said() {
    let nested = format!("---\na: {}\n---\n", "[".repeat(100));
    let endless = format!("---\n{}", "a: b\n".repeat(20_000));
    let many = format!("---\na: [{}]\n---\n", "x,".repeat(5000));
    let deep = format!("+++\na = {}\n+++\n", "[".repeat(100));
    for (content, expected) in [
        ("---\n- a\n---\n", "it is a list, not a mapping of keys"),
        ("---\nSome text\n---\n", "it is no mapping of keys"),
        ("---\na: 'b\n---\n", "it can't be read as YAML: "),
        (&nested, "it can't be read as YAML: "),
        (&endless, "it isn't closed within 64 KiB"),
        (&many, "it has more than 4096 values"),
        (&deep, "line 2 can't be read as TOML"),
        ("+++\na = 1\nb\n+++\n", "line 3 can't be read as TOML"),
        ("+++\na = \"b\n+++\n", "line 2 can't be read as TOML"),
        ("+++\na = 1 2 = 3\n+++\n", ""),
        ("{\"a\": }", "it isn't an object of JSON"),
    ] {
        if expected.is_empty() {
            // Another value is taken as it is written.
            assert_eq!(read(content).unwrap(), "a=1 2 = 3");
            continue;
        }
        let problem = read(content).unwrap_err();
        assert!(problem.starts_with(expected), "{}: {problem}", &content[..content.len().min(40)]);
    }
    assert_eq!(FrontMatter::parse(b"---\na: \xff\n---\n").unwrap_err(), "it isn't UTF-8");
}

#[test]
fn a_bomb_of_aliases_is_not_expanded() {
    let mut yaml = "---\na: &a [x, x]\n".to_owned();
    for (letter, before) in ('b'..='z').zip('a'..='y') {
        yaml.push_str(&format!("{letter}: &{letter} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    let shown = read(&(yaml + "slug: s\n---\n")).unwrap();
    assert!(shown.starts_with("a=x, x | b=(is an alias") && shown.ends_with("slug=s"), "{shown}");
}

proptest! {
    #[test]
    fn no_content_makes_it_panic(begin in prop::sample::select(vec!["---\n", "+++\n", "{", "---json\n", "\u{feff}---\n", ""]), rest: Vec<u8>, text in "[-+a-c:=\\[\\]{}\"'\\\\,.# \n*&|>!%0-9]{0,60}") {
        let _ = FrontMatter::parse(&[begin.as_bytes(), &rest].concat());
        let _ = FrontMatter::parse(format!("{begin}{text}\n---\n+++\n").as_bytes());
    }

    /// Any text, written as a string of each form, is read as itself.
    #[test]
    fn a_text_is_read_as_it_was_written(text in "[ -~éß文\t]{1,20}") {
        let quoted = serde_json::Value::from(text.clone());
        let expected = Ok(format!("a={text}"));
        prop_assert_eq!(&read(&format!("{{\"a\": {quoted}}}")), &expected);
        prop_assert_eq!(&read(&format!("---\na: {quoted}\n---\n")), &expected);
        prop_assert_eq!(&read(&format!("+++\na = {quoted}\n+++\n")), &expected);
        if !text.contains('\'') {
            prop_assert_eq!(&read(&format!("+++\na = '{text}'\n+++\n")), &expected);
        }
    }
}
