use serde_json::Value;

use crate::config::Mode;
use crate::model::{EventKind, Verdict};
use crate::report::{Context, fixture};
use crate::text::sanitize::tests::{HOSTILE, runner_sees_a_command};

use super::*;

fn written(report: &Report<'_>) -> Value {
    let mut bytes = Vec::new();
    write(report, &mut bytes).unwrap();
    assert!(bytes.ends_with(b"}\n"));
    serde_json::from_slice(&bytes).unwrap()
}

/// Where a value breaks a schema. Knows what `report.schema.json` uses, and nothing else: an unknown keyword is a breach.
fn breaches(value: &Value, schema: &Value, root: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let is_kept = match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" | "format" | "minimum" => true,
            "$ref" => {
                let definition = &root["$defs"][rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap()];
                assert!(definition.is_object(), "{rule} is not defined");
                found.extend(breaches(value, definition, root, place));
                true
            }
            "type" => {
                let names = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                names.iter().any(|name| is_of_type(value, name.as_str().unwrap()))
            }
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "required" => {
                !value.is_object()
                    || rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "additionalProperties" => {
                assert_eq!(rule, &Value::Bool(false));
                value.as_object().is_none_or(|object| object.keys().all(|key| schema["properties"].get(key).is_some()))
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    let field = value.get(name);
                    found.extend(
                        field.into_iter().flat_map(|field| breaches(field, rule, root, &format!("{place}.{name}"))),
                    );
                }
                true
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                found.extend(items.flat_map(|item| breaches(item, rule, root, &format!("{place}[]"))));
                true
            }
            unknown => panic!("this test doesn't know `{unknown}`"),
        };
        if !is_kept {
            found.push(format!("{place}: {value} breaks `{keyword}`"));
        }
    }
    found
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("this test doesn't know the type `{other}`"),
    }
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../report.schema.json")).unwrap()
}

#[test]
fn the_schema_describes_every_report() {
    let plan = fixture::plan();
    let mut events = fixture::story();
    let why = "QuotaExceeded.Refresh".to_owned();
    events.insert(
        4,
        fixture::event(
            1,
            EventKind::LaneStopped { lane: 1, operation: Some(fixture::DIRECTORY), cause: StopCause::Quota, why },
        ),
    );
    for (mode, events) in [(Mode::Real, &events[..]), (Mode::DryRun, &[]), (Mode::Simulate, &events[..3])] {
        let report = fixture::report(&plan, fixture::context(mode), events);
        assert_eq!(breaches(&written(&report), &schema(), &schema(), "report"), Vec::<String>::new());
    }
}

#[test]
fn the_schema_describes_what_verification_showed() {
    let plan = fixture::plan_of(&["https://www.example.com/".to_owned()]);
    for (edge, tries, was_old) in [(None, 1, None), (Some("203.0.113.7".to_owned()), 0, Some(true))] {
        let context = Context { verify: true, edges: edge.iter().cloned().collect(), ..fixture::context(Mode::Verify) };
        let (verdict, evidence, encoding) = (Verdict::Undecided, "HTTP 403".to_owned(), "gzip".to_owned());
        let verification = Verification { verdict, evidence, edge, encoding, tries, was_old, refreshed_again: true };
        let events = [fixture::event(1, EventKind::Verified { lane: 0, task: 0, verification })];
        let report = written(&fixture::report(&plan, context, &events));
        assert!(report["urls"][0]["verification"].is_object());
        assert_eq!(breaches(&report, &schema(), &schema(), "report"), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let plan = fixture::plan();
    let mut report = written(&fixture::report(&plan, fixture::context(Mode::Real), &fixture::story()));
    report["urls"][0]["outcome"] = "maybe".into();
    report["surprise"] = 1.into();
    report.as_object_mut().unwrap().remove("calls");
    assert_eq!(breaches(&report, &schema(), &schema(), "report").len(), 3);
}

#[test]
fn a_report_says_everything_once() {
    let plan = fixture::plan();
    let mut short = written(&fixture::report(&plan, fixture::context(Mode::Real), &fixture::story()));
    let urls = short["urls"].as_array_mut().unwrap();
    urls.retain(|url| url["outcome"] != "done");
    short["program"] = "cdn-purge".into();
    insta::assert_json_snapshot!(short, @r#"
    {
      "base": "1111111111111111111111111111111111111111",
      "calls": 7,
      "changed_files": 6,
      "changes_from": "git",
      "config": "cdn-purge.yml",
      "counts": {
        "done": 2,
        "failed": 2,
        "planned": 6,
        "unknown": 1,
        "unsubmitted": 1
      },
      "elapsed_seconds": 902.0,
      "exit_code": 4,
      "head": "2222222222222222222222222222222222222222",
      "interrupted": null,
      "manifest": null,
      "mode": "real",
      "notes": [
        "world: the response to batch 1 was lost: connection reset"
      ],
      "plan_digest": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "program": "cdn-purge",
      "purged_hosts": [],
      "range_reason": "the push's `before`, what the CDN has served until now",
      "skipped": [
        {
          "file": "README.md",
          "why": "no rule matches it"
        },
        {
          "file": "vendor/lib",
          "why": "a submodule; its files live in another repository"
        }
      ],
      "started": "2026-11-22T10:00:00Z",
      "status": "partial",
      "targets": [
        {
          "batches": [
            {
              "accepted": 1.0,
              "attempts": 1,
              "counts": {
                "done": 1,
                "failed": 1,
                "planned": 2,
                "unknown": 0,
                "unsubmitted": 0
              },
              "finished": 310.0,
              "kind": "url",
              "number": 1,
              "operation": "refresh",
              "sent": 1.0,
              "task_ids": [
                "704"
              ]
            },
            {
              "accepted": 311.0,
              "attempts": 1,
              "counts": {
                "done": 1,
                "failed": 0,
                "planned": 1,
                "unknown": 0,
                "unsubmitted": 0
              },
              "finished": 900.0,
              "kind": null,
              "number": 2,
              "operation": "prefetch",
              "sent": 311.0,
              "task_ids": [
                "705"
              ]
            }
          ],
          "name": "mainland",
          "operations": [
            {
              "confirmed": true,
              "counts": {
                "done": 1,
                "failed": 2,
                "planned": 3,
                "unknown": 0,
                "unsubmitted": 0
              },
              "kind": "url",
              "operation": "refresh",
              "quota": {
                "after": 8998,
                "before": 9000,
                "limit": 10000
              }
            },
            {
              "confirmed": true,
              "counts": {
                "done": 1,
                "failed": 0,
                "planned": 2,
                "unknown": 0,
                "unsubmitted": 1
              },
              "kind": null,
              "operation": "prefetch",
              "quota": null
            }
          ],
          "provider": "sample-cdn",
          "stops": [],
          "timeline": {
            "first_submitted": 1.0,
            "last_prefetched": 900.0,
            "last_refreshed": 300.0,
            "last_submitted": 311.0
          }
        },
        {
          "batches": [
            {
              "accepted": null,
              "attempts": 1,
              "counts": {
                "done": 0,
                "failed": 0,
                "planned": 1,
                "unknown": 1,
                "unsubmitted": 0
              },
              "finished": 901.0,
              "kind": "directory",
              "number": 1,
              "operation": "refresh",
              "sent": 1.0,
              "task_ids": []
            }
          ],
          "name": "world",
          "operations": [
            {
              "confirmed": true,
              "counts": {
                "done": 0,
                "failed": 0,
                "planned": 1,
                "unknown": 1,
                "unsubmitted": 0
              },
              "kind": "directory",
              "operation": "refresh",
              "quota": null
            }
          ],
          "provider": "sample-cdn",
          "stops": [],
          "timeline": {
            "first_submitted": null,
            "last_prefetched": null,
            "last_refreshed": null,
            "last_submitted": null
          }
        }
      ],
      "task_ids": [
        "704",
        "705"
      ],
      "urls": [
        {
          "covered_by": null,
          "kind": "url",
          "operation": "refresh",
          "outcome": "failed",
          "reason": "RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)",
          "sources": [
            {
              "file": "b.html",
              "rule": "pages"
            }
          ],
          "target": "mainland",
          "task_id": "704",
          "url": "https://www.example.com/b.html",
          "verification": null
        },
        {
          "covered_by": null,
          "kind": "url",
          "operation": "refresh",
          "outcome": "failed",
          "reason": "1,025 characters, and Sample CDN takes 1,024",
          "sources": [
            {
              "file": "too-long.html",
              "rule": "pages"
            }
          ],
          "target": "mainland",
          "task_id": null,
          "url": "https://www.example.com/too-long.html",
          "verification": null
        },
        {
          "covered_by": null,
          "kind": null,
          "operation": "prefetch",
          "outcome": "unsubmitted",
          "reason": "its refresh failed",
          "sources": [
            {
              "file": "b.html",
              "rule": "pages"
            }
          ],
          "target": "mainland",
          "task_id": null,
          "url": "https://www.example.com/b.html",
          "verification": null
        },
        {
          "covered_by": null,
          "kind": "directory",
          "operation": "refresh",
          "outcome": "unknown",
          "reason": "no answer came until the deadline",
          "sources": [
            {
              "file": "docs/x.md",
              "rule": "pages"
            }
          ],
          "target": "world",
          "task_id": null,
          "url": "https://world.example.com/docs/",
          "verification": null
        }
      ],
      "verdicts": null,
      "version": 1
    }
    "#);
}

#[test]
fn hostile_names_are_no_commands_to_a_runner() {
    let urls: Vec<String> = HOSTILE.iter().map(|&name| name.to_owned()).collect();
    let plan = fixture::plan_of(&urls);
    let mut bytes = Vec::new();
    write(&fixture::report(&plan, fixture::context(Mode::Real), &[]), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!runner_sees_a_command(&text) && !text.contains("##[") && !text.contains("::"), "{text}");
}

#[test]
fn names_come_back_as_they_were() {
    let urls: Vec<String> = HOSTILE.iter().map(|&name| name.to_owned()).collect();
    let plan = fixture::plan_of(&urls);
    let report = written(&fixture::report(&plan, fixture::context(Mode::Real), &[]));
    let read: Vec<_> = report["urls"].as_array().unwrap().iter().map(|url| url["url"].as_str().unwrap()).collect();
    assert_eq!(read, urls);
    let files: Vec<_> =
        report["urls"].as_array().unwrap().iter().map(|url| url["sources"][0]["file"].clone()).collect();
    assert_eq!(files, urls);
}
