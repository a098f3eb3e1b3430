//! The fenced blocks of a document.

use crate::generated::path;

pub const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/README.md",
    "docs/commands.md",
    "docs/built-sites.md",
    "docs/change-detection.md",
    "docs/configuration.md",
    "docs/credentials.md",
    "docs/options.md",
    "docs/globs.md",
    "docs/providers.md",
    "docs/recipes.md",
    "docs/exit-codes-and-outputs.md",
    "docs/errors.md",
    "docs/migrating.md",
    "docs/comparison.md",
];

/// A block between two fences.
#[derive(Clone, Debug)]
pub struct Block {
    pub language: String,
    pub text: String,
    /// Of the line after the fence, from 1.
    pub line: usize,
    /// The number of the headings above it.
    pub section: usize,
}

impl Block {
    pub fn is_configuration(&self) -> bool {
        self.language == "yaml" && self.text.contains("version: 1\n")
    }
}

pub fn read(document: &str) -> String {
    std::fs::read_to_string(path(document)).unwrap()
}

pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut section = 0;
    for (number, line) in (1..).zip(read(document).lines()) {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => {
                let language = language.to_owned();
                open = Some(Block { language, text: String::new(), line: number + 1, section });
            }
            (None, Some(block)) => open = Some(Block { text: block.text + line + "\n", ..block }),
            (None, None) => section += usize::from(line.starts_with('#')),
        }
    }
    assert!(open.is_none(), "{document}: a fence isn't closed");
    blocks
}

/// The configuration that a reader has in mind at a block: that of its section, else the first of the document.
pub fn configuration<'a>(blocks: &'a [Block], at: &Block) -> Option<&'a Block> {
    let mut configurations = blocks.iter().filter(|block| block.is_configuration());
    let own = configurations.clone().rfind(|block| block.section == at.section && block.line < at.line);
    own.or_else(|| configurations.next())
}
