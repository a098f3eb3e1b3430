//! Signed calls of both products, and what their bodies share.

use serde_json::{Map, Value, json};

use super::answer::ERROR_FORMAT;
use crate::provider::answer::Answer;
use crate::provider::credentials::Credentials;
use crate::provider::sign::tc3::{self, Call};
use crate::provider::{Api, ApiError, CallSpec, OptionValue, ProviderContext};

/// The way to one of the vendor's products.
pub(super) struct Client {
    /// The target.
    pub(super) context: ProviderContext,
    /// The product in a signature.
    pub(super) service: &'static str,
    /// The API's version.
    pub(super) version: &'static str,
}

impl Client {
    /// Signs and sends one call. If it `submits`, it may change something.
    pub(super) async fn call(
        &self,
        call: &CallSpec,
        submits: bool,
        body: Map<String, Value>,
        api: &dyn Api,
    ) -> Result<Answer, ApiError> {
        let ProviderContext { endpoint, credentials, .. } = &self.context;
        let (service, version, action) = (self.service, self.version, call.api);
        let request = Call { endpoint, service, version, action, body: Value::Object(body).to_string() };
        let sign = |credentials: &Credentials, now| {
            let signed = tc3::sign(&request, credentials.access_key(action)?, now);
            signed.map_err(|error| ApiError::unsignable(action, &error))
        };
        ERROR_FORMAT.ask(call, submits, credentials, api, sign).await
    }

    /// The request headers of a prefetch, in the vendor's form.
    pub(super) fn headers(&self) -> Option<Value> {
        let Some(OptionValue::Headers(headers)) = self.context.options.get("headers") else { return None };
        let all = headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        Some(all.map(|(name, value)| json!({"Name": name, "Value": value})).collect())
    }

    /// Whether the vendor encodes URLs itself; sent only if the target says so.
    pub(super) fn encodes(&self) -> Option<Value> {
        match self.context.options.get("url-encode") {
            Some(OptionValue::Boolean(encode)) => Some((*encode).into()),
            _ => None,
        }
    }
}

/// The parameters that are set.
pub(super) fn parameters<const N: usize>(all: [(&'static str, Option<Value>); N]) -> Map<String, Value> {
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A page (from 1) of a call's rows.
pub(super) fn paging(call: &CallSpec, page: u32) -> [(&'static str, Option<Value>); 2] {
    let offset = (page.max(1) as usize - 1) * call.rows_per_page;
    [("Offset", Some(offset.into())), ("Limit", Some(call.rows_per_page.into()))]
}
