//! Lists as the tools write them: the same old and new directory, compared by git 2.39, rclone 1.60 and rsync 3.5 (2026-11), with
//! names that hold quotes, tabs, line breaks, arrows, escapes and bytes outside UTF-8.

use proptest::prelude::*;

use super::*;

/// The changes as lines: `A path`, `R from path`, with `@` after a link's.
fn lines(list: &ChangeList) -> Vec<String> {
    let line = |change: &Change| {
        let mark = if change.entry == EntryKind::Symlink { "@" } else { "" };
        let path = String::from_utf8_lossy(change.path.as_bytes()).escape_debug().to_string();
        match &change.kind {
            ChangeKind::Added => format!("A {path}{mark}"),
            ChangeKind::Modified => format!("M {path}{mark}"),
            ChangeKind::Deleted => format!("D {path}{mark}"),
            ChangeKind::Renamed { from } => format!("R {from} {path}{mark}"),
        }
    };
    list.changes.iter().map(line).collect()
}

fn read(format: ListFormat, bytes: impl AsRef<[u8]>) -> ChangeList {
    parse(bytes.as_ref(), format, "list", None).unwrap()
}

/// The problems as lines: `line: what; help`.
fn refused(format: ListFormat, bytes: impl AsRef<[u8]>) -> Vec<String> {
    let problems = parse(bytes.as_ref(), format, "list", None).unwrap_err().diagnostics();
    let line = |problem: &Diagnostic| {
        let place = problem.place.as_ref().map_or(0, |place| place.line);
        format!("{place}: {}; {}", problem.title, problem.help.as_deref().unwrap_or_default())
    };
    problems.iter().map(line).collect()
}

use ListFormat::{Git, Names, RcloneCombined, RsyncItemize};

/// What every tool finds, in byte order; `caf\xe9.html` isn't UTF-8.
const CHANGES: [&str; 11] = [
    r#"A \"q\".html"#,
    r"M \\#011.html",
    "A a -> b",
    "M a b.html",
    "M caf\u{fffd}.html",
    "M changed.html",
    "D gone.html",
    r"A new\nline.html",
    "A new.html",
    "D olddir/x.html",
    "A sub/n.html",
];
const LAST: [&str; 2] = [r"A ta\tb.html", "A é.html"];

fn all(more: &[&'static str]) -> Vec<&'static str> {
    let mut all = [&CHANGES[..], &LAST, more].concat();
    all.sort_by_key(|line| line.rsplit(' ').next().map(str::to_owned));
    all
}

#[test]
fn git_lists_names_and_statuses_on_lines_and_with_nuls() {
    let on_lines = b"A\t\"\\\"q\\\".html\"\nM\t\"\\\\#011.html\"\nA\ta -> b\nM\ta b.html\nM\t\"caf\\351.html\"\nM\tchanged.html\n\
        D\tgone.html\nT\tlink\nR100\tsame.html\tmoved.html\nA\t\"new\\nline.html\"\nA\tnew.html\nD\tolddir/x.html\nA\tsub/n.html\n\
        A\t\"ta\\tb.html\"\nA\t\"\\303\\251.html\"\n";
    let with_nuls = b"A\0\"q\".html\0M\0\\#011.html\0A\0a -> b\0M\0a b.html\0M\0caf\xe9.html\0M\0changed.html\0D\0gone.html\0\
        T\0link\0R100\0same.html\0moved.html\0A\0new\nline.html\0A\0new.html\0D\0olddir/x.html\0A\0sub/n.html\0A\0ta\tb.html\0\
        A\0\xc3\xa9.html\0";
    let (on_lines, with_nuls) = (read(Git, on_lines), read(Git, with_nuls));
    assert_eq!(on_lines, with_nuls);
    let found: std::collections::BTreeSet<String> = lines(&on_lines).into_iter().collect();
    let expected = all(&["M link", "R same.html moved.html"]).into_iter().map(str::to_owned).collect();
    assert_eq!(found, expected);
    assert_eq!(lines(&read(Git, "C75\ta\tb\nR099\tc\td\r\nM100\te\n")), ["A b", "R c d", "M e"]);
    assert_eq!(lines(&read(Git, "")), [""; 0]);
}

#[test]
fn gits_lines_that_are_none_are_named_with_their_number() {
    for (list, problem) in [
        ("M\ta\nQ\tb\n", "2: `Q` isn't the status of a file"),
        ("M\ta\nR100\tb\n", "2: the status `R100` has 1 paths, and not 2"),
        ("M\ta\tb\n", "1: the status `M` has 2 paths, and not 1"),
        ("M a\n", "1: `M a` isn't the status of a file"),
        ("M\t\"a\n", "1: `\"a` begins with a quote and isn't a name that git quoted"),
        ("M\t\"a\\q\"\n", "1: `\"a\\q\"` begins with a quote"),
        ("M\t\"a\\777\"\n", "1: `\"a\\777\"` begins with a quote"),
        ("M\t\"a\"b\"\n", "1: `\"a\"b\"` begins with a quote"),
        ("U\ta\n", "1: `a` isn't merged"),
        ("X\ta\n", "1: git doesn't know what changed about `a`"),
        ("M\t/srv/a\n", "1: `/srv/a` is an absolute path"),
        ("M\t\n", "1: `` names no file"),
        ("M\0a\0R100\0b\0", "3: the list breaks off"),
        ("M\0a\0M\0b", "3: the list breaks off"),
        ("M\0a\0M\0", "3: the list breaks off"),
        ("M\0a\0b\0c\0", "3: `b` isn't the status of a file"),
    ] {
        let refused = refused(Git, list);
        assert!(refused[0].starts_with(problem) && refused[0].ends_with("; nothing was sent"), "{list:?}: {refused:?}");
    }
}

#[test]
fn rclone_lists_every_file_with_a_sign() {
    let list = b"+ \"q\".html\n+ a -> b\n+ new.html\n+ new\xe2\x90\x8aline.html\n+ ta\xe2\x90\x89b.html\n+ \xc3\xa9.html\n\
        - gone.html\n- olddir/x.html\n* a b.html\n* changed.html\n+ sub/n.html\n* \\#011.html\n* caf\xe9.html\n= same.html\n\
        = time.html\n";
    let found = read(RcloneCombined, list);
    assert_eq!(found.unchanged, 2);
    let lines: std::collections::BTreeSet<String> = lines(&found).into_iter().collect();
    assert_eq!(lines, all(&[]).into_iter().map(str::to_owned).collect());
    let quoted = read(RcloneCombined, "* a\u{201b}\u{240a}b\n= c\n");
    assert_eq!(quoted.changes[0].path.as_bytes(), "a\u{240a}b".as_bytes(), "the picture is in the name itself");
    assert_eq!(read(RcloneCombined, "= a\n= b\n"), ChangeList { changes: vec![], unchanged: 2 });
}

#[test]
fn what_rclone_could_not_compare_is_an_error_and_so_is_an_empty_list() {
    let refused_lines = refused(RcloneCombined, "= a\n! b.html\n* c\n! d.html\n");
    assert_eq!(refused_lines.len(), 2);
    assert!(
        refused_lines[0].starts_with("2: rclone couldn't compare `b.html`; see rclone's own log"),
        "{refused_lines:?}"
    );
    assert!(refused_lines[1].starts_with("4: rclone couldn't compare `d.html`"), "{refused_lines:?}");
    for (list, problem) in [
        ("= a\n", None),
        ("", Some("0: `list` is empty")),
        ("\n\n", Some("0: `list` is empty")),
        ("= a\n? b\n", Some("2: `?` isn't a sign of `rclone check --combined`")),
        ("= a\n*b\n", Some("2: `*b` isn't a line of `rclone check --combined`")),
        ("= a\n* \n", Some("2: `` names no file")),
        ("= a\n2026/11/30 12:17:23 NOTICE: 13 errors while checking\n", Some("2: `2026/11/30 12:17:23 NOTICE")),
    ] {
        let found = parse(list.as_bytes(), RcloneCombined, "list", None);
        match problem {
            None => drop(found.unwrap()),
            Some(problem) => assert!(
                refused(RcloneCombined, list)[0].starts_with(problem),
                "{list:?}: {:?}",
                refused(RcloneCombined, list)
            ),
        }
    }
}

#[test]
fn rsync_lists_what_it_transfers_and_what_it_deletes() {
    let list = b"sending incremental file list\n*deleting   olddir/x.html\n*deleting   olddir/\n*deleting   gone.html\n\
        .d..t...... ./\n>f+++++++++ \"q\".html\n>fc.t...... \\#134#011.html\n>f+++++++++ a -> b\n>fcst...... a b.html\n\
        >fc.t...... caf\\#351.html\n>fcst...... changed.html\ncLc.t...... link -> changed.html\n>f+++++++++ new\\#012line.html\n\
        >f+++++++++ new.html\n>f+++++++++ ta\tb.html\n.f..t...... time.html\n>f+++++++++ \\#303\\#251.html\ncd+++++++++ sub/\n\
        >f+++++++++ sub/n.html\n\nsent 689 bytes  received 110 bytes  1,598.00 bytes/sec\n\
        total size is 56  speedup is 0.07 (DRY RUN)\n";
    let found = read(RsyncItemize, list);
    assert_eq!(found.unchanged, 1);
    let found: std::collections::BTreeSet<String> = lines(&found).into_iter().collect();
    assert_eq!(found, all(&["M link@"]).into_iter().map(str::to_owned).collect());
    // A pull; a hard link; a new link; devices; with `-ii`; of a version before 3.0.
    let more = "<f..t...... a\nhf+++++++++ b => a\ncL+++++++++ c -> d -> e\ncD+++++++++ dev\n.f          f\n>f.st.... old\n*deleting gone\n";
    let found = read(RsyncItemize, more);
    assert_eq!(
        (lines(&found), found.unchanged),
        (["M a", "A b", "A c@", "D gone", "M old"].map(str::to_owned).to_vec(), 1)
    );
}

#[test]
fn what_rsync_says_else_is_named_with_its_line() {
    for line in [
        "skipping non-regular file \"pipe\"",
        "cannot delete non-empty directory: sub",
        "deleting a.html",
        "changed.html",
        ">fcst......",
        ">f",
        "rsync: [sender] link_stat \"x\" failed: No such file or directory (2)",
    ] {
        let refused = refused(RsyncItemize, format!(">f+++++++++ a\n{line}\n"));
        assert!(
            refused[0].starts_with(&format!("2: `{line}` isn't a line of `rsync --itemize-changes`")),
            "{refused:?}"
        );
    }
}

#[test]
fn names_are_paths_that_changed() {
    assert_eq!(
        lines(&read(Names, "\u{feff}b\r\n./a/b c\n\n#x\n\"caf\\303\\251\"\na/b c\n")),
        ["M #x", "M a/b c", "M b", "M café"]
    );
    assert_eq!(lines(&read(Names, b"a\nb\0\"c\"\0d\\e\0".as_slice())), [r#"M \"c\""#, r"M a\nb", r"M d\\e"]);
    for (list, problem) in [
        ("a\n/srv/www/b\n", "2: `/srv/www/b` is an absolute path"),
        ("C:/b\n", "1: `C:/b` is an absolute path"),
        ("../a\n", "1: `../a` has the part `..`"),
        ("a//b\n", "1: `a//b` has the part ``"),
        ("a/./b\n", "1: `a/./b` has the part `.`"),
        ("dist/\n", "1: `dist/` is a directory"),
        (".\n", "1: `.` names no file"),
        ("dist\\a.html\n", "1: `dist\\a.html` has a `\\`"),
    ] {
        assert!(refused(Names, list)[0].starts_with(problem), "{list:?}: {:?}", refused(Names, list));
    }
    assert!(refused(Names, "a/".repeat(3000))[0].contains("is longer than 4,096 bytes"));
    assert_eq!(read(Names, ""), ChangeList { changes: vec![], unchanged: 0 });
}

#[test]
fn paths_are_below_the_directory_that_is_given() {
    let directory = RepoPath::new("public/site");
    let of = |format, list: &str| lines(&parse(list.as_bytes(), format, "list", Some(&directory)).unwrap());
    assert_eq!(of(RcloneCombined, "* a.html\n- b/c\n"), ["M public/site/a.html", "D public/site/b/c"]);
    assert_eq!(of(Git, "R100\ta\tb\n"), ["R public/site/a public/site/b"]);
    assert_eq!(of(RsyncItemize, ">f+++++++++ ./a\n"), ["A public/site/a"]);
}

#[test]
fn a_path_that_is_named_twice_is_changed_once() {
    assert_eq!(
        lines(&read(Git, "D\ta\nA\ta\nM\tb\nM\tb\nR100\tx\tc\nA\tc\nA\td\nR100\ty\td\n")),
        ["M a", "M b", "R x c", "R y d"]
    );
    assert_eq!(lines(&read(RsyncItemize, "*deleting   a\n>f+++++++++ a\n")), ["M a"]);
}

#[test]
fn only_the_first_problems_are_shown_and_the_others_counted() {
    let refused = refused(RcloneCombined, format!("= a\n{}", "! b\n".repeat(25)));
    assert_eq!(refused.len(), 21);
    assert!(refused[20].starts_with("0: 5 more entries of `list` can't be read"), "{refused:?}");
}

#[test]
fn a_list_of_another_format_is_recognized_and_named() {
    for (list, name) in [
        ("upload: dist/a.html to s3://bucket/a.html\n", "`aws s3 sync`"),
        ("(dryrun) delete: s3://bucket/a b.html\n", "`aws s3 sync`"),
        ("upload: 'dist/a.html' -> 's3://bucket/a.html'  [1 of 2]\n", "`s3cmd sync`"),
        ("Copying file://dist/a.html [Content-Type=text/html]...\n", "`gsutil rsync`"),
        ("Would remove gs://bucket/a.html\n", "`gsutil rsync`"),
        ("2026/11/30 12:17:23 INFO  : a.html: Copied (new)\n", "rclone's log"),
        ("https://www.example.com/a.html\n", "a list of URLs"),
        (":100644 100644 883ad6e 4f6c4ee M\ta.html\n", "`git diff --raw`"),
        ("diff --git a/a.html b/a.html\n", "a patch"),
        (" M a.html\n?? b.html\n", "`git status --short`"),
        ("-rw-r--r-- 1 root root 2 Nov 30 12:17 a.html\n", "`ls -l`"),
        ("[\n{\"Path\":\"a.html\",\"Size\":2}\n]\n", "a listing in JSON"),
        ("{\"Contents\": []}", "a listing in JSON"),
    ] {
        for format in [Names, Git, RcloneCombined, RsyncItemize] {
            let refused = refused(format, list);
            assert!(refused.len() == 1 && refused[0].contains(name), "{format:?}: {refused:?}");
        }
    }
    let own = [
        (Git, "M\ta\n", "list-format: git"),
        (RcloneCombined, "* a\n", "rclone-combined"),
        (RsyncItemize, ">f+++++++++ a\n", "rsync-itemize"),
    ];
    for (format, list, help) in own {
        for other in [Names, Git, RcloneCombined, RsyncItemize].into_iter().filter(|other| *other != format) {
            assert!(refused(other, list)[0].contains(help), "{other:?}: {:?}", refused(other, list));
        }
        assert_eq!(read(format, list).changes.len(), 1);
    }
    // One name among others can look like anything.
    assert_eq!(lines(&read(Names, "* a\nb.html\n")), ["M * a", "M b.html"]);
    for utf_16 in [b"\xff\xfea\0\n\0", b"\xfe\xff\0a\0\n"] {
        assert!(refused(Names, utf_16)[0].contains("text in UTF-16; write it as UTF-8"));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in [Names, Git, RcloneCombined, RsyncItemize] {
            let _ = parse(&bytes, format, "list", None);
        }
    }

    /// Whatever a file is called, git's two ways to write it are the same.
    #[test]
    fn quoted_names_and_names_with_nuls_are_the_same(names in proptest::collection::btree_set("[a-z\"\\\\\t\n\u{e9} ]{1,8}x", 1..6)) {
        let quoted = |name: &str| {
            let mut text = String::from("\"");
            for byte in name.bytes() {
                match byte {
                    b'"' | b'\\' => text.push_str(&format!("\\{}", char::from(byte))),
                    b'\t' => text.push_str("\\t"),
                    b'\n' => text.push_str("\\n"),
                    0x20..=0x7e => text.push(char::from(byte)),
                    _ => text.push_str(&format!("\\{byte:03o}")),
                }
            }
            text + "\""
        };
        let on_lines: String = names.iter().map(|name| format!("M\t{}\n", quoted(name))).collect();
        let with_nuls: String = names.iter().map(|name| format!("M\0{name}\0")).collect();
        let found = read(Git, on_lines);
        prop_assert_eq!(&found, &read(Git, with_nuls));
        let paths: Vec<&[u8]> = found.changes.iter().map(|change| change.path.as_bytes()).collect();
        prop_assert_eq!(paths, names.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
}
