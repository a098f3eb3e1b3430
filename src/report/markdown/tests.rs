use proptest::prelude::*;

use crate::config::Mode;
use crate::report::fixture;
use crate::text::sanitize::tests::{HOSTILE, hostile_text};

use super::*;

/// The cells of a table's row, as GitHub's renderer splits them: at pipes that no backslash precedes; `\|` is a pipe.
fn cells(row: &str) -> Vec<String> {
    let row = row.strip_prefix('|').and_then(|row| row.strip_suffix('|')).unwrap();
    let mut cells = vec![String::new()];
    let mut characters = row.chars().peekable();
    while let Some(character) = characters.next() {
        let cell = cells.last_mut().unwrap();
        match character {
            '\\' if characters.peek() == Some(&'|') => cell.extend(characters.next()),
            '|' => cells.push(String::new()),
            other => cell.push(other),
        }
    }
    cells.into_iter().map(|cell| cell.trim_matches(' ').to_owned()).collect()
}

/// What a cell that is one code span shows; `None` when it is anything else.
fn shown_as_code(cell: &str) -> Option<String> {
    let fence = cell.len() - cell.trim_start_matches('`').len();
    let inner = cell.get(fence..cell.len().checked_sub(fence)?)?;
    let is_closed_early = inner.split(|character| character != '`').any(|run| run.len() == fence);
    if fence == 0 || is_closed_early || inner.starts_with('`') || inner.ends_with('`') {
        return None;
    }
    let is_padded = inner.len() > 1 && inner.starts_with(' ') && inner.ends_with(' ') && !inner.trim().is_empty();
    Some(if is_padded { inner[1..inner.len() - 1].to_owned() } else { inner.to_owned() })
}

#[test]
fn a_run_is_told_with_its_failures_and_its_reasons() {
    let plan = fixture::plan();
    let report = fixture::report(&plan, fixture::context(Mode::Real), &fixture::story());
    insta::assert_snapshot!(markdown(&report, 100_000), @"
    ### ❌ cdn-purge: 2 of 6 URLs done, 2 failed, 1 unsubmitted, 1 unknown, after 15 min 2 s

    [`111111111111`](https://github.com/octo/site/commit/1111111111111111111111111111111111111111) → [`222222222222`](https://github.com/octo/site/commit/2222222222222222222222222222222222222222): 6 changed files. Base: the push's `before`, what the CDN has served until now  
    Rules: `cdn-purge.yml`

    **3 URLs need attention**

    | outcome | target | operation | URL | reason, in the provider's words | task id |
    | --- | --- | --- | --- | --- | --- |
    | failed | `mainland` | refresh | [`https://www.example.com/b.html`](https://www.example.com/b.html) | `RefreshTask: OriginTimeout: the origin didn't answer (HTTP 200, request id 4B6F)` | `704` |
    | failed | `mainland` | refresh | [`https://www.example.com/too-long.html`](https://www.example.com/too-long.html) | `1,025 characters, and Sample CDN takes 1,024` | – |
    | unknown | `world` | refresh (directory) | [`https://world.example.com/docs/`](https://world.example.com/docs/) | `no answer came until the deadline` | – |

    **Not submitted**

    | URLs | target | reason |
    | --- | --- | --- |
    | 1 | `mainland` | `its refresh failed` |

    **`mainland`** (Sample CDN)

    | operation | planned | done | failed | unsubmitted | unknown | quota left: before → after |
    | --- | --- | --- | --- | --- | --- | --- |
    | refresh | 3 | 1 | 2 | 0 | 0 | 9,000 → 8,998 of 10,000 |
    | prefetch | 2 | 1 | 0 | 1 | 0 | – |

    **`world`** (Sample CDN)

    | operation | planned | done | failed | unsubmitted | unknown | quota left: before → after |
    | --- | --- | --- | --- | --- | --- | --- |
    | refresh (directory) | 1 | 0 | 0 | 0 | 1 | – |

    - world: the response to batch 1 was lost: connection reset

    <details><summary>Timeline</summary>

    ```mermaid
    gantt
        dateFormat YYYY-MM-DD HH:mm:ss.SSS
        axisFormat %H:%M:%S
        section mainland
        submit 5 min 10 s :2000-01-01 00:00:01.000, 2000-01-01 00:05:11.000
        refresh 4 min 59 s :2000-01-01 00:00:01.000, 2000-01-01 00:05:00.000
        prefetch 9 min 49 s :2000-01-01 00:05:11.000, 2000-01-01 00:15:00.000
    ```

    </details>

    <details><summary>5 URLs at mainland</summary>

    | URL | operation | outcome | source file |
    | --- | --- | --- | --- |
    | [`https://www.example.com/a.html`](https://www.example.com/a.html) | refresh | done | `a.html` by `pages` |
    | [`https://www.example.com/b.html`](https://www.example.com/b.html) | refresh | failed | `b.html` by `pages` |
    | [`https://www.example.com/too-long.html`](https://www.example.com/too-long.html) | refresh | failed | `too-long.html` by `pages` |
    | [`https://www.example.com/a.html`](https://www.example.com/a.html) | prefetch | done | `a.html` by `pages` |
    | [`https://www.example.com/b.html`](https://www.example.com/b.html) | prefetch | unsubmitted | `b.html` by `pages` |

    </details>

    <details><summary>1 URL at world</summary>

    | URL | operation | outcome | source file |
    | --- | --- | --- | --- |
    | [`https://world.example.com/docs/`](https://world.example.com/docs/) | refresh (directory) | unknown | `docs/x.md` by `pages` |

    </details>

    <details><summary>2 changed files not mapped to a URL</summary>

    | file | reason |
    | --- | --- |
    | `README.md` | no rule matches it |
    | `vendor/lib` | a submodule; its files live in another repository |

    </details>
    ");
}

#[test]
fn a_dry_run_is_told_as_one() {
    let plan = fixture::plan();
    let report = fixture::report(&plan, fixture::context(Mode::DryRun), &[]);
    let text = markdown(&report, 100_000);
    assert!(
        text.starts_with("### ❌ cdn-purge: 6 URLs planned, 1 of them can't be sent, nothing was sent\n"),
        "{text}"
    );
    assert!(!text.contains("done |"), "{text}");
    // What it costs, which file purges which URL, and, unfolded, which file purges nothing.
    assert!(text.contains("| refresh | 3 | 1 | 2 of 10,000 URL refreshes a day |"), "{text}");
    assert!(text.contains("It would take about "), "{text}");
    assert!(text.contains("| file | URL | operation | rule |"), "{text}");
    let skipped = text.split("not mapped to a URL**").nth(1).expect("the heading of files without a URL");
    assert!(skipped.contains("| file | reason |") && !skipped.contains("</details>"), "{text}");
}

#[test]
fn a_plan_that_fits_is_marked_as_a_plan_and_a_whole_host_in_capitals() {
    let plan = fixture::plan_of_directories(&["https://www.example.com/".into()]);
    let text = markdown(&fixture::report(&plan, fixture::context(Mode::DryRun), &[]), 100_000);
    assert!(text.starts_with("### 📝 cdn-purge: 1 URL planned, nothing was sent\n"), "{text}");
    assert!(text.contains("> [!WARNING]\n> PURGES EVERYTHING on `www.example.com`\n"), "{text}");
}

#[test]
fn the_lines_of_a_remedy_stay_lines() {
    let error = Error::usage("no credentials for `x`", "set `A` and `B`\nalso tried: `/home/x`");
    assert_eq!(
        super::error(&error),
        "### ❌ cdn-purge: failed before sending anything\n\n- [E413](https://github.com/org/cdn-purge-action/blob/main/docs/errors.md#e413) no credentials for `x`  \n  help: set `A` and `B`  \n  also tried: `/home/x`\n\n"
    );
}

#[test]
fn no_line_is_a_quick_action_of_gitlab() {
    let urls: Vec<String> = HOSTILE.iter().map(|name| format!("/close\n/merge {name}\r/approve")).collect();
    let plan = fixture::plan_of(&urls);
    for mode in [Mode::DryRun, Mode::Real] {
        let text = markdown(&fixture::report(&plan, fixture::context(mode), &[]), 100_000);
        let actions: Vec<_> = text.split(['\n', '\r']).filter(|line| line.trim_start().starts_with('/')).collect();
        assert!(actions.is_empty(), "{actions:?}");
    }
}

#[test]
fn hostile_names_are_code_wherever_they_stand() {
    let urls: Vec<String> = HOSTILE.iter().map(|&name| name.to_owned()).collect();
    let plan = fixture::plan_of(&urls);
    let text = markdown(&fixture::report(&plan, fixture::context(Mode::Real), &[]), 100_000);
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    assert_eq!(rows.len(), urls.len());
    for (row, url) in rows.iter().zip(&urls) {
        assert_eq!(row.len(), 4, "{row:?}");
        assert_eq!(shown_as_code(&row[0]).as_deref(), Some(&*sanitize(url)));
    }
}

#[test]
fn a_long_summary_is_cut_at_whole_rows_and_says_so() {
    let urls: Vec<String> = (0..10_000).map(|number| format!("https://www.example.com/{number}.html")).collect();
    let plan = fixture::plan_of(&urls);
    let report = fixture::report(&plan, fixture::context(Mode::Real), &[]);
    for budget in [0, 500, 2_000, 20_000, 900 * 1024] {
        let text = markdown(&report, budget);
        assert!(text.len() <= budget, "{} > {budget}", text.len());
        assert!(text.is_empty() || text.ends_with('\n'));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert!(text.lines().filter(|line| line.starts_with("| unknown")).all(|line| cells(line).len() == 6));
        assert!(budget < 2_000 || text.contains("rows left out"), "{budget}");
    }
}

#[test]
fn sentences_keep_their_words_and_lose_their_marks() {
    let sentences = [
        "the push's `before`, what the CDN has served until now",
        "HEAD~1, logged",
        "see https://evil.example",
        "mail @octocat",
        "world: the response to batch 1 was lost: <img src=x>",
        "**bold** `a`b`",
        "first-class. Then: more (50 %)",
    ];
    let escaped: Vec<_> = sentences.into_iter().map(prose).collect();
    assert_eq!(prose("\n"), r"`\n`", "a line break alone is shown too");
    insta::assert_snapshot!(escaped.join("\n"), @"
    the push's `before`, what the CDN has served until now
    `HEAD~1, logged`
    `see https://evil.example`
    `mail @octocat`
    `world: the response to batch 1 was lost: <img src=x>`
    `**bold**` `a`b
    first-class. Then: more (50 %)
    ");
}

proptest! {
    #[test]
    fn any_text_is_one_cell_that_shows_it(text in hostile_text()) {
        let row = format!("| {} | next |", code(&text));
        let cells = cells(&row);
        prop_assert_eq!(cells.len(), 2, "{}", row);
        prop_assert!(!row.contains('\n'));
        let shown = shown_as_code(&cells[0]);
        let cleaned = sanitize(&text);
        match &*cleaned {
            "" => prop_assert_eq!(cells[0].as_str(), "–"),
            // A span of blanks only is trimmed with its cell by this test's reader, or not at all: it means nothing.
            blank if blank.trim_matches(' ').is_empty() => {}
            other => prop_assert_eq!(shown.as_deref(), Some(other), "{}", row),
        }
    }

    #[test]
    fn no_sentence_means_anything_to_a_renderer(text in hostile_text()) {
        let escaped = prose(&text);
        // Outside of code spans, nothing is left that opens a link, an element, a mention or an entity.
        let mut outside = String::new();
        let mut rest = escaped.as_str();
        while let Some(start) = rest.find('`') {
            outside.push_str(&rest[..start]);
            let fence = rest[start..].len() - rest[start..].trim_start_matches('`').len();
            let inner = &rest[start + fence..];
            let mut end = None;
            let mut at = 0;
            while let Some(found) = inner[at..].find('`') {
                let run = inner[at + found..].len() - inner[at + found..].trim_start_matches('`').len();
                if run == fence {
                    end = Some(at + found + run);
                    break;
                }
                at += found + run;
            }
            prop_assert!(end.is_some(), "an open fence in {escaped:?}");
            rest = &inner[end.unwrap()..];
        }
        outside.push_str(rest);
        prop_assert!(!outside.contains(['<', '@', '#', '&', '[', '*', '_', '|', '/', '\\', '~', '\n']), "{outside:?}");
    }
}
