//! Warming: a prefetch at a CDN that has no API for it. Each URL is fetched once through the CDN, which fills the point of
//! presence nearest to this machine and the shield behind it, and no other.

use std::time::Duration;

use super::edge::{Edge, Fetch};
use super::{Accepted, ApiError, ApiErrorKind, WARMING};

/// What warming does, in words.
pub const MEANING: &str =
    "fetched through the CDN: warm in the point of presence nearest to this machine and the shield behind it";

/// As browsers write it: caches may hold a variant for each spelling.
const ENCODING: &str = "gzip, deflate, br, zstd";
/// The most bytes of a body that are read.
const MOST: u64 = 256 * 1024 * 1024;
/// The pause before the second try, where the first may have met something that passes.
const PAUSE: Duration = Duration::from_secs(2);

/// Fetches one URL through the CDN.
///
/// # Errors
/// `Refused`: it wasn't fetched, and the message says why.
pub async fn warm(edge: &dyn Edge, url: &str) -> Result<Accepted, ApiError> {
    let fetch = Fetch { url, encoding: ENCODING, most: MOST, keep: 0 };
    let mut is_last = false;
    loop {
        let (why, may_pass) = match edge.get(fetch).await {
            Ok(page) if (200..300).contains(&page.status) => {
                if page.is_whole {
                    return Ok(Accepted::Done { request_id: None });
                }
                let limit = MOST / (1024 * 1024);
                (format!("its body is longer than {limit} MiB, and the rest wasn't read"), false)
            }
            Ok(page) => (page.status_word(), page.status >= 500 || page.status == 429),
            Err(why) => (why, true),
        };
        if is_last || !may_pass {
            return Err(ApiError::new(ApiErrorKind::Refused, WARMING.call.api, why));
        }
        is_last = true;
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use async_trait::async_trait;
    use tokio::time::Instant;

    use super::*;
    use crate::provider::edge::{BodyReader, Page};

    /// An edge that gives these answers, and the last of them again and again.
    struct Script(RefCell<Vec<Result<(u16, bool), &'static str>>>);

    #[async_trait(?Send)]
    impl Edge for Script {
        async fn get(&self, fetch: Fetch<'_>) -> Result<Page, String> {
            assert_eq!((fetch.url, fetch.keep), ("https://www.example.com/a", 0));
            let mut answers = self.0.borrow_mut();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
            let (status, is_whole) = answer?;
            let headers = [(::http::header::LOCATION, "/login?next=a".parse().unwrap())].into_iter().collect();
            Ok(BodyReader::new(0).page(status, headers, is_whole))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_url_is_warm_once_its_whole_body_came_and_else_the_answer_is_named() {
        let down = "can't connect to `www.example.com`: refused";
        for (answers, failure, tries) in [
            (vec![Ok((200, true))], None, 1),
            (vec![Ok((206, true))], None, 1),
            (vec![Ok((200, false))], Some("its body is longer than 256 MiB, and the rest wasn't read"), 1),
            (vec![Ok((404, true))], Some("HTTP 404"), 1),
            (vec![Ok((302, true))], Some("HTTP 302 to `/login`, which isn't followed"), 1),
            (vec![Ok((401, true))], Some("HTTP 401"), 1),
            (vec![Ok((503, true)), Ok((200, true))], None, 2),
            (vec![Ok((429, true)), Ok((429, true))], Some("HTTP 429"), 2),
            (vec![Err(down), Ok((200, true))], None, 2),
            (vec![Err(down)], Some(down), 2),
        ] {
            let began = Instant::now();
            let edge = Script(RefCell::new(answers));
            let warmed = warm(&edge, "https://www.example.com/a").await;
            let error = warmed.as_ref().err().map(|error| (error.kind, error.message.as_str()));
            assert_eq!(error, failure.map(|why| (ApiErrorKind::Refused, why)));
            assert_eq!(began.elapsed(), PAUSE * (tries - 1), "{failure:?}");
        }
    }
}
