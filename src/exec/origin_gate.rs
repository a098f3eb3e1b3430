//! The origin gate: a URL is purged once its origin serves what was deployed, and not before.
//!
//! A purge that comes too early makes the caches fetch the old page again, and one that comes while the origin is down removes
//! the last good copy. Only the origin is asked: a cache would keep a 404 for a page that isn't there yet.

use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::fetch_retries::retried;
use crate::freshness::{Expected, judge};
use crate::model::Verdict;
use crate::provider::edge::{Edge, Fetch, NoAnswer};

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
    /// Its origin serves something older, and why that is known.
    Closed(String),
    /// Its origin doesn't serve anything, and what it does instead.
    Down(String),
    /// It wasn't fetched from its origin, and why.
    Unchecked(String),
}

/// Fetches each URL from its origin until it serves what it should, at most this long in all. Gives a passage for each.
pub async fn pass(origin: &dyn Edge, urls: &[(String, &Expected)], timeout: Duration) -> Vec<Passage> {
    let (places, until) = (Semaphore::new(AT_A_TIME), Instant::now() + timeout);
    let passages = urls.iter().map(|(url, expected)| async {
        let attempt = async || match origin.get(Fetch { url, encoding: "identity", most: MOST, keep: 0 }).await {
            Ok(page) => match judge(&page, expected, None) {
                (Verdict::Fresh, _) => Break(Passage::Open),
                (Verdict::Unreachable, why) => Continue(Passage::Down(why)),
                (Verdict::Stale, why) => Continue(Passage::Closed(why)),
                (Verdict::Undecided, why) if page.is_gone() && !expected.may_be_gone() => {
                    Continue(Passage::Closed(why))
                }
                (Verdict::Undecided, _) => Break(Passage::Open),
            },
            Err(NoAnswer { why, may_pass: true }) => Continue(Passage::Down(why)),
            Err(NoAnswer { why, may_pass: false }) => Break(Passage::Unchecked(why)),
        };
        let unchecked = || Passage::Unchecked("`gate-timeout` was over before its turn".to_owned());
        retried(&places, &|at| at > until, pauses(), attempt).await.unwrap_or_else(unchecked)
    });
    join_all(passages).await
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
    }

    impl Origin {
        fn new(answers: &[(u64, Answer)]) -> Self {
            Self { began: Instant::now(), answers: RefCell::new(answers.iter().copied().collect()) }
        }
    }

    #[async_trait(?Send)]
    impl Edge for Origin {
        async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
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
            let urls = [("https://origin.example.com/v.txt".to_owned(), &expected)];
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
        let old = (0..20).map(|page| (format!("https://origin.example.com/{page}/old"), &expected));
        let new = (0..40).map(|page| (format!("https://origin.example.com/{page}"), &expected));
        let passages = pass(&origin, &old.chain(new).collect::<Vec<_>>(), Duration::from_secs(30)).await;
        let closed = Passage::Closed("the bytes of the file before".into());
        assert_eq!(passages, [vec![closed; 20], vec![Passage::Open; 40]].concat());
        let took = began.elapsed().as_secs();
        assert!((15..=31).contains(&took) && origin.answered.get() >= 80, "{took} s");
        // There is time for 16 of 20.
        let (began, urls) =
            (Instant::now(), (0..20).map(|page| (format!("https://origin.example.com/{page}"), &expected)));
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
            let urls = [("https://origin.example.com/tags/".to_owned(), &expected)];
            assert_eq!(pass(&Origin::new(&[(0, Ok((404, b"")))]), &urls, Duration::from_secs(9)).await, [passage]);
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
