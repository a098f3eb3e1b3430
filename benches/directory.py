#!/usr/bin/env python3
"""Measures `changes: directory` on 100,000 files of 10 KiB.

Usage: directory.py PROGRAM [FILES]

PROGRAM is a release build. Compared with `sha256sum` over two processes: a plan that reads every file, compares and maps, and one that goes by the
times of the files (`manifest-trust: mtime`). The aims are 1.3 times `sha256sum` and 100 MiB for the first, 0.5 s for the second.

The outcome is right when the plan has exactly the URLs of the files that were changed, and the one of an unchanged directory has none.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SIZE = 10 * 1024
CHANGED = 1000
REPEATS = 3

CONFIGURATION = """version: 1
changes: directory
directory: dist
targets:
  site: {provider: alibaba-cdn}
rules:
  - name: pages
    files: ["dist/**", "!dist/**/*.map"]
    urls: "https://www.example.com/{tail}"
"""


def build(folder, files):
    """Files with contents of their own, a thousand in a directory."""
    noise = os.urandom(SIZE)
    for number in range(files):
        directory = folder / f"section-{number // 1000:03}"
        if number % 1000 == 0:
            directory.mkdir(parents=True)
        content = f"{number:016}".encode() + noise[16:]
        (directory / f"page-{number:06}.html").write_bytes(content)


def timed(command, folder):
    """The best of some runs, in seconds; the most memory of all of them, in MiB."""
    best = float("inf")
    most = 0.0
    output = ""
    for _ in range(REPEATS):
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        best = min(best, time.perf_counter() - start)
        if status:
            sys.exit(f"{command} failed:\n{output}")
        most = max(most, usage.ru_maxrss / 1024)
    return best, most, output


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = pathlib.Path(name)
        build(folder / "dist", files)
        (folder / "cdn-purge.yml").write_text(CONFIGURATION)
        # Times of the last second aren't trusted.
        time.sleep(2)
        environment = ["env", "-i", f"HOME={folder}", f"PATH={os.environ['PATH']}"]
        run = [*environment, program, "run", "--manifest-trust", "mtime", "--without-manifest", "adopt"]
        subprocess.run(run, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        manifest = folder / ".cdn-purge" / "manifest.txt"
        sums = ["bash", "-c", "find dist -type f -print0 | xargs -0 -P2 -n 2000 sha256sum > sums"]
        by_sums, _, _ = timed(sums, folder)
        plan = [*environment, program, "plan", "--report-file", "report.json"]
        report = folder / "report.json"
        by_times, memory_by_times, output = timed([*plan, "--manifest-trust", "mtime"], folder)
        if json.loads(report.read_text())["urls"]:
            sys.exit(f"nothing changed, and the plan isn't empty:\n{output}")
        changed = sorted(folder.glob("dist/*/*.html"))[:: max(1, files // CHANGED)]
        for page in changed:
            page.write_bytes(b"other" + page.read_bytes()[5:])
        by_digests, memory, output = timed(plan, folder)
        planned = sorted(url["url"] for url in json.loads(report.read_text())["urls"])
        if planned != [f"https://www.example.com/{page.relative_to(folder / 'dist')}" for page in changed]:
            sys.exit(f"the plan isn't about the files that changed:\n{output}")
        size = manifest.stat().st_size / 1e6
        print(f"{files} files of {SIZE} bytes, {len(planned)} changed, a manifest of {size:.1f} MB")
        print(f"sha256sum, two processes   {by_sums:6.2f} s")
        print(f"plan by digests            {by_digests:6.2f} s  {by_digests / by_sums:5.2f} times  {memory:6.1f} MiB")
        print(f"plan by times              {by_times:6.2f} s               {memory_by_times:6.1f} MiB")


if __name__ == "__main__":
    main()
