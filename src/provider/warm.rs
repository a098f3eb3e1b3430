//! Warming: a prefetch at a CDN that has no API for it. Each URL is fetched once through the CDN, which fills the point of
//! presence nearest to this machine and the shield behind it, and no other.

use super::edge::{Edge, Fetch};
use super::{Accepted, ApiError, ApiErrorKind, WARMING};

/// What warming does, in words.
pub const MEANING: &str =
    "fetched through the CDN: warm in the point of presence nearest to this machine and the shield behind it";

/// As browsers write it: caches may hold a variant for each spelling.
const ENCODING: &str = "gzip, deflate, br, zstd";
/// The most bytes of a body that are read.
const MOST: u64 = 256 * 1024 * 1024;

/// Fetches one URL through the CDN, once.
///
/// # Errors
/// It wasn't fetched, and the message says why. `Server`: another try may help; otherwise `Refused`.
pub async fn warm(edge: &dyn Edge, url: &str) -> Result<Accepted, ApiError> {
    let (why, may_pass) = match edge.get(Fetch { url, encoding: ENCODING, most: MOST, keep: 0 }).await {
        Ok(page) if (200..300).contains(&page.status) => {
            if page.is_whole {
                return Ok(Accepted::Done { request_id: None });
            }
            let limit = MOST / (1024 * 1024);
            (format!("its body is longer than {limit} MiB, and the rest wasn't read"), false)
        }
        Ok(page) => (page.status_word(), page.is_failure()),
        Err(no) => (no.why, no.may_pass),
    };
    let kind = if may_pass { ApiErrorKind::Server } else { ApiErrorKind::Refused };
    Err(ApiError::new(kind, WARMING.call.api, why))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::provider::edge::{BodyReader, NoAnswer, Page};

    /// An edge that gives this answer.
    struct Answer(Result<(u16, bool), NoAnswer>);

    #[async_trait(?Send)]
    impl Edge for Answer {
        async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
            assert_eq!((fetch.url, fetch.keep), ("https://www.example.com/a", 0));
            let (status, is_whole) = self.0.clone()?;
            let headers = [(::http::header::LOCATION, "/login?next=a".parse().unwrap())].into_iter().collect();
            Ok(BodyReader::new(0).page(status, headers, is_whole))
        }
    }

    #[tokio::test]
    async fn a_url_is_warm_once_its_whole_body_came_and_else_the_answer_is_named() {
        use ApiErrorKind::{Refused, Server};
        let down = "can't connect to `www.example.com`: refused";
        let other = "`www.example.com` isn't a host of this plan";
        for (answer, failure) in [
            (Ok((200, true)), None),
            (Ok((206, true)), None),
            (Ok((200, false)), Some((Refused, "its body is longer than 256 MiB, and the rest wasn't read"))),
            (Ok((404, true)), Some((Refused, "HTTP 404"))),
            (Ok((302, true)), Some((Refused, "HTTP 302 to `/login`, which isn't followed"))),
            (Ok((401, true)), Some((Refused, "HTTP 401"))),
            (Ok((503, true)), Some((Server, "HTTP 503"))),
            (Ok((429, true)), Some((Server, "HTTP 429"))),
            (Err(NoAnswer::unreachable(down.to_owned())), Some((Server, down))),
            (Err(NoAnswer::refused(other.to_owned())), Some((Refused, other))),
        ] {
            let warmed = warm(&Answer(answer), "https://www.example.com/a").await;
            assert_eq!(warmed.as_ref().err().map(|error| (error.kind, error.message.as_str())), failure);
        }
    }
}
