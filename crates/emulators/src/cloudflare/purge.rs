//! A purge or an invalidation: exactly one kind of item, all of the zone, all or none.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cloudflare, errors, success, zone_id};
use crate::request::{contains_any, host_of, is_host};
use crate::response::{Answer, ErrorCode};
use crate::{LedgerEntry, Operation};

/// Each kind: its field, what it does, and how many of it a call takes (limits 2026-07, issue 21338).
const KINDS: [(&str, Operation, usize); 4] = [
    ("files", Operation::RefreshUrl, 30),
    ("tags", Operation::RefreshTag, 100),
    ("hosts", Operation::RefreshHost, 100),
    ("prefixes", Operation::RefreshPrefix, 100),
];

impl Cloudflare {
    pub(super) fn purge(&mut self, zone: &str, body: &[u8], now: Timestamp) -> Answer {
        let is_id = zone.len() == 32 && zone.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            let text =
                format!("Could not route to /zones/{zone}/purge_cache, perhaps your object identifier is invalid?");
            return Err(ErrorCode::new("7003", text));
        }
        let is_ours = self.settings.zones.is_empty() || self.settings.zones.iter().any(|name| zone_id(name) == zone);
        if !is_ours {
            return Err(ErrorCode::new("10000", "Authentication error"));
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| ErrorCode::new("1012", "Malformed JSON"))?;
        let fields = body.as_object().filter(|fields| fields.len() == 1);
        let Some((field, items)) = fields.and_then(|fields| fields.iter().next()) else {
            let text =
                "Request must contain one of \"purge_everything\", \"files\", \"tags\", \"hosts\" or \"prefixes\"";
            return Err(ErrorCode::new("1012", text));
        };
        let (operation, values) = match KINDS.iter().find(|(name, ..)| name == field) {
            None if field == "purge_everything" && *items == json!(true) => {
                (Operation::RefreshEverything, vec![String::new()])
            }
            None => return Err(ErrorCode::new("1012", "Unknown field")),
            Some((name, operation, most)) => {
                let items = items.as_array().filter(|items| !items.is_empty());
                let items = items.ok_or_else(|| ErrorCode::new("1014", format!("\"{name}\" must be an array")))?;
                let most = self.settings.per_call.unwrap_or(*most);
                if items.len() > most {
                    return Err(ErrorCode::new("1094", errors::maximum(most)));
                }
                (*operation, items.iter().map(|item| self.item(*operation, item, zone)).collect::<Result<_, _>>()?)
            }
        };
        let within = match operation {
            Operation::RefreshUrl => self.urls.take(values.len(), now),
            _ => self.purges.take(1, now),
        };
        within.map_err(|_| errors::too_many())?;
        let entry = |value: String| {
            let url = match operation {
                Operation::RefreshTag => format!("https://{zone}/#{value}"),
                Operation::RefreshEverything => format!("https://{zone}/"),
                Operation::RefreshHost => format!("https://{value}/"),
                Operation::RefreshPrefix => format!("https://{value}"),
                _ => value,
            };
            LedgerEntry { at: now, operation, url, task_id: String::new() }
        };
        self.ledger.extend(values.into_iter().map(entry));
        Ok(success(&json!({"id": zone})))
    }

    /// The value of an item, if the vendor would take it.
    fn item(&self, operation: Operation, item: &Value, zone: &str) -> Result<String, ErrorCode> {
        let refused = |why: &str| ErrorCode::new("1016", format!("Unable to purge {item}: {why}"));
        let with_headers = || item["url"].as_str().filter(|_| item["headers"].is_object());
        let value = item.as_str().or_else(|| with_headers().filter(|_| operation == Operation::RefreshUrl));
        let value = value.ok_or_else(|| refused("not a text"))?;
        let host = || host_of(value).filter(|host| is_host(host));
        // Of a zone that nobody asked for the name isn't known, unless the settings list all.
        let is_known = !self.settings.zones.is_empty() || self.known.contains(zone);
        let is_of_zone = || host().is_some_and(|host| !is_known || self.zone_of(&host).is_some_and(|id| id == zone));
        let fits = match operation {
            Operation::RefreshTag => {
                value.len() <= 1_024
                    && !value.is_empty()
                    && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
            }
            Operation::RefreshHost => host().is_some_and(|host| host == value) && is_of_zone(),
            Operation::RefreshPrefix => {
                let is_plain = !value.contains("://") && !value.contains(['?', '#', '*']);
                is_plain && value.contains('/') && value.matches('/').count() <= 31 && is_of_zone()
            }
            _ => {
                (value.starts_with("https://") || value.starts_with("http://")) && !value.contains('*') && is_of_zone()
            }
        };
        if fits && !contains_any(value, &self.settings.refuse) {
            Ok(value.to_owned())
        } else {
            Err(refused("not of this zone"))
        }
    }
}
