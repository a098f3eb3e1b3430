"""Lists the software in the binary for a target: the crates, the C code that some of them compile, and the toolchain's libraries.

`sbom.py` and `third-party-notices.py` print it. A crate with C code that isn't described here is an error, so that neither of
them can miss it after an update.
"""

import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
C_SUFFIXES = {".c", ".cc", ".cpp", ".cxx", ".m", ".s", ".S", ".asm"}
LICENSE_NAMES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


@dataclass(frozen=True)
class Bundled:
    """C code inside a crate: a project of its own, with its own licence.

    `version` is a file and a pattern whose groups are joined with dots; `texts` are the files with the licence; `sources` are the
    folders or files that the crate's build script compiles. `cpe` is the vendor and product under which vulnerabilities are listed.
    """

    name: str
    license: str
    texts: tuple
    sources: tuple
    version: tuple = ()
    purl: str = ""
    cpe: str = ""


# Read from the crates' build scripts. The texts of libgit2's parts are in its COPYING, which has them all.
BUNDLED = {
    "libgit2-sys": (
        # SPDX has no identifier for libgit2's linking exception; its words are those of GCC's for version 2.
        Bundled("libgit2", "GPL-2.0-only WITH GCC-exception-2.0", ("libgit2/COPYING", "libgit2/AUTHORS"), ("libgit2/src/libgit2", "libgit2/src/util"),
                ("libgit2/include/git2/version.h", r'LIBGIT2_VERSION\s+"([^"]+)"'), "pkg:github/libgit2/libgit2@v{}", "libgit2:libgit2"),
        Bundled("xdiff", "LGPL-2.1-or-later", ("libgit2/COPYING",), ("libgit2/deps/xdiff",)),
        Bundled("sha1collisiondetection", "MIT", ("libgit2/COPYING",), ("libgit2/src/util/hash/sha1dc",)),
        Bundled("rfc6234", "BSD-3-Clause", ("libgit2/COPYING",), ("libgit2/src/util/hash/rfc6234",)),
        Bundled("llhttp", "MIT", ("libgit2/deps/llhttp/LICENSE-MIT",), ("libgit2/deps/llhttp",),
                ("libgit2/deps/llhttp/llhttp.h", r"_MAJOR (\d+)[^$]*?_MINOR (\d+)[^$]*?_PATCH (\d+)"), "pkg:github/nodejs/llhttp@v{}", "llhttp:llhttp"),
        Bundled("pcre2", "BSD-3-Clause WITH PCRE2-exception", ("libgit2/deps/pcre2/LICENCE.md",), ("libgit2/deps/pcre2",),
                ("libgit2/deps/pcre2/pcre2.h", r"PCRE2_MAJOR\s+(\d+)\s+#define PCRE2_MINOR\s+(\d+)"), "pkg:github/PCRE2Project/pcre2@pcre2-{}", "pcre:pcre2"),
    ),
    "libz-sys": (
        Bundled("zlib", "Zlib", ("src/zlib/LICENSE",), ("src/zlib",), ("src/zlib/zlib.h", r'ZLIB_VERSION "([^"]+)"'), "pkg:github/madler/zlib@v{}", "zlib:zlib"),
    ),
    "ring": (
        Bundled("boringssl", "Apache-2.0 AND ISC", ("LICENSE-BoringSSL",), ("crypto", "pregenerated")),
        Bundled("fiat-crypto", "Apache-2.0", ("third_party/fiat/LICENSE",), ("third_party/fiat",)),
        Bundled("once_cell", "MIT OR Apache-2.0", ("src/polyfill/once_cell/LICENSE-MIT", "src/polyfill/once_cell/LICENSE-APACHE"), ()),
    ),
}

# C code in those crates that is not compiled: libgit2's own copy of zlib, its program and what its HTTPS would need; zlib-ng.
NOT_COMPILED = {
    "libgit2-sys": ("libgit2/deps/zlib", "libgit2/deps/chromium-zlib", "libgit2/deps/ntlmclient", "libgit2/deps/winhttp", "libgit2/src/cli", "libgit2/script"),
    "libz-sys": ("src/zlib-ng", "src/smoke.c"),
    "ring": (),
}

# The targets of the releases.
TARGETS = {
    "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin", "x86_64-pc-windows-msvc",
}

GLIBC_NOTICE = """\
The GNU C Library is free software; you can redistribute it and/or modify it under the terms of the GNU Lesser General Public
License as published by the Free Software Foundation; either version 2.1 of the License, or (at your option) any later version.
It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU Lesser General Public License for more details.
"""
GLIBC_OFFER = """\
The binary is linked statically with the GNU C Library. Its source is at https://sourceware.org/git/glibc.git. To use another
version of it, build the binary from cdn-purge's source with scripts/build-static. The GNU Lesser General Public License,
version 2.1, is printed in full below, in libgit2's licence texts.
"""
LIBGCC_NOTICE = """\
libgcc is licensed under the GNU General Public License, version 3 or later, with the GCC Runtime Library Exception, version 3.1.
The exception permits distributing a program that was compiled with it under terms of your choice.
"""


@dataclass
class Component:
    """One piece of software. `runtime` is false for macros, which only write code at build time."""

    reference: str
    name: str
    version: str
    license: str
    description: str = ""
    checksum: str = ""
    purl: str = ""
    cpe: str = ""
    crate: bool = False
    runtime: bool = True
    needs: list = field(default_factory=list)
    texts: list = field(default_factory=list)


def components(target):
    """The binary's components for the target, the program itself first, the others by reference."""
    if target not in TARGETS:
        sys.exit(f"`{target}` isn't a target of the releases; they are: {', '.join(sorted(TARGETS))}")
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(package["name"], package["version"]): package.get("checksum", "") for package in lock["package"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {
        node["id"]: [need["pkg"] for need in node["deps"] if any(kind["kind"] is None for kind in need["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
    }
    macros = {
        identifier for identifier, package in packages.items()
        if any("proc-macro" in built["kind"] for built in package["targets"])
    }
    root = metadata["resolve"]["root"]
    everything = reach(root, needs, set())
    runtime = reach(root, needs, macros) - macros

    found = []
    for identifier in everything:
        package = packages[identifier]
        folder = pathlib.Path(package["manifest_path"]).parent
        component = Component(
            reference=crate_reference(package),
            name=package["name"],
            version=package["version"],
            # Cargo once wrote `/` for OR.
            license=(package["license"] or "").replace("/", " OR "),
            description=" ".join((package["description"] or "").split()),
            checksum=checksums[package["name"], package["version"]],
            purl=crate_reference(package),
            crate=True,
            runtime=identifier in runtime,
            needs=[crate_reference(packages[need]) for need in needs[identifier]],
            texts=license_files(ROOT if package["source"] is None else folder),
        )
        if not component.license or not component.texts:
            sys.exit(f"{component.name} {component.version} names no licence, or has no file with its text")
        if component.runtime and package["source"] is not None:
            bundled = bundled_code(package["name"], folder)
            component.needs += [part.reference for part in bundled]
            found += bundled
        found.append(component)
    own = crate_reference(packages[root])
    program = next(component for component in found if component.reference == own)
    libraries = toolchain(target)
    program.needs += [library.reference for library in libraries]
    found += libraries
    return [program, *sorted((component for component in found if component is not program), key=lambda component: component.reference)]


def reach(root, needs, barriers):
    inside, waiting = {root}, [root]
    while waiting:
        identifier = waiting.pop()
        new = set() if identifier in barriers else set(needs[identifier]) - inside
        inside |= new
        waiting.extend(new)
    return inside


def crate_reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def license_files(folder):
    return [file.read_text() for file in sorted(folder.iterdir()) if file.is_file() and LICENSE_NAMES.search(file.name)
            and file.name != "THIRD-PARTY-NOTICES"]


def bundled_code(crate, folder):
    """The C projects inside a crate; an error where there is C code that nothing here speaks of."""
    parts = BUNDLED.get(crate, ())
    known = [source for part in parts for source in part.sources] + list(NOT_COMPILED.get(crate, ()))
    for file in folder.rglob("*"):
        path = file.relative_to(folder)
        if file.suffix in C_SUFFIXES and not any(path.is_relative_to(source) for source in known):
            sys.exit(f"{folder.name} has C code in {path} that scripts/components.py doesn't describe; see whether its build script compiles it")
    found = []
    for part in parts:
        version = ""
        if part.version:
            file, pattern = part.version
            match = re.search(pattern, (folder / file).read_text())
            if match is None:
                sys.exit(f"{folder.name}/{file} doesn't say which version of {part.name} it is")
            version = ".".join(match.groups())
        generic = f"pkg:generic/{part.name}" + (f"@{version}" if version else f"?bundled-in={crate}")
        found.append(Component(
            reference=generic,
            name=part.name,
            version=version,
            license=part.license,
            description=f"Compiled into the crate {crate}",
            purl=part.purl.format(version) if part.purl else generic,
            cpe=f"cpe:2.3:a:{part.cpe}:{version}:*:*:*:*:*:*:*" if part.cpe else "",
            texts=[(folder / text).read_text() for text in part.texts],
        ))
    return found


def toolchain(target):
    """The libraries that the toolchain links statically into the binary."""
    documents = pathlib.Path(output("rustc", "--print", "sysroot")) / "share/doc/rust"
    version = output("rustc", "--version").split()[1]
    found = [Component(
        reference=f"pkg:generic/rust@{version}", name="rust", version=version, license="MIT OR Apache-2.0",
        description="The Rust standard library", purl=f"pkg:github/rust-lang/rust@{version}",
        cpe=f"cpe:2.3:a:rust-lang:rust:{version}:*:*:*:*:*:*:*", texts=page_texts(documents / "COPYRIGHT-library.html"),
    )]
    if target.endswith("-linux-gnu"):
        version = output("getconf", "GNU_LIBC_VERSION").split()[1]
        system = pathlib.Path("/usr/share/doc/libc6-dev/copyright")
        notice = system.read_text() if system.exists() else GLIBC_NOTICE
        found.append(Component(
            reference=f"pkg:generic/glibc@{version}", name="glibc", version=version, license="LGPL-2.1-or-later",
            description="The GNU C Library, linked statically", purl=f"pkg:generic/glibc@{version}",
            cpe=f"cpe:2.3:a:gnu:glibc:{version}:*:*:*:*:*:*:*", texts=[GLIBC_OFFER + "\n" + notice],
        ))
        found.append(Component(
            reference="pkg:generic/libgcc", name="libgcc", version="", license="GPL-3.0-or-later WITH GCC-exception-3.1",
            description="GCC's runtime library, linked statically", purl="pkg:generic/libgcc", texts=[LIBGCC_NOTICE],
        ))
    if target.endswith("-windows-msvc"):
        found.append(Component(
            reference="pkg:generic/msvc-runtime", name="msvc-runtime", version="", license="LicenseRef-Microsoft-Visual-Studio",
            description="Microsoft's C runtime, linked statically", purl="pkg:generic/msvc-runtime",
            texts=["Microsoft's C runtime is part of the binary under the licence of Visual Studio, which permits its distribution.\n"],
        ))
    return found


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def page_texts(file):
    """An HTML page as texts: first the page without its preformatted blocks, then each of these, which are licences."""
    texts = [[]]

    class Reader(html.parser.HTMLParser):
        skipped = False
        current = 0

        def handle_starttag(self, tag, attributes):
            if tag == "pre":
                texts.append([])
                self.current = -1
            self.skipped = self.skipped or tag in ("style", "title")

        def handle_endtag(self, tag):
            if tag == "pre":
                self.current = 0
            self.skipped = self.skipped and tag not in ("style", "title")

        def handle_data(self, data):
            if not self.skipped:
                texts[self.current].append(data)

    Reader().feed(file.read_text())
    page, *licenses = ("".join(text) for text in texts)
    return ["\n".join(line.strip() for line in page.splitlines() if line.strip()), *licenses]
