//! `report`: makes an HTML report of a JSON report.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::run;
use crate::ci::{Console, files};
use crate::error::{Error, ExitCode};
use crate::report::html;

/// Writes the page: to `page`, else next to the report under its name with the ending `html`.
///
/// # Errors
/// [`Error::Inputs`] for a file that isn't a report, [`Error::Checkout`] for one that can't be read or written.
pub(super) fn run(report: &Path, page: Option<PathBuf>, console: &mut Console) -> Result<ExitCode, Error> {
    let name = report.display();
    let json = fs::read(report).map_err(|error| Error::Checkout {
        message: format!("the report `{name}` can't be read: {error}"),
        help: "name the JSON report of a run: the file that `report-file` names, or the output `report`".into(),
    })?;
    let page = page.unwrap_or_else(|| report.with_extension("html"));
    if page == report {
        return Err(Error::usage(format!("`{name}` is the report itself"), "name another file: `--html=FILE`"));
    }
    // A file is replaced only by a whole page.
    let mut text = Vec::new();
    html::write(&json, &mut text).map_err(|error| not_a_report(report, &error))?;
    files::replace(&page, console.redactor(), |file| file.write_all(&text))?;
    Ok(run::print(console, &page.display().to_string()))
}

fn not_a_report(report: &Path, error: &io::Error) -> Error {
    Error::usage(
        format!("`{}` isn't a JSON report of this program: {error}", report.display()),
        "name the JSON report of a run: the file that `report-file` names, or the output `report`",
    )
}
