//! The ladder, rung by rung; and the law that matters: fresh is only what equals the deployed file.

use super::*;
use crate::provider::edge::{BodyReader, gzip};

const OLD: &[u8] = b"<h1>yesterday</h1>\n";
const NEW: &[u8] = b"<h1>today</h1>\n";

fn page(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Page {
    let mut reader = BodyReader::new(0);
    reader.update(body);
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap()));
    reader.page(status, headers.collect(), true)
}

fn changed() -> Expected {
    Expected { wanted: Wanted::File(FileVersion::committed(NEW)), former: FileVersion::committed(OLD) }
}

fn deleted() -> Expected {
    Expected { wanted: Wanted::Gone, former: FileVersion::committed(OLD) }
}

fn md5(body: &[u8]) -> String {
    crate::provider::edge::Fingerprint::of(body).md5.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn each_rung_of_the_ladder_gives_its_verdict_with_its_evidence() {
    let minute = Some(Duration::from_secs(60));
    let [new_tag, old_tag] = [NEW, OLD].map(|body| format!("\"{}\"", md5(body)));
    let windows = b"<h1>today</h1>\r\n";
    let coded = ("content-encoding", "gzip");
    for (expected, page, since, verdict, evidence) in [
        (changed(), page(200, &[], NEW), None, Verdict::Fresh, "the bytes of the file"),
        (changed(), page(200, &[("x-cache", "HIT from edge")], windows), None, Verdict::Fresh, "the bytes of the file"),
        (
            changed(),
            page(200, &[("x-cache", "HIT, MISS")], NEW),
            None,
            Verdict::Fresh,
            "the bytes of the file; this edge held no copy",
        ),
        (changed(), page(200, &[], OLD), None, Verdict::Stale, "the bytes of the file before"),
        (changed(), page(200, &[coded], &gzip(NEW)), None, Verdict::Fresh, "the gzip checksum and length of the file"),
        (
            changed(),
            page(200, &[coded], &gzip(OLD)),
            None,
            Verdict::Stale,
            "the gzip checksum and length of the file before",
        ),
        // The edge minified it, and kept the store's digest.
        (
            changed(),
            page(200, &[("etag", &new_tag)], b"<h1>today"),
            None,
            Verdict::Fresh,
            "the MD5 (`Content-MD5` or `ETag`) of the file",
        ),
        (
            changed(),
            page(200, &[("etag", &format!("W/{old_tag}"))], b"<h1>yesterday"),
            None,
            Verdict::Stale,
            "the MD5 (`Content-MD5` or `ETag`) of the file before",
        ),
        // The bytes count for more than what a header field says of them.
        (changed(), page(200, &[("etag", &new_tag)], OLD), None, Verdict::Stale, "the bytes of the file before"),
        (
            changed(),
            page(200, &[("age", "90")], b"<h1>built</h1>"),
            minute,
            Verdict::Stale,
            "the copy is older than the refresh, by 25 s or more",
        ),
        (
            changed(),
            page(200, &[("age", "64")], b"<h1>built</h1>"),
            minute,
            Verdict::Undecided,
            "neither the bytes of the file nor those before: a page that is built, or a newer deployment",
        ),
        (
            changed(),
            page(404, &[("age", "90")], b""),
            minute,
            Verdict::Stale,
            "a cached HTTP 404: the copy is older than the refresh, by 25 s or more",
        ),
        (
            changed(),
            page(404, &[("cache-status", "shield; fwd=miss, edge; hit; ttl=30")], b""),
            minute,
            Verdict::Stale,
            "a cached HTTP 404, though its file exists",
        ),
        // Its copy is of the fetch in another encoding, a second ago: the origin has no such page.
        (
            changed(),
            page(404, &[("x-cache", "HIT"), ("age", "1")], b""),
            minute,
            Verdict::Undecided,
            "HTTP 404, though its file exists",
        ),
        (
            changed(),
            page(404, &[("x-cache", "HIT"), ("age", "18446744073709551616")], b""),
            minute,
            Verdict::Stale,
            "a cached HTTP 404, though its file exists",
        ),
        (
            changed(),
            page(404, &[("x-cache", "MISS")], b""),
            minute,
            Verdict::Undecided,
            "HTTP 404, though its file exists",
        ),
        (deleted(), page(404, &[], b""), None, Verdict::Fresh, "HTTP 404, as its file is gone"),
        (deleted(), page(410, &[], b""), None, Verdict::Fresh, "HTTP 410, as its file is gone"),
        (deleted(), page(200, &[], OLD), None, Verdict::Stale, "the bytes of the deleted file are still served"),
        (
            deleted(),
            page(200, &[], b"<h1>our app</h1>"),
            None,
            Verdict::Undecided,
            "it still answers, and not with the bytes that its file had",
        ),
        (
            changed(),
            page(200, &[("content-encoding", "br")], b"\x0b\x02\x80"),
            None,
            Verdict::Undecided,
            "its body is compressed (`br`), which isn't unpacked",
        ),
        (
            changed(),
            page(200, &[("content-encoding", &"x".repeat(900))], b"\x0b\x02\x80"),
            None,
            Verdict::Undecided,
            "its body is compressed (`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`), which isn't unpacked",
        ),
        (
            changed(),
            page(302, &[("location", "/login?next=/")], b""),
            None,
            Verdict::Undecided,
            "HTTP 302 to `/login`, which isn't followed",
        ),
        (changed(), page(401, &[], b""), None, Verdict::Undecided, "HTTP 401"),
        (changed(), page(403, &[], NEW), None, Verdict::Undecided, "HTTP 403"),
        (changed(), page(206, &[], NEW), None, Verdict::Undecided, "HTTP 206"),
        (changed(), page(503, &[], NEW), None, Verdict::Unreachable, "HTTP 503"),
        (changed(), page(429, &[], NEW), None, Verdict::Unreachable, "HTTP 429"),
        (Expected::default(), page(200, &[], NEW), minute, Verdict::Undecided, "no file is known for it"),
        (
            Expected::default(),
            page(200, &[("age", "3600")], NEW),
            minute,
            Verdict::Stale,
            "the copy is older than the refresh, by 3535 s or more",
        ),
    ] {
        assert_eq!(judge(&page, &expected, since), (verdict, evidence.to_owned()), "{page:?}");
    }
}

#[test]
fn a_body_that_was_not_read_to_its_end_proves_nothing() {
    let mut reader = BodyReader::new(0);
    reader.update(NEW);
    let page = reader.page(200, http::HeaderMap::new(), false);
    assert_eq!(judge(&page, &changed(), None).0, Verdict::Undecided);
}

#[test]
fn a_page_of_a_deleted_file_that_has_other_urls_too_is_not_known_to_be_gone() {
    let expected =
        Expected { wanted: Wanted::PerhapsGone("others are there".into()), former: FileVersion::committed(OLD) };
    let judged = |page: &Page| judge(page, &expected, None);
    assert_eq!(judged(&page(404, &[], b"")), (Verdict::Undecided, "HTTP 404, and others are there".into()));
    assert_eq!(judged(&page(200, &[], NEW)), (Verdict::Undecided, "others are there".into()));
    assert_eq!(judged(&page(200, &[], OLD)).0, Verdict::Stale);
}

#[test]
fn the_old_file_is_not_fresh_where_only_the_line_ends_changed() {
    let (windows, unix) = (b"<h1>today</h1>\r\n", NEW);
    let committed = FileVersion::committed;
    let to_unix = Expected::replaced(committed(unix), committed(windows));
    assert_eq!(judge(&page(200, &[], unix), &to_unix, None).0, Verdict::Fresh);
    assert_eq!(judge(&page(200, &[], windows), &to_unix, None).0, Verdict::Undecided);
    let coded = [("content-encoding", "gzip")];
    assert_eq!(judge(&page(200, &coded, &gzip(windows)), &to_unix, None).0, Verdict::Undecided);
    let to_windows = Expected::replaced(committed(windows), committed(unix));
    assert_eq!(judge(&page(200, &[], windows), &to_windows, None).0, Verdict::Fresh);
    assert_eq!(judge(&page(200, &[], unix), &to_windows, None).0, Verdict::Stale);
    // A new mode, and the same content.
    let same = Expected::replaced(committed(unix), committed(unix));
    assert_eq!(judge(&page(200, &[], windows), &same, None).0, Verdict::Fresh);
    assert_eq!(Expected::replaced(committed(NEW), committed(OLD)), changed());
}

#[test]
fn a_checksum_that_fits_both_versions_decides_nothing() {
    let same = Expected { wanted: Wanted::File(vec![FileVersion::of(NEW)]), former: vec![FileVersion::of(NEW)] };
    assert_eq!(judge(&page(200, &[], NEW), &same, None).0, Verdict::Fresh);
    let (verdict, _) = judge(&page(200, &[("content-encoding", "gzip")], &gzip(NEW)), &same, None);
    assert_eq!(verdict, Verdict::Undecided);
}

#[test]
fn the_stream_of_an_empty_file_is_short() {
    let empty = Expected { wanted: Wanted::File(vec![FileVersion::of(b"")]), former: FileVersion::committed(OLD) };
    let coded = [("content-encoding", "gzip")];
    assert_eq!(judge(&page(200, &coded, &gzip(b"")), &empty, None).0, Verdict::Fresh);
    // Two streams in one, of which the last is empty.
    let two = [gzip(&[b'x'; 100]), gzip(b"")].concat();
    assert_eq!(judge(&page(200, &coded, &two), &empty, None).0, Verdict::Undecided);
}

proptest::proptest! {
    #[test]
    fn nothing_but_the_deployed_file_is_fresh(
        body in proptest::collection::vec(0_u8..4, 0..6),
        new in proptest::collection::vec(0_u8..4, 0..6),
        old in proptest::collection::vec(0_u8..4, 0..6),
        status in proptest::sample::select(vec![200_u16, 204, 206, 301, 403, 404, 500]),
        is_gzip in proptest::bool::ANY,
        age in 0_u64..200,
    ) {
        let coded = [("content-encoding", "gzip"), ("age", &*age.to_string())];
        let sent = if is_gzip { gzip(&body) } else { body.clone() };
        let page = page(status, if is_gzip { &coded } else { &coded[1..] }, &sent);
        let expected = Expected { wanted: Wanted::File(vec![FileVersion::of(&new)]), former: vec![FileVersion::of(&old)] };
        let (verdict, _) = judge(&page, &expected, Some(Duration::from_secs(60)));
        if verdict == Verdict::Fresh {
            proptest::prop_assert!(status == 200 && body == new);
        }
        if verdict == Verdict::Stale {
            proptest::prop_assert!((status == 404 || body != new || is_gzip) && (body == old || age > 65));
        }
        if status == 200 && body == new && !is_gzip {
            proptest::prop_assert_eq!(verdict, Verdict::Fresh);
        }
    }
}
