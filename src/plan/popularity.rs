//! The order of prefetches by popularity: from a list of URLs, the hottest first, or from an access log in the common or combined
//! format. Only the plan's own pages are counted, so the memory that it takes doesn't depend on the log.

use std::collections::HashMap;
use std::io::{self, BufRead};

use super::lanes::Plan;
use crate::mapping::url;
use crate::model::{Operation, TaskIndex};

/// The part of a line that is looked at, in bytes.
const LONGEST_LINE: usize = 16 << 10;
/// More than this isn't read, in bytes.
const LARGEST: u64 = 8 << 30;

/// What a source says of the plan's prefetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// The prefetches that it knows.
    pub known: usize,
    /// All prefetches.
    pub all: usize,
}

/// A source that can't be used.
#[derive(Debug)]
pub enum Unusable {
    /// It can't be read to its end.
    Unreadable(io::Error),
    /// It is neither a list nor a log: the number of the line that shows it, and what is wrong, as a sentence fragment.
    Foreign(u64, &'static str),
}

/// The popularity of one prefetched URL.
struct Page<'p> {
    lane: usize,
    task: TaskIndex,
    host: Option<&'p str>,
    /// Requests in a log; of a list, the lines from the first one with it to the end.
    hits: u64,
}

/// What a line says.
enum Line<'l> {
    /// A URL, or a path at any host.
    Listed(&'l str),
    /// A request for a URL or path, and whether it was a page that was delivered.
    Logged(&'l str, bool),
}

/// Ranks the plan's prefetches by a source. A page counts for all of its forms: with a slash at the end, without it, and with one of
/// these `index` names.
///
/// # Errors
/// [`Unusable`]: nothing is ranked then.
pub fn rank(plan: &mut Plan, source: &mut dyn BufRead, index: &[String]) -> Result<Ranked, Unusable> {
    let mut pages = Vec::new();
    let mut known: HashMap<&str, Vec<usize>> = HashMap::new();
    for (lane, of) in plan.lanes.iter().enumerate() {
        let prefetches = (0..).zip(&of.tasks).filter(|(_, planned)| planned.task.operation == Operation::Prefetch);
        for (task, planned) in prefetches {
            let (host, path) = page(&planned.task.subject.value, index);
            known.entry(path).or_default().push(pages.len());
            pages.push(Page { lane, task, host, hits: 0 });
        }
    }
    let (mut line, mut number, mut read) = (Vec::new(), 0_u64, 0_u64);
    let mut is_list = None;
    let (mut good, mut bad, mut first_bad) = (0_u64, 0_u64, 0);
    while next(source, &mut line, &mut read).map_err(Unusable::Unreadable)? {
        number += 1;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (target, counts) = match (parse(text), is_list) {
            (Some(Line::Listed(target)), None | Some(true)) => {
                is_list = Some(true);
                (target, true)
            }
            (Some(Line::Logged(target, counts)), None | Some(false)) => {
                is_list = Some(false);
                (target, counts)
            }
            (_, Some(true)) => return Err(Unusable::Foreign(number, "no URL and no path that begins with `/`")),
            (_, None) => {
                return Err(Unusable::Foreign(number, "neither a URL or path nor a line of a common or combined log"));
            }
            (_, Some(false)) => {
                bad += 1;
                first_bad = if first_bad == 0 { number } else { first_bad };
                continue;
            }
        };
        good += 1;
        let (host, path) = page(target, index);
        for &place in known.get(path).into_iter().flatten().filter(|_| counts) {
            let page = &mut pages[place];
            let is_its = host.is_none_or(|host| page.host.is_some_and(|own| own.eq_ignore_ascii_case(host)));
            match is_list {
                _ if !is_its => {}
                Some(true) if page.hits == 0 => page.hits = u64::MAX - number,
                Some(true) => {}
                _ => page.hits += 1,
            }
        }
    }
    if bad > good {
        return Err(Unusable::Foreign(first_bad, "no line of a common or combined log, like most lines of the file"));
    }
    let mut places: Vec<usize> = (0..pages.len()).filter(|&place| pages[place].hits > 0).collect();
    places.sort_by_key(|&place| std::cmp::Reverse(pages[place].hits));
    let ranked = Ranked { known: places.len(), all: pages.len() };
    let hot: Vec<(usize, TaskIndex)> = places.iter().map(|&place| (pages[place].lane, pages[place].task)).collect();
    for (rank, (lane, task)) in (0..).zip(hot) {
        plan.lanes[lane].tasks[task as usize].rank = rank;
    }
    Ok(ranked)
}

/// Reads the next line, or its beginning; `false` at the end.
fn next(source: &mut dyn BufRead, line: &mut Vec<u8>, read: &mut u64) -> io::Result<bool> {
    line.clear();
    let before = *read;
    loop {
        let buffer = source.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        line.extend_from_slice(&buffer[..length.min(LONGEST_LINE.saturating_sub(line.len()))]);
        source.consume(length);
        *read += length as u64;
        if *read > LARGEST {
            return Err(io::Error::other(format!("it holds more than {} GiB", LARGEST >> 30)));
        }
        if end.is_some() || length == 0 {
            return Ok(*read > before);
        }
    }
}

fn parse(text: &str) -> Option<Line<'_>> {
    let is_target = |text: &str| text.starts_with('/') || text.starts_with("http://") || text.starts_with("https://");
    if is_target(text) && !text.contains(char::is_whitespace) {
        return Some(Line::Listed(text));
    }
    // `192.0.2.1 - - [30/Nov/2026:10:00:00 +0000] "GET /docs/ HTTP/1.1" 200 2326 …`
    let (client, rest) = text.split_once(" [")?;
    let (_, rest) = rest.split_once("] \"")?;
    let (request, rest) = rest.split_once("\" ")?;
    let status = rest.split(' ').next()?;
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    if client.split(' ').count() < 3 || !is_status {
        return None;
    }
    // What is no HTTP is logged, too.
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Some(Line::Logged(target, is_target(target) && matches!(method, "GET" | "HEAD") && status < "400"))
}

/// The host and the path of a URL or path, the same for all forms of a page.
fn page<'u>(target: &'u str, index: &[String]) -> (Option<&'u str>, &'u str) {
    let host = url::host(target);
    let path = url::authority(target).map_or(target, |(_, path)| &target[path..]);
    let path = path.split('#').next().unwrap_or_default();
    let short = index.iter().find_map(|name| path.strip_suffix(&**name).filter(|folder| folder.ends_with('/')));
    (host, short.unwrap_or(path).trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{free, task};
    use super::*;

    fn prefetches(urls: &[&str]) -> Plan {
        free(urls.iter().map(|url| task(Operation::Prefetch, url)).collect())
    }

    /// The URLs of the plan, the hottest first, as far as the source knows them.
    fn order(urls: &[&str], mut source: &[u8]) -> Result<Vec<String>, Unusable> {
        let mut plan = prefetches(urls);
        let ranked = rank(&mut plan, &mut source, &["index.html".to_owned()])?;
        let mut tasks: Vec<_> = plan.lanes[0].tasks.iter().filter(|planned| planned.rank < u32::MAX).collect();
        tasks.sort_by_key(|planned| planned.rank);
        assert_eq!((ranked.known, ranked.all), (tasks.len(), urls.len()));
        Ok(tasks.into_iter().map(|planned| planned.task.subject.value.clone()).collect())
    }

    const PAGES: [&str; 3] = ["https://a.test/", "https://a.test/docs/", "https://b.test/docs/x?y=1"];

    #[test]
    fn a_list_names_the_hottest_first() {
        let list = "\u{feff}# hot\r\n/docs/x?y=1\r\n\r\nhttps://a.test/docs/index.html\nhttps://other.test/\n/docs\n";
        assert_eq!(order(&PAGES, list.as_bytes()).unwrap(), [PAGES[2], PAGES[1]]);
        assert_eq!(order(&PAGES, b"https://A.test\n/nothing").unwrap(), [PAGES[0]]);
        assert_eq!(order(&PAGES, b"").unwrap(), [""; 0]);
        assert_eq!(order(&PAGES, b"/login?to=https://a.test/docs/\n").unwrap(), [""; 0], "a URL in a query");
    }

    #[test]
    fn a_log_counts_the_pages_that_were_delivered_in_all_of_their_forms() {
        let line = |request: &str, status| {
            format!("192.0.2.1 - anna [30/Nov/2026:10:00:00 +0000] \"{request}\" {status} 2326 \"-\" \"curl/8\"\n")
        };
        let mut log = line("GET /docs/index.html HTTP/1.1", 200) + &line("GET /docs HTTP/1.1", 301);
        log += &line("GET /docs/ HTTP/2.0", 304);
        log += &(line("GET / HTTP/1.1", 200) + &line("POST / HTTP/1.1", 200) + &line("GET / HTTP/1.1", 404));
        log += &(line("\\x16\\x03", 400) + "cut off [30/Nov\n");
        log += &(line("GET /docs/x?y=1 HTTP/1.1", 200) + &line("GET /docs/x?y=1 HTTP/1.1", 200));
        assert_eq!(order(&PAGES, log.as_bytes()).unwrap(), [PAGES[1], PAGES[2], PAGES[0]]);
    }

    #[test]
    fn what_is_neither_is_refused_with_the_line() {
        for (source, line) in [
            ("{\"hot\": []}", 1),
            ("/docs/\n\nno path", 3),
            ("/docs/\na - - [x] \"GET / HTTP/1.1\" 200 1", 2),
            ("a - - [x] \"GET / HTTP/1.1\" 200 1\none\ntwo", 2),
            ("a - - [x] \"GET / HTTP/1.1\" OK 1", 1),
        ] {
            match order(&PAGES, source.as_bytes()) {
                Err(Unusable::Foreign(number, _)) => assert_eq!(number, line, "{source}"),
                other => panic!("{source}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_a_line_of_any_length_takes_no_memory(bytes: Vec<u8>, long in 0_usize..50_000) {
            let _ = order(&PAGES, &bytes);
            let mut log = format!("/{}\n", "x".repeat(long)).into_bytes();
            log.extend(b"/docs/");
            prop_assert_eq!(order(&PAGES, &log).unwrap(), [PAGES[1]]);
        }
    }
}
