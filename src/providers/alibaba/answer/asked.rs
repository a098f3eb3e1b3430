//! Answers about what was measured, log files and domains. Their lists stand two levels deep, and may be left out.

use serde::Deserialize;

use super::{Answer, List, Scalar, moment};
use crate::provider::{ApiError, Domain, DomainPage, LogFile, LogPage, Point};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Measured {
    request_id: Option<Scalar>,
    code: Option<Scalar>,
    #[serde(alias = "TrafficDataPerInterval", alias = "BpsDataPerInterval")]
    data: Option<List<MeasuredRow>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MeasuredRow {
    time_stamp: Scalar,
    value: Scalar,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Logs {
    request_id: Option<Scalar>,
    code: Option<Scalar>,
    domain_log_details: Option<List<LogsOfDomain>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LogsOfDomain {
    domain_name: Scalar,
    page_infos: Paging,
    log_infos: List<LogRow>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Paging {
    total: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LogRow {
    log_name: Scalar,
    log_path: Scalar,
    log_size: Scalar,
    start_time: Scalar,
    end_time: Scalar,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Domains {
    request_id: Option<Scalar>,
    code: Option<Scalar>,
    total_count: Option<Scalar>,
    domains: Option<List<DomainRow>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DomainRow {
    domain_name: Scalar,
    domain_status: Scalar,
    cdn_type: Scalar,
    cname: Scalar,
}

impl Answer {
    /// Measured values, in the order of time. A row without a readable time or value is left out.
    pub(in super::super) fn points(&self) -> Result<Vec<Point>, ApiError> {
        let Measured { request_id, code, data } = self.read()?;
        self.expect(data.is_some(), request_id.as_ref(), code.as_ref(), "data")?;
        let point = |row: MeasuredRow| {
            let value = row.value.0.trim().parse().ok().filter(|value: &f64| value.is_finite())?;
            Some(Point { at: moment(row.time_stamp.0.trim())?, domain: None, value })
        };
        let mut points: Vec<Point> = data.unwrap_or_default().0.into_iter().filter_map(point).collect();
        points.sort_by_key(|point| point.at);
        Ok(points)
    }

    /// Log files; their paths get `scheme` if they have none.
    pub(in super::super) fn logs(&self, scheme: &str) -> Result<LogPage, ApiError> {
        let Logs { request_id, code, domain_log_details: details } = self.read()?;
        self.expect(details.is_some(), request_id.as_ref(), code.as_ref(), "list of log files")?;
        let mut page = LogPage::default();
        for of_domain in details.unwrap_or_default().0 {
            let domain = of_domain.domain_name.0;
            page.total += of_domain.page_infos.total.0.trim().parse::<usize>().unwrap_or(of_domain.log_infos.0.len());
            page.files.extend(of_domain.log_infos.0.into_iter().map(|row| {
                let path = row.log_path.0;
                let url = if path.contains("://") { path } else { format!("{scheme}://{path}") };
                LogFile {
                    domain: domain.clone(),
                    name: row.log_name.0,
                    url: url.into(),
                    bytes: row.log_size.0.trim().parse().unwrap_or(0),
                    since: moment(row.start_time.0.trim()),
                    until: moment(row.end_time.0.trim()),
                }
            }));
        }
        Ok(page)
    }

    /// The account's domains.
    pub(in super::super) fn domains(&self) -> Result<DomainPage, ApiError> {
        let Domains { request_id, code, total_count, domains } = self.read()?;
        self.expect(domains.is_some(), request_id.as_ref(), code.as_ref(), "list of domains")?;
        let rows = domains.unwrap_or_default().0.into_iter();
        let domains: Vec<Domain> = rows
            .map(|row| Domain {
                name: row.domain_name.0,
                status: row.domain_status.0,
                service: row.cdn_type.0,
                cname: Some(row.cname.0).filter(|cname| !cname.is_empty()),
            })
            .collect();
        let total = total_count.and_then(|count| count.0.trim().parse().ok()).unwrap_or(domains.len());
        Ok(DomainPage { domains, total })
    }

    /// A list that is absent is an empty one, if this is the vendor's answer at all.
    fn expect(
        &self,
        is_there: bool,
        request_id: Option<&Scalar>,
        code: Option<&Scalar>,
        what: &str,
    ) -> Result<(), ApiError> {
        if (is_there || self.request_id(request_id).is_some()) && code.is_none() {
            return Ok(());
        }
        Err(self.without(&format!("a request id or a {what}"), code))
    }
}
