//! Finds the line of a `.gitignore` that hides a folder.

use super::files::Globs;

/// The line, from 1, of a `.gitignore` by which git ignores a folder; the last line that is about it decides. The folder's path is that
/// from the file's own folder, without a `/` at its end.
fn ignoring_line(text: &str, folder: &str) -> Option<usize> {
    let mut found = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let (is_back, pattern) = line.strip_prefix('!').map_or((false, line), |pattern| (true, pattern));
        if pattern.is_empty() || pattern.starts_with('#') {
            continue;
        }
        // What hides everything in a folder hides it, too.
        let pattern = pattern.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/');
        let anchored = pattern.strip_prefix('/').unwrap_or(pattern);
        let is_anchored = pattern.contains('/');
        let glob = if is_anchored { anchored.to_owned() } else { format!("**/{anchored}") };
        let is_about = Globs::parse(&[glob]).is_ok_and(|globs| globs.matches(folder.as_bytes()));
        if is_about {
            found = (!is_back).then_some(number + 1);
        }
    }
    found
}

/// The first of some `.gitignore` files, each with its text, that hides a folder, and the line that does it. Paths are those from the root,
/// the folder's without a `/` at its end.
pub fn ignored_by<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>, folder: &str) -> Option<(&'f str, usize)> {
    files.into_iter().find_map(|(file, text)| {
        let below = folder.strip_prefix(file.strip_suffix(".gitignore")?).filter(|below| !below.is_empty())?;
        Some((file, ignoring_line(text, below)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_about_a_folder_decides() {
        for (text, folder, expected) in [
            ("node_modules\ndist\n", "dist", Some(2)),
            ("/dist/\n", "dist", Some(1)),
            ("dist/*\n", "dist", Some(1)),
            ("dist", "web/dist", Some(1)),
            ("/dist", "web/dist", None),
            ("build/html", "build/html", Some(1)),
            ("**/out", "a/b/out", Some(1)),
            ("*.log\n_*/\n", "_site", Some(2)),
            ("dist\n!dist\n", "dist", None),
            ("# dist\n\n", "dist", None),
            ("distribution\n", "dist", None),
            ("dist  \r\n", "dist", Some(1)),
        ] {
            assert_eq!(ignoring_line(text, folder), expected, "{text:?} {folder}");
        }
    }
}
