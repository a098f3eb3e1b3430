//! Downloads a signed URL in pieces: a plain GET without credentials, whose body may be large.

use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::{Call, HttpApi, authority, chain, check_scheme};
use crate::provider::{ApiError, ApiErrorKind};

/// How a download is called in errors.
const NAME: &str = "download";
/// How long one may take in all; a silent server is given up long before.
const LONGEST: Duration = Duration::from_secs(3_600);

impl HttpApi {
    /// Downloads a URL, https or on this machine, and hands each piece to `take`. The URL is never shown:
    /// whoever has it can fetch the file. Gives how many bytes came.
    ///
    /// # Errors
    /// `Unsent`, `Ambiguous`, `Server` as [`Api::call`](crate::provider::Api::call); `Refused` for any other answer than
    /// 200, and `Denied` when `take` can't take it.
    pub async fn download(
        &self,
        link: &SecretString,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u64, ApiError> {
        let error = |kind, message: String| ApiError::new(kind, NAME, message);
        let url = Url::parse(link.expose_secret())
            .map_err(|_| error(ApiErrorKind::Refused, "the provider's link isn't a URL".into()))?;
        check_scheme(&url).map_err(|message| error(ApiErrorKind::Refused, message))?;
        let client = self
            .network
            .client()
            .map_err(|message| error(ApiErrorKind::Unsent, format!("can't start TLS: {message}")))?;
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.serves(&url)).map(|proxy| authority(&proxy.url));
        let call = Call { api: NAME, host: authority(&url), proxy, began: Instant::now() };
        let mut request = reqwest::Request::new(reqwest::Method::GET, url);
        *request.timeout_mut() = Some(LONGEST);
        let mut response = client.execute(request).await.map_err(|error| call.failed(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let kind = if status >= 500 { ApiErrorKind::Server } else { ApiErrorKind::Refused };
            let message = match status {
                403 => format!("`{}` refuses the link; perhaps it has expired", call.host),
                _ => format!("`{}` doesn't give the file", call.host),
            };
            return Err(ApiError { status: Some(status), ..error(kind, message) });
        }
        let mut bytes = 0;
        while let Some(piece) = response.chunk().await.map_err(|error| {
            if error.is_body() || error.is_decode() || error.is_timeout() {
                call.broken(&error, bytes)
            } else {
                call.ambiguous(chain(error))
            }
        })? {
            bytes += piece.len() as u64;
            take(&piece)
                .map_err(|failure| error(ApiErrorKind::Denied, format!("the file can't be written: {failure}")))?;
        }
        Ok(bytes)
    }
}
