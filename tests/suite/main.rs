//! The tests that see the program from outside: one binary, one module per point of view.
#![expect(unreachable_pub, reason = "modules of one binary share with each other")]
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail at that line")]

mod cases; // configuration and changes become the plan that `cases/*.md` shows
mod cli; // the real binary from outside: exit codes, words, files, and what a vendor got
mod conformance; // every provider, every operation, every documented refusal
mod documents; // what README and the others say is true: commands, configurations, workflows, links
mod errors_page; // the page of errors has every message, and no other
mod generated; // files that are printed from tables are up to date
mod imports; // no file imports from a file that imports from it
mod internal_error; // a panic is never 0
mod layouts; // what `init` writes for the kinds of repositories in `layouts/*.txt`
mod made_up; // a provider that nobody sells, made of its own folder alone
mod presets; // the presets of `site` give the URLs that the generators made
mod sim; // whole executions in virtual time, with every fault
mod sim_credentials; // credentials that expire during a run
mod sim_ends; // how runs end: signals, kills, deadlines, hopeless hosts
mod sim_in_progress; // a limit of what may be in progress, and batches that a reference names
mod sim_strangers; // the same against servers that another maker built from the same documentation
mod sim_targets; // several providers in one run, the pause before a prefetch, credentials that get locked
mod sim_trials; // clocks that are wrong, late executions, undocumented refusals, forged journals
mod sim_untracked; // providers without a status: accepted is done
mod sim_verified; // URLs that are fetched through the CDN while the rest of their run proceeds
mod tidy; // the house rules: layers, where I/O may be, what a file may hold
mod token_provider; // a provider with a bearer token, without status and quota
mod waiting; // `wait` begins nothing, and never ends well without having waited
mod words; // the words that no text uses
mod world; // what those executions live in
