"""Judges an attempt by the provider's ledger, not by what the program says of itself."""

import collections
import re
import signal

from machine import SECRET, STOPS, STUCK, forms, path_of
from scenario import LINKS

MEMORY = 64 << 20
COMMANDS = ("::group::", "::endgroup::", "::error", "::warning", "::notice", "::add-mask::")
OUTPUTS = "status base head changed-files refreshed prefetched failed unsubmitted unknown fresh stale unreachable undecided task-ids report".split()
# By outcome, the codes that it may lead to.
CODES = {"failed": {1, 6}, "unknown": {4, 6}, "unsubmitted": {1, 3, 4, 5, 6}}


def planned(scenario):
    """What has to be done: by provider, operation and path."""
    tasks = [("refresh", path) for path in scenario.pages + scenario.deleted]
    tasks += [("prefetch", path) for path in scenario.pages if scenario.prefetch]
    return {(provider, *task) for provider in scenario.providers for task in tasks}


def is_to_fail(scenario, key):
    return any(text in key[2] for text in scenario.fails)


class Judge:
    """Collects what is wrong over all attempts of a scenario."""

    def __init__(self, machine):
        self.machine, self.scenario = machine, machine.scenario
        self.plan, self.wrong = planned(machine.scenario), []
        self.secrets = forms(SECRET)

    def check(self, is_right, message):
        if not is_right:
            self.wrong.append(message)

    def attempt(self, run):
        """Everything that has to be true after each run."""
        self.where = f"run {run.number}"
        self.bounds(run)
        self.ledger(run)
        self.secrecy(run)
        self.commands(run)
        if run.report is not None:
            self.report(run)
        self.exit_code(run)
        self.outputs(run)
        self.links()

    def bounds(self, run):
        self.check(not run.stuck, f"{self.where} took longer than {STUCK} s")
        self.check(run.memory < MEMORY, f"{self.where} took {run.memory >> 20} MiB")
        if run.signalled and not run.stuck:
            took = run.ended - run.signalled
            self.check(took < STOPS[run.signal], f"{self.where} took {took:.1f} s after {run.signal.name}")

    def ledger(self, run):
        """Nothing twice, nothing that wasn't planned, and each prefetch after its refresh."""
        for key, entries in run.after.items():
            self.check(key in self.plan, f"{self.where}: {key} was never asked for")
            # A task that failed may be tried again, once a run.
            allowed = run.number if is_to_fail(self.scenario, key) else 1
            self.check(len(entries) <= allowed, f"{self.where}: {key} was accepted {len(entries)} times")
            provider, operation, path = key
            if operation == "prefetch":
                refreshes = run.after.get((provider, "refresh", path), [])
                took = self.scenario.task_seconds
                is_after = refreshes and seconds(entries[0]) >= seconds(refreshes[0]) + took - 0.01
                self.check(is_after, f"{self.where}: {path} was prefetched before its refresh was done")
        self.check(not self.machine.proxy.trapped, f"{self.where}: a redirect was followed")

    def report(self, run):
        report, rows = run.report, run.report["urls"]
        providers = self.scenario.providers
        # Of a list of URLs the only target has a name of its own.
        targets = [row["target"] if row["target"] in providers else providers[0] for row in rows]
        keys = [(target, row["operation"], path_of(row["url"])) for target, row in zip(targets, rows)]
        outcomes = {key: row["outcome"] for key, row in zip(keys, rows)}
        self.check(len(outcomes) == len(rows), f"{self.where}: the report has a URL twice")
        self.check(set(outcomes) == self.plan, f"{self.where}: the report isn't the plan: {set(outcomes) ^ self.plan}")
        counts = collections.Counter(outcomes.values())
        reported = {name: count for name, count in report["counts"].items() if count and name != "planned"}
        is_sum = reported == dict(counts) and report["counts"]["planned"] == len(rows)
        self.check(is_sum, f"{self.where}: the counts {reported} are not {counts}")
        moments = ("before", "after")
        is_refused = any(self.machine.proxy.spoiled[f"undocumented code {moment} execution"] for moment in moments)
        for key, outcome in outcomes.items():
            is_accepted = key in run.after
            if outcome == "done":
                self.check(is_accepted and not is_to_fail(self.scenario, key), f"{self.where}: {key} isn't done")
            elif outcome == "failed":
                self.check(is_to_fail(self.scenario, key) or is_refused, f"{self.where}: {key} hasn't failed")
            elif outcome == "unsubmitted":
                is_new = len(run.after.get(key, [])) > len(run.before.get(key, []))
                is_known = is_to_fail(self.scenario, key)
                self.check(not is_accepted or is_known and not is_new, f"{self.where}: {key} was submitted")

    def exit_code(self, run):
        code, report = run.code, run.report
        if code < 0:
            # Whatever signal comes before the program listens ends it, and then it has done nothing.
            is_ours = run.signal == -code and (code == -signal.SIGKILL or run.before == run.after and run.report is None)
            self.check(is_ours or run.stuck, f"{self.where} was killed by the signal {-code}")
            return
        self.check(code in (0, 1, 3, 4, 5, 6, 130, 143), f"{self.where} ended with {code}")
        if run.signal == signal.SIGINT and report is not None and report["interrupted"]:
            self.check(code == 130, f"{self.where} was interrupted and ended with {code}")
        if run.signal == signal.SIGTERM and report is not None and report["interrupted"]:
            self.check(code == 143, f"{self.where} was terminated and ended with {code}")
        if code == 0:
            accepted = {key for key in run.after if not is_to_fail(self.scenario, key)}
            self.check(accepted == self.plan, f"{self.where} ended with 0, and this isn't done: {self.plan - accepted}")
        if report is None:
            self.check(code != 0 or run.log, f"{self.where} ended with 0 and without a report")
            return
        outcomes = set(report["counts"]) - {"planned", "done"}
        open_ = {name for name in outcomes if report["counts"][name]}
        is_right = (report["status"] == "done") == (not open_)
        self.check(is_right, f"{self.where}: status {report['status']} with {report['counts']}")
        # Reports and log are written after the report's own code is known.
        allowed = {report["exit_code"]} | ({3} if self.may_not_publish(run) else set())
        self.check(code in allowed, f"{self.where} ended with {code}, and its report says {report['exit_code']}")
        codes = set().union(*(CODES[name] for name in open_)) if open_ else {0}
        if report["interrupted"]:
            codes = {130, 143}
        self.check(report["exit_code"] in codes, f"{self.where}: {report['exit_code']} with {report['counts']}")

    def may_not_publish(self, run):
        return run.number in self.scenario.files or run.number == 1 and self.scenario.link in LINKS

    def outputs(self, run):
        """What a later step reads agrees with the report."""
        path = self.machine.outputs
        if self.scenario.host != "GitHub" or run.report is None or not path.is_file():
            return
        values = {}
        lines = iter(path.read_text().splitlines())
        for line in lines:
            name, separator, rest = re.match(r"([\w-]+)(<<|=)(.*)", line).groups()
            if separator == "<<":
                rest = "\n".join(iter(lambda: next(lines), rest))
            values[name] = rest
        self.check(set(values) <= set(OUTPUTS), f"{self.where}: outputs {sorted(values)}")
        if run.code == 0 or "failed" in values:
            for name in ("failed", "unsubmitted", "unknown"):
                is_equal = values.get(name) == str(run.report["counts"][name])
                self.check(is_equal, f"{self.where}: the output {name} is {values.get(name)}")
        self.check(values.get("status") == run.report["status"], f"{self.where}: the output status is {values.get('status')}")

    def secrecy(self, run):
        """Neither the key nor a signature is in what was said or written."""
        secrets = self.secrets | self.machine.proxy.signatures
        texts = {"the log": run.said}
        for name in ("files", "temp", "home", "outside", "small", "read-only"):
            for path in (self.machine.folder / name).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    texts[path.name] = path.read_bytes().decode(errors="replace")
        for path in self.machine.site.glob("*cdn-purge*"):
            if path.is_file():
                texts[path.name] = path.read_text(errors="replace")
        for name, text in texts.items():
            lines = "\n".join(line for line in text.splitlines() if not line.startswith("::add-mask::"))
            found = [secret for secret in secrets if secret in lines]
            self.check(not found, f"{self.where}: {name} holds a secret: {found[:1]}")

    def commands(self, run):
        """No line that a runner would obey but those that are meant."""
        for line in re.split(r"[\r\n]", run.said):
            text = line.strip()
            is_ours = self.scenario.host == "GitHub" and text.startswith(COMMANDS)
            self.check(is_ours or not text.startswith("::") and "##[" not in text, f"{self.where} said {line!r}")
        sections = re.findall(r"section_(?:start|end):\d+:([^\r\n]*)\r", run.said)
        is_ours = [self.scenario.host == "GitLab" and name.startswith("cdn_purge_") for name in sections]
        self.check(all(is_ours), f"{self.where} said the sections {sections}")
        if run.report is not None:
            text = self.machine.report.read_text()
            self.check("##[" not in text and "::set-output" not in text, f"{self.where}: the report holds a command")

    def links(self):
        """Nothing outside the checkout was touched through a link of its own."""
        outside = self.machine.folder / "outside"
        is_there = self.scenario.source == "a list" or (outside / "precious").read_text() == "before"
        self.check(is_there, f"{self.where}: a link was followed")
        if self.scenario.link:
            names = sorted(path.name for path in outside.iterdir())
            self.check(names == ["precious"], f"{self.where}: written through a link: {names}")

    def missing(self, run):
        """What was never accepted, but for prefetches whose refresh fails."""
        is_blocked = lambda key: key[1] == "prefetch" and is_to_fail(self.scenario, key)
        return {key for key in self.plan - set(run.after) if not is_blocked(key)}

    def end(self, run):
        """Everything is done once nothing goes wrong any more."""
        missing = self.missing(run)
        self.check(not missing, f"never done: {sorted(missing)[:3]}")
        expected = 1 if any(is_to_fail(self.scenario, key) for key in self.plan) else 0
        self.check(run.code == expected, f"ended with {run.code} when nothing went wrong any more")


def seconds(entry):
    """A moment of the ledger, in seconds of a day: no scenario takes a night."""
    hours, minutes, rest = re.search(r"T(\d+):(\d+):([\d.]+)Z", entry["at"]).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)
