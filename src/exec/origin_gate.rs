//! The origin gate: a URL is purged once its origin serves what was deployed, and not before.
//!
//! A purge that comes too early makes the caches fetch the old page again, and one that comes while the origin is down removes
//! the last good copy. Only the origin is asked: a cache would keep a 404 for a page that isn't there yet.

use std::cell;
use std::cell::RefCell;
use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

use super::fetch_retries::{all, retried};
use crate::freshness::{Expected, judge};
use crate::model::Verdict;
use crate::provider::edge::{Edge, Fetch, Fingerprint, NoAnswer};

/// How many URLs are fetched at the same time.
const AT_A_TIME: usize = 8;
/// The first pause before an origin is asked again; it doubles up to the last one.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];
/// The most bytes of a body that are read.
const MOST: u64 = 32 * 1024 * 1024;
/// The most bytes that a text is searched in.
const SEARCHED: usize = 1024 * 1024;

/// Whether a URL may be purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Its origin serves what was deployed, or nobody can tell.
    Open,
    /// Its origin serves the page that it also has for a URL that can't exist. This may be the right page, as in a single-page app.
    Unproved,
    /// Its origin serves something older, and why that is known.
    Closed(String),
    /// Its origin doesn't serve anything, and what it does instead.
    Down(String),
    /// It wasn't fetched from its origin, and why.
    Unchecked(String),
}

/// A URL that waits for its origin.
pub struct Gated<'e> {
    /// The URL at its origin.
    pub url: String,
    /// A URL of the same host there that can't exist.
    pub absent: String,
    /// What the URL should serve.
    pub expected: &'e Expected,
}

/// What an origin serves for a URL that can't exist, once that was fetched; `None`: nothing.
type Fallback = OnceCell<Option<Fingerprint>>;

/// Fetches each URL from its origin until it serves what it should, at most this long in all. Gives a passage for each.
///
/// Where nobody can tell whether a page is the right one, its host's absent URL is fetched too, once: an origin that has one page for
/// everything has it for a file that isn't deployed yet.
pub async fn pass(origin: &dyn Edge, urls: &[Gated<'_>], timeout: Duration) -> Vec<Passage> {
    let (places, until) = (Semaphore::new(AT_A_TIME), Instant::now() + timeout);
    let fallbacks: RefCell<Vec<(&str, Rc<Fallback>)>> = RefCell::default();
    let passages: Vec<cell::OnceCell<Passage>> = urls.iter().map(|_| cell::OnceCell::new()).collect();
    let fetch = |url| origin.get(Fetch { url, encoding: "identity", most: MOST, keep: 0 });
    let waits = urls.iter().zip(&passages).map(|(Gated { url, absent, expected }, passage)| {
        async {
            let attempt = async || {
                let page = match fetch(url).await {
                    Ok(page) => page,
                    Err(NoAnswer { why, may_pass: true }) => return Continue(Passage::Down(why)),
                    Err(NoAnswer { why, may_pass: false }) => return Break(Passage::Unchecked(why)),
                };
                match judge(&page, expected, None) {
                    (Verdict::Fresh, _) => return Break(Passage::Open),
                    (Verdict::Unreachable, why) => return Continue(Passage::Down(why)),
                    (Verdict::Stale, why) => return Continue(Passage::Closed(why)),
                    (Verdict::Undecided, why) if page.is_gone() && !expected.may_be_gone() => {
                        return Continue(Passage::Closed(why));
                    }
                    (Verdict::Undecided, _) => {}
                }
                if page.status != 200 || expected.may_be_gone() {
                    return Break(Passage::Open);
                }
                let known = fallbacks
                    .borrow()
                    .iter()
                    .find(|(of, _)| *of == absent.as_str())
                    .map(|(_, fallback)| Rc::clone(fallback));
                let fallback = known.unwrap_or_else(|| {
                    let fallback = Rc::default();
                    fallbacks.borrow_mut().push((absent.as_str(), Rc::clone(&fallback)));
                    fallback
                });
                let of_absent = || async {
                    let page = fetch(absent).await.ok().filter(|page| page.status == 200 && page.is_whole);
                    page.map(|page| page.body)
                };
                match fallback.get_or_init(of_absent).await {
                    Some(body) if *body == page.body && is_page(url) => Break(Passage::Unproved),
                    Some(body) if *body == page.body => Continue(Passage::Closed(FALLBACK.to_owned())),
                    _ => Break(Passage::Open),
                }
            };
            let unchecked = || Passage::Unchecked("`gate-timeout` was over before its turn".to_owned());
            let passed = retried(&places, &|at| at > until, pauses(), attempt).await;
            drop(passage.set(passed.unwrap_or_else(unchecked)));
        }
        .boxed_local()
    });
    all(waits.collect()).await;
    passages.into_iter().map(|passage| passage.into_inner().expect("each URL passes or not")).collect()
}

/// Why a URL isn't there, though its origin answers.
const FALLBACK: &str = "the page that the origin also has for a URL that can't exist";

/// Whether a URL may be one of a page: the page for everything is never the right one for a script or a picture.
fn is_page(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_none_or(|(_, extension)| ["html", "htm"].contains(&extension))
}

/// Fetches a URL until its answer is HTTP 200 with a text in it, at most this long.
///
/// # Errors
/// What the last answer was instead, as a sentence fragment.
pub async fn wait_for(origin: &dyn Edge, url: &str, text: &str, timeout: Duration) -> Result<(), String> {
    let until = Instant::now() + timeout;
    let attempt = async || match origin.get(Fetch { url, encoding: "identity", most: MOST, keep: SEARCHED }).await {
        Ok(page) if page.status != 200 => Continue(Err(page.status_word())),
        Ok(page) if memchr::memmem::find(&page.start, text.as_bytes()).is_some() => Break(Ok(())),
        Ok(_) => Continue(Err("its answer doesn't hold the text".to_owned())),
        Err(NoAnswer { why, may_pass: true }) => Continue(Err(why)),
        Err(NoAnswer { why, may_pass: false }) => Break(Err(why)),
    };
    let waited = retried(&Semaphore::new(1), &|at| at > until, pauses(), attempt).await;
    waited.expect("nothing takes the place of the only URL")
}

/// The pauses before an origin is asked again.
fn pauses() -> impl Iterator<Item = Duration> {
    let [first, longest] = PAUSES;
    std::iter::successors(Some(first), move |pause| Some((*pause * 2).min(longest)))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use async_trait::async_trait;
    use tokio::time::sleep;

    use super::*;
    use crate::freshness::{FileVersion, Wanted};
    use crate::provider::edge::{BodyReader, Page};

    const OLD: &[u8] = b"version 1\n";
    const NEW: &[u8] = b"version 2\n";

    /// A URL that may not be fetched at all.
    const REFUSED: &str = "only https is fetched";

    /// What an origin answers, or why it doesn't.
    type Answer = Result<(u16, &'static [u8]), &'static str>;

    /// An origin whose answers change at these moments.
    struct Origin {
        began: Instant,
        answers: RefCell<BTreeMap<u64, Answer>>,
        /// Whether it answers the same for a URL that can't exist.
        has_everything: bool,
    }

    /// A URL that can't exist.
    const ABSENT: &str = "https://origin.example.com/absent";

    fn gated(url: String, expected: &Expected) -> Gated<'_> {
        Gated { url, absent: ABSENT.to_owned(), expected }
    }

    impl Origin {
        fn new(answers: &[(u64, Answer)]) -> Self {
            let answers = RefCell::new(answers.iter().copied().collect());
            Self { began: Instant::now(), answers, has_everything: false }
        }
    }

    #[async_trait(?Send)]
    impl Edge for Origin {
        async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
            if fetch.url == ABSENT && !self.has_everything {
                return Ok(BodyReader::new(0).page(404, http::HeaderMap::new(), true));
            }
            let now = self.began.elapsed().as_secs();
            let (status, body) = *self
                .answers
                .borrow()
                .range(..=now)
                .next_back()
                .unwrap()
                .1
                .as_ref()
                .map_err(|why| NoAnswer { why: (*why).to_owned(), may_pass: *why != REFUSED })?;
            let mut reader = BodyReader::new(fetch.keep);
            reader.update(body);
            Ok(reader.page(status, http::HeaderMap::new(), true))
        }
    }

    fn expected(wanted: Option<&[u8]>) -> Expected {
        let wanted = wanted.map_or(Wanted::Gone, |wanted| Wanted::File(FileVersion::committed(wanted)));
        Expected { wanted, former: FileVersion::committed(OLD) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_url_passes_once_its_origin_serves_what_was_deployed_or_nobody_can_tell() {
        let timeout = Duration::from_secs(60);
        for (answers, wanted, passage, seconds) in [
            (vec![(0, Ok((200, NEW)))], Some(NEW), Passage::Open, 0..=0),
            (vec![(0, Ok((200, OLD))), (9, Ok((200, NEW)))], Some(NEW), Passage::Open, 9..=25),
            (vec![(0, Ok((200, OLD)))], Some(NEW), Passage::Closed("the bytes of the file before".into()), 30..=60),
            (vec![(0, Ok((404, &b""[..]))), (5, Ok((200, NEW)))], Some(NEW), Passage::Open, 5..=15),
            (
                vec![(0, Ok((404, &b""[..])))],
                Some(NEW),
                Passage::Closed("HTTP 404, though its file exists".into()),
                30..=60,
            ),
            (vec![(0, Ok((200, OLD))), (3, Ok((404, &b""[..])))], None, Passage::Open, 3..=15),
            (vec![(0, Ok((503, OLD)))], Some(NEW), Passage::Down("HTTP 503".into()), 30..=60),
            (vec![(0, Err("no answer"))], Some(NEW), Passage::Down("no answer".into()), 30..=60),
            (vec![(0, Err("no answer")), (7, Ok((200, NEW)))], Some(NEW), Passage::Open, 7..=15),
            (vec![(0, Err(REFUSED))], Some(NEW), Passage::Unchecked(REFUSED.into()), 0..=0),
            // Built from the file, or behind a login.
            (vec![(0, Ok((200, &b"<h1>2</h1>"[..])))], Some(NEW), Passage::Open, 0..=0),
            (vec![(0, Ok((401, &b""[..])))], Some(NEW), Passage::Open, 0..=0),
        ] {
            let (origin, expected, began) = (Origin::new(&answers), expected(wanted), Instant::now());
            let urls = [gated("https://origin.example.com/v.txt".to_owned(), &expected)];
            assert_eq!(pass(&origin, &urls, timeout).await, [passage], "{answers:?}");
            let took = began.elapsed().as_secs();
            assert!(seconds.contains(&took), "{answers:?} took {took} s");
        }
    }

    /// An origin that takes a second for each answer, has what was deployed of some URLs, and counts its answers.
    struct Slow {
        answered: Cell<u64>,
    }

    #[async_trait(?Send)]
    impl Edge for Slow {
        async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
            sleep(Duration::from_secs(1)).await;
            self.answered.set(self.answered.get() + 1);
            let mut reader = BodyReader::new(0);
            reader.update(if fetch.url.ends_with("old") { OLD } else { NEW });
            Ok(reader.page(200, http::HeaderMap::new(), true))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn urls_that_are_not_deployed_keep_no_others_waiting_and_the_timeout_holds_for_all_of_them() {
        let (origin, expected, began) = (Slow { answered: Cell::new(0) }, expected(Some(NEW)), Instant::now());
        let old = (0..20).map(|page| gated(format!("https://origin.example.com/{page}/old"), &expected));
        let new = (0..40).map(|page| gated(format!("https://origin.example.com/{page}"), &expected));
        let passages = pass(&origin, &old.chain(new).collect::<Vec<_>>(), Duration::from_secs(30)).await;
        let closed = Passage::Closed("the bytes of the file before".into());
        assert_eq!(passages, [vec![closed; 20], vec![Passage::Open; 40]].concat());
        let took = began.elapsed().as_secs();
        assert!((15..=31).contains(&took) && origin.answered.get() >= 80, "{took} s");
        // There is time for 16 of 20.
        let (began, urls) =
            (Instant::now(), (0..20).map(|page| gated(format!("https://origin.example.com/{page}"), &expected)));
        let passages = pass(&origin, &urls.collect::<Vec<_>>(), Duration::from_millis(1_500)).await;
        assert_eq!(
            (passages.iter().filter(|passage| **passage == Passage::Open).count(), began.elapsed().as_secs()),
            (16, 2)
        );
        assert!(passages[16..].iter().all(|passage| matches!(passage, Passage::Unchecked(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deleted_page_may_be_missing_and_another_may_not() {
        for (wanted, passage) in [
            (Wanted::PerhapsGone("a file is gone".into()), Passage::Open),
            (Wanted::Unknown("nobody knows".into()), Passage::Closed("HTTP 404".into())),
        ] {
            let expected = Expected { wanted, former: Vec::new() };
            let urls = [gated("https://origin.example.com/tags/".to_owned(), &expected)];
            assert_eq!(pass(&Origin::new(&[(0, Ok((404, b"")))]), &urls, Duration::from_secs(9)).await, [passage]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_with_one_page_for_everything_proves_nothing() {
        const APP: &[u8] = b"<h1>our app</h1>";
        let (known, deleted) = (expected(Some(NEW)), expected(None));
        let unknown = Expected::default();
        let closed = || Passage::Closed(FALLBACK.into());
        for (path, expected, answers, passage, seconds) in [
            ("v.js", &known, vec![(0, Ok((200, APP)))], closed(), 30..=60),
            ("v.js?a=b.html", &unknown, vec![(0, Ok((200, APP)))], closed(), 30..=60),
            ("v.js", &known, vec![(0, Ok((200, APP))), (9, Ok((200, NEW)))], Passage::Open, 9..=25),
            // Of an app it is the right page.
            ("", &unknown, vec![(0, Ok((200, APP)))], Passage::Unproved, 0..=0),
            ("about/", &unknown, vec![(0, Ok((200, APP)))], Passage::Unproved, 0..=0),
            ("about", &known, vec![(0, Ok((200, APP)))], Passage::Unproved, 0..=0),
            ("a.html", &known, vec![(0, Ok((200, APP)))], Passage::Unproved, 0..=0),
            // What can't exist has that page, and so has what doesn't exist any more.
            ("v.js", &deleted, vec![(0, Ok((200, APP)))], Passage::Open, 0..=0),
            ("v.js", &unknown, vec![(0, Ok((403, APP)))], Passage::Open, 0..=0),
        ] {
            let (origin, began) = (Origin { has_everything: true, ..Origin::new(&answers) }, Instant::now());
            let urls = [gated(format!("https://origin.example.com/{path}"), expected)];
            assert_eq!(pass(&origin, &urls, Duration::from_secs(60)).await, [passage], "{path}");
            let took = began.elapsed().as_secs();
            assert!(seconds.contains(&took), "{path} took {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_url_that_can_not_exist_is_fetched_once_and_only_where_nobody_can_tell() {
        let (known, unknown) = (expected(Some(NEW)), Expected::default());
        for (expected, fetches) in [(&known, 20), (&unknown, 21)] {
            let origin = Slow { answered: Cell::new(0) };
            let urls = (0..20).map(|page| gated(format!("https://origin.example.com/{page}"), expected));
            pass(&origin, &urls.collect::<Vec<_>>(), Duration::from_secs(60)).await;
            assert_eq!(origin.answered.get(), fetches);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_is_waited_for_as_long_as_the_timeout() {
        let wait = async |answers: &[_]| {
            wait_for(&Origin::new(answers), "https://example.com/v", "version 2", Duration::from_secs(60)).await
        };
        assert_eq!(wait(&[(0, Ok((200, OLD))), (20, Ok((200, NEW)))]).await, Ok(()));
        assert_eq!(wait(&[(0, Ok((200, OLD)))]).await, Err("its answer doesn't hold the text".to_owned()));
        assert_eq!(wait(&[(0, Ok((503, NEW)))]).await, Err("HTTP 503".to_owned()));
        assert_eq!(wait(&[(0, Err("no answer"))]).await, Err("no answer".to_owned()));
        let began = Instant::now();
        assert_eq!(wait(&[(0, Err(REFUSED))]).await, Err(REFUSED.to_owned()));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
