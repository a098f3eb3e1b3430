"""What a run costs that is not waiting: start, diff, 100 rules, plan and report for 1,000 changed of 100,000 files, and
`git diff` of the same two commits and starts of other programs, each in turn. README.md says more.

Usage: own_work.py BINARY [REPOSITORY]

REPOSITORY is one that make_repository.py made, else one is made. The bound: 1.6 times the time of
`git diff --name-status`. Fails when a changed path is missing in the report or one too many is in it, never on a time.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import make_repository
from measure import MockServer, measure, surroundings

RUNS = 20


def configuration():
    """A hundred rules as sites have them: folders, wildcards inside names, alternatives, exclusions, single files."""
    rules = []
    for number in range(40):
        rules.append((f'"public/section-{number:02}/**"', f"https://www{number % 3}.example.com/{number}/{{tail}}", ""))
    for number in range(20):
        rules.append((f'"public/*/post-{number:03}/*.html"', "https://www.example.com/{1}/{stem}/", "    prefetch: true\n"))
    for number in range(20):
        rules.append((f'["**/file-*{number:02}.{{css,js,png}}", "!**/section-1?/**"]', "https://static.example.com/{path}", ""))
    for number in range(10):
        rules.append((f'"content/{number}/**/index.md"', "https://www.example.com/{dir}/", "    index: index.html\n"))
    for number in range(10):
        rules.append((f'"public/section-00/post-000/file-0000{number:02}.html"', "https://www.example.com/top/{name}", ""))
    head = "version: 1\ntargets: {site: {provider: alibaba-cdn}}\nrules:\n"
    return head + "".join(f'  - files: {files}\n    urls: "{url}"\n{more}' for files, url, more in rules)


def reported_paths(report):
    """Every path that the report knows, as the bytes that git stores."""
    reasons = (reason["file"] for row in report["urls"] for reason in row["sources"])
    return {path_bytes(path) for path in [*reasons, *(skipped["file"] for skipped in report["skipped"])]}


def path_bytes(reported):
    """A path that isn't UTF-8, or opens with a quote, is reported in git's quoted form."""
    if not reported.startswith('"'):
        return reported.encode()
    path, rest = bytearray(), reported[1:-1].encode()
    while rest:
        if rest[:1] != b"\\":
            path, rest = path + rest[:1], rest[1:]
        elif rest[1:2] in b'"\\':
            path, rest = path + rest[1:2], rest[2:]
        else:
            path, rest = path + bytes([int(rest[1:4], 8)]), rest[4:]
    return bytes(path)


def differing_paths(repository):
    command = ["git", "-C", repository, "diff", "--name-status", "-z", "--no-renames", "HEAD~1", "HEAD"]
    fields = subprocess.run(command, capture_output=True, check=True).stdout.split(b"\0")[:-1]
    return set(fields[1::2])


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="cdn-purge-bench-") as folder:
        folder = pathlib.Path(folder)
        repository = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else make_repository.make(folder / "repository")
        sys.exit(0 if compare(binary, repository, folder) else 1)


def compare(binary, repository, folder):
    config, report = folder / "cdn-purge.yml", folder / "report.json"
    config.write_text(configuration())
    job = [binary, "run", "--repository", repository, "--base", "HEAD~1", "--config", config, "--report-file", report]
    git = ["git", "-C", repository, "diff", "--name-status", "HEAD~1", "HEAD"]
    print(surroundings(binary))
    with MockServer(binary, "--quota", "1000000", "--task-seconds", "0") as mock:
        sent = [*job, "--wait", "none", "--endpoint", f"alibaba-cdn=http://{mock.address}"]
        contenders = {
            "cdn-purge run --dry-run": lambda run: [*job, "--dry-run"],
            "git diff --name-status": lambda run: git,
            "git diff --name-status --no-renames": lambda run: [*git, "--no-renames"],
            "cdn-purge --version": lambda run: [binary, "--version"],
            "python3 -S -c 0": lambda run: ["python3", "-S", "-c", "0"],
            "cdn-purge run --wait none": lambda run: [*sent, "--journal", folder / f"{run}.journal"],
        }
        results = {name: [] for name in contenders}
        for run in range(RUNS + 1):
            for name, command in contenders.items():
                results[name].append(measure(command(run)))
    # The first of each filled the system's caches.
    results = {name: runs[1:] for name, runs in results.items()}
    first = statistics.median(run.wall for run in results["cdn-purge run --dry-run"])
    print(f"median of {RUNS}, in turn                 wall   (least)  processor  dry run takes")
    for name, runs in results.items():
        wall, least = statistics.median(run.wall for run in runs), min(run.wall for run in runs)
        processor = statistics.median(run.processor for run in runs)
        row = f"{wall * 1000:>7.1f} ms {least * 1000:>7.1f} ms {processor * 1000:>7.1f} ms {first / wall:>8.2f} x it"
        print(f"{name:<36}{row}")
    bound = 1.6 * statistics.median(run.wall for run in results["git diff --name-status"])
    print(f"{'within' if first <= bound else 'ABOVE'} the bound of {bound * 1000:.1f} ms for the dry run")
    return is_right(job, repository, report, results)


def is_right(job, repository, report, results):
    problems = []
    for name, runs in results.items():
        problems += [f"`{name}` ended with {run.code}:\n{run.said}" for run in runs if run.code != 0][:1]
    measured = measure([*job, "--dry-run"])
    document = json.loads(report.read_text())
    reported, differing = reported_paths(document), differing_paths(repository)
    problems += [f"not in the report: {path}" for path in sorted(differing - reported)]
    problems += [f"wrongly in the report: {path}" for path in sorted(reported - differing)]
    print(
        f"{len(differing)} paths differ by git, {len(reported)} are in the report ({len(document['skipped'])} of them skipped, "
        f"with the reason; {len(document['urls'])} tasks); exit code {measured.code}"
    )
    print("\n".join(problems) if problems else "both are the same paths")
    return not problems


if __name__ == "__main__":
    main()
