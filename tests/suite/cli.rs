//! The real binary, seen from outside: arguments, environment and signals go in; an exit code, words, files and calls come out.

mod accounts; // several accounts of one vendor
mod built; // sites that are built in the CI, and compared with a manifest
mod change_lists; // the lists of changed files that deploy tools write
mod check_online; // permissions of the credentials
mod checkout; // repositories in which the changes can't be determined
mod cloudfront; // Amazon CloudFront, by a key and by a role
mod commands; // everything but the main job
mod configuration; // configurations that can't be used
mod doctor; // the surroundings of a run
mod first_steps; // the first five minutes in a repository of each common generator
pub mod github; // what a runner of GitHub Actions gets
mod links; // submodules and symbolic links
mod lint; // rules that can never work
mod lists; // URLs that are given
mod little_cache; // the edge of a CDN
mod names; // file names that tools trip over
mod no_credentials; // runs without stored credentials: roles, OIDC tokens, profiles, programs
mod origin; // what waits for the origin
mod query; // task history, quota, metrics, logs, domains
mod short_quota; // plans that are too large for a day
pub mod stage; // what all of them play on: a site, a run, what it left
mod targets; // one configuration with several providers
mod tencent; // Tencent Cloud, by keys and by a role
mod trouble; // vendors that refuse, break off, lie or never answer
pub mod vendor; // whom a run talks to
mod verification; // whether the edge serves what was deployed
mod warming; // prefetches at a CDN without an API for them
mod work; // the main job as it should be
mod worktree; // what isn't committed

#[cfg(unix)]
mod interruption; // signals, and what the next run makes of them
