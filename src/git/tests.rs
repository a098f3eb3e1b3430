//! `find` on repositories that git made: against git's own answer, and on everything that can be wrong with a checkout.

mod against_git;
mod built_folders;
mod checkout;
mod choices;
mod clones;
mod config_trust;
mod contents;
mod deployments;
mod events;
mod every_event;
mod fetch;
mod forge;
mod hostile;
mod last_success;
mod pairs;
mod refusals;
mod revisions;
mod submodules;
mod symlinks;
mod tags;
mod time_limit;
