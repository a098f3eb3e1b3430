"""Makes a git repository of many files whose last commit changes some of them in every way git knows.

Usage: make_repository.py DIRECTORY [--files 100000] [--changed 1000] [--folder 20] [--only-modify]

`HEAD~1` holds so many files, and `git diff --no-renames HEAD~1 HEAD` so many paths. Needs git and Python 3, nothing else;
the same arguments give the same commits. README.md in this folder says what uses it.
"""

import argparse
import dataclasses
import pathlib
import subprocess

# What templates and logs could stumble over; all of them are legal names for git on Linux.
ODD_NAMES = [
    b"a space.html",
    b"quote\".html",
    b"\"opens with a quote.html",
    b"back\\slash.html",
    b"tab\there.html",
    b"line\nbreak.html",
    b"percent%20.html",
    b"question?x=1.html",
    b"hash#part.html",
    b"-dash.html",
    b"..dots.html",
    b"::error::no command.html",
    "\u00fcml\u00e4ut \u9801.html".encode(),
    "e\u0301 in two parts.html".encode(),
    b"latin-1 caf\xe9.html",
    b"no text \xff\xfe.html",
    b"x" * 200 + b".html",
]
EXTENSIONS = ["html", "html", "html", "css", "js", "png", "md", "json"]
EVERYONE = "Somebody <somebody@example.com>"


@dataclasses.dataclass
class Site:
    """Fifty sections with folders of so many files: as deep as a site's content is."""

    files: int
    changed: int
    folder: int

    def name(self, number):
        section, post = number % 50, number // (50 * self.folder)
        extension = EXTENSIONS[number % len(EXTENSIONS)]
        return f"public/section-{section:02}/post-{post:03}/file-{number:06}.{extension}".encode()


def quoted(path):
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


def inline(mode, path, content):
    return b"M %s inline %s\ndata %d\n%s\n" % (mode, quoted(path), len(content), content)


def content(path, version=1):
    return b"version %d of %s\n" % (version, path)


def first_commit(site):
    for path in map(site.name, range(site.files)):
        yield inline(b"100644", path, content(path))
    for odd in ODD_NAMES:
        yield inline(b"100644", b"public/odd/" + odd, content(odd))
    yield b"M 160000 %s public/module\n" % (b"1" * 40)


def every_kind_of_change(site):
    """Commands that change exactly so many paths, all over the site."""
    for odd in ODD_NAMES:
        yield inline(b"100644", b"public/odd/" + odd, content(odd, 2))
    yield b"M 160000 %s public/module\n" % (b"2" * 40)
    left = site.changed - len(ODD_NAMES) - 1
    step = site.files // left
    numbers = iter(range(0, site.files, step))
    while left > 0:
        number = next(numbers)
        path = site.name(number)
        kind = number // step % 20
        if kind == 0 and left >= 2:  # moved: two paths
            yield b"R %s %s\n" % (quoted(path), quoted(path.replace(b"file-", b"moved-")))
            left -= 2
        elif kind == 1 and left >= 2:  # a file becomes a directory: two paths
            yield b"D %s\n" % quoted(path)
            yield inline(b"100644", path + b"/index.html", content(path, 2))
            left -= 2
        else:
            if kind in (2, 3, 4):
                yield b"D %s\n" % quoted(path)
            elif kind in (5, 6, 7):
                yield inline(b"100644", path.replace(b"file-", b"new-"), content(path, 2))
            elif kind == 8:  # only its mode
                yield inline(b"100755", path, content(path))
            elif kind == 9:  # a file becomes a symbolic link
                yield inline(b"120000", path, b"index.html")
            else:
                yield inline(b"100644", path, content(path, 2))
            left -= 1


def modifications(site):
    for number in range(site.changed):
        path = site.name(number * (site.files // site.changed))
        yield inline(b"100644", path, content(path, 2))


def in_folders(site, folders, version):
    """Changes two files in each of so many folders, the first ones of the first sections."""
    for folder in range(folders):
        section, post = folder % 50, folder // 50
        for place in (0, site.folder // 2):
            path = site.name((post * site.folder + place) * 50 + section)
            yield inline(b"100644", path, content(path, version))


def make(directory, files=100_000, changed=1_000, folder=20, only_modify=False):
    """Makes the repository in a directory that doesn't exist yet, and returns its path."""
    if changed > files // 2 or (not only_modify and changed < 2 * len(ODD_NAMES)):
        raise SystemExit(f"{changed} changes of {files} files can't be made")
    site = Site(files, changed, folder)
    second = modifications if only_modify else every_kind_of_change
    return write(directory, [first_commit(site), second(site)])


def make_wide(directory, files, folders):
    """Makes a repository whose last commit changes one of so many folders, and the one before it every one of them."""
    if files % folders or folders % 50:
        raise SystemExit(f"{files} files don't fit into {folders} folders")
    site = Site(files, 2 * folders, files // folders)
    return write(directory, [first_commit(site), in_folders(site, folders, 2), in_folders(site, 1, 3)])


def write(directory, commits):
    directory = pathlib.Path(directory)
    git = ["git", "-C", str(directory), "-c", "core.fsync=none"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(directory)], check=True)
    importing = subprocess.Popen([*git, "fast-import", "--quiet", "--done"], stdin=subprocess.PIPE)
    with importing.stdin as stream:
        for number, commands in enumerate(commits, 1):
            stream.write(b"commit refs/heads/main\ncommitter %s %d +0000\n" % (EVERYONE.encode(), 1_750_000_000 + number))
            stream.write(b"data 1\n%d\n" % number)
            stream.writelines(commands)
        stream.write(b"done\n")
    if importing.wait() != 0:
        raise SystemExit("git fast-import failed")
    # As a server would send it.
    subprocess.run([*git, "repack", "-adq"], check=True)
    return directory


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=1_000)
    parser.add_argument("--folder", type=int, default=20, help="so many files in a folder")
    parser.add_argument("--only-modify", action="store_true", help="change contents only, no paths")
    arguments = parser.parse_args()
    make(arguments.directory, arguments.files, arguments.changed, arguments.folder, arguments.only_modify)


if __name__ == "__main__":
    main()
