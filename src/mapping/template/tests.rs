use proptest::prelude::*;

use super::*;
use crate::mapping::files::{Globs, Verdict};
use crate::model::RepoPath;

const ENCODED: Form = Form { encoded: Encoded::Encoded, expression: false };

fn rendered(pattern: &str, template: &str, path: &[u8], form: Form) -> String {
    let globs = Globs::parse(&[pattern.to_owned()]).unwrap();
    let path = RepoPath::new(path);
    let Verdict::Matched(found) = globs.judge(path.as_bytes()) else { panic!("{pattern} doesn't match {path}") };
    let template = if form.expression { Template::parse_expression(template) } else { Template::parse(template) };
    template.unwrap().render(&TemplateContext::new(&path, found), form)
}

fn problems(template: &str) -> String {
    let lines = Template::parse(template).expect_err(template).into_iter().map(|problem| {
        let blamed = &template[problem.span];
        format!("  `{blamed}`: {}; {}\n", problem.message, problem.help.unwrap_or_default())
    });
    format!("{template}\n{}", lines.collect::<String>())
}

#[test]
fn every_placeholder_is_filled() {
    let template = "https://h.example/{path}|{tail}|{dir}|{name}|{stem}|{ext}|{1}|{2}|{3}";
    for (pattern, path, expected) in [
        ("public/**", "public/a/b.html", "public/a/b.html|a/b.html|public/a|b.html|b|html|a/b.html||"),
        ("posts/*/*.md", "posts/x/y.tar.md", "posts/x/y.tar.md|x/y.tar.md|posts/x|y.tar.md|y.tar|md|x|y.tar|"),
        ("static/robots.txt", "static/robots.txt", "static/robots.txt|robots.txt|static|robots.txt|robots|txt|||"),
        ("static/robots*", "static/robots", "static/robots|robots|static|robots|robots||||"),
        (
            "{public,static}/*",
            "static/.htaccess",
            "static/.htaccess|static/.htaccess|static|.htaccess|.htaccess||static|.htaccess|",
        ),
    ] {
        assert_eq!(
            rendered(pattern, template, path.as_bytes(), ENCODED),
            format!("https://h.example/{expected}"),
            "{pattern}"
        );
    }
}

#[test]
fn an_empty_directory_leaves_no_double_slash() {
    for (template, expected) in [
        ("https://h.example/{dir}/{name}", "https://h.example/a"),
        ("https://h.example/{dir}/", "https://h.example/"),
        ("https://h.example/x/{dir}/{dir}/{name}", "https://h.example/x/a"),
        ("https://h.example/x-{dir}/{name}", "https://h.example/x-/a"),
        ("https://h.example//{name}", "https://h.example//a"),
        ("https://h.example/{name}?d={dir}/", "https://h.example/a?d=/"),
    ] {
        assert_eq!(rendered("*", template, b"a", ENCODED), expected, "{template}");
    }
}

#[test]
fn what_the_template_spells_is_taken_as_it_is() {
    for (template, expected) in [
        ("https://h.example", "https://h.example/"),
        ("HTTPS://H.example:8443?v=1", "HTTPS://H.example:8443/?v=1"),
        ("http://h.example/%E4/文/{{x}}", "http://h.example/%E4/文/{x}"),
        ("https://[::1]/\"<>", "https://[::1]/\"<>"),
    ] {
        assert_eq!(rendered("*", template, b"a", ENCODED), expected, "{template}");
    }
}

#[test]
fn names_are_encoded_for_the_place_they_are_put_in() {
    let path = "c++/a b&c#d?é.html".as_bytes();
    let template = "https://h.example/{path}?p={path}";
    assert_eq!(
        rendered("**", template, path, ENCODED),
        "https://h.example/c++/a%20b&c%23d%3F%C3%A9.html?p=c%2B%2B%2Fa%20b%26c%23d%3F%C3%A9.html"
    );
    let expression = Form { encoded: Encoded::Encoded, expression: true };
    assert_eq!(
        rendered("**", r"https://h.example/{dir}/.*\.html?", path, expression),
        r"https://h.example/c\+\+/.*\.html?"
    );
}

#[test]
fn the_highest_wildcard_is_known_with_its_place() {
    let template = Template::parse("https://h.example/{2}/{1}/{2}").unwrap();
    assert_eq!(template.highest_capture(), Some((2, 18..21)));
    assert_eq!(Template::parse("https://h.example/{{2}}").unwrap().highest_capture(), None);
}

#[test]
fn a_files_own_name_is_no_directory() {
    for (template, blamed) in [
        ("https://h.example/{tail}", "{tail}"),
        ("https://h.example/{tail}/", "{tail}"),
        ("https://h.example/x/{name}/?v=1", "{name}"),
        ("https://h.example/{path}", "{path}"),
    ] {
        let problems = Template::parse_directory(template).unwrap_err();
        assert_eq!(&template[problems[0].span.clone()], blamed);
        assert!(problems[0].help.as_ref().unwrap().contains("{dir}/"));
    }
    for template in ["https://h.example/{dir}/", "https://h.example/{dir}/{stem}/", "https://h.example/{1}"] {
        assert!(Template::parse_directory(template).is_ok(), "{template}");
    }
}

#[test]
fn what_would_be_one_url_that_nobody_requests_is_refused() {
    for (template, blamed) in [
        ("https://h.example/{tail},https://i.example/{tail}", "`https://i.example/{tail}`: a second URL"),
        ("https://h.example/*", "`*`: a `*` at the end"),
        ("https://h.example/{dir}/*?v=1", "`*`: a `*` at the end"),
        ("https://h.example/${tail}", "`$`: a `$` before a placeholder"),
        ("https://h.example/{dir}/*.html", "`*`: a `*` at the end"),
        ("https://h.example/{{tail}}", "`{{tail}}`: a placeholder in doubled braces; write `{tail}`"),
    ] {
        let found = problems(template);
        assert!(found.contains(blamed), "{found}");
    }
    for template in
        ["https://h.example/{{{tail}}}", "https://h.example/p/https://i.example/{tail}", "https://h.example/*/{tail}"]
    {
        assert!(Template::parse(template).is_ok(), "{template}");
    }
    assert!(Template::parse_expression("https://h.example/{dir}/.*").is_ok());
    assert!(Template::parse_expression("https://h.example/[a-z]{{2}}/x").is_ok());
}

#[test]
fn every_problem_has_its_place_and_its_remedy() {
    let all = [
        "",
        "www.example.com/{tail}",
        "/a.b/{tail}",
        "ftp://h.example/",
        "{name}",
        "https:///x",
        "https://h.example{path}",
        "https://{1}.example/",
        "https://me:secret@h.example/",
        "https://h example/",
        "https://127.1/",
        "https://例え.jp/",
        "https://h.example:99999/",
        "https://h.example/{pth}/{Tail}/{}/{0}/{10}/{2,3}",
        "https://h.example/{path",
        "https://h.example/{path/{name}",
        "https://h.example/x}/#top/%zz/a b/\u{7}",
        r"https://h.example/a\b/{name}?c=\d",
    ];
    insta::assert_snapshot!(all.map(problems).concat());
}

proptest! {
    /// A file's name never changes the host, and adds no query and no fragment.
    #[test]
    fn no_name_breaks_out_of_its_place(
        path in prop::collection::vec(any::<u8>().prop_filter("no path holds it", |byte| *byte != 0), 1..40),
        form in 0..3_usize,
        template in prop::sample::select(vec![
            "https://h.example/{path}", "https://h.example/{dir}/{name}", "https://h.example/x{1}", "https://h.example/a/{tail}/b",
            "https://h.example/{stem}?v={ext}&p={path}",
        ]),
    ) {
        let encoded = [Encoded::Encoded, Encoded::Browser, Encoded::Raw][form];
        let text = rendered("**", template, &path, Form { encoded, expression: false });
        let url = ::url::Url::parse(&text).unwrap();
        prop_assert_eq!(url.host_str(), Some("h.example"));
        prop_assert_eq!(crate::mapping::url::host(&text), Some("h.example"));
        prop_assert_eq!((url.port(), url.username(), url.fragment()), (None, "", None));
        prop_assert_eq!(url.query().is_some(), template.contains('?'));
        if let Some(query) = url.query() {
            prop_assert_eq!(query.split('&').count(), 2);
        }
        // A URL that passes the check is requested as it is spelled.
        if crate::mapping::url::check(&text).is_ok() && encoded == Encoded::Encoded {
            prop_assert_eq!(url.as_str(), text);
        }
    }

    #[test]
    fn no_text_is_a_panic(text in r"(https://h\.e)?[/{}a1?#%é \\]{0,16}") {
        if let Err(problems) = Template::parse(&text) {
            for problem in problems {
                prop_assert!(text.get(problem.span).is_some());
            }
        }
    }
}

#[test]
fn a_tag_stands_behind_its_host_and_holds_a_files_name_whatever_it_is() {
    let globs = Globs::parse(&["products/*".to_owned()]).unwrap();
    for (path, expected) in [
        ("products/lamp.yml", "https://h.example/#product-lamp"),
        ("products/a, b#c?.yml", "https://h.example/#product-a%2C%20b%23c%3F"),
    ] {
        let path = RepoPath::new(path);
        let Verdict::Matched(found) = globs.judge(path.as_bytes()) else { panic!("{path}") };
        let template = Template::parse_tag("https://h.example/#product-{stem}").unwrap();
        assert_eq!(template.render(&TemplateContext::new(&path, found), ENCODED), expected);
    }
    for (template, message) in [
        ("https://h.example/#", "this isn't the URL of a tag"),
        ("http://h.example/#a", "this isn't the URL of a tag"),
        ("https://h.example/a#b", "this isn't the URL of a tag"),
        ("https://h.example/a", "this isn't the URL of a tag"),
        ("https://h.example/#a,b", "a comma in a tag"),
        ("https://h.example/#a b", "white space in a URL"),
        ("https://h.example/#a#b", "a fragment"),
        ("https://{name}/#a", "a placeholder in the host"),
        ("https://h.example/#{stm}", "unknown placeholder `{stm}`"),
    ] {
        let problems = Template::parse_tag(template).expect_err(template);
        assert_eq!(problems[0].message, message, "{template}");
    }
}

#[test]
fn the_dots_of_a_host_may_be_escaped_in_an_expression_alone() {
    let text = r"https://www\.example\.com/{dir}/.*\.html";
    let template = Template::parse_expression(text).unwrap();
    assert_eq!(template.host(true).as_deref(), Some("www.example.com"));
    assert!(Template::parse(text).is_err());
    for text in [r"https://www\.example\.com\x/", r"https://www.{dir}\.com/", r"https://[a-z]\.example\.com/"] {
        assert!(Template::parse_expression(text).is_err(), "{text}");
    }
}
