use proptest::prelude::*;

use super::*;
use crate::mapping::files::{Globs, Verdict};
use crate::mapping::front_matter::FrontMatter;
use crate::model::RepoPath;

const ENCODED: Form = Form { encoded: Encoded::Encoded, expression: false };

fn rendered(pattern: &str, template: &str, path: &[u8], form: Form) -> String {
    let globs = Globs::parse(&[pattern.to_owned()]).unwrap();
    let path = RepoPath::new(path);
    let Verdict::Matched(found) = globs.judge(path.as_bytes()) else { panic!("{pattern} doesn't match {path}") };
    let template = if form.expression { Template::parse_expression(template) } else { Template::parse(template) };
    let urls = template.unwrap().render(&TemplateContext::new(&path, found, None), form).unwrap();
    let [url] = &urls[..] else { panic!("{urls:?}") };
    url.clone()
}

/// The URLs of `posts/2024-05-06-Old Name.md` with this front matter.
fn fronted(template: &str, front: &str) -> Result<Vec<String>, String> {
    let globs = Globs::parse(&["posts/**/*.md".to_owned()]).unwrap();
    let path = RepoPath::new("posts/2024-05-06-Old Name.md");
    let Verdict::Matched(found) = globs.judge(path.as_bytes()) else { panic!("no match") };
    let front = FrontMatter::parse(format!("---\n{front}\n---\nText\n").as_bytes()).unwrap();
    let template = Template::parse(template).unwrap_or_else(|problems| panic!("{template}: {problems:?}"));
    template.render(&TemplateContext::new(&path, found, Some(&front)), ENCODED)
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
        assert_eq!(template.render(&TemplateContext::new(&path, found, None), ENCODED).unwrap(), [expected]);
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

#[test]
fn transforms_are_applied_from_left_to_right() {
    for (template, path, expected) in [
        ("https://h.example/{stem|lower|slug}/", "posts/About Us_2.md", "https://h.example/about-us-2/"),
        (
            "https://h.example/{1|strip-number}/{stem|strip-number}",
            "posts/01-a/2_b/03. C.md",
            "https://h.example/a/b/C",
        ),
        ("https://h.example/{tail|without:.md}.html", "posts/a/b.md", "https://h.example/a/b.html"),
        (
            "https://h.example/{stem|before:#}/{stem|after:#}?q={stem|before:#}",
            "posts/é#b.md",
            "https://h.example/%C3%A9/b?q=%C3%A9",
        ),
        (
            "https://h.example/news/{stem|date:year}/{stem|date:month}/{stem|date:day}/{stem|strip-date}/",
            "posts/2014-5-06-turns-2-0-0.md",
            "https://h.example/news/2014/05/06/turns-2-0-0/",
        ),
        ("https://h.example/{stem|date:year|default:undated}/x", "posts/a.md", "https://h.example/undated/x"),
        ("https://h.example/{1|after:x|default:}/x", "posts/a/b.md", "https://h.example/x"),
    ] {
        assert_eq!(rendered("posts/**/*.md", template, path.as_bytes(), ENCODED), expected, "{template}");
    }
}

#[test]
fn the_front_matter_gives_values_and_a_default_takes_their_place() {
    let slug = "https://h.example/{front.slug|default:{stem|strip-date|slug}}/";
    let permalink =
        "https://h.example/{front.permalink|default:{front.date|date:year|default:{stem|date:year}}/{stem}}";
    for (template, front, expected) in [
        (slug, "slug: new", &["https://h.example/new/"][..]),
        (slug, "slug: ''", &["https://h.example/old-name/"]),
        (slug, "title: x", &["https://h.example/old-name/"]),
        (slug, "slug: /a b/c/", &["https://h.example/a%20b/c/"]),
        (permalink, "permalink: /about/", &["https://h.example/about/"]),
        (permalink, "date: 2023-01-02 10:00:00 +0800", &["https://h.example/2023/2024-05-06-Old%20Name"]),
        (permalink, "x: 1", &["https://h.example/2024/2024-05-06-Old%20Name"]),
        ("https://h.example/{front.aliases|optional}", "x: 1", &[]),
        (
            "https://h.example/{front.aliases|optional}",
            "aliases: [/a, 'b?c=%20#d']",
            &["https://h.example/a", "https://h.example/b%3Fc=%2520%23d"],
        ),
        ("https://h.example/{front.aliases|absolute|optional}", "aliases: [a, b]", &[]),
        ("https://h.example/{front.categories|slug|join:/}/x", "categories: [A b, C]", &["https://h.example/a-b/c/x"]),
        (
            "https://h.example/{front.a}-{front.b}",
            "{a: [1, 2], b: [3, 4]}",
            &["https://h.example/1-3", "https://h.example/1-4", "https://h.example/2-3", "https://h.example/2-4"],
        ),
    ] {
        assert_eq!(fronted(template, front).unwrap(), expected, "{template} of {front}");
    }
}

#[test]
fn a_value_that_is_no_part_of_a_path_gives_no_url() {
    let list = |count: usize| format!("a: [{0}]\nb: [{0}]", vec!["x"; count].join(", "));
    let nested = list(11);
    for (front, expected) in [
        ("a: 1", "`{front.b}` has no value"),
        ("a: https://evil.example/x", "`{front.a}` names a host, and a URL's host is always the template's"),
        ("a: //evil.example/x", "`{front.a}` names a host, and a URL's host is always the template's"),
        ("a: \"x\\ny\"", "`{front.a}` has a control character"),
        ("a: /:year/:title/", "`{front.a}` has the generator's own placeholder `:year`: write a rule for it"),
        ("a: {b: c}", "`{front.a}` is a mapping, not a text"),
        (&nested, "`{front.b}` gives more than 100 URLs"),
    ] {
        assert_eq!(fronted("https://h.example/{front.a}/{front.b}", front).unwrap_err(), expected, "{front}");
    }
    let long = format!("a: {}", "x".repeat(3000));
    assert_eq!(fronted("https://h.example/{front.a}", &long).unwrap_err(), "`{front.a}` is longer than 2048 bytes");
}

#[test]
fn every_problem_of_a_transform_has_its_place_and_its_remedy() {
    let all: Vec<String> = [
        "https://h.example/{stem|slugg}/{tail|kebab}/{1|}",
        "https://h.example/{stem|lower:x}/{stem|date}/{stem|date:hour}/{name|without}/{stem|slug:wordpress}/{tail|without:}",
        "https://h.example/{front}/{front.}/{front.a.b}/{date.year}",
        "https://h.example/{stem|default:{x}|lower}/{stem|optional|optional}",
        "https://h.example/{stem|default:a?b}",
        "https://h.example/{stem|default:{name}",
        "https://h.example/{stem|lower/{name}",
        "https://h.example/{a|default:{b|default:{c|default:{d|default:{e|default:f}}}}}",
    ]
    .map(problems)
    .to_vec();
    insta::assert_snapshot!(all.concat());
}

#[test]
fn the_table_of_transforms_says_what_they_do() {
    for entry in TRANSFORMS {
        assert!(Template::parse(&format!("https://h.example/{}", entry.example)).is_ok(), "{}", entry.example);
        let call = entry.example.trim_matches(['{', '}']).split_once('|').unwrap().1;
        let (name, argument) = call.split_once(':').unwrap_or((call, ""));
        assert_eq!(name, entry.name);
        let Some(transform) = Transform::of(name, argument) else { continue };
        assert!(!entry.results.is_empty(), "{name}");
        for (value, expected) in entry.results {
            let given = transform.apply(vec![value.as_bytes().into()]);
            let expected: Vec<_> = expected.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(given, expected, "{call} of {value}");
        }
    }
}

proptest! {
    /// Whatever a stranger writes into a page, its URL stays at the template's host, and a request for it is one.
    #[test]
    fn no_value_of_a_front_matter_leaves_the_host_or_the_path(
        value in "[a-z:/.?#@%\\\\ é\u{0}-\u{20}]{0,30}",
        template in prop::sample::select(vec![
            "https://h.example/{front.a}", "https://h.example/x/{front.a|slug:hugo}/", "https://h.example/{front.a|lower|optional}",
            "https://h.example/{front.a|after:/|default:{front.a|before::|default:y}}/z",
        ]),
    ) {
        let front = format!("a: {}", serde_json::Value::from(value));
        for url in fronted(template, &front).unwrap_or_default() {
            let parsed = ::url::Url::parse(&url).unwrap();
            prop_assert_eq!(parsed.host_str(), Some("h.example"));
            prop_assert!(parsed.query().is_none() && parsed.fragment().is_none(), "{}", url);
            prop_assert!(url.is_ascii() && !url.contains([' ', '\\']), "{}", url);
        }
    }

    #[test]
    fn reading_any_template_never_panics(text in "https://h/(\\{|\\}|\\||:|stem|front\\.a|slug|date|year|default|optional|/|\\?|#|é){0,12}") {
        let _ = Template::parse(&text);
        let _ = Template::parse_expression(&text);
    }
}
