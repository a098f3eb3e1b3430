//! Which tasks a row of the provider's records is about, however its URL is encoded.
//!
//! No vendor says whether its records keep a URL as it was submitted. A row that isn't recognized would have its URL sent a
//! second time, so a row is compared by a key where no URL is spelled exactly alike.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use super::journal::TaskIds;
use crate::model::{Operation, RefreshKind, TaskIndex};
use crate::plan::PlannedTask;
use crate::provider::Record;

/// The tasks of a lane, by what a row can say of them.
pub(super) struct RecordMatch<'a> {
    tasks: &'a [PlannedTask],
    by_url: HashMap<Cow<'a, str>, Vec<TaskIndex>>,
    /// By the part of a URL that all its encodings share; made for the first row with another encoding.
    by_key: OnceCell<HashMap<String, Vec<TaskIndex>>>,
    /// Refreshes by tag, by the tag alone.
    by_tag: HashMap<String, Vec<TaskIndex>>,
    /// Refreshes of everything: their rows have no URL.
    everything: Vec<TaskIndex>,
    /// Whether a row named a task.
    named: Vec<bool>,
    /// Task ids of earlier submissions.
    pub earlier: TaskIds,
}

impl<'a> RecordMatch<'a> {
    /// For the tasks of a lane.
    pub(super) fn new(tasks: &'a [PlannedTask]) -> Self {
        let mut by_url: HashMap<Cow<'a, str>, Vec<TaskIndex>> = HashMap::new();
        let mut by_tag: HashMap<String, Vec<TaskIndex>> = HashMap::new();
        for (index, planned) in (0..).zip(tasks) {
            let subject = &planned.task.subject;
            by_url.entry(subject.text()).or_default().push(index);
            if planned.task.operation == Operation::Refresh(RefreshKind::Tag) {
                by_tag.entry(subject.value.clone()).or_default().push(index);
            }
        }
        let is_everything =
            |planned: &PlannedTask| planned.task.operation == Operation::Refresh(RefreshKind::Everything);
        let everything = (0..).zip(tasks).filter(|(_, planned)| is_everything(planned)).map(|(index, _)| index);
        Self {
            tasks,
            by_url,
            by_key: OnceCell::new(),
            by_tag,
            everything: everything.collect(),
            named: vec![false; tasks.len()],
            earlier: TaskIds::default(),
        }
    }

    /// The tasks that a row names, among those that `may_be` meant. They count as named from now on.
    pub(super) fn attribute(&mut self, record: &Record, may_be: impl Fn(TaskIndex) -> bool) -> Vec<TaskIndex> {
        let kind = word(record);
        let is_it = |task: &TaskIndex| fits(self.operation(*task), record, &kind) && may_be(*task);
        let mut tasks: Vec<TaskIndex> = self.spelled(&record.url).iter().copied().filter(is_it).collect();
        if tasks.is_empty() {
            // A row may list several URLs.
            let all = several(&record.url).flat_map(|url| self.spelled(url));
            tasks.extend(all.copied().filter(is_it));
        }
        if tasks.is_empty() && !self.by_tag.is_empty() {
            // A row of one of our ids may name its tags alone.
            let all = record.url.split(',').filter_map(|tag| self.by_tag.get(tag.trim())).flatten();
            tasks.extend(all.copied().filter(is_it));
        }
        for &task in &tasks {
            self.named[task as usize] = true;
        }
        tasks
    }

    /// Whether a row is about the URL and the operation of a task, and not of an earlier submission.
    pub(super) fn is_about(&self, record: &Record, task: TaskIndex) -> bool {
        let mut urls = std::iter::once(&*record.url).chain(several(&record.url));
        !self.earlier.may_be_of(&record.task_id, task)
            && fits(self.operation(task), record, &word(record))
            && urls.any(|url| self.spelled(url).contains(&task))
    }

    /// Whether a row named a task.
    pub(super) fn is_named(&self, task: TaskIndex) -> bool {
        self.named[task as usize]
    }

    /// The tasks of a URL that is spelled exactly so; if there are none, of the one that is spelled most like it. No URL: everything.
    fn spelled(&self, url: &str) -> &[TaskIndex] {
        if url.is_empty() {
            return &self.everything;
        }
        let nearest = || {
            let alike = self.by_key().get(&key(url))?;
            let urls: Vec<Cow<'_, str>> =
                alike.iter().map(|&task| self.tasks[task as usize].task.subject.text()).collect();
            self.by_url.get(nearest(url, urls.iter().map(|url| &**url))?)
        };
        self.by_url.get(url).or_else(nearest).map_or(&[], Vec::as_slice)
    }

    fn by_key(&self) -> &HashMap<String, Vec<TaskIndex>> {
        self.by_key.get_or_init(|| {
            let mut by_key: HashMap<String, Vec<TaskIndex>> = HashMap::new();
            for (index, planned) in (0..).zip(self.tasks) {
                by_key.entry(key(&planned.task.subject.text())).or_default().push(index);
            }
            by_key
        })
    }

    fn operation(&self, task: TaskIndex) -> Operation {
        self.tasks[task as usize].task.operation
    }
}

/// Of URLs with one key, the one most like the row's; none if two are equally alike. Alike as they
/// are, they are different URLs, and what became of one says nothing of the other.
fn nearest<'a>(spelled: &str, urls: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut nearest: Option<(usize, &str)> = None;
    let mut is_one = true;
    for url in urls {
        let distance = distance(spelled, url);
        match nearest {
            Some((least, known)) if distance > least || url == known => {}
            Some((least, _)) if distance == least => is_one = false,
            _ => (nearest, is_one) = (Some((distance, url)), true),
        }
    }
    nearest.filter(|_| is_one).map(|(_, url)| url)
}

/// The number of differences between two encodings with one key that may distinguish two URLs. Upper and lower case don't count: they
/// are left in the digits of escapes alone.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.trim(), other.trim());
    let parts = |url| -> (Option<&str>, &str) {
        let (scheme, rest) = str::split_once(url, "://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
        (scheme, &rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..])
    };
    let ((scheme, path), (other_scheme, other_path)) = (parts(one), parts(other));
    let is_other = |(one, other): (&str, &str)| !one.eq_ignore_ascii_case(other);
    let text = (path.trim_end_matches('/'), other_path.trim_end_matches('/'));
    usize::from(scheme.zip(other_scheme).is_some_and(is_other))
        + usize::from(path.ends_with('/') != other_path.ends_with('/'))
        + usize::from(is_other(text))
}

/// Without scheme, default port and last slash, decoded, and with the host in lower case.
fn key(url: &str) -> String {
    let url = url.trim();
    let (rest, port) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (rest, ":80"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (rest, ":443"),
        _ => (url, ":443"),
    };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    let path = percent_decode_str(path).decode_utf8_lossy();
    format!("{host}{}", path.trim_end_matches('/'))
}

/// The URLs of a row that covers several, joined as they were submitted or by commas.
fn several(joined: &str) -> impl Iterator<Item = &str> {
    let lines = joined.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| {
        let starts = line.match_indices(",http").map(|(at, _)| at);
        let mut ends: Vec<usize> = starts.collect();
        ends.push(line.len());
        let mut from = 0;
        ends.into_iter().map(move |end| {
            let part = &line[from..end];
            from = end + 1;
            part.trim()
        })
    })
}

/// The word that the provider has for the operation of a row: its letters.
fn word(record: &Record) -> String {
    let letters = record.kind.chars().filter(char::is_ascii_alphabetic);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a row with this word can be of this operation. A word that isn't known can be any.
fn fits(operation: Operation, record: &Record, word: &str) -> bool {
    if word.is_empty() {
        return true;
    }
    match operation {
        Operation::Prefetch => record.prefetch,
        Operation::Refresh(_) if record.prefetch => false,
        Operation::Refresh(RefreshKind::Directory) => !matches!(word, "file" | "url" | "regex" | "ignoreparams"),
        Operation::Refresh(RefreshKind::Regex) => {
            !matches!(word, "file" | "url" | "directory" | "path" | "ignoreparams")
        }
        Operation::Refresh(RefreshKind::Url | RefreshKind::AnyQuery) => !matches!(word, "directory" | "path" | "regex"),
        // Which word a provider has for it isn't documented.
        Operation::Refresh(RefreshKind::Tag | RefreshKind::Prefix | RefreshKind::Host | RefreshKind::Everything) => {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PurgeMode, Subject, Task};
    use crate::provider::TaskState;

    #[test]
    fn the_nearest_of_urls_that_are_alike_is_meant_and_none_where_that_is_open() {
        let (page, folder, plain) = ("https://a.test/x", "https://a.test/x/", "http://a.test/x");
        let (raw, escaped) = ("https://a.test/é", "https://a.test/%C3%A9");
        for (spelled, among, meant) in [
            ("a.test/x", vec![page, folder], Some(page)),
            ("A.test/x/", vec![page, folder], Some(folder)),
            ("https://A.test/x", vec![page, folder, plain], Some(page)),
            ("HTTP://A.test/x", vec![page, folder, plain], Some(plain)),
            ("a.test/x", vec![page, plain], None),
            ("http://a.test/x/", vec![page], Some(page)),
            ("http://a.test/x/", vec![folder, plain], None),
            ("a.test/%c3%a9", vec![raw, escaped, escaped], Some(escaped)),
            ("a.test/é", vec![escaped, raw], Some(raw)),
            ("a.test/x", vec![], None),
        ] {
            assert_eq!(nearest(spelled, among.iter().copied()), meant, "{spelled} among {among:?}");
        }
    }

    fn planned(kind: RefreshKind, url: &str) -> PlannedTask {
        PlannedTask {
            task: Task {
                target: "site".into(),
                operation: Operation::Refresh(kind),
                mode: PurgeMode::Default,
                subject: Subject::url(url),
                because: Vec::new(),
            },
            refused: None,
            covered_by: None,
            after: Vec::new(),
            rank: Default::default(),
            held: Default::default(),
        }
    }

    fn row(url: &str) -> Record {
        Record {
            task_id: "1".into(),
            url: url.into(),
            prefetch: false,
            kind: "all".into(),
            state: TaskState::Running,
            status: String::new(),
            percent: None,
            created: None,
        }
    }

    #[test]
    fn a_row_without_a_url_is_of_the_refresh_of_everything() {
        let page = planned(RefreshKind::Url, "https://a.test/x");
        let tasks = [page, planned(RefreshKind::Everything, "https://a.test/")];
        let mut found = RecordMatch::new(&tasks);
        assert_eq!([0, 1].map(|task| found.is_about(&row(""), task)), [false, true]);
        assert_eq!(found.attribute(&row(""), |_| true), [1]);
    }

    #[test]
    fn a_row_of_an_earlier_task_id_is_about_no_task_that_it_may_have_been_of() {
        let urls = ["https://a.test/x", "https://a.test/y"];
        let tasks = urls.map(|url| planned(RefreshKind::Url, url));
        let mut found = RecordMatch::new(&tasks);
        let mut about = |of: &[(&str, &[TaskIndex])]| {
            found.earlier = TaskIds::default();
            of.iter().for_each(|(id, tasks)| found.earlier.add(id, tasks.iter().copied()));
            [0, 1].map(|task| found.is_about(&row(urls[task as usize]), task))
        };
        assert_eq!(about(&[("2", &[0, 1])]), [true, true]);
        assert_eq!(about(&[("1", &[1])]), [true, false]);
        assert_eq!(about(&[("1", &[])]), [false, false], "which tasks it was of isn't known");
        // What ended since under the same id says nothing of the rest.
        assert_eq!(about(&[("1", &[]), ("1", &[1])]), [false, false]);
    }

    #[test]
    fn one_url_in_many_spellings_has_one_key() {
        let key_of = key("https://www.example.com/a%20b/%E4%BD%A0/");
        for spelling in [
            "https://WWW.example.com/a b/你/",
            "https://www.example.com:443/a%20b/%e4%bd%a0",
            "http://www.example.com/a%20b/%E4%BD%A0/",
            "www.example.com/a b/你",
            " https://www.example.com/a%20b/你/\r",
        ] {
            assert_eq!(key(spelling), key_of, "{spelling}");
        }
        assert_ne!(key("https://www.example.com/a"), key("https://www.example.com/A"));
        assert_ne!(key("https://www.example.com/a"), key("https://example.com/a"));
        assert_eq!(key("https://www.example.com/"), "www.example.com");
    }

    #[test]
    fn joined_urls_come_apart_and_a_comma_inside_one_stays() {
        let joined = "https://a.example/1,2\r\nhttps://a.example/3,https://a.example/4\n";
        let parts: Vec<&str> = several(joined).collect();
        assert_eq!(parts, ["https://a.example/1,2", "https://a.example/3", "https://a.example/4"]);
    }
}
