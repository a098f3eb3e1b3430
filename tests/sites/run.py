"""Builds the sites of this folder with their generators, and deploys each change of them against `cdn-purge mock-server`.

Usage: run.py BINARY [GENERATOR…] (through the `run` next to it)

Which URLs a change must purge is found here, from the bytes of two builds and without the program: the ledger must have each of
them once, and no other. A build is a new checkout in the same path each time, as in a CI, so no time of a file means anything.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build-site"
sys.path.insert(0, str(HERE.parent))
from mock_server import KEY, MockServer
from stories import tell

ROOT = "https://www.example.com/"
# Each is in exactly one source of each site: a word of a page, and the footer of all pages that have one.
WORD = "harbour"
FOOTER = "Made by hand"


class Generator:
    def __init__(self, name, unserved=(), immutable="", often="about"):
        """`unserved`: files that no visitor asks for. `immutable`: the beginning of fingerprinted names. `often`: a part of the
        URL of a page with the footer."""
        self.name, self.unserved, self.immutable, self.often = name, unserved, immutable, often


GENERATORS = [
    Generator("hugo", immutable="style."),
    Generator("eleventy"),
    Generator("mkdocs"),
    Generator("sphinx", unserved=(".buildinfo",)),
    # The feed has the time of the build.
    Generator("jekyll", unserved=("feed.xml",)),
    Generator("vite", immutable="assets/", often="guide"),
]


class Site:
    """A site, its repository and its built directory, which git ignores."""

    def __init__(self, binary, generator, folder):
        self.binary, self.generator, self.folder = binary, generator, folder
        self.sources, self.repository = folder / "sources", folder / "site"
        shutil.copytree(HERE / generator.name, self.sources)
        self.repository.mkdir()
        (self.repository / ".gitignore").write_text("/dist\n/.cdn-purge\n/build.log\n")
        (self.repository / "cdn-purge.yml").write_text(self.configuration())
        self.git("init", "--quiet", "--initial-branch", "main")
        self.built = self.build()

    def configuration(self):
        """JSON is YAML too."""
        left_out = [f"!dist/{name}" for name in self.generator.unserved]
        fingerprinted = f"dist/{self.generator.immutable}*" if self.generator.immutable else None
        pages = {"name": "pages", "files": ["dist/**", *left_out], "urls": ROOT + "{tail}", "index": "index.html"}
        rules = [pages]
        if fingerprinted:
            pages["files"].append(f"!{fingerprinted}")
            rules.append({"name": "fingerprinted", "files": fingerprinted, "urls": ROOT + "{path}", "immutable": True})
        targets = {"site": {"provider": "alibaba-cdn"}}
        return json.dumps({"version": 1, "changes": "directory", "directory": "dist", "targets": targets, "rules": rules})

    def git(self, *arguments):
        command = ["git", "-C", self.repository, "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)

    def build(self):
        """Commits the sources, and builds them in a new checkout; gives the bytes of each file."""
        source = self.repository / "source"
        for folder in (source, self.repository / "dist", self.repository / "dist.doctrees"):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.sources, source)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change the site")
        # MkDocs writes the date of the build into a page.
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1714953600"}
        command = [BUILD, self.generator.name, source, self.repository / "dist"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        # What a generator leaves in the sources isn't deployed.
        shutil.rmtree(source)
        dist = self.repository / "dist"
        return {str(file.relative_to(dist)): file.read_bytes() for file in dist.rglob("*") if file.is_file()}

    def source_of(self, text):
        files = [file for file in self.sources.rglob("*") if file.is_file() and text in file.read_text()]
        assert len(files) == 1, f"`{text}` is in {files}"
        return files[0]

    def rewrite(self, old, new):
        """Changes one place of one source, builds, and gives the paths whose bytes changed."""
        file = self.source_of(old)
        file.write_text(file.read_text().replace(old, new))
        return self.rebuild()

    def rebuild(self):
        before, self.built = self.built, self.build()
        return {path for path in {*before, *self.built} if before.get(path) != self.built.get(path)}

    def urls(self, paths):
        """The URLs of files, in order: a directory's index is the directory too, with and without its slash."""
        found = []
        for path in paths:
            if path in self.generator.unserved or (self.generator.immutable and path.startswith(self.generator.immutable)):
                continue
            found.append(path)
            if path.rsplit("/", 1)[-1] == "index.html":
                directory = path[: -len("index.html")]
                found.append(directory)
                if directory:
                    found.append(directory.rstrip("/"))
        return sorted(ROOT + urllib.parse.quote(path) for path in found)

    def run(self, mock, *flags):
        """A deployment; gives its exit code and what it says."""
        command = [self.binary, "run", "--endpoint", f"alibaba-cdn=http://{mock.address}", *flags]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **KEY}
        done = subprocess.run(
            command, cwd=self.repository, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout

    def deploy(self, mock, expected, *flags):
        """A deployment that must go well and purge these URLs, each once, and no others."""
        before = len(mock.ledger())
        code, said = self.run(mock, *flags)
        assert code == 0, said
        same(mock.ledger()[before:], expected, said)

    def is_refused(self, mock, *words):
        """A deployment that must send nothing, and say why."""
        before = len(mock.ledger())
        code, said = self.run(mock)
        assert code == 3 and all(word in said for word in words), f"exit code {code}:\n{said}"
        same(mock.ledger()[before:], [], said)


def same(entries, expected, said):
    found = sorted(url for _, url in entries)
    assert all(operation == "refresh" for operation, _ in entries), said
    assert found == expected, f"found {found}\nexpected {expected}\n{said}"


def story(binary, generator):
    with tempfile.TemporaryDirectory() as name, MockServer(binary, "--task-seconds", "0") as mock:
        site = Site(binary, generator, pathlib.Path(name))
        manifest = site.repository / ".cdn-purge" / "manifest.txt"
        counts = []

        def deploy(about, urls, *flags):
            site.deploy(mock, urls, *flags)
            counts.append(f"{about} {len(urls)}")

        # There is no manifest yet, and nothing is guessed.
        site.is_refused(mock, "there is no manifest", "`all` purges every file", "`adopt` purges nothing")
        deploy("first", site.urls(site.built), "--without-manifest", "all")
        # The same sources in a new checkout.
        again = site.rebuild()
        assert again <= set(generator.unserved), f"the build isn't reproducible: {again}"
        deploy("again", [])
        word = site.urls(site.rewrite(WORD, "haven"))
        deploy("word", word)
        footer = site.urls(site.rewrite(FOOTER, "Made by machine"))
        assert 0 < len(word) <= len(footer) < len(site.urls(site.built)), f"a word: {word}; the footer: {footer}"
        deploy("footer", footer)

        # A page under another name, and one more.
        page = site.source_of("haven")
        page.with_name(page.name.replace("harbour", "quay")).write_text(page.read_text().replace("haven", "quay"))
        page.rename(page.with_name(page.name.replace("harbour", "mole")))
        deploy("moved", site.urls(site.rebuild()))

        # A red run: the URLs of one page are refused, the others are done.
        changed = site.urls(site.rewrite("Made by machine", FOOTER))
        refused = [url for url in changed if generator.often in url]
        assert refused and refused != changed, f"found {refused} of {changed}"
        with MockServer(binary, "--task-seconds", "0", "--refuse", generator.often) as spoiled:
            code, said = site.run(spoiled)
            assert code == 1, f"exit code {code}:\n{said}"
            same(spoiled.ledger(), [url for url in changed if url not in refused], said)
        # The next deployment changes something else: what is missing is sent with it.
        changed = site.urls(site.rewrite("haven", WORD))
        site.deploy(mock, sorted({*refused, *changed}))
        counts.append(f"left over {len(refused)}")

        # Nothing is done of a footer, and the next build takes it back: the caches may hold either.
        changed = site.urls(site.rewrite(FOOTER, "Made by nobody"))
        with MockServer(binary, "--fault", "RefreshObjectCaches=refuse:InvalidDomain.NotFound") as broken:
            code, said = site.run(broken)
            assert code == 1 and not broken.ledger(), f"exit code {code}:\n{said}"
        assert site.urls(site.rewrite("Made by nobody", FOOTER)) == changed
        deploy("taken back", changed)

        # A lost manifest, and one that was cut off, as by a cache that wasn't saved whole.
        kept = manifest.read_bytes()
        manifest.write_bytes(kept[: len(kept) // 2])
        site.is_refused(mock, "manifest.txt` can't be used: it was cut off or changed")
        manifest.unlink()
        site.is_refused(mock, "there is no manifest", "manifest.txt`")
        manifest.write_bytes(kept)
        deploy("restored", [])
        print(f"        {generator.name}: {len(site.built)} files; URLs: {', '.join(counts)}")


def main():
    binary, *wanted = sys.argv[1:]
    generators = [generator for generator in GENERATORS if not wanted or generator.name in wanted]
    started = time.monotonic()
    installed = subprocess.run(
        [BUILD, "--install", *(generator.name for generator in generators)], check=True, stdout=subprocess.PIPE, text=True
    )
    print(f"generators, after {time.monotonic() - started:.0f} s: {', '.join(installed.stdout.splitlines())}", flush=True)
    tell("sites", [(f"a site of {generator.name}", lambda generator=generator: story(binary, generator)) for generator in generators])


if __name__ == "__main__":
    main()
