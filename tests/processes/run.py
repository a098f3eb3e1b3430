"""Plays seeded scenarios, several at once, and ends with a table of what went wrong in them.

Usage: run.py BINARY [--seeds N] [--seed K] [--at-once N] (through `run`, which is next to it)
"""

import argparse
import collections
import concurrent.futures
import pathlib
import subprocess
import tempfile
import threading
import time
import traceback

from judge import Judge
from machine import Machine
from scenario import KINDS, draw

# How often the command is repeated at most: something goes wrong in the first two runs.
ATTEMPTS = 7


def play(binary, shim, seed, is_shown):
    """Gives what was wrong, and what happened."""
    scenario = draw(seed)
    story = [scenario.describe()]
    began = time.monotonic()
    with Machine(binary, shim, scenario) as machine:
        judge = Judge(machine)
        happened = collections.Counter()
        try:
            for number in range(1, ATTEMPTS + 1):
                run = machine.attempt(number)
                judge.attempt(run)
                counts = run.report["counts"] if run.report else None
                took = run.ended - run.began
                accepted = sum(map(len, run.after.values()))
                story.append(f"  run {number}: exit {run.code} after {took:.1f} s, {run.memory >> 20} MiB, {counts}, {accepted} accepted")
                if is_shown or judge.wrong:
                    story += [f"  | {line}" for line in run.said.splitlines()[-60:]]
                machine.mend_files(number)
                # A run that is complete and published is over: the same command would start another.
                if judge.wrong or is_over(judge, run):
                    break
            if not judge.wrong:
                judge.end(run)
            wrong = judge.wrong
        except Exception:
            wrong = [traceback.format_exc()]
        happened.update(machine.proxy.spoiled)
        happened.update(machine.happened)
        if scenario.clock_name:
            happened[scenario.clock_name] += 1
        if scenario.link:
            happened[scenario.link] += 1
        if scenario.endless and any("ls-refs" in path or "info/refs" in path for _, path, _ in machine.forge.requests):
            happened["endless references"] += 1
    return wrong, happened, number, run.memory, time.monotonic() - began, "\n".join(story)


def is_over(judge, run):
    """Whether nothing is left to do but to try again what the provider failed."""
    if run.code != 1 or run.report is None or judge.may_not_publish(run):
        return run.code == 0
    counts = run.report["counts"]
    return bool(judge.scenario.fails) and counts["unknown"] == 0 and judge.missing(run) == set()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--seeds", type=int, default=len(KINDS) + 4)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--at-once", type=int, default=20)
    given = parser.parse_args()
    seeds = range(given.seeds) if given.seed is None else [given.seed]
    began, lock = time.monotonic(), threading.Lock()
    happened, failed, runs, highest = collections.Counter(), [], 0, 0
    with tempfile.TemporaryDirectory(prefix="cdn-purge-clock-") as folder:
        shim = pathlib.Path(folder) / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, pathlib.Path(__file__).with_name("clock.c")], check=True)
        with concurrent.futures.ThreadPoolExecutor(given.at_once) as pool:
            games = {pool.submit(play, given.binary, shim, seed, given.seed is not None): seed for seed in seeds}
            for game in concurrent.futures.as_completed(games):
                wrong, counts, attempts, memory, took, story = game.result()
                happened.update(counts)
                runs, highest = runs + attempts, max(highest, memory)
                verdict = "FAILED" if wrong else "ok    "
                with lock:
                    about = f"seed {games[game]:3} {draw(games[game]).kind}"
                    print(f"{verdict}  {about}: {attempts} runs, {took:.0f} s", flush=True)
                    if wrong or given.seed is not None:
                        print(story, *(f"  WRONG: {text}" for text in wrong[:6]), sep="\n", flush=True)
                if wrong:
                    failed.append(games[game])
    print(f"\n{'fault':40} times")
    for kind in KINDS:
        print(f"{kind:40} {happened[kind]:5}")
    print(
        f"processes: {len(seeds)} scenarios, {runs} runs, {sum(happened.values())} faults of {len(set(happened))} kinds, "
        f"{highest >> 20} MiB at most, {time.monotonic() - began:.0f} s"
    )
    never = [kind for kind in KINDS if not happened[kind]]
    if given.seed is None and len(seeds) >= len(KINDS) and never:
        print(f"never happened: {', '.join(never)}")
        failed.append("coverage")
    if failed:
        raise SystemExit(f"FAILED: {', '.join(map(str, failed))}; play one alone with --seed")


if __name__ == "__main__":
    main()
