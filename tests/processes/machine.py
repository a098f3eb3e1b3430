"""The machine that a scenario is played on: a folder with a checkout, the provider as a process, and the program's environment."""

import base64
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/fetch")]
from mock_server import MockServer
from server import Forge

from proxy import Proxy
from scenario import STEPS

SITE = "https://www.example.com/"
ID, SECRET = "LTAI5tExampleKeyOfTests", "oRd3r+of/Tests=Secret&0123"
KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
    "HUAWEICLOUD_SDK_AK": ID,
    "HUAWEICLOUD_SDK_SK": SECRET,
}
# No run takes longer: two requests of 30 s that don't end, and 30 s in which records may lag, each more than once.
STUCK = 240
# How long a signal may take, by its name, on a machine that is busy. Of its own it is 3 s and half a second.
STOPS = {signal.SIGINT: 5.5, signal.SIGTERM: 3.5, signal.SIGKILL: 2}


def git(folder, *arguments):
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", folder, "-c", "user.name=tests", "-c", "user.email=tests@example.com", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode().strip()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


class Machine:
    """Made for one scenario, and gone after it."""

    def __init__(self, binary, shim, scenario):
        self.binary, self.shim, self.scenario = binary, shim, scenario
        self.temporary = tempfile.TemporaryDirectory(prefix="cdn-purge-processes-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.temporary.name).resolve()
        self.mounts, self.happened = [], []
        for name in ("home", "temp", "files", "outside"):
            (self.folder / name).mkdir()
        self.journal, self.report = self.folder / "files/journal", self.folder / "files/report.json"
        self.outputs, self.summary = self.folder / "files/outputs", self.folder / "files/summary"
        flags = ["--task-seconds", str(scenario.task_seconds), "--listing-lag", f"{int(scenario.listing_lag * 1000)}ms"]
        flags += ["--rows", scenario.rows, "--clock-offset", str(-scenario.clock)]
        flags += [part for text in scenario.fails for part in ("--fail", text)]
        self.provider = MockServer(binary, *flags, environment=KEYS)
        self.proxy = Proxy(self.provider.address, scenario.spoils, -scenario.clock)
        self.forge = Forge(self.folder / "served") if scenario.endless else None
        self.make_site()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proxy.close()
        if self.forge:
            self.forge.__exit__()
        self.provider.__exit__()
        for mount in self.mounts:
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
        self.temporary.cleanup()

    def make_site(self):
        scenario, site = self.scenario, self.folder / "site"
        self.site = site
        site.mkdir()
        if scenario.source == "a list":
            urls = [SITE + urllib.parse.quote(page) for page in scenario.pages]
            write(self.folder / "urls.txt", "".join(f"{url}\n" for url in urls))
            return
        targets = "".join(f"  {name}: {{provider: {name}, prefetch-delay: 1s}}\n" for name in scenario.providers)
        prefetch = str(scenario.prefetch).lower()
        rule = f'  - {{files: "public/**", urls: "{SITE}{{tail}}", prefetch: {prefetch}'
        rule += f', targets: [{", ".join(scenario.providers)}]}}\n'
        write(site / "cdn-purge.yml", f"version: 1\ntargets:\n{targets}rules:\n{rule}")
        git(site, "init", "--quiet", "--initial-branch=main")
        for path in scenario.deleted:
            write(site / "public" / path, "gone")
        self.link(site)
        self.commit()
        for path in scenario.pages:
            write(site / "public" / path, "new")
        for path in scenario.deleted:
            (site / "public" / path).unlink()
        self.commit()
        if self.forge:
            git(self.folder, "clone", "--quiet", "--bare", str(site), str(self.folder / "served/site.git"))
            git(site, "remote", "add", "origin", f"{self.forge.address}/site.git")
            self.forge.endless = True

    def commit(self):
        git(self.site, "add", "--all")
        git(self.site, "commit", "--quiet", "--message", "x")

    def link(self, site):
        """What a pull request commits."""
        outside = self.folder / "outside"
        match self.scenario.link:
            case "report is a link":
                self.report = site / "report.json"
                self.report.symlink_to("/dev/stdout")
            case "report's folder is a link":
                (site / "out").symlink_to(outside)
                self.report = site / "out/report.json"
            case "journal is a link":
                self.journal = site / "state.journal"
                self.journal.symlink_to(outside / "precious")
            case "journal's folder is a link":
                (site / "state").symlink_to(outside)
                self.journal = site / "state/journal"
            case "GitLab's files are links":
                for name in ("cdn-purge-report.json", "cdn-purge.env", "cdn-purge-summary.md", "cdn-purge-junit.xml"):
                    (site / name).symlink_to("/dev/stdout")
        if self.scenario.host == "GitLab":
            self.outputs, self.summary = site / "cdn-purge.env", site / "cdn-purge-summary.md"
            if self.scenario.link == "GitLab's files are links":
                self.report = site / "cdn-purge-report.json"
        write(outside / "precious", "before")

    def mount(self, name, size):
        """A small file system; `None` where this user may not."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], capture_output=True, check=False)
        if done.returncode:
            return None
        self.mounts.append(place)
        return place

    def spoil_files(self, attempt):
        """Gives the limit of a file's size, and where the log goes."""
        name = self.scenario.files.get(attempt)
        if name is None:
            return None, None
        self.happened.append(name)
        full = pathlib.Path("/dev/full")
        match name:
            case "outputs full":
                self.outputs = full
            case "summary full":
                self.summary = full
            case "summary's folder read-only":
                self.summary = self.read_only() / "summary"
            case "report's folder read-only":
                self.report = self.read_only() / "report.json"
            case "report's disk full":
                place = self.mount("small", "4k")
                self.report = place / "report.json" if place else full
                if place:
                    (place / "filler").write_bytes(b"x" * 4096)
            case "report is a folder":
                self.report = self.folder / "outside"
            case "journal's disk full":
                place = self.mount("small", "8k")
                if place is None:
                    return 3000, None
                self.journal = place / "journal"
                (place / "filler").write_bytes(b"x" * 4096)
            case "journal's size limited":
                return 3000, None
            case "journal's folder is a file":
                self.journal = self.folder / "outside/precious/journal"
            case "journal read-only":
                self.journal = self.read_only() / "journal"
            case "log full":
                return None, full
        return None, None

    def read_only(self):
        place = self.mount("read-only", "64k")
        if place:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True, capture_output=True)
            return place
        place = self.folder / "read-only"
        place.mkdir(exist_ok=True)
        place.chmod(0o555)
        return place

    def mend_files(self, attempt):
        """What was spoiled for an attempt is as it should be."""
        name = self.scenario.files.get(attempt)
        files = self.folder / "files"
        if name and self.scenario.host != "GitLab":
            self.outputs, self.summary = files / "outputs", files / "summary"
        if name and "report" in name:
            self.report = files / "report.json"
        if name == "journal's disk full":
            small = self.folder / "small"
            (small / "filler").unlink(missing_ok=True)
            if small in self.mounts:
                subprocess.run(["mount", "-o", "remount,size=1m", small], check=True, capture_output=True)
        elif name and "journal" in name and name != "journal's size limited":
            self.journal = files / "journal"
        if attempt == 1 and self.scenario.link and self.scenario.link != "GitLab's files are links":
            for link in (self.site / "out", self.site / "state", self.site / "state.journal"):
                link.unlink(missing_ok=True)

    def command(self, attempt):
        scenario = self.scenario
        if scenario.source == "a list":
            provider = scenario.providers[0]
            arguments = ["refresh", "-f", self.folder / "urls.txt", "--provider", provider, "--option", "prefetch-delay=1s"]
            arguments += ["--prefetch"] if scenario.prefetch else []
        else:
            # What isn't in the clone is looked for at the remote, whose list of references never ends.
            base = "a-branch-that-is-nowhere" if self.forge and attempt == 1 else "HEAD~1"
            arguments = ["run", "--base", base]
        for name in scenario.providers:
            arguments += ["--endpoint", f"{name}=http://127.0.0.1:{self.proxy.port}"]
        arguments += ["--batch-size", str(scenario.batch_size)] if scenario.batch_size else []
        arguments += ["--sequential"] if scenario.sequential else []
        named = [] if scenario.link == "GitLab's files are links" else ["--report-file", self.report]
        return [self.binary, *map(str, [*arguments, *named, "--journal", self.journal, "--log-level", "verbose"])]

    def environment(self, attempt):
        environment = {"PATH": "/nonexistent", "HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "temp"), **KEYS}
        if self.scenario.host == "GitHub":
            environment |= {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.folder / "temp")}
            environment |= {"GITHUB_OUTPUT": str(self.outputs), "GITHUB_STEP_SUMMARY": str(self.summary)}
        elif self.scenario.host == "GitLab":
            environment |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(self.site)}
        if self.scenario.step and attempt == 1:
            environment |= {"LD_PRELOAD": str(self.shim), "CLOCK_OFFSET": str(STEPS[self.scenario.step])}
            self.happened.append(self.scenario.step)
        return environment

    def ledger(self):
        """What was accepted, by provider, operation and path, with the time of each."""
        found = {}
        lines = self.provider.ledger_file.read_text().splitlines() if self.provider.ledger_file.exists() else []
        for entry in map(json.loads, lines):
            operation = "prefetch" if entry["operation"] == "prefetch" else "refresh"
            found.setdefault((entry["provider"], operation, path_of(entry["url"])), []).append(entry)
        return found

    def attempt(self, number):
        """Runs the command once, to its end or ours."""
        self.proxy.begin(number)
        limit, log = self.spoil_files(number)
        self.clear()
        if number in self.scenario.refused:
            self.proxy.refuse(self.scenario.refused[number])
        run = Attempt(self, number, limit, log)
        run.finish()
        self.proxy.on_call = lambda call, moment: None
        return run

    def clear(self):
        """The results of the attempt before."""
        for path in (self.report, self.outputs, self.summary):
            if path.is_file() and not path.is_symlink() and not path.is_relative_to("/dev"):
                path.unlink()


class Attempt:
    """One run of the program."""

    def __init__(self, machine, number, limit, log):
        self.machine, self.number, self.log = machine, number, log
        self.signalled, self.signal, self.memory, self.stuck = None, None, 0, False
        self.before = machine.ledger()
        self.plan = machine.scenario.signals.get(number)
        self.output = machine.folder / f"log-{number}"

        def limits():
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        machine.proxy.on_call = self.on_call
        target = open(log or self.output, "wb")
        with target:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                machine.command(number),
                cwd=machine.site,
                env=machine.environment(number),
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT,
                preexec_fn=limits,
                # So that a file at its limit is an error and not a signal.
                restore_signals=False,
            )

    def on_call(self, call, moment):
        due = {"arrived": "as a request arrives", "executed": "as a request is executed"}[moment]
        if self.plan and self.plan[1] == due and call.kind == "purge" and call.number >= self.plan[2]:
            self.send()

    def send(self):
        """The signal of this attempt, once."""
        plan, self.plan = self.plan, None
        if plan is None or self.process.poll() is not None:
            return
        name = plan[0].split()[0]
        self.signal = getattr(signal, name)
        self.signalled = time.monotonic()
        self.process.send_signal(self.signal)
        if plan[0].endswith("twice"):
            time.sleep(0.05)
            if self.process.poll() is None:
                self.process.send_signal(self.signal)
        self.machine.happened.append(f"{plan[0]} {plan[1]}")

    def finish(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            now = time.monotonic()
            if self.plan and self.plan[1] == "at a random time" and now - self.began > self.plan[2]:
                self.send()
            if now - self.began > STUCK:
                self.stuck = True
                self.process.kill()
            try:
                peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())
                self.memory = max(self.memory, int(peak[1]) << 10 if peak else 0)
            except OSError:
                pass
            time.sleep(0.02)
        self.code = self.process.wait()
        self.ended = time.monotonic()
        self.after = self.machine.ledger()
        self.said = "" if self.log else self.output.read_bytes().decode(errors="replace")
        report = self.machine.report
        is_file = report.is_file() and not report.is_symlink()
        self.report = json.loads(report.read_text()) if is_file and report.name != "stdout" else None


def path_of(url):
    """The path of a URL of the site, decoded: how it is encoded is for other tests."""
    assert url.startswith(SITE), url
    return urllib.parse.unquote(url[len(SITE) :])


def forms(secret):
    """A secret, and what it may look like."""
    raw = secret.encode()
    shapes = {secret, secret[::-1], raw.hex(), urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1]}
    for shift in range(3):
        # The middle of it: the ends depend on what surrounds it.
        encoded = base64.b64encode(b"x" * shift + raw).decode().rstrip("=")
        shapes.add(encoded[4:-2] if shift else encoded[:-2])
    return shapes
