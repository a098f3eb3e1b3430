//! Alibaba Cloud CDN.
use crate::provider::{CallLimit, Spec};

/// Alibaba Cloud CDN, API version 2018-05-10.
pub static ALIBABA_CDN: Spec = Spec {
    name: "alibaba-cdn",
    title: "Alibaba Cloud CDN",
    docs: "",
    endpoint: "https://cdn.aliyuncs.com",
    options: &[],
    credentials: &[],
    operations: &[],
    status: CallLimit { api: "", permission: "", calls_per_second: 30.0, ids_per_call: 10, rows_per_page: 100 },
    records: CallLimit { api: "", permission: "", calls_per_second: 10.0, ids_per_call: 1, rows_per_page: 100 },
    quota: CallLimit { api: "", permission: "", calls_per_second: 20.0, ids_per_call: 1, rows_per_page: 1 },
    quota_reset: "00:00 UTC+8",
    url_characters: 1024,
    open: |_| unimplemented!(),
    emulator: |_| unimplemented!(),
};
