"""Planning a change of 100,000 URLs: with directories in their place, with the note on what these would save, and as they are; compared
with `git diff` of the same commits, each in turn, from the start of the process to its end. README.md says more.

Usage: collapse.py BINARY [URLS [RUNS]]

Without numbers 100000 URLs, 9 runs. The bounds: 200 ms more than `git diff`, and 64 MiB. Fails when the report lacks a URL, or when a
directory covers too little or too much, never on a time.
"""

import json
import pathlib
import statistics
import sys
import tempfile

import make_repository
from measure import measure, surroundings

# Every second section changed as a whole; the others not at all.
CONFIGURATION = """version: 1
targets: {site: {provider: alibaba-cdn}}
rules:
  - files: "public/section-*/**"
    urls: "https://www.example.com/{tail}"
    complete: true
"""
SECTIONS = 25
MORE_THAN_GIT = 0.2  # seconds
MEMORY = 64 * 2**20


def main():
    if len(sys.argv) not in (2, 3, 4):
        raise SystemExit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    given = [int(number) for number in sys.argv[2:]]
    urls, runs = given + [100_000, 9][len(given) :]
    with tempfile.TemporaryDirectory(prefix="cdn-purge-bench-") as folder:
        folder = pathlib.Path(folder)
        repository = make_repository.make(folder / "repository", 2 * urls, urls, only_modify=True)
        config, plain, report = folder / "cdn-purge.yml", folder / "plain.yml", folder / "report.json"
        config.write_text(CONFIGURATION)
        # Without the promise no directory can take the place of URLs, so nobody lists the files that didn't change.
        plain.write_text(CONFIGURATION.replace("    complete: true\n", ""))
        print(surroundings(binary))
        print(f"{urls} URLs of {2 * urls} files, median of {runs}, in turn")
        base = [binary, "plan", "--repository", repository, "--base", "HEAD~1", "--log-level", "quiet"]
        plan = [*base, "--config", config]
        compare(
            {
                "plan --collapse always": [*plan, "--collapse", "always"],
                "plan": plan,
                "plan, no complete rule": [*base, "--config", plain],
                "git diff --name-status": ["git", "-C", repository, "diff", "--name-status", "--no-renames", "HEAD~1", "HEAD"],
            },
            runs,
        )
        sys.exit(0 if is_right([*plan, "--collapse", "always", "--report-file", report], report, urls) else 1)


def compare(contenders, runs):
    results = {contender: [] for contender in contenders}
    for _ in range(runs + 1):
        for contender, command in contenders.items():
            results[contender].append(measure(command))
    # The first of each filled the system's caches. Looking for the memory takes a processor's time, so it has a run of its own.
    medians = {contender: statistics.median(run.wall for run in row[1:]) for contender, row in results.items()}
    peaks = {contender: measure(command, memory=True).memory for contender, command in contenders.items()}
    for contender, wall in medians.items():
        print(f"{contender:<25}{wall * 1000:>8.1f} ms {peaks[contender] / 2**20:>6.0f} MiB")
    *plans, git = medians
    for plan in plans:
        more, peak = medians[plan] - medians[git], peaks[plan]
        verdicts = ["within" if more <= MORE_THAN_GIT else "ABOVE", "within" if peak <= MEMORY else "ABOVE"]
        print(f"{plan}: {medians[plan] / medians[git]:.2f} times git")
        print(f"  {more * 1000:.0f} ms more than git, {verdicts[0]} the bound of {MORE_THAN_GIT * 1000:.0f} ms")
        print(f"  {peak / 2**20:.0f} MiB, {verdicts[1]} the bound of {MEMORY / 2**20:.0f} MiB")


def is_right(command, report, urls):
    measured = measure(command)
    if measured.code != 0:
        print(f"ended with {measured.code}:\n{measured.said}")
        return False
    rows = json.loads(report.read_text())["urls"]
    directories = {row["url"] for row in rows if row["kind"] == "directory"}
    covered = [row for row in rows if row["kind"] == "url" and row["covered_by"] in directories]
    expected = {f"https://www.example.com/section-{number:02}/" for number in range(0, 2 * SECTIONS, 2)}
    print(f"{len(directories)} directories cover {len(covered)} URLs of the report")
    return directories == expected and len(covered) == urls and all(row["url"].startswith(row["covered_by"]) for row in covered)


if __name__ == "__main__":
    main()
