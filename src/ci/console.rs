//! Writes the program's messages as log lines, in the CI host's format.
//!
//! The only way to the outside for words: each line is redacted, cleaned and redacted again, so that neither a secret nor a
//! command of someone else's gets through. Log and results are apart: what another program may want to read goes to
//! standard output, everything else to standard error; on GitHub, which mixes the two out of order, all to standard output.

use std::io::{self, Write};

use secrecy::{ExposeSecret as _, SecretString};

use crate::ci::host::CiHost;
use crate::ci::paint::paint;
use crate::ci::redactor::Redactor;
use crate::ci::{github, gitlab};
use crate::config::{LogLevel, When};
use crate::environment::Environment;
use crate::error::{Diagnostic, Error, Place};
use crate::text::sanitize;
use crate::text::wrap::wrap;

/// Says things.
pub struct Console {
    host: CiHost,
    look: Look,
    /// How wide the terminals of the results and of the log are.
    columns: [Option<usize>; 2],
    redactor: Redactor,
    out: Stream,
    err: Stream,
    group: Option<String>,
    groups: usize,
    annotations: [Annotations; 3],
    unix_seconds: fn() -> i64,
}

/// How a thing is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It stops the run, or turns it red.
    Error,
    /// It should be looked at.
    Warning,
    /// It is good to know.
    Notice,
}

impl Severity {
    /// The name of GitHub's command.
    fn github_command(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }

    /// The word that opens a line.
    fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "note",
        }
    }
}

/// How much is said, and how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How much.
    pub level: LogLevel,
    /// Whether words of the log are colored.
    pub color: bool,
    /// Whether words of a result are colored though it goes to no terminal.
    pub is_color_forced: bool,
    /// Whether progress is a bar.
    pub bar: bool,
}

impl Look {
    /// Decides what was left open: colors and a bar in a terminal outside of CI, unless `NO_COLOR`, `CLICOLOR_FORCE` or a dumb
    /// terminal says otherwise (bixense.com/clicolors). A step that GitHub runs with debug logging (`RUNNER_DEBUG`) says everything.
    pub fn decide(
        level: LogLevel,
        color: When,
        progress: When,
        host: &CiHost,
        environment: &Environment,
        log_is_terminal: bool,
    ) -> Self {
        let is = |name: &str, value: &str| environment.get(name).is_some_and(|given| given == value);
        let is_set = |name: &str| environment.get(name).is_some_and(|given| !given.is_empty());
        let is_terminal = log_is_terminal && matches!(host, CiHost::Plain { .. }) && !is("TERM", "dumb");
        let decide = |when: When, automatic: bool| match when {
            When::Auto => automatic,
            When::Always => true,
            When::Never => false,
        };
        let level = if is("RUNNER_DEBUG", "1") { LogLevel::Verbose } else { level };
        let color = match color {
            When::Auto if is_set("NO_COLOR") => When::Never,
            When::Auto if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => When::Always,
            When::Auto if is("CLICOLOR", "0") => When::Never,
            given => given,
        };
        Self {
            level,
            color: decide(color, is_terminal),
            is_color_forced: color == When::Always,
            bar: decide(progress, is_terminal) && level != LogLevel::Quiet,
        }
    }
}

impl Console {
    /// A console that writes results to `out` and the log to `err` (on GitHub all to `out`).
    pub fn new(host: CiHost, look: Look, out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self {
            host,
            look,
            columns: [None, None],
            redactor: Redactor::default(),
            out: Stream::new(out),
            err: Stream::new(err),
            group: None,
            groups: 0,
            annotations: Default::default(),
            unix_seconds: || jiff::Timestamp::now().as_second(),
        }
    }

    /// Wraps at these columns what is shown in a terminal: results, and the log.
    pub fn set_columns(&mut self, results: Option<usize>, log: Option<usize>) {
        self.columns = [results, log];
    }

    /// Where the program runs.
    pub fn host(&self) -> &CiHost {
        &self.host
    }

    /// Says as much and looks as this from now on.
    pub fn set_look(&mut self, look: Look) {
        self.look = look;
    }

    /// How much is said, and how it looks.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Every secret so far; for what is written to files.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Never lets this text out again, in any of its forms; registers it with GitHub's runner too. To be called before
    /// anything else is
    /// said.
    pub fn mask(&mut self, secret: &SecretString) {
        let known: Vec<String> = self.redactor.forms().map(|form| form.expose_secret().to_owned()).collect();
        if !self.redactor.add(secret) || !matches!(self.host, CiHost::GitHub { .. }) {
            return;
        }
        let forms = self.redactor.forms().map(SecretString::expose_secret);
        let commands: Vec<String> =
            forms.filter(|form| known.iter().all(|known| known != form)).map(github::add_mask).collect();
        for command in commands {
            self.out.line(&command);
        }
    }

    /// Says something, if as much as `level` is wanted ([`LogLevel::Quiet`]: in any case).
    pub fn note(&mut self, level: LogLevel, text: &str) {
        if level <= self.look.level {
            self.log(text);
        }
    }

    /// Says something that counts, whatever is wanted: `error: …`; on GitHub as an annotation, which its log shows too.
    pub fn announce(&mut self, severity: Severity, text: &str) {
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        let (title, message) = if rest.is_empty() { ("cdn-purge", title) } else { (title, rest) };
        if !self.annotate(severity, title, message, None) {
            self.log(&format!("{}: {text}", severity.label()));
        }
    }

    /// Says what is wrong in what a person wrote: title, place, line, help; on GitHub with an annotation on that line.
    pub fn diagnostic(&mut self, diagnostic: &Diagnostic, severity: Severity) {
        let id = diagnostic.id();
        let shown = id.map(|id| format!("[{id}]")).unwrap_or_default();
        self.log(&format!("{}{shown}: {}", severity.label(), diagnostic.title));
        if let Some(place) = diagnostic.place.as_ref().filter(|_| !diagnostic.snippet.contains("-->")) {
            self.log(&format!(" --> {place}"));
        }
        if !diagnostic.snippet.is_empty() {
            // Its carets belong below what they point to.
            self.log_wrapped(&diagnostic.snippet, None);
        }
        match &diagnostic.help {
            Some(help) => {
                self.log(&format!("  = help: {}", help.replace('\n', "\n          ")));
                let link = id.map(|id| format!("\n{id}: {}", Diagnostic::link(id))).unwrap_or_default();
                self.annotate(severity, &diagnostic.title, &format!("{help}{link}"), diagnostic.place.as_ref())
            }
            None => self.annotate(severity, "cdn-purge", &diagnostic.title, diagnostic.place.as_ref()),
        };
    }

    /// Says every problem of an error; not in a part of the log that is folded away.
    pub fn error(&mut self, error: &Error) {
        self.end_group();
        for diagnostic in error.diagnostics() {
            self.diagnostic(&diagnostic, Severity::Error);
        }
    }

    /// Opens a part of the log: folded on GitHub and GitLab, a heading elsewhere. One that is open is ended.
    pub fn group(&mut self, title: &str) {
        self.end_group();
        if self.look.level == LogLevel::Quiet {
            return;
        }
        self.groups += 1;
        let name = format!("cdn_purge_{}", self.groups);
        let title = self.safe(title);
        let line = match &self.host {
            CiHost::GitHub { .. } => github::group(&title),
            CiHost::GitLab { .. } => gitlab::section_start((self.unix_seconds)(), &name, &title),
            CiHost::Plain { .. } if self.look.color => format!("\x1b[1m{title}\x1b[0m"),
            CiHost::Plain { .. } => title,
        };
        self.log_stream().line(&line);
        self.group = Some(name);
    }

    /// Ends the part that is open, if one is.
    pub fn end_group(&mut self) {
        let Some(name) = self.group.take() else { return };
        let line = match &self.host {
            CiHost::GitHub { .. } => "::endgroup::".to_owned(),
            CiHost::GitLab { .. } => gitlab::section_end((self.unix_seconds)(), &name),
            CiHost::Plain { .. } => return,
        };
        self.log_stream().line(&line);
    }

    /// Gives a result: what the program was called for. All lines of it go to standard output.
    pub fn result(&mut self, text: &str) {
        let lines = self.shown(text, None, false);
        self.out.text(&lines);
    }

    /// Gives a result that is written for people alone: in a terminal it is wrapped and colored.
    pub fn summary(&mut self, text: &str) {
        let is_terminal = self.columns[0].is_some();
        let is_colored = self.look.color && (is_terminal || self.look.is_color_forced);
        let lines = self.shown(text, self.columns[0], is_colored);
        self.out.text(&lines);
    }

    /// Whether everything that was said so far could be written.
    pub fn is_written(&mut self) -> bool {
        self.out.flush();
        self.err.flush();
        self.out.failure.is_none() && self.err.failure.is_none()
    }

    /// Ends what is open, says what annotations were held back, and flushes.
    ///
    /// # Errors
    /// [`Error::Checkout`] when a line couldn't be written, unless its reader had left.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.end_group();
        for severity in [Severity::Error, Severity::Warning, Severity::Notice] {
            self.last_annotation(severity);
        }
        self.out.flush();
        self.err.flush();
        match self.out.failure.take().or_else(|| self.err.failure.take()) {
            None => Ok(()),
            Some(error) => Err(Error::Checkout {
                message: format!("the log can't be written: {error}"),
                help: "free some space where standard output and standard error go".into(),
            }),
        }
    }

    /// Whether it is shown now.
    fn annotate(&mut self, severity: Severity, title: &str, message: &str, place: Option<&Place>) -> bool {
        if !matches!(self.host, CiHost::GitHub { .. }) {
            return false;
        }
        let line = github::annotation(
            severity.github_command(),
            &self.redactor.redact(title),
            &self.redactor.redact(message),
            place,
        );
        let line = self.redactor.redact(&line).into_owned();
        let annotations = &mut self.annotations[severity as usize];
        annotations.count += 1;
        if annotations.count < github::ANNOTATIONS {
            self.out.line(&line);
            return true;
        }
        if annotations.count == github::ANNOTATIONS {
            annotations.held = Some(line);
        }
        false
    }

    /// The last annotation that the runner would show: the one that was held back for it, or how many there were.
    fn last_annotation(&mut self, severity: Severity) {
        let annotations = std::mem::take(&mut self.annotations[severity as usize]);
        let Some(held) = annotations.held else { return };
        let more = annotations.count - (github::ANNOTATIONS - 1);
        if more == 1 {
            self.out.line(&held);
        } else {
            let message = format!("and {more} more; the log has them all");
            self.out.line(&github::annotation(severity.github_command(), "cdn-purge", &message, None));
        }
    }

    /// Writes a text to the log, line by line.
    fn log(&mut self, text: &str) {
        self.log_wrapped(text, self.columns[1]);
    }

    fn log_wrapped(&mut self, text: &str, columns: Option<usize>) {
        let lines = self.shown(text, columns, self.look.color);
        self.log_stream().text(&lines);
    }

    /// A text's lines as they are written: only text, without a secret; then wrapped, then colored.
    fn shown(&self, text: &str, columns: Option<usize>, is_colored: bool) -> String {
        let columns = columns.filter(|_| matches!(self.host, CiHost::Plain { .. })).unwrap_or(usize::MAX);
        let mut shown = String::new();
        for line in self.redactor.redact(text).lines() {
            for line in wrap(&self.safe(line), columns) {
                shown.push_str(&if is_colored { paint(&line) } else { line });
                shown.push('\n');
            }
        }
        shown
    }

    /// One line that is only text and holds no secret. Redacted before, as cleaning would take a secret apart; and after,
    /// as it might put one together.
    fn safe(&self, line: &str) -> String {
        self.redactor.redact(&sanitize(&self.redactor.redact(line))).into_owned()
    }

    fn log_stream(&mut self) -> &mut Stream {
        match self.host {
            CiHost::GitHub { .. } => &mut self.out,
            CiHost::GitLab { .. } | CiHost::Plain { .. } => &mut self.err,
        }
    }
}

/// The number of annotations of a severity so far, and the one that is shown last.
#[derive(Default)]
struct Annotations {
    count: usize,
    held: Option<String>,
}

/// A writer that remembers its first failure, and is quiet once its reader has left.
struct Stream {
    writer: Box<dyn Write>,
    closed: bool,
    failure: Option<io::Error>,
}

impl Stream {
    fn new(writer: Box<dyn Write>) -> Self {
        Self { writer, closed: false, failure: None }
    }

    fn line(&mut self, line: &str) {
        self.text(&format!("{line}\n"));
    }

    /// Whole lines, in one go: whoever reads them need wake up but once.
    fn text(&mut self, lines: &str) {
        if !self.closed {
            let written = self.writer.write_all(lines.as_bytes());
            self.note(written);
        }
    }

    fn flush(&mut self) {
        if !self.closed {
            let flushed = self.writer.flush();
            self.note(flushed);
        }
    }

    fn note(&mut self, result: io::Result<()>) {
        let Err(error) = result else { return };
        self.closed = true;
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.failure.get_or_insert(error);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
