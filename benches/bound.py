"""How close a whole run is to the time that the provider's limits allow: refresh and prefetch of 100, 1,000 and 10,000
URLs of changed files against `cdn-purge mock-server`, with latency, rates and task durations. README.md says more.

Usage: bound.py BINARY [URLS…]

Fails on a wrong outcome (a URL that isn't done, or was accepted more or less than once), never on a time.
"""

import collections
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import make_repository
from measure import MockServer, measure, surroundings

CALLS_PER_SECOND = 50
LATENCY = 0.05  # seconds, there and back
TASK = 5.0  # seconds, for a refresh and for a prefetch
PREFETCHES_PER_CALL = 100
CONFIGURATION = """\
version: 1
targets: {site: {provider: alibaba-cdn}}
rules:
  - files: "public/**"
    urls: "https://www.example.com/{tail}"
    prefetch: true
"""


def bound(urls):
    """The least time: the first refresh is sent and done, then one prefetch batch follows the other as fast as is allowed,
    and the last one is done. That all refreshes are sent in the meantime costs nothing."""
    batches = math.ceil(urls / PREFETCHES_PER_CALL)
    return LATENCY + TASK + (batches - 1) / CALLS_PER_SECOND + TASK + LATENCY


def run(binary, folder, urls):
    """One row of the table."""
    repository = make_repository.make(folder / f"repository-{urls}", 2 * urls, urls, only_modify=True)
    config, report = folder / f"{urls}.yml", folder / f"{urls}.json"
    config.write_text(CONFIGURATION)
    shape = {"latency": f"{LATENCY * 1000:.0f}ms", "task-seconds": TASK, "calls-per-second": CALLS_PER_SECOND}
    flags = [f"--{name}={value}" for name, value in {**shape, "quota": 1_000_000}.items()]
    with MockServer(binary, *flags) as mock:
        measured = measure(
            [
                *(binary, "run", "--repository", repository, "--base", "HEAD~1", "--config", config, "--report-file", report),
                *("--journal", folder / f"{urls}.journal", "--endpoint", f"alibaba-cdn=http://{mock.address}"),
            ],
            memory=True,
        )
        accepted = collections.Counter(mock.ledger())
    reported = json.loads(report.read_text()) if report.exists() else {}
    problems = list(wrong(measured, reported, accepted, repository))
    least = bound(urls)
    print(
        f"{urls:>9,} {measured.wall:>8.2f} s {least:>8.2f} s {measured.wall / least:>6.3f} {reported.get('calls', 0):>6} "
        f"{measured.memory / 2**20:>6.1f} MiB {measured.processor:>6.2f} s  {'right' if not problems else 'WRONG'}",
        flush=True,
    )
    for problem in problems:
        print(f"          {problem}\n{measured.said}")
    return not problems


def wrong(measured, reported, accepted, repository):
    """What the report and the provider's ledger must both say."""
    command = ["git", "-C", repository, "diff", "--name-only", "-z", "--no-renames", "HEAD~1", "HEAD"]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")[:-1]
    urls = ["https://www.example.com/" + name.removeprefix("public/") for name in names]
    planned = collections.Counter((operation, url) for url in urls for operation in ("refresh", "prefetch"))
    if measured.code != 0:
        yield f"the exit code is {measured.code}"
    done = collections.Counter((row["operation"], row["url"]) for row in reported.get("urls", ()) if row["outcome"] == "done")
    if done != planned:
        yield f"{(planned - done).total()} URLs are not reported done, {(done - planned).total()} wrongly so"
    if accepted != planned:
        yield f"{(planned - accepted).total()} URLs were lost, {(accepted - planned).total()} doubled"


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    binary = pathlib.Path(sys.argv[1]).resolve()
    sizes = [int(text) for text in sys.argv[2:]] or [100, 1_000, 10_000]
    print(surroundings(binary))
    print(f"{CALLS_PER_SECOND} calls/s of each kind, {LATENCY * 1000:.0f} ms latency, {TASK:.0f} s per task")
    print("URLs            wall      bound  ratio  calls      peak  processor  outcome")
    with tempfile.TemporaryDirectory(prefix="cdn-purge-bench-") as folder:
        right = [run(binary, pathlib.Path(folder), size) for size in sizes]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
