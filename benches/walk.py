"""Finding what changed in a large repository, compared with git: a dry run with one rule and `git diff-tree` of the same two commits,
each in turn, from the start of the process to its end. README.md says more.

Usage: walk.py BINARY [FILES FOLDERS [RUNS]]

Without numbers 500000 files in 5000 folders, 15 runs. The bounds: one changed folder within 5 ms of git's time, every folder
within twice its time. Fails when a changed path is missing in the report or one too many is in it, never on a time.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import make_repository
from measure import measure, surroundings
from own_work import reported_paths

# It maps to no URL, so that what is measured is the way to the list of files.
CONFIGURATION = """version: 1
targets: {site: {provider: alibaba-cdn}}
rules:
  - files: "nothing/**"
    urls: "https://www.example.com/{tail}"
"""
# For a time of git's, in seconds, the time that is allowed.
BOUNDS = {"one folder": lambda git: git + 0.005, "every folder": lambda git: 2 * git}
QUESTIONS = {"one folder": ("HEAD~1", "HEAD"), "every folder": ("HEAD~2", "HEAD~1")}


def main():
    if len(sys.argv) not in (2, 4, 5):
        raise SystemExit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    given = [int(number) for number in sys.argv[2:]]
    files, folders, runs = given + [500_000, 5_000, 15][len(given) :]
    with tempfile.TemporaryDirectory(prefix="cdn-purge-bench-") as folder:
        folder = pathlib.Path(folder)
        repository = make_repository.make_wide(folder / "repository", files, folders)
        config, report = folder / "cdn-purge.yml", folder / "report.json"
        config.write_text(CONFIGURATION)
        print(surroundings(binary))
        print(f"{files} files in {folders} folders, median of {runs}, in turn")
        job = [binary, "run", "--dry-run", "--repository", repository, "--config", config, "--log-level", "quiet"]
        reported = [compare(name, job, repository, pair, runs) for name, pair in QUESTIONS.items()]
        reported += [is_right(name, [*job, "--report-file", report], report, repository, pair) for name, pair in QUESTIONS.items()]
        sys.exit(0 if all(reported) else 1)


def compare(name, job, repository, pair, runs):
    base, head = pair
    contenders = {
        "cdn-purge run --dry-run": [*job, "--base", base, "--head", head],
        "git diff-tree -r --name-status": ["git", "-C", repository, "diff-tree", "-r", "--name-status", base, head],
    }
    results = {contender: [] for contender in contenders}
    for _ in range(runs + 1):
        for contender, command in contenders.items():
            results[contender].append(measure(command))
    # The first of each filled the system's caches. Looking for the memory takes a processor's time, so it has a run of its own.
    measured = [row[1:] for row in results.values()]
    memory = [measure(command, memory=True).memory for command in contenders.values()]
    ours, git = (statistics.median(run.wall for run in row) for row in measured)
    for contender, row, peak in zip(contenders, measured, memory):
        wall, least = statistics.median(run.wall for run in row), min(run.wall for run in row)
        processor = statistics.median(run.processor for run in row)
        row = f"{wall * 1000:>7.1f} ms {least * 1000:>7.1f} ms {processor * 1000:>7.1f} ms {peak / 2**20:>5.0f} MiB"
        print(f"{name:<13} {contender:<31}{row}")
    bound = BOUNDS[name](git)
    verdict = "within" if ours <= bound else "ABOVE"
    print(f"{name:<13} ratio of the medians{ours / git:>17.2f}, {verdict} the bound of {bound * 1000:.1f} ms")
    failed = [run for row in results.values() for run in row if run.code != 0]
    if failed:
        print(f"ended with {failed[0].code}:\n{failed[0].said}")
    return not failed


def is_right(name, job, report, repository, pair):
    base, head = pair
    measured = measure([*job, "--base", base, "--head", head])
    reported = reported_paths(json.loads(report.read_text())) if measured.code == 0 else set()
    command = ["git", "-C", repository, "diff-tree", "-r", "--name-only", "-z", base, head]
    differing = set(subprocess.run(command, capture_output=True, check=True).stdout.split(b"\0")[:-1])
    same = "the same paths" if reported == differing else f"{len(differing ^ reported)} paths are on one side only"
    print(f"{name:<13} {len(differing)} paths differ by git, {len(reported)} are in the report: {same}")
    return bool(differing) and reported == differing


if __name__ == "__main__":
    main()
