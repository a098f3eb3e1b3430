//! Parses YAML into a tree of nodes that know their position.
//!
//! Composed from the parser's events and not through serde: a deserializer stops at its first error, while here duplicate
//! keys, tags, unknown aliases and wrong shapes are all collected, and a node knows how it was quoted.

use std::collections::HashMap;
use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::source::Findings;

/// A value and its position.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The bytes of the file.
    pub(super) span: Range<usize>,
    /// The value.
    pub(super) value: NodeValue,
}

/// The value of a node.
#[derive(Clone, Debug)]
pub(super) enum NodeValue {
    /// Nothing, `~` or `null`.
    Null,
    /// A word, text or number.
    Scalar(Scalar),
    /// Nodes in order.
    List(Vec<Node>),
    /// Keys that differ from each other, in order.
    Map(Vec<(Key, Node)>),
}

/// Text, and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// Its text after YAML's unquoting.
    pub(super) text: String,
    /// Whether it is unquoted: only then may it be a number or a boolean.
    pub(super) plain: bool,
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its text.
    pub(super) text: String,
    /// Its position.
    pub(super) span: Range<usize>,
}

impl Node {
    /// The kind of the value, for a sentence: `a list`.
    pub(super) fn describe(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "empty",
            NodeValue::Scalar(_) => "text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            NodeValue::Null | NodeValue::Scalar(_) => 0,
            NodeValue::List(items) => items.iter().map(Self::size).sum(),
            NodeValue::Map(entries) => entries.iter().map(|(_, node)| 1 + node.size()).sum(),
        }
    }
}

/// Nested lists and mappings; the deepest sensible configuration has 6.
const MOST_DEPTH: usize = 16;
/// Nodes, those that aliases repeat included; a file of the greatest size that is allowed has fewer.
const MOST_NODES: usize = 50_000;
/// Aliases.
const MOST_ALIASES: usize = 100;

/// Reads the text that the findings are about; `None` when there is nothing to walk.
pub(super) fn compose(findings: &mut Findings<'_>) -> Option<Node> {
    let source = findings.source();
    let mut options = Options::default();
    options.disallow_directives = true;
    options.emit_unresolved_aliases = true;
    options.emit_comments = false;
    options.flow_nesting_limit = MOST_DEPTH * 2;
    options.block_nesting_limit = MOST_DEPTH * 2;
    let mut composer = Composer {
        parser: Parser::new_from_str_with_options(source.text(), options),
        findings,
        anchors: HashMap::new(),
        nodes: 0,
        aliases: 0,
    };
    match composer.document() {
        Ok(root) => root,
        Err(Stop::Unreadable(error)) => {
            unreadable(findings, &error);
            None
        }
        Err(Stop::Said) => None,
    }
}

/// Why composing ended early.
enum Stop {
    /// The parser's error.
    Unreadable(ScanError),
    /// A problem that is in the list already.
    Said,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Unreadable(error)
    }
}

struct Composer<'a, 'f> {
    parser: Parser<'a, StrInput<'a>>,
    findings: &'f mut Findings<'a>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    aliases: usize,
}

impl<'a> Composer<'a, '_> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        while let Some(next) = self.parser.next_event() {
            let (event, span) = next?;
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    self.findings.report(
                        &range(&span),
                        "a second document begins here",
                        "keep one document in the file: remove `---`",
                    );
                    break;
                }
                event if event.is_node() => root = Some(self.node(event, &span, 0)?),
                _ => {}
            }
        }
        Ok(root)
    }

    /// Composes the node that begins with an event.
    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Stop> {
        let span_range = range(span);
        self.count(1, &span_range)?;
        if depth > MOST_DEPTH {
            let help = "check the indentation and the brackets";
            return Err(self.stop(&span_range, format!("nested more than {MOST_DEPTH} deep"), help));
        }
        if event.tag().is_some() {
            self.tag(span);
        }
        let anchor = event.anchor_id();
        let node = match event {
            Event::Scalar(text, style, _, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let null = plain && (span_range.is_empty() || matches!(&*text, "" | "~" | "null" | "Null" | "NULL"));
                let scalar = || NodeValue::Scalar(Scalar { text: text.clone().into_owned(), plain });
                Node { span: span_range, value: if null { NodeValue::Null } else { scalar() } }
            }
            Event::SequenceStart(..) => self.list(span_range, depth)?,
            Event::MappingStart(..) => self.map(span_range, depth)?,
            Event::Alias(anchor) => self.alias(anchor, span_range)?,
            _ => {
                let name = &self.findings.source().text()[span_range.clone()];
                let title = format!("`{name}` refers to an unknown anchor");
                self.findings.report(&span_range, title, format!("if it is a pattern, quote it: `'{name}'`"));
                // Read as the pattern it probably is, so that nothing else is said about it.
                let scalar = Scalar { text: name.to_owned(), plain: false };
                Node { span: span_range, value: NodeValue::Scalar(scalar) }
            }
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, start: Range<usize>, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next(&start)?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Node { span: start.start..range(&span).end, value: NodeValue::List(items) });
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
    }

    fn map(&mut self, start: Range<usize>, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.next(&start)?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Node { span: start.start..range(&span).end, value: NodeValue::Map(entries) });
            }
            let key = self.node(event, &span, depth + 1)?;
            let (event, span) = self.next(&start)?;
            let value = self.node(event, &span, depth + 1)?;
            let NodeValue::Scalar(Scalar { text, .. }) = key.value else {
                self.findings.report(
                    &key.span,
                    format!("this key is {}", key.describe()),
                    "write a word before the colon",
                );
                continue;
            };
            if let Some(first) = seen.get(&text) {
                let line = self.findings.source().place(*first).line;
                self.findings.report(
                    &key.span,
                    format!("`{text}` is a duplicate key"),
                    format!("it is already set in line {line}: keep one of the two"),
                );
                continue;
            }
            seen.insert(text.clone(), key.span.start);
            entries.push((Key { text, span: key.span }, value));
        }
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Result<Node, Stop> {
        self.aliases += 1;
        if self.aliases > MOST_ALIASES {
            return Err(self.stop(&span, format!("more than {MOST_ALIASES} aliases"), "write the values out"));
        }
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.stop(&span, "this alias refers to itself", "write the value out"));
        };
        self.count(node.size(), &span)?;
        Ok(node)
    }

    fn tag(&mut self, span: &Span) {
        let tag = span.tag_span().map_or_else(|| range(span), |tag| range(&tag));
        let text = &self.findings.source().text()[tag.clone()];
        let title = format!("`{text}` is a YAML tag; tags are not supported");
        let help = if text.starts_with("!!") {
            "remove it".to_owned()
        } else {
            format!("if it is a pattern, quote it: `'{text}'`")
        };
        self.findings.report(&tag, title, help);
    }

    fn next(&mut self, open: &Range<usize>) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(next) => Ok(next?),
            None => Err(self.stop(open, "this is never closed", "close it")),
        }
    }

    fn count(&mut self, more: usize, span: &Range<usize>) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            return Err(self.stop(span, format!("more than {MOST_NODES} values"), "use globs in place of long lists"));
        }
        Ok(())
    }

    fn stop(&mut self, span: &Range<usize>, title: impl Into<String>, help: &str) -> Stop {
        self.findings.report(span, title, help);
        Stop::Said
    }
}

fn range(span: &Span) -> Range<usize> {
    // Parsing a string, every marker knows its byte.
    let byte = |marker: &serde_saphyr::granit_parser::Marker| marker.byte_offset().unwrap_or_default();
    byte(&span.start)..byte(&span.end).max(byte(&span.start))
}

fn unreadable(findings: &mut Findings<'_>, error: &ScanError) {
    let text = findings.source().text();
    let marker = error.marker();
    let at = marker
        .byte_offset()
        .or_else(|| text.char_indices().nth(marker.index()).map(|(at, _)| at))
        .unwrap_or(text.len())
        .min(text.len());
    let info = error.info();
    let tab = text.get(at..).and_then(|rest| rest.find('\t')).filter(|_| info.contains("tab"));
    let (at, help) = match tab {
        Some(tab) => (at + tab, "indent with spaces: YAML knows no tabs"),
        None => (
            at,
            "check the indentation, the brackets and the quotes; text that begins with one of `* & ! % @ { [ \" '`, or \
             holds `: ` or ` #`, needs quotes",
        ),
    };
    findings.report(&(at..at + 1), format!("this can't be read as YAML: {info}"), help);
}
