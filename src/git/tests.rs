//! `find` on repositories that git made: against git's own answer, and on everything that can be wrong with a checkout.

mod against_git;
mod checkout;
mod choices;
mod clones;
mod earlier;
mod endless;
mod events;
mod every_event;
mod fetch;
mod forge;
mod hostile;
mod packs;
mod pairs;
mod refusals;
mod submodules;
mod tags;
mod trust;
