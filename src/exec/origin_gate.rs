//! The origin gate: a URL is purged once its origin serves what was deployed, and not before.
//!
//! A purge that comes too early makes the caches fetch the old page again, and one that comes while the origin is down removes
//! the last good copy. Only the origin is asked: a cache would keep a 404 for a page that isn't there yet.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep};

use crate::freshness::{Expected, judge};
use crate::model::Verdict;
use crate::provider::edge::{Edge, Fetch};

/// How many URLs are fetched at the same time.
const AT_A_TIME: usize = 4;
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
}

/// Fetches each URL from its origin until it serves what it should, at most this long in all. Gives a passage for each.
pub async fn pass(origin: &dyn Edge, urls: &[(String, &Expected)], timeout: Duration) -> Vec<Passage> {
    let until = Instant::now() + timeout;
    let passages = urls.iter().map(|(url, expected)| async move {
        let mut pause = PAUSES[0];
        loop {
            let answer = origin.get(Fetch { url, encoding: "identity", most: MOST, keep: 0 }).await;
            let passage = match answer {
                Ok(page) => match judge(&page, expected, None) {
                    (Verdict::Fresh, _) => return Passage::Open,
                    (Verdict::Unreachable, why) => Passage::Down(why),
                    (Verdict::Stale, why) => Passage::Closed(why),
                    (Verdict::Undecided, why) if page.status == 404 || page.status == 410 => Passage::Closed(why),
                    (Verdict::Undecided, _) => return Passage::Open,
                },
                Err(why) => Passage::Down(why),
            };
            if Instant::now() + pause > until {
                return passage;
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES[1]);
        }
    });
    // In the order of the URLs.
    stream::iter(passages).buffered(AT_A_TIME).collect().await
}

/// Fetches a URL until its answer is HTTP 200 with a text in it, at most this long.
///
/// # Errors
/// What the last answer was instead, as a sentence fragment.
pub async fn wait_for(origin: &dyn Edge, url: &str, text: &str, timeout: Duration) -> Result<(), String> {
    let until = Instant::now() + timeout;
    let mut pause = PAUSES[0];
    loop {
        let answer = origin.get(Fetch { url, encoding: "identity", most: MOST, keep: SEARCHED }).await;
        let why = match answer {
            Ok(page) if page.status != 200 => page.status_word(),
            Ok(page) if memchr::memmem::find(&page.start, text.as_bytes()).is_some() => return Ok(()),
            Ok(_) => "its answer doesn't hold the text".to_owned(),
            Err(why) => why,
        };
        if Instant::now() + pause > until {
            return Err(why);
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES[1]);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use async_trait::async_trait;

    use super::*;
    use crate::freshness::{FileVersion, Wanted};
    use crate::provider::edge::{BodyReader, Page};

    const OLD: &[u8] = b"version 1\n";
    const NEW: &[u8] = b"version 2\n";

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
        async fn get(&self, fetch: Fetch<'_>) -> Result<Page, String> {
            let now = self.began.elapsed().as_secs();
            let (status, body) = *self
                .answers
                .borrow()
                .range(..=now)
                .next_back()
                .unwrap()
                .1
                .as_ref()
                .map_err(|why| (*why).to_owned())?;
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

    #[tokio::test(start_paused = true)]
    async fn a_text_is_waited_for_as_long_as_the_timeout() {
        let wait = async |answers: &[_]| {
            wait_for(&Origin::new(answers), "https://example.com/v", "version 2", Duration::from_secs(60)).await
        };
        assert_eq!(wait(&[(0, Ok((200, OLD))), (20, Ok((200, NEW)))]).await, Ok(()));
        assert_eq!(wait(&[(0, Ok((200, OLD)))]).await, Err("its answer doesn't hold the text".to_owned()));
        assert_eq!(wait(&[(0, Ok((503, NEW)))]).await, Err("HTTP 503".to_owned()));
        assert_eq!(wait(&[(0, Err("no answer"))]).await, Err("no answer".to_owned()));
    }
}
