use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use crate::text::sanitize::tests::{HOSTILE, hostile_text, runner_sees_a_command};

use super::*;

/// A writer that a test can look into.
#[derive(Clone, Default)]
pub(crate) struct Seen(Rc<RefCell<Vec<u8>>>);

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) const LOOK: Look = Look { level: LogLevel::Normal, color: false, is_color_forced: false, bar: false };

pub(crate) fn console(host: CiHost, look: Look) -> (Console, Seen, Seen) {
    let (out, err) = (Seen::default(), Seen::default());
    let mut console = Console::new(host, look, Box::new(out.clone()), Box::new(err.clone()));
    console.unix_seconds = || 1_763_805_600;
    (console, out, err)
}

fn github() -> CiHost {
    CiHost::GitHub { outputs: None, summary: None, temporary: "/tmp".into() }
}

fn gitlab() -> CiHost {
    CiHost::GitLab { project: None, temporary: "/tmp".into() }
}

pub(crate) fn plain() -> CiHost {
    CiHost::Plain { temporary: "/tmp".into() }
}

fn problem() -> Diagnostic {
    Diagnostic {
        title: "unknown placeholder `{pth}`".into(),
        place: Some(Place { file: "cdn,purge.yml".into(), line: 12, column: 9 }),
        snippet: "12 |   urls: https://x/{pth}\n   |                   ^^^^^".into(),
        help: Some("did you mean `{path}`? 100%\nor `{tail}`".into()),
    }
}

fn say_everything(console: &mut Console) {
    console.group("the plan: 3 URLs");
    console.note(LogLevel::Normal, "first\nsecond");
    console.note(LogLevel::Verbose, "a detail");
    console.diagnostic(&problem(), Severity::Error);
    console.announce(Severity::Warning, "half of the quota");
    console.result("a result");
    console.finish().unwrap();
}

#[test]
fn github_gets_groups_and_annotations_on_standard_output() {
    let (mut console, out, err) = console(github(), LOOK);
    say_everything(&mut console);
    assert_eq!(err.text(), "");
    insta::assert_snapshot!(out.text(), @"
    ::group::the plan: 3 URLs
    first
    second
    error: unknown placeholder `{pth}`
     --> cdn,purge.yml:12:9
    12 |   urls: https://x/{pth}
       |                   ^^^^^
      = help: did you mean `{path}`? 100%
              or `{tail}`
    ::error file=cdn%2Cpurge.yml,line=12,col=9,title=unknown placeholder `{pth}`::did you mean `{path}`? 100%25%0Aor `{tail}`
    ::warning title=cdn-purge::half of the quota
    a result
    ::endgroup::
    ");
}

#[test]
fn gitlab_gets_sections_on_standard_error() {
    let (mut console, out, err) = console(gitlab(), LOOK);
    say_everything(&mut console);
    assert_eq!(out.text(), "a result\n");
    let text = err.text();
    let start = "\x1b[0Ksection_start:1763805600:cdn_purge_1[collapsed=true]\r\x1b[0Kthe plan: 3 URLs\n";
    assert!(text.starts_with(start), "{text:?}");
    assert!(text.ends_with("\x1b[0Ksection_end:1763805600:cdn_purge_1\r\x1b[0K\n"), "{text:?}");
    assert!(!text.contains("::"), "{text}");
}

#[test]
fn a_terminal_gets_headings_and_colour() {
    let (mut console, out, err) = console(plain(), Look { color: true, ..LOOK });
    say_everything(&mut console);
    assert_eq!(out.text(), "a result\n");
    insta::assert_snapshot!(err.text().replace('\x1b', "␛"), @"
    ␛[1mthe plan: 3 URLs␛[0m
    first
    second
    ␛[1;31merror␛[0m: unknown placeholder `{pth}`
     --> cdn,purge.yml:12:9
    12 |   urls: ␛[34mhttps://x/{pth}␛[0m
       |                   ^^^^^
      = ␛[1;36mhelp␛[0m: did you mean `{path}`? 100%
              or `{tail}`
    ␛[1;33mwarning␛[0m: half of the quota
    ");
}

#[test]
fn quiet_leaves_only_what_counts() {
    let (mut console, out, err) = console(plain(), Look { level: LogLevel::Quiet, ..LOOK });
    say_everything(&mut console);
    assert_eq!(out.text(), "a result\n");
    assert!(err.text().starts_with("error: unknown placeholder"), "{}", err.text());
}

#[test]
fn annotations_are_few_and_the_last_says_how_many_more() {
    for (announced, shown, last) in [
        (3, 3, "::error title=cdn-purge::failure 3"),
        (9, 9, "::error title=cdn-purge::failure 9"),
        (5_000, 9, "::error title=cdn-purge::and 4992 more; the log has them all"),
    ] {
        let (mut console, out, _) = console(github(), LOOK);
        (1..=announced).for_each(|number| console.announce(Severity::Error, &format!("failure {number}")));
        console.finish().unwrap();
        let text = out.text();
        let annotations: Vec<_> = text.lines().filter(|line| line.starts_with("::")).collect();
        assert_eq!((annotations.len(), annotations.last().copied()), (shown, Some(last)));
    }
}

#[test]
fn a_long_message_is_cut_before_the_runner_cuts_it() {
    let (mut console, out, _) = console(github(), LOOK);
    console.announce(Severity::Error, &"🦀".repeat(5_000));
    let text = out.text();
    let annotation = text.lines().find(|line| line.starts_with("::")).unwrap();
    let message = annotation.rsplit("::").next().unwrap();
    assert!(message.ends_with('…') && message.encode_utf16().count() <= 4_096);
}

#[test]
fn masks_come_first_in_every_form_and_on_github_only() {
    let secret = SecretString::from("pa/ss%word");
    let (mut on_github, out, _) = console(github(), LOOK);
    on_github.mask(&secret);
    on_github.mask(&secret);
    on_github.note(LogLevel::Normal, "with pa/ss%word and pa%2Fss%25word and cGEvc3Mld29yZA==");
    let text = out.text();
    let masks: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("::add-mask::")).collect();
    assert!(masks.contains(&"pa/ss%25word") && masks.contains(&"pa%252Fss%2525word"), "{masks:?}");
    let unique: std::collections::BTreeSet<_> = masks.iter().collect();
    assert_eq!(unique.len(), masks.len(), "each once");
    assert_eq!(text.lines().skip(masks.len()).collect::<Vec<_>>(), ["with *** and *** and ***=="]);

    let (mut on_gitlab, out, err) = console(gitlab(), LOOK);
    on_gitlab.mask(&secret);
    assert_eq!(out.text() + &err.text(), "");
}

#[test]
fn a_reader_that_left_is_no_error_and_a_full_disk_is_one() {
    struct Failing(io::ErrorKind);
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (kind, is_fine) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
        let mut console = Console::new(plain(), LOOK, Box::new(Failing(kind)), Box::new(io::sink()));
        console.result("one\ntwo");
        assert_eq!(console.finish().is_ok(), is_fine, "{kind:?}");
    }
}

#[test]
fn look_follows_the_terminal_unless_told_otherwise() {
    let look = |host: &CiHost, variables: &[(&str, &str)], terminal: bool| {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Look::decide(LogLevel::Normal, When::Auto, When::Auto, host, &environment, terminal)
    };
    let fancy = Look { color: true, bar: true, ..LOOK };
    assert_eq!(look(&plain(), &[], true), fancy);
    assert_eq!(look(&plain(), &[("NO_COLOR", "1")], true), Look { color: false, ..fancy });
    assert_eq!(look(&plain(), &[("CLICOLOR", "0")], true), Look { color: false, ..fancy });
    let forced = Look { color: true, is_color_forced: true, ..LOOK };
    assert_eq!(look(&plain(), &[("CLICOLOR_FORCE", "1")], false), forced);
    assert_eq!(look(&plain(), &[("CLICOLOR_FORCE", "0")], true), fancy);
    assert_eq!(look(&plain(), &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true), Look { color: false, ..fancy });
    assert_eq!(look(&plain(), &[("TERM", "dumb")], true), LOOK);
    assert_eq!(look(&plain(), &[], false), LOOK);
    assert_eq!(look(&github(), &[("RUNNER_DEBUG", "1")], true), Look { level: LogLevel::Verbose, ..LOOK });
    let always = Look::decide(LogLevel::Quiet, When::Always, When::Always, &github(), &Environment::new(), false);
    assert_eq!(always, Look { level: LogLevel::Quiet, color: true, is_color_forced: true, bar: false });
}

/// Everything untrusted that a console is ever given.
fn say_untrusted(console: &mut Console, text: &str) {
    console.group(text);
    console.note(LogLevel::Normal, text);
    console.announce(Severity::Error, text);
    let place = Some(Place { file: text.to_owned(), line: 1, column: 1 });
    let diagnostic =
        Diagnostic { title: text.to_owned(), place, snippet: text.to_owned(), help: Some(text.to_owned()) };
    console.diagnostic(&diagnostic, Severity::Warning);
    console.result(text);
    console.finish().unwrap();
}

/// The lines of a log without the commands that we mean; what is in them is escaped, so they are lines of ours as a whole.
fn without_ours(log: &str) -> String {
    let is_ours = |line: &&str| {
        let has_our_opening =
            ["::group::", "::error title=", "::warning file="].iter().any(|opening| line.starts_with(opening));
        *line == "::endgroup::" || has_our_opening
    };
    log.split('\n').filter(|line| !is_ours(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn on_github_hostile_text_makes_exactly_our_commands() {
    for text in HOSTILE {
        let (mut console, out, _) = console(github(), LOOK);
        say_untrusted(&mut console, text);
        let log = out.text();
        assert_eq!(log.lines().filter(|line| line.starts_with("::")).count(), 4, "{log}");
        assert!(!runner_sees_a_command(&without_ours(&log)), "{log}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_command_wherever_it_is_said(text in hostile_text()) {
        let (mut console, out, _) = console(github(), LOOK);
        say_untrusted(&mut console, &text);
        prop_assert!(!runner_sees_a_command(&without_ours(&out.text())), "{}", out.text());
    }

    #[test]
    fn no_secret_is_said_even_in_hostile_text(before in hostile_text(), after in hostile_text(), secret in "[A-Za-z0-9+/:#\\[]{8,20}") {
        let (mut console, out, err) = console(plain(), LOOK);
        console.mask(&SecretString::from(secret.as_str()));
        say_untrusted(&mut console, &format!("{before}{secret}{after}"));
        prop_assert!(!(out.text() + &err.text()).contains(&secret));
    }
}
