//! Pieces become a program that says whether a path matches, and what its wildcards take.
//!
//! From the last node to the first, and for every place in the path, it is noted whether the rest of the pattern can match
//! the rest of the path; then one walk from the left takes as much as it can at each wildcard. Both are bounded by the
//! pattern's length times the path's, whatever the pattern.

use std::ops::Range;

use super::parse::{Class, Piece};
use super::{Captures, NUMBERED};

/// The longest character in UTF-8, in bytes.
const LONGEST_CHARACTER: usize = 4;

/// A pattern's pieces; every node stands behind those it leads to.
#[derive(Debug)]
pub(super) struct Program {
    nodes: Vec<Node>,
    start: usize,
}

#[derive(Debug)]
struct Node {
    step: Step,
    /// What comes after it.
    next: usize,
    /// Which wildcard it is, from 0; those inside braces are part of the braces' one.
    slot: Option<usize>,
}

#[derive(Debug)]
enum Step {
    /// The path must be at its end.
    End,
    /// Never empty.
    Literal(Box<[u8]>),
    One(Class),
    Run,
    Descend,
    Rest,
    /// The first nodes of the alternatives.
    Choice(Box<[usize]>),
}

impl Program {
    /// Builds the program of a whole pattern, from which literals at both ends may have been taken.
    pub(super) fn new(pieces: &[Piece]) -> Self {
        let mut program = Self { nodes: vec![Node { step: Step::End, next: 0, slot: None }], start: 0 };
        program.start = program.add(pieces, 0, true);
        program
    }

    /// Adds a sequence that goes on at `next`; returns where it begins.
    fn add(&mut self, pieces: &[Piece], mut next: usize, numbered: bool) -> usize {
        let mut slot = pieces.iter().filter(|piece| !matches!(piece, Piece::Literal(_))).count();
        for piece in pieces.iter().rev() {
            let step = match piece {
                Piece::Literal(text) => Step::Literal(text.as_bytes().into()),
                Piece::One(class) => Step::One(class.clone()),
                Piece::Run => Step::Run,
                Piece::Descend => Step::Descend,
                Piece::Rest => Step::Rest,
                Piece::Choice(alternatives) => {
                    Step::Choice(alternatives.iter().map(|alternative| self.add(alternative, next, false)).collect())
                }
            };
            let is_wildcard = !matches!(step, Step::Literal(_));
            slot -= usize::from(is_wildcard);
            let slot = (numbered && is_wildcard && slot < NUMBERED).then_some(slot);
            self.nodes.push(Node { step, next, slot });
            next = self.nodes.len() - 1;
        }
        next
    }

    /// Whether it matches all of `path`; fills `captures` if so.
    pub(super) fn run<'p>(&self, path: &'p [u8], captures: &mut Captures<'p>) -> bool {
        let reach = Reach::new(&self.nodes, path);
        if !reach.from(self.start, 0) {
            return false;
        }
        self.walk(path, &reach, captures);
        true
    }

    /// Walks a path that matches, and takes as much as it can at each wildcard.
    fn walk<'p>(&self, path: &'p [u8], reach: &Reach<'_>, captures: &mut Captures<'p>) {
        let (mut node, mut at) = (self.start, 0);
        // The braces the walk is in: their slot, where they began, and the node behind them.
        let mut braces: Option<(usize, usize, usize)> = None;
        loop {
            if let Some((slot, from, behind)) = braces
                && behind == node
            {
                captures.set(slot, &path[from..at]);
                braces = None;
            }
            let Node { step, next, slot } = &self.nodes[node];
            let end = match step {
                Step::End => return,
                Step::Choice(alternatives) => {
                    if let Some(slot) = slot {
                        braces = Some((*slot, at, *next));
                    }
                    let first = alternatives.iter().find(|&&alternative| reach.from(alternative, at));
                    node = *first.expect("a choice is reached only if one of its alternatives can match");
                    continue;
                }
                Step::Literal(text) => at + text.len(),
                Step::One(_) => at + unit(path, at).1,
                Step::Run | Step::Descend | Step::Rest => longest(step, path, at, |end| reach.from(*next, end)),
            };
            if let Some(slot) = slot {
                let taken = &path[at..end];
                let without_slash = matches!(step, Step::Descend).then(|| taken.strip_suffix(b"/")).flatten();
                captures.set(*slot, without_slash.unwrap_or(taken));
            }
            (node, at) = (*next, end);
        }
    }
}

/// The farthest place that a wildcard at `from` may take the path to, of those where what follows can match.
fn longest(step: &Step, path: &[u8], from: usize, follows: impl Fn(usize) -> bool) -> usize {
    let (mut best, mut end) = (None, from);
    loop {
        let may_end = match step {
            Step::Run => true,
            Step::Descend => end == from || path[end - 1] == b'/',
            _ => end > from && is_segment_end(path, end),
        };
        if may_end && follows(end) {
            best = Some(end);
        }
        if end == path.len() || (matches!(step, Step::Run) && path[end] == b'/') {
            return best.expect("a wildcard is reached only if what follows it can match somewhere");
        }
        end += unit(path, end).1;
    }
}

/// For every node and every place in a path: whether the rest of the path can be matched from there.
struct Reach<'p> {
    path: &'p [u8],
    /// A row per node, a column per place and one for the end.
    table: Vec<bool>,
    /// Per node, where in its row something may be true. Most patterns that don't match are known not to at an empty one.
    spans: Vec<Range<usize>>,
}

impl<'p> Reach<'p> {
    fn new(nodes: &[Node], path: &'p [u8]) -> Self {
        let columns = path.len() + 1;
        let mut reach =
            Self { path, table: vec![false; nodes.len() * columns], spans: Vec::with_capacity(nodes.len()) };
        for (index, node) in nodes.iter().enumerate() {
            let span = reach.candidates(node);
            let (done, row) = reach.table.split_at_mut(index * columns);
            node.fill(row, span.clone(), path, |node, at| done[node * columns + at]);
            let first = span.clone().find(|&at| row[at]).unwrap_or(span.end);
            let end = span.rev().find(|&at| row[at]).map_or(first, |last| last + 1);
            reach.spans.push(first..end);
        }
        reach
    }

    /// Whether the path can be matched from `at` on by the pattern from `node` on.
    fn from(&self, node: usize, at: usize) -> bool {
        self.table[node * (self.path.len() + 1) + at]
    }

    /// From where a node can possibly reach a place from which the pattern goes on.
    fn candidates(&self, node: &Node) -> Range<usize> {
        let next = self.spans.get(node.next).cloned().unwrap_or(0..0);
        match &node.step {
            Step::End => self.path.len()..self.path.len() + 1,
            Step::Choice(alternatives) => {
                let spans = || {
                    alternatives
                        .iter()
                        .map(|&alternative| self.spans[alternative].clone())
                        .filter(|span| !span.is_empty())
                };
                spans().map(|span| span.start).min().unwrap_or(0)..spans().map(|span| span.end).max().unwrap_or(0)
            }
            _ if next.is_empty() => 0..0,
            Step::Literal(text) => next.start.saturating_sub(text.len())..next.end.saturating_sub(text.len()),
            Step::One(_) => next.start.saturating_sub(LONGEST_CHARACTER)..next.end - 1,
            Step::Run => {
                let slash = self.path[..next.start].iter().rposition(|&byte| byte == b'/');
                slash.map_or(0, |slash| slash + 1)..next.end
            }
            Step::Descend | Step::Rest => 0..next.end,
        }
    }
}

impl Node {
    /// Fills the node's row of [`Reach`] at `span`. `from` looks up the rows of the nodes it leads to.
    fn fill(&self, row: &mut [bool], span: Range<usize>, path: &[u8], from: impl Fn(usize, usize) -> bool) {
        let follows = |at: usize| from(self.next, at);
        match &self.step {
            Step::End => row[path.len()] = true,
            Step::Literal(text) => {
                for at in span {
                    row[at] = follows(at + text.len()) && path[at] == text[0] && path[at..].starts_with(text);
                }
            }
            Step::One(class) => {
                for at in span {
                    let (character, length) = unit(path, at);
                    row[at] = class.holds(character) && follows(at + length);
                }
            }
            Step::Run => {
                for at in span.rev() {
                    let longer = at < path.len() && path[at] != b'/' && row[at + unit(path, at).1];
                    row[at] = longer || follows(at);
                }
            }
            Step::Descend => {
                let mut deeper = false;
                for at in span.rev() {
                    if path.get(at) == Some(&b'/') {
                        deeper = row[at + 1];
                    }
                    row[at] = is_segment_start(path, at) && (deeper || follows(at));
                }
            }
            Step::Rest => {
                let mut farther = false;
                for at in span.rev() {
                    row[at] = farther && is_segment_start(path, at);
                    farther |= is_segment_end(path, at) && follows(at);
                }
            }
            Step::Choice(alternatives) => {
                for at in span {
                    row[at] = alternatives.iter().any(|&alternative| from(alternative, at));
                }
            }
        }
    }
}

fn is_segment_start(path: &[u8], at: usize) -> bool {
    at == 0 || path[at - 1] == b'/'
}

fn is_segment_end(path: &[u8], at: usize) -> bool {
    at == path.len() || path[at] == b'/'
}

/// The character at a place, with its length in bytes; a byte that is no part of UTF-8 stands for itself.
fn unit(path: &[u8], at: usize) -> (Option<char>, usize) {
    let length = match path[at] {
        byte @ ..0x80 => return (Some(char::from(byte)), 1),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return (None, 1),
    };
    let text = path.get(at..at + length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.and_then(|text| text.chars().next()).map_or((None, 1), |character| (Some(character), length))
}
