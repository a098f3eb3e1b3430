//! Faults on request: rules like `RefreshObjectCaches#3=drop-after`.
//!
//! A pure function of the calls so far and a seed, so that a failure comes back from its seed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A server error; nothing is executed.
    ErrorBefore,
    /// Executed, and a server error all the same.
    ErrorAfter,
    /// The page of a gateway that has no upstream server (503, HTML); nothing is executed.
    UnavailablePage,
    /// The page of a captive portal (200, HTML); nothing is executed.
    Page,
    /// A redirect to this port of the same machine; nothing is executed.
    Redirect(u16),
    /// The connection closes; nothing is executed.
    DropBefore,
    /// Executed, and the connection closes without an answer.
    DropAfter,
    /// Executed, and the answer breaks off in the middle.
    Truncate,
    /// Executed, and the answer doesn't end.
    Huge,
    /// Executed, and the answer comes late.
    Slow(Duration),
    /// Executed, and the answer is `{}`.
    EmptyObject,
    /// Refused for its rate, with the time to wait if there is one; nothing is executed.
    Throttle(Option<Duration>),
    /// Refused with this code of the vendor's; nothing is executed.
    Refuse(String),
    /// Executed, and refused with this code all the same.
    RefuseAfter(String),
    /// Executed so long after it arrived, when the connection closes without an answer.
    Late(Duration),
}

/// The kinds as they are written, for messages and the help.
pub const FAULT_KINDS: [&str; 15] = [
    "500-before",
    "500-after",
    "503-html",
    "html",
    "redirect:PORT",
    "drop-before",
    "drop-after",
    "truncate",
    "huge",
    "slow:MILLISECONDS",
    "empty-object",
    "throttle[:MILLISECONDS]",
    "refuse:CODE",
    "refuse-after:CODE",
    "late:MILLISECONDS",
];

impl Fault {
    /// Whether the vendor executes the request at once, whatever the client receives.
    pub fn executes(&self) -> bool {
        matches!(
            self,
            Self::ErrorAfter
                | Self::DropAfter
                | Self::Truncate
                | Self::Huge
                | Self::Slow(_)
                | Self::EmptyObject
                | Self::RefuseAfter(_)
        )
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let (kind, argument) = match text.split_once(':') {
            Some((kind, argument)) => (kind, Some(argument)),
            None => (text, None),
        };
        let milliseconds = |argument: &str| {
            argument.parse().map(Duration::from_millis).map_err(|_| Problem {
                what: format!("`{argument}` is no number of milliseconds"),
                help: format!("write `{kind}:2000`"),
            })
        };
        match (kind, argument) {
            ("500-before", None) => Ok(Self::ErrorBefore),
            ("500-after", None) => Ok(Self::ErrorAfter),
            ("503-html", None) => Ok(Self::UnavailablePage),
            ("html", None) => Ok(Self::Page),
            ("redirect", Some(port)) => port.parse().map(Self::Redirect).map_err(|_| Problem {
                what: format!("`{port}` is no port"),
                help: "write `redirect:8081`".to_owned(),
            }),
            ("drop-before", None) => Ok(Self::DropBefore),
            ("drop-after", None) => Ok(Self::DropAfter),
            ("truncate", None) => Ok(Self::Truncate),
            ("huge", None) => Ok(Self::Huge),
            ("slow", Some(argument)) => milliseconds(argument).map(Self::Slow),
            ("empty-object", None) => Ok(Self::EmptyObject),
            ("throttle", None) => Ok(Self::Throttle(None)),
            ("refuse", Some(code)) if is_code(code) => Ok(Self::Refuse(code.to_owned())),
            ("refuse-after", Some(code)) if is_code(code) => Ok(Self::RefuseAfter(code.to_owned())),
            ("late", Some(argument)) => milliseconds(argument).map(Self::Late),
            ("throttle", Some(argument)) => milliseconds(argument).map(|wait| Self::Throttle(Some(wait))),
            _ => Err(unknown_kind(text, kind)),
        }
    }
}

/// Which calls go wrong, and how. The first rule that applies to a call decides.
#[derive(Clone, Debug)]
pub struct Faults {
    rules: Vec<Rule>,
    calls: BTreeMap<String, u64>,
    all_calls: u64,
    random: fastrand::Rng,
}

impl Faults {
    /// None at all.
    pub fn none() -> Self {
        Self { rules: Vec::new(), calls: BTreeMap::new(), all_calls: 0, random: fastrand::Rng::with_seed(0) }
    }

    /// Reads rules of the form `CALL[#N|#N-M|#N-|%CHANCE]=KIND`: `CALL` is the vendor's name of a call or `*` for all of
    /// them, `#` counts such calls from 1, `%` is a chance from 0 to 1, drawn from `seed`; the kinds are [`FAULT_KINDS`].
    ///
    /// # Errors
    /// Every rule that can't be read.
    pub fn parse<S: AsRef<str>>(rules: &[S], seed: u64) -> Result<Self, Vec<RuleError>> {
        let mut read = Vec::new();
        let mut problems = Vec::new();
        for text in rules {
            match Rule::parse(text.as_ref().trim()) {
                Ok(rule) => read.push(rule),
                Err(Problem { what, help }) => {
                    let message = format!("the fault `{}` can't be read: {what}", text.as_ref());
                    problems.push(RuleError { message, help });
                }
            }
        }
        if problems.is_empty() {
            Ok(Self { rules: read, random: fastrand::Rng::with_seed(seed), ..Self::none() })
        } else {
            Err(problems)
        }
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Counts a call, and says what goes wrong with it.
    pub fn next(&mut self, api: &str) -> Option<Fault> {
        self.all_calls += 1;
        let calls = self.calls.entry(api.to_owned()).or_default();
        *calls += 1;
        let (calls, all_calls) = (*calls, self.all_calls);
        let random = &mut self.random;
        let mut decided = None;
        for rule in &self.rules {
            let count = match &rule.api {
                Some(name) if name != api => continue,
                Some(_) => calls,
                None => all_calls,
            };
            // Chance is drawn even when an earlier rule has decided: which numbers a rule gets depends on the calls alone.
            let applies = match &rule.when {
                When::Always => true,
                When::Calls(range) => range.contains(&count),
                When::Chance(chance) => random.f64() < *chance,
            };
            if applies {
                decided = decided.or_else(|| Some(rule.fault.clone()));
            }
        }
        decided
    }
}

/// A rule that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The rule, and what is wrong with it.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    /// `None`: all of them.
    api: Option<String>,
    when: When,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    Always,
    Calls(RangeInclusive<u64>),
    Chance(f64),
}

struct Problem {
    what: String,
    help: String,
}

impl Problem {
    fn new(what: impl fmt::Display, help: &str) -> Self {
        Self { what: what.to_string(), help: help.to_owned() }
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, Problem> {
        const SHAPE: &str = "write `CALL=KIND`, `CALL#3=KIND`, `CALL#1-5=KIND` or `CALL%0.01=KIND`; `*` is every call";
        let (aim, fault) = text.split_once('=').ok_or_else(|| Problem::new("it has no `=`", SHAPE))?;
        let fault = Fault::parse(fault.trim())?;
        let aim = aim.trim();
        let (api, when) = if let Some((api, calls)) = aim.split_once('#') {
            (api, When::Calls(parse_calls(calls)?))
        } else if let Some((api, chance)) = aim.split_once('%') {
            (api, When::Chance(parse_chance(chance)?))
        } else {
            (aim, When::Always)
        };
        match api {
            "" => Err(Problem::new("it names no call", SHAPE)),
            "*" => Ok(Self { api: None, when, fault }),
            name => Ok(Self { api: Some(name.to_owned()), when, fault }),
        }
    }
}

/// Whether it can be a vendor's code: `QuotaExceeded.Refresh`, `CDN.0108`.
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn parse_calls(text: &str) -> Result<RangeInclusive<u64>, Problem> {
    let (first, last) = match text.split_once('-') {
        None => (text.parse(), text.parse()),
        Some((first, "")) => (first.parse(), Ok(u64::MAX)),
        Some((first, last)) => (first.parse(), last.parse()),
    };
    match (first, last) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last => Ok(first..=last),
        _ => Err(Problem::new(format!("`#{text}` names no calls"), "calls count from 1: `#3`, `#1-5` or `#4-`")),
    }
}

fn parse_chance(text: &str) -> Result<f64, Problem> {
    match text.parse() {
        Ok(chance) if (0.0..=1.0).contains(&chance) => Ok(chance),
        _ => Err(Problem::new(
            format!("`%{text}` is no chance"),
            "a chance goes from 0 to 1: `%0.01` is one in a hundred",
        )),
    }
}

fn unknown_kind(text: &str, kind: &str) -> Problem {
    if let Some(known) = FAULT_KINDS.into_iter().find(|known| kind_name(known) == kind) {
        return Problem { what: format!("`{text}` is no kind of fault"), help: format!("write `{known}`") };
    }
    Problem { what: format!("`{text}` is no kind of fault"), help: nearest(kind, &FAULT_KINDS) }
}

/// The name of a kind, without its argument after `:` or `[`.
fn kind_name(known: &str) -> &str {
    known.split([':', '[']).next().unwrap_or(known)
}

/// What a kind that nobody knows was probably meant to be.
pub(crate) fn nearest(kind: &str, known: &[&str]) -> String {
    let distances = known.iter().map(|known| (strsim::damerau_levenshtein(kind, kind_name(known)), known));
    distances.filter(|(distance, _)| *distance <= 3).min().map_or_else(
        || format!("the kinds are `{}`", known.join("`, `")),
        |(_, known)| format!("did you mean `{known}`?"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problems(rules: &[&str]) -> Vec<(String, String)> {
        Faults::parse(rules, 0).unwrap_err().into_iter().map(|error| (error.message, error.help)).collect()
    }

    fn decisions(rules: &[&str], seed: u64, calls: &[&str]) -> Vec<Option<Fault>> {
        let mut faults = Faults::parse(rules, seed).unwrap();
        calls.iter().map(|api| faults.next(api)).collect()
    }

    #[test]
    fn calls_are_counted_for_each_api_from_one() {
        let decided = decisions(&["Push#2=drop-after"], 0, &["Push", "Refresh", "Push", "Push"]);
        assert_eq!(decided, [None, None, Some(Fault::DropAfter), None]);
    }

    #[test]
    fn a_range_has_both_its_ends_and_may_be_open() {
        let decided = decisions(&["Push#1-2=throttle:2000", "Push#4-=html"], 0, &["Push"; 5]);
        let throttle = Some(Fault::Throttle(Some(Duration::from_secs(2))));
        assert_eq!(decided, [throttle.clone(), throttle, None, Some(Fault::Page), Some(Fault::Page)]);
    }

    #[test]
    fn a_star_counts_all_calls_and_the_first_rule_that_applies_decides() {
        let decided = decisions(&["Push=500-after", "*#2-3=huge"], 0, &["Refresh", "Refresh", "Push"]);
        assert_eq!(decided, [None, Some(Fault::Huge), Some(Fault::ErrorAfter)]);
    }

    #[test]
    fn chance_comes_back_from_its_seed() {
        let calls = ["Push"; 200];
        let decided = decisions(&["*%0.2=drop-before"], 7, &calls);
        assert_eq!(decided, decisions(&["*%0.2=drop-before"], 7, &calls));
        assert_ne!(decided, decisions(&["*%0.2=drop-before"], 8, &calls));
        let hits = decided.iter().flatten().count();
        assert!((20..=60).contains(&hits), "{hits}");
        assert!(decisions(&["*%0=drop-before"], 7, &calls).iter().all(Option::is_none));
        assert!(decisions(&["*%1=drop-before"], 7, &calls).iter().all(Option::is_some));
    }

    #[test]
    fn every_kind_in_the_list_can_be_read() {
        for kind in FAULT_KINDS {
            let kind = kind.replace("PORT", "8081").replace("MILLISECONDS", "20").replace("CODE", "CDN.0108");
            Faults::parse(&[format!("*={}", kind.replace(['[', ']'], ""))], 0).unwrap();
            Faults::parse(&[format!("*={}", kind.split('[').next().unwrap())], 0).unwrap();
        }
    }

    #[test]
    fn every_rule_that_cannot_be_read_is_reported_with_the_remedy() {
        let found =
            problems(&["Push#0=html", "*=drp-after", "Push=slow", "Push", "*%2=huge", "=html", "*=redirect:x", "*=x"]);
        assert_eq!(found.len(), 8);
        assert_eq!(found[0].0, "the fault `Push#0=html` can't be read: `#0` names no calls");
        assert_eq!(found[1].1, "did you mean `drop-after`?");
        assert_eq!(found[2].1, "write `slow:MILLISECONDS`");
        assert_eq!(found[3].0, "the fault `Push` can't be read: it has no `=`");
        assert!(found[4].1.contains("from 0 to 1"));
        assert_eq!(found[5].0, "the fault `=html` can't be read: it names no call");
        assert_eq!(found[6].1, "write `redirect:8081`");
        assert!(found[7].1.starts_with("the kinds are `500-before`"), "{}", found[7].1);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            let _ = Faults::parse(&[text], 0);
        }
    }
}
