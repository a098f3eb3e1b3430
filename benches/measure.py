"""What the benchmarks share: a program's time, processor time and memory."""

import contextlib
import dataclasses
import os
import pathlib
import re
import resource
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
from mock_server import KEY, MockServer

__all__ = ["MockServer", "Measured", "measure", "surroundings"]
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **KEY}


@dataclasses.dataclass
class Measured:
    code: int
    wall: float  # seconds
    processor: float  # seconds, the system's part included
    memory: int  # bytes, the highest ever resident
    said: str


def measure(command, directory=None, memory=False):
    """Runs a command to its end. Memory takes a look every few milliseconds, so it is optional."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=ENVIRONMENT, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    seen = []
    if memory:
        watch = threading.Thread(target=_watch, args=(process.pid, seen))
        watch.start()
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if memory:
        watch.join()
    # The kernel's own figure begins with what this script had when it started the other: it counts only above that.
    peak = max([usage.ru_maxrss if usage.ru_maxrss > own else 0, *seen]) * 1024
    return Measured(process.returncode, wall, usage.ru_utime + usage.ru_stime, peak, said.decode(errors="replace"))


def _watch(process, seen):
    status = pathlib.Path(f"/proc/{process}/status")
    with contextlib.suppress(OSError):
        while peak := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
            seen[:] = [int(peak[1])]
            time.sleep(0.005)


def surroundings(binary):
    """What a figure means nothing without."""
    described = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    size = os.path.getsize(binary)
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores ({model[1] if model else 'unknown'}), load {load:.1f}; "
        f"{described}, {size / 1e6:.2f} MB"
    )
