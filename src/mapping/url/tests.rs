use proptest::prelude::*;

use super::*;

fn index(url: &str) -> Vec<String> {
    of_index(url, &["index.html".into(), "index.htm".into()])
}

#[test]
fn an_index_file_stands_for_its_directory() {
    assert_eq!(index("https://h.example/a/index.html"), ["https://h.example/a/", "https://h.example/a"]);
    assert_eq!(
        index("https://h.example/a/index%2Ehtm?x=/index"),
        ["https://h.example/a/?x=/index", "https://h.example/a?x=/index"]
    );
    assert_eq!(index("https://h.example/index.html"), ["https://h.example/"]);
    assert!(index("https://h.example/a/myindex.html").is_empty());
    assert!(index("https://h.example/index.html/").is_empty());
    assert!(index("https://h.example/?p=/index.html").is_empty());
}

#[test]
fn variants_and_directories_keep_the_query_in_its_place() {
    assert_eq!(with_query("https://h.example/a", "w=1"), "https://h.example/a?w=1");
    assert_eq!(with_query("https://h.example/a?v=2", "w=1"), "https://h.example/a?v=2&w=1");
    assert_eq!(as_directory("https://h.example/a".into()), "https://h.example/a/");
    assert_eq!(as_directory("https://h.example/a/".into()), "https://h.example/a/");
    assert_eq!(as_directory("https://h.example".into()), "https://h.example/");
    assert_eq!(as_directory("https://h.example/a?x=/".into()), "https://h.example/a/?x=/");
}

#[test]
fn the_host_is_found_without_its_port() {
    assert_eq!(host("https://H.example:8443/a:b@c"), Some("H.example"));
    assert_eq!(host("http://[::1]:80?x"), Some("[::1]"));
    assert_eq!(host("http://[::1]/"), Some("[::1]"));
    assert_eq!(host("https:///a"), None);
    assert_eq!(host("//h.example/a"), None);
    assert_eq!(host("é"), None);
}

#[test]
fn a_root_is_a_root_however_it_is_spelled() {
    for root in ["https://h.example", "https://h.example/", "HTTP://h.example//", "https://h.example/?x=1"] {
        assert!(is_root(root), "{root}");
        assert!(is_whole_host(RefreshKind::Directory, root), "{root}");
        assert!(!is_whole_host(RefreshKind::Url, root), "{root}");
    }
    assert!(!is_root("https://h.example/a"));
    assert!(!is_root("h.example"));
}

#[test]
fn an_expression_that_begins_with_no_name_is_about_the_whole_host() {
    for whole in ["", "/", "/.*", "//.*", "/(a|b)/", "/[a-z]+/", "/a*", "/a?/.*", r"/\w+/", "/img/x|.*", "/{{3}}", "/^"]
    {
        assert!(is_whole_host(RefreshKind::Regex, &format!("https://h.example{whole}")), "{whole}");
    }
    for part in ["/img/.*", "/img/(a|b)/.*", r"/img/a\|b", "/%E4/.*", r"/\.well-known/.*", "/img/[|]"] {
        assert!(!is_whole_host(RefreshKind::Regex, &format!("https://h.example{part}")), "{part}");
    }
}

#[test]
fn only_what_a_client_requests_as_it_is_spelled_is_a_url() {
    for good in [
        "https://h.example/",
        r"http://h.example:8080/a%20b?c=\d",
        "https://h.example",
        "https://h.example/文/a..b/...",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    let problems = [
        "",
        "h.example/a",
        "ftp://h.example/",
        "https://",
        "https:///a",
        "https://me@h.example/",
        "https://h.example/#a",
        "https://h.example/a b",
        "https://h.example/a\tb",
        "https://h.example/\u{7f}",
        "https://h.example/a/../b",
        "https://h.example/%2e%2E/b",
        "https://h.example/.",
        r"https://h.example/a\b",
        r"https://h.example/a\..\b",
        "https://0x7f.1/",
        "https://h\\x/",
        "https://h.example:x/",
        "https://h..é/",
    ]
    .map(|url| format!("{url:?}: {}", check(url).expect_err(url)));
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn given_urls_are_encoded_where_they_need_it() {
    for (given, expected) in [
        ("https://h.example/a b/é", "https://h.example/a%20b/%C3%A9"),
        ("https://h.example/a%20b%C3%A9?x=[\"1\"]", "https://h.example/a%20b%C3%A9?x=%5B%221%22%5D"),
        ("https://h.example/100%/%zz/%4", "https://h.example/100%25/%25zz/%254"),
        ("HTTPS://H.Example:8443/A?B=%c3", "https://h.example:8443/A?B=%c3"),
        ("https://h.example/a+b&c=d;e,f:g@h!$'()*~?x/y?z", "https://h.example/a+b&c=d;e,f:g@h!$'()*~?x/y?z"),
    ] {
        assert_eq!(encode_given(given), expected);
        assert_eq!(encode_given(&spell_given(given, Encoded::Raw)), expected);
    }
    assert_eq!(spell_given("HTTPS://h.example/a b/é%C3%A9", Encoded::Raw), "https://h.example/a%20b/é%C3%A9");
    let given = "https://h.example/[é]|^{?a[]=|^";
    assert_eq!(encode_given(given), "https://h.example/%5B%C3%A9%5D%7C%5E%7B?a%5B%5D=%7C%5E");
    assert_eq!(spell_given(given, Encoded::Browser), "https://h.example/[%C3%A9]|%5E%7B?a[]=|^");
    assert_eq!(spell_given(given, Encoded::Raw), "https://h.example/[é]|^%7B?a[]=|^");
    assert!(check(&encode_given("https://h.example/a\nb")).is_err(), "control characters are no names");
    assert!(check(&encode_given("https://例え.jp/")).is_err(), "a host is not spelled in percent");
    assert!(check(&encode_given(r"https://h.example/a\b")).is_err(), "clients request another URL");
}

#[test]
fn an_expression_may_escape() {
    let expression = r"https://h.example/a\.b/.*\.js";
    assert_eq!(check_kind(RefreshKind::Regex, expression), Ok(()));
    for kind in [RefreshKind::Url, RefreshKind::Directory, RefreshKind::AnyQuery] {
        assert!(check_kind(kind, expression).is_err());
    }
}

proptest! {
    /// A valid URL is requested at exactly its path: no client resolves or reads any of it otherwise.
    #[test]
    fn a_url_that_passes_has_the_segments_that_it_spells(path in r"[a./\\%2eE:?]{0,12}") {
        let url = format!("https://h.example/{path}");
        if check(&url).is_ok() {
            let read = ::url::Url::parse(&url).unwrap();
            prop_assert_eq!(read.path(), path_of(&url["https://h.example".len()..]));
        }
    }

    #[test]
    fn encoding_a_given_url_again_changes_nothing(path in r"[a-z%0-9 é\[\]?&文/]{0,20}") {
        let once = encode_given(&format!("https://h.example/{path}"));
        prop_assert_eq!(check(&once), Ok(()));
        prop_assert_eq!(encode_given(&once), once);
    }

    #[test]
    fn no_text_is_a_panic(url in r"(https?://)?\PC{0,20}") {
        let _ = (check(&url), host(&url), is_root(&url), encode_given(&url), as_directory(url.clone()), index(&url));
    }
}
