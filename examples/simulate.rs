//! Tells stories of runs in which everything goes wrong, and judges them by the vendors' ledgers.
//!
//! ```text
//! cargo run --profile simulate --example simulate -- --seeds 1000000   # many, in numbers
//! cargo run --profile simulate --example simulate -- --seed 4711       # one, event by event
//! ```

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use simulator::Violation;
use simulator::invariants::RULES;

#[path = "../tests/simulation/simulator/mod.rs"]
pub mod simulator;

const USAGE: &str = "usage: simulate [--seeds N] [--from N] [--threads N] [--first] | --seed N | --rules
  --seeds N    how many stories to tell; 10000 if it isn't given
  --from N     the first seed; 0 if it isn't given
  --threads N  on so many threads; as many as there are cores if it isn't given
  --first      stop at the first story that breaks a rule
  --seed N     tell one story, event by event
  --rules      list the invariants, and where each is checked
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            let _ = write!(io::stderr(), "{message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Whether no rule was broken.
fn run(arguments: Vec<String>) -> Result<bool, String> {
    let (mut seeds, mut from, mut to_the_end, mut one) = (10_000, 0, true, None);
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut arguments = arguments.into_iter();
    let out = &mut io::stdout().lock();
    let written = |error: io::Error| format!("the output can't be written: {error}");
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().unwrap_or_default().replace('_', "");
            value.parse::<u64>().map_err(|_| format!("`{argument}` wants a number, not `{value}`"))
        };
        match &*argument {
            "--seeds" => seeds = number()?,
            "--from" => from = number()?,
            "--threads" => threads = number()?.clamp(1, 1_024) as usize,
            "--seed" => one = Some(number()?),
            "--first" => to_the_end = false,
            "--rules" => {
                for (rule, place) in RULES {
                    writeln!(out, "{rule}: {place}").map_err(written)?;
                }
                return Ok(true);
            }
            _ => return Err(format!("`{argument}` is no argument")),
        }
    }
    if let Some(seed) = one {
        let told = simulator::tell(seed, true);
        write!(out, "{}", told.story).map_err(written)?;
        return Ok(told.violations.is_empty());
    }
    many(from, seeds, threads, to_the_end, out).map_err(written)
}

fn many(from: u64, seeds: u64, threads: usize, to_the_end: bool, out: &mut impl Write) -> io::Result<bool> {
    let began = Instant::now();
    let next = std::sync::Mutex::new(Duration::from_secs(30));
    let progress = |stories: u64, news: &[Violation]| {
        // At once: a long run may be ended before it has told all.
        for violation in news {
            let _ = writeln!(io::stderr(), "{}", sentence(violation));
        }
        let mut next = next.lock().expect("nobody panics with it");
        if began.elapsed() >= *next {
            *next += Duration::from_secs(30);
            let _ = writeln!(io::stderr(), "{stories} stories after {:.0} s", began.elapsed().as_secs_f64());
        }
    };
    let tally = simulator::tell_many(from, from.saturating_add(seeds), threads, to_the_end, progress);
    let took = began.elapsed().as_secs_f64();
    let per_second = |count: u64| count as f64 / took;
    writeln!(
        out,
        "{} stories in {took:.1} s on {threads} threads: {:.0} stories and {:.0} runs a second",
        tally.stories,
        per_second(tally.stories),
        per_second(tally.totals.runs)
    )?;
    writeln!(
        out,
        "{} runs, {} calls, {} acceptances; after {} runs everything was done",
        tally.totals.runs, tally.totals.calls, tally.totals.accepted, tally.totals.done
    )?;
    writeln!(out, "{} faults:", tally.faults.total())?;
    for (fault, count) in tally.faults.iter() {
        writeln!(out, "  {count:>10}  {fault:?}")?;
    }
    writeln!(out, "{} violations", tally.broken)?;
    for violation in &tally.violations {
        writeln!(out, "  {}", sentence(violation))?;
    }
    Ok(tally.broken == 0)
}

fn sentence((seed, rule, what): &Violation) -> String {
    let what: String = what.chars().take(400).collect();
    format!("seed {seed}: {rule}: {what}")
}
