//! Verification against model caches: seeded interleavings of deployment, visitors, purge and probe, in virtual time.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::super::interrupt;
use super::*;
use crate::freshness::{FileVersion, Wanted};
use crate::model::{Operation, RefreshKind};
use crate::provider::edge::{BodyReader, gzip};
use crate::report::fixture::plan_of;

const OLD: &[u8] = b"<h1>  yesterday  </h1>\n";
const NEW: &[u8] = b"<h1>  today  </h1>\n";

/// One edge alone.
fn near(edge: Rc<impl Edge + 'static>) -> Vec<PointOfPresence> {
    vec![PointOfPresence { name: None, edge }]
}

/// A copy in a cache: when it was made, and what it is (`None`: a 404).
#[derive(Clone)]
struct Copy {
    at: Instant,
    body: Option<Vec<u8>>,
}

/// An edge, perhaps with a shield behind it, in front of an origin.
struct World {
    /// What the origin serves.
    origin: RefCell<Option<&'static [u8]>>,
    /// Copies by tier (0: the edge), and whether they are compressed.
    copies: RefCell<BTreeMap<(usize, bool), Copy>>,
    tiers: usize,
    random: RefCell<fastrand::Rng>,
    /// The edge removes white space, so that no body is the file's.
    minifies: bool,
    has_age: bool,
    has_mark: bool,
    has_digest: bool,
    /// What probes got, with the number of each one's copy.
    probes: RefCell<Vec<(Option<Vec<u8>>, Instant)>>,
}

impl World {
    fn delay(&self, most: u64) -> Duration {
        Duration::from_millis(self.random.borrow_mut().u64(1..=most))
    }

    /// A copy of a tier, made if it isn't there; and whether it was.
    async fn copy(&self, tier: usize, is_gzip: bool) -> (Copy, bool) {
        if tier == self.tiers {
            // What is read before a deployment may arrive after it, and after the purge.
            let body = self.origin.borrow().map(<[u8]>::to_vec);
            sleep(self.delay(4_000)).await;
            return (Copy { at: Instant::now(), body }, false);
        }
        if let Some(copy) = self.copies.borrow().get(&(tier, is_gzip)) {
            return (copy.clone(), true);
        }
        let (copy, _) = Box::pin(self.copy(tier + 1, is_gzip)).await;
        self.copies.borrow_mut().insert((tier, is_gzip), copy.clone());
        (copy, false)
    }

    /// Drops the copies of a tier; `but_gzip`: a variant is forgotten.
    fn purge(&self, tier: usize, but_gzip: bool) {
        self.copies.borrow_mut().retain(|(other, is_gzip), _| *other != tier || (*is_gzip && but_gzip));
    }

    fn served(&self, body: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let minified = |body: Vec<u8>| body.into_iter().filter(|byte| *byte != b' ').collect();
        if self.minifies { body.map(minified) } else { body }
    }
}

#[async_trait(?Send)]
impl Edge for World {
    async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
        let is_gzip = fetch.encoding == "gzip";
        let (copy, is_hit) = self.copy(0, is_gzip).await;
        let mut headers = http::HeaderMap::new();
        let mut set = |name: &'static str, value: String| headers.insert(name, value.parse().unwrap());
        if self.has_age {
            set("age", copy.at.elapsed().as_secs().to_string());
        }
        if self.has_mark {
            set("x-cache", if is_hit { "HIT" } else { "MISS" }.to_owned());
        }
        if let (true, Some(body)) = (self.has_digest, &copy.body) {
            let md5 = crate::provider::edge::Fingerprint::of(body).md5;
            set("etag", format!("W/\"{}\"", md5.map(|byte| format!("{byte:02x}")).concat()));
        }
        let body = self.served(copy.body.clone());
        self.probes.borrow_mut().push((copy.body, copy.at));
        let sent = match &body {
            Some(body) if is_gzip => {
                set("content-encoding", "gzip".to_owned());
                gzip(body)
            }
            _ => body.clone().unwrap_or_default(),
        };
        let mut reader = BodyReader::new(0);
        reader.update(&sent);
        Ok(reader.page(if body.is_some() { 200 } else { 404 }, headers, true))
    }
}

/// One interleaving; gives the verdict, after it was held against what the edge really served.
async fn interleaving(seed: u64) -> Verdict {
    let mut random = fastrand::Rng::with_seed(seed);
    let [before, after] = [(Some(OLD), Some(NEW)), (Some(OLD), None), (None, Some(NEW))][random.usize(0..3)].into();
    let world = Rc::new(World {
        origin: RefCell::new(before),
        copies: RefCell::default(),
        tiers: random.usize(1..=2),
        minifies: random.u8(0..4) == 0,
        has_age: random.bool(),
        has_mark: random.bool(),
        has_digest: random.u8(0..4) == 0,
        random: RefCell::new(random.fork()),
        probes: RefCell::default(),
    });
    let expected = Expected {
        wanted: after.map_or(Wanted::Gone, |new| Wanted::File(FileVersion::committed(new))),
        former: before.map(FileVersion::committed).unwrap_or_default(),
    };
    let plan = plan_of(&["https://www.example.com/".to_owned()]);
    let witnesses = if expected.former.is_empty() { Vec::new() } else { vec![(0, 0)] };
    let expected = [((0, 0), expected)].into();
    let verify = Verify { edges: near(Rc::clone(&world)), expected, witnesses, most_repairs: 0 };
    let verifier = Verifier::new(&verify, &plan);
    let mut time = |most: u64| Duration::from_millis(random.u64(0..most));
    // The witness is fetched in the ten seconds before.
    let (deployed, sent, visits) = (time(70_000), BEFORE + time(60_000), [(); 6].map(|()| time(90_000)));
    let purged = [sent + time(3_000), sent + time(6_000)];
    let done = sent + time(10_000);
    let (is_lost, but_gzip) = (random.u8(0..5) == 0, random.u8(0..5) == 0);
    let (refreshed, began) = (Cell::new(None), Instant::now());
    let verified = RefCell::new(None);
    let events = async {
        tokio::join!(
            async {
                sleep(deployed).await;
                world.origin.replace(after);
            },
            async {
                for (tier, at) in purged.into_iter().enumerate() {
                    tokio::time::sleep_until(Instant::now() + at.saturating_sub(purged[0] * tier as u32)).await;
                    if !is_lost {
                        world.purge(tier, but_gzip);
                    }
                }
            },
            async {
                sleep(sent - BEFORE).await;
                verifier.look_before().await;
                tokio::time::sleep_until(began + sent).await;
                refreshed.set(Some(Instant::now()));
                let operation = Operation::Refresh(RefreshKind::Url);
                verifier.hear(&EventKind::BatchStarted { lane: 0, batch: 1, operation, tasks: vec![0], attempt: 1 });
                sleep(done - sent).await;
                verifier.hear(&EventKind::TaskFinished { lane: 0, task: 0, outcome: Outcome::Done, task_id: None });
                verifier.close();
            },
            futures_util::future::join_all(visits.iter().enumerate().map(|(visitor, at)| {
                let world = Rc::clone(&world);
                async move {
                    sleep(*at).await;
                    world.copy(0, visitor % 2 == 0).await;
                }
            })),
        );
    };
    let emit = |event| {
        if let EventKind::Verified { verification, .. } = event {
            verified.replace(Some(verification));
        }
    };
    let (_interrupter, interrupt) = interrupt::channel();
    tokio::join!(events, verifier.run(&emit, interrupt));
    let Verification { verdict, evidence, tries, .. } = verified.take().expect("each URL gets its verdict");
    let probes = world.probes.borrow();
    // The last try has one fetch, or one for each encoding.
    let last = &probes[probes.len().saturating_sub(2)..];
    let is_new = |(body, _): &(Option<Vec<u8>>, Instant)| body.as_deref() == after;
    let is_kept = |(_, at): &(Option<Vec<u8>>, Instant)| refreshed.get().is_some_and(|sent| *at < sent);
    let story = format!("seed {seed}: {verdict:?} by {evidence}, {tries} tries");
    match verdict {
        Verdict::Fresh => assert!(last.iter().all(is_new), "{story}"),
        Verdict::Stale => assert!(!is_new(&last[last.len() - 1]) || is_kept(&last[last.len() - 1]), "{story}"),
        Verdict::Undecided | Verdict::Unreachable => {}
    }
    verdict
}

#[test]
fn ten_thousand_interleavings_give_no_false_verdict() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut counts = BTreeMap::new();
    for seed in 0..10_000 {
        *counts.entry(runtime.block_on(interleaving(seed))).or_insert(0) += 1;
    }
    // None of them is rare, so the law above was put to the test.
    let of = |verdict| counts.get(&verdict).copied().unwrap_or(0);
    assert!(of(Verdict::Fresh) > 2_000 && of(Verdict::Stale) > 1_000 && of(Verdict::Undecided) > 200, "{counts:?}");
}

/// An edge that has every URL after so long, and counts.
struct Count(Duration, Cell<usize>);

#[async_trait(?Send)]
impl Edge for Count {
    async fn get(&self, _: Fetch<'_>) -> Result<Page, NoAnswer> {
        self.1.set(self.1.get() + 1);
        sleep(self.0).await;
        let mut reader = BodyReader::new(0);
        reader.update(NEW);
        Ok(reader.page(200, http::HeaderMap::new(), true))
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_urls_at_fifty_milliseconds_take_less_than_twelve_seconds() {
    let urls: Vec<String> = (0..200).map(|page| format!("https://www.example.com/{page}.html")).collect();
    let plan = plan_of(&urls);
    let edge = Rc::new(Count(Duration::from_millis(50), Cell::new(0)));
    let wanted = || Expected { wanted: Wanted::File(FileVersion::committed(NEW)), former: Vec::new() };
    let expected = (0..200).map(|task| ((0, task), wanted())).collect();
    let to_verify = Verify { edges: near(Rc::clone(&edge)), expected, witnesses: Vec::new(), most_repairs: 0 };
    let (_interrupter, interrupt) = interrupt::channel();
    let began = Instant::now();
    let mut verdicts = Vec::new();
    verify(&plan, &to_verify, Timestamp::UNIX_EPOCH, interrupt, &mut |event| {
        if let EventKind::Verified { verification, .. } = &event.kind {
            verdicts.push(verification.verdict);
        }
    })
    .await;
    assert_eq!((verdicts.len(), edge.1.get()), (200, 400));
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Fresh));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

/// An edge that has the old page for so many fetches, and then the new one.
struct Turning(Cell<usize>);

#[async_trait(?Send)]
impl Edge for Turning {
    async fn get(&self, _: Fetch<'_>) -> Result<Page, NoAnswer> {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        let mut reader = BodyReader::new(0);
        reader.update(if left > 0 { OLD } else { NEW });
        Ok(reader.page(200, http::HeaderMap::new(), true))
    }
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_served_the_old_page_before_the_refresh_is_a_witness() {
    for (old_fetches, witnesses, was_old) in [
        ([2, 0], vec![(0, 0)], Some(true)),
        ([0, 2], vec![(0, 0)], Some(true)),
        // In one of the encodings.
        ([1, 0], vec![(0, 0)], Some(true)),
        ([0, 0], vec![(0, 0)], Some(false)),
        ([0, 0], vec![], None),
    ] {
        let plan = plan_of(&["https://www.example.com/".to_owned()]);
        let edges = old_fetches.map(|old| PointOfPresence { name: None, edge: Rc::new(Turning(Cell::new(old))) });
        let wanted = Wanted::File(FileVersion::committed(NEW));
        let expected = [((0, 0), Expected { wanted, former: FileVersion::committed(OLD) })].into();
        let to_verify = Verify { edges: edges.into(), expected, witnesses, most_repairs: 0 };
        let verifier = Verifier::new(&to_verify, &plan);
        verifier.look_before().await;
        let verification = verified_after(&verifier).await;
        assert_eq!((verification.verdict, verification.was_old), (Verdict::Fresh, was_old));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_edge_keeps_a_refresh_waiting_for_a_bounded_time() {
    let plan = plan_of(&["https://www.example.com/".to_owned()]);
    let (slow, began) = (Rc::new(Count(Duration::from_secs(50), Cell::new(0))), Instant::now());
    let to_verify = Verify {
        edges: near(Rc::clone(&slow)),
        expected: [((0, 0), Expected::default())].into(),
        witnesses: vec![(0, 0)],
        most_repairs: 0,
    };
    Verifier::new(&to_verify, &plan).look_before().await;
    assert_eq!((began.elapsed(), slow.1.get()), (BEFORE, 1));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_as_before_the_refresh_and_as_no_file_is_undecided() {
    const BUILT: &[(&str, Scripted)] = &[("identity", Ok((200, b"3"))), ("gzip", Ok((200, b"3")))];
    let plan = plan_of(&["https://www.example.com/".to_owned()]);
    for (witnesses, said) in [(vec![(0, 0)], "the same bytes as before the refresh"), (vec![], "neither the bytes")] {
        let wanted = Wanted::File(FileVersion::committed(NEW));
        let expected = [((0, 0), Expected { wanted, former: FileVersion::committed(OLD) })].into();
        let edges = near(Rc::new(Script(BUILT, Cell::new(0))));
        let to_verify = Verify { edges, expected, witnesses, most_repairs: 0 };
        let verifier = Verifier::new(&to_verify, &plan);
        verifier.look_before().await;
        let Verification { verdict, evidence, .. } = verified_after(&verifier).await;
        assert!(verdict == Verdict::Undecided && evidence.starts_with(said), "{evidence}");
    }
}

/// The verification of the only URL, whose refresh is done now.
async fn verified_after(verifier: &Verifier<'_>) -> Verification {
    let operation = Operation::Refresh(RefreshKind::Url);
    verifier.hear(&EventKind::BatchStarted { lane: 0, batch: 1, operation, tasks: vec![0], attempt: 1 });
    verifier.hear(&EventKind::TaskFinished { lane: 0, task: 0, outcome: Outcome::Done, task_id: None });
    verifier.close();
    let ((_interrupter, interrupt), verified) = (interrupt::channel(), RefCell::new(None));
    let emit = |event| {
        if let EventKind::Verified { verification, .. } = event {
            verified.replace(Some(verification));
        }
    };
    verifier.run(&emit, interrupt).await;
    verified.take().expect("the URL gets its verdict")
}

/// A status and a body, or nothing after so many seconds.
type Scripted = Result<(u16, &'static [u8]), u64>;

/// An edge that answers by the encoding, and counts.
struct Script(&'static [(&'static str, Scripted)], Cell<usize>);

#[async_trait(?Send)]
impl Edge for Script {
    async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer> {
        self.1.set(self.1.get() + 1);
        let answer =
            self.0.iter().find(|(encoding, _)| *encoding == fetch.encoding).expect("an encoding of the script").1;
        let (status, body) = match answer {
            Ok(answer) => answer,
            Err(seconds) => {
                sleep(Duration::from_secs(seconds)).await;
                return Err(NoAnswer::unreachable("no answer".to_owned()));
            }
        };
        let mut reader = BodyReader::new(0);
        reader.update(body);
        Ok(reader.page(status, http::HeaderMap::new(), true))
    }
}

/// Verifies so many URLs whose file changed; gives the verdicts with their evidence and encoding, and how many fetches they took.
async fn verified(urls: u32, script: Script) -> (Vec<Verification>, usize) {
    let edge = Rc::new(script);
    (verified_at(urls, near(Rc::clone(&edge))).await, edge.1.get())
}

/// The same at these edges.
async fn verified_at(urls: u32, edges: Vec<PointOfPresence>) -> Vec<Verification> {
    let names: Vec<String> = (0..urls).map(|page| format!("https://www.example.com/{page}.html")).collect();
    let file = || Expected { wanted: Wanted::File(FileVersion::committed(NEW)), former: FileVersion::committed(OLD) };
    let expected = (0..urls).map(|task| ((0, task), file())).collect();
    let to_verify = Verify { edges, expected, witnesses: Vec::new(), most_repairs: 0 };
    let ((_interrupter, interrupt), mut verdicts) = (interrupt::channel(), Vec::new());
    verify(&plan_of(&names), &to_verify, Timestamp::UNIX_EPOCH, interrupt, &mut |event| {
        if let EventKind::Verified { verification, .. } = &event.kind {
            verdicts.push(verification.clone());
        }
    })
    .await;
    verdicts
}

#[tokio::test(start_paused = true)]
async fn a_stale_variant_is_found_though_the_other_one_fails() {
    for (identity, tries) in [(Ok((503, &b""[..])), 4), (Err(1), 4)] {
        let script: &'static [_] = Box::leak(Box::new([("identity", identity), ("gzip", Ok((200, OLD)))]));
        let (verdicts, fetches) = verified(1, Script(script, Cell::new(0))).await;
        let [stale] = &verdicts[..] else { panic!("one verdict") };
        assert_eq!((stale.verdict, stale.encoding.as_str(), stale.tries), (Verdict::Stale, "gzip", tries));
        assert_eq!(fetches, 8);
    }
}

#[tokio::test(start_paused = true)]
async fn the_worst_of_several_edges_counts_and_is_named_and_one_that_is_down_keeps_none_from_an_answer() {
    const FRESH: &[(&str, Scripted)] = &[("identity", Ok((200, NEW))), ("gzip", Ok((200, NEW)))];
    const STALE: &[(&str, Scripted)] = &[("identity", Ok((200, NEW))), ("gzip", Ok((200, OLD)))];
    const BUILT: &[(&str, Scripted)] = &[("identity", Ok((200, b"3"))), ("gzip", Ok((200, b"3")))];
    const DOWN: &[(&str, Scripted)] = &[("identity", Err(60)), ("gzip", Err(60))];
    for (scripts, verdict, decided, tries) in [
        ([FRESH, FRESH, FRESH], Verdict::Fresh, "edge-0", 1),
        ([FRESH, BUILT, FRESH], Verdict::Undecided, "edge-1", 1),
        ([DOWN, FRESH, STALE], Verdict::Stale, "edge-2", 4),
        ([BUILT, FRESH, DOWN], Verdict::Unreachable, "edge-2", 1),
    ] {
        let edges = (0..).zip(scripts).map(|(number, script)| PointOfPresence {
            name: Some(format!("edge-{number}")),
            edge: Rc::new(Script(script, Cell::new(0))),
        });
        let verdicts = verified_at(3, edges.collect()).await;
        assert_eq!(verdicts.len(), 3);
        for verification in verdicts {
            let Verification { verdict: seen, edge, tries: fetched, .. } = &verification;
            assert_eq!((*seen, edge.as_deref()), (verdict, Some(decided)), "{verification:?}");
            assert!(*fetched >= tries, "{verification:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_is_slow_costs_a_bounded_time_and_what_was_seen_until_then_counts() {
    let slow = Rc::new(Count(Duration::from_secs(50), Cell::new(0)));
    let began = Instant::now();
    let verdicts = verified_at(400, near(Rc::clone(&slow))).await;
    // Eight minutes and 20 seconds, and the fetches that were on their way then.
    assert!((500..=600).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let fresh = verdicts.iter().filter(|seen| seen.verdict == Verdict::Fresh).count();
    assert!((20..=24).contains(&fresh), "{fresh}");
    for seen in verdicts.iter().filter(|seen| seen.verdict != Verdict::Fresh) {
        assert_eq!((seen.verdict, seen.tries), (Verdict::Undecided, 0));
        assert_eq!(seen.evidence, "not fetched: the time for verification was over");
    }
    assert_eq!((verdicts.len(), slow.1.get()), (400, 2 * fresh));
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_is_down_costs_a_bounded_time() {
    let began = Instant::now();
    let (verdicts, fetches) = verified(200, Script(&[("identity", Err(60)), ("gzip", Err(60))], Cell::new(0))).await;
    assert_eq!(verdicts.len(), 200);
    assert!(verdicts.iter().all(|verification| verification.verdict == Verdict::Unreachable));
    let given_up =
        verdicts.iter().filter(|verification| verification.evidence.contains("`www.example.com` is down: no answer"));
    assert!(given_up.count() > 190 && fetches < 20, "{fetches}");
    assert!(began.elapsed() < Duration::from_mins(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_url_that_another_task_covers_is_judged_by_when_that_one_was_sent() {
    let mut plan = plan_of(&["https://www.example.com/".to_owned(), "https://www.example.com/a.html".to_owned()]);
    plan.lanes[0].tasks[1].covered_by = Some(0);
    let to_verify = Verify {
        edges: near(Rc::new(Kept)),
        expected: [((0, 1), Expected::default())].into(),
        witnesses: Vec::new(),
        most_repairs: 0,
    };
    let (verifier, operation) = (Verifier::new(&to_verify, &plan), Operation::Refresh(RefreshKind::Url));
    verifier.hear(&EventKind::BatchStarted { lane: 0, batch: 1, operation, tasks: vec![0], attempt: 1 });
    verifier.hear(&EventKind::TaskFinished { lane: 0, task: 1, outcome: Outcome::Done, task_id: None });
    verifier.close();
    let ((_interrupter, interrupt), verified) = (interrupt::channel(), RefCell::new(None));
    let emit = |event| {
        if let EventKind::Verified { verification, .. } = event {
            verified.replace(Some(verification));
        }
    };
    verifier.run(&emit, interrupt).await;
    let verification = verified.take().expect("the URL gets its verdict");
    assert_eq!(verification.verdict, Verdict::Stale);
    assert!(verification.evidence.starts_with("the copy is older than the refresh"), "{}", verification.evidence);
}

/// An edge that keeps a copy for an hour.
struct Kept;

#[async_trait(?Send)]
impl Edge for Kept {
    async fn get(&self, _: Fetch<'_>) -> Result<Page, NoAnswer> {
        let headers = [(http::header::AGE, "3600".parse().unwrap())].into_iter().collect();
        Ok(BodyReader::new(0).page(200, headers, true))
    }
}
