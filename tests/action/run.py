"""Runs the steps of action.yml as GitHub's runner does, against `cdn-purge emulate`, and looks at what comes out.

Usage: run.py BINARY (through the `run` beside it, which sets up the environment)

What the runner does is taken from actions/runner (`ScriptHandler`, `CompositeActionHandler`, `FileCommandManager`): a script
file for `bash --noprofile --norc -e -o pipefail`, expressions filled in beforehand, outputs read from a file.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from emulators import KEY, Emulate

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
RULES = """\
version: 1
targets: {site: {provider: alibaba-cdn}}
rules:
  - files: "public/**"
    urls: "https://www.example.com/{tail}"
    prefetch: true
"""


class Runner:
    """A job with a checkout, in which the action is one step."""

    def __init__(self, folder):
        self.temporary, self.workspace = folder / "temp", folder / "workspace"
        self.temporary.mkdir()
        self.workspace.mkdir()
        self.summary = self.temporary / "summary.md"
        self.log = ""

    def commit(self, name, text):
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        git = ["git", "-C", self.workspace, "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", name]):
            subprocess.run([*git, *arguments], check=True)

    def start(self, step, context, number):
        """A step's process, as the runner starts it."""
        script, outputs = self.temporary / f"{number}.sh", self.temporary / f"outputs-{number}"
        script.write_text(step["run"])
        outputs.touch()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temporary),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_SERVER_URL": "https://github.com",
            "RUNNER_TEMP": str(self.temporary),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            **{name: filled(value, context) for name, value in step["env"].items()},
        }
        assert step["shell"] == "bash" and "${{" not in step["run"], "an expression in a script is an injection"
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def use(self, during=None, **inputs):
        """All steps of the action; gives the last exit code and the action's outputs."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        unknown = given.keys() - ACTION["inputs"].keys()
        assert not unknown, f"the action has no inputs {unknown}"
        context = {"github.action_path": str(ROOT), "github.action_repository": "", "github.token": "ghs_of_this_job"}
        defaults = {name: filled(about.get("default", ""), context) for name, about in ACTION["inputs"].items()}
        context |= {f"inputs.{name}": given.get(name, default) for name, default in defaults.items()}
        self.log, code = "", 0
        for number, step in enumerate(ACTION["runs"]["steps"]):
            process = self.start(step, context, number)
            if during and step["id"] == "run":
                during(process)
            self.log += process.communicate(timeout=60)[0]
            for name, value in outputs_of((self.temporary / f"outputs-{number}").read_text()):
                context[f"steps.{step['id']}.outputs.{name}"] = value
            code = process.returncode
            if code != 0:
                break
        return code, {name: filled(about["value"], context) for name, about in ACTION["outputs"].items()}


def filled(text, context):
    """A text with its expressions; what isn't known is empty, as on the runner."""
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: context.get(found[1], ""), str(text))


def outputs_of(text):
    """The pairs of a GITHUB_OUTPUT file."""
    lines = iter(text.splitlines())
    for line in lines:
        if found := re.fullmatch(r"([^=<]+)<<(.+)", line):
            value = []
            while (line := next(lines)) != found[2]:
                value.append(line)
            yield found[1], "\n".join(value)
        elif line:
            name, _, value = line.partition("=")
            yield name, value


def equal(found, expected):
    assert found == expected, f"found {found!r}, expected {expected!r}"


def site(folder):
    runner = Runner(folder)
    runner.commit("cdn-purge.yml", RULES)
    runner.commit("public/a b.html", "one")
    return runner


def keys(emulate):
    return {
        "endpoint": f"alibaba-cdn=http://{emulate.address}",
        "access_key_id": KEY["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        "access_key_secret": KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    }


# --- What is asked of it. Each takes the binary and a folder of its own.


def a_push_is_refreshed_and_prefetched(binary, folder):
    runner = site(folder)
    with Emulate(binary, "--task-seconds", "0") as emulate:
        code, outputs = runner.use(binary=binary, base="HEAD~1", **keys(emulate))
        equal(code, 0)
        url = "https://www.example.com/a%20b.html"
        equal(emulate.ledger(), [("refresh", url), ("prefetch", url)])
    names = ("status", "changed-files", "refreshed", "prefetched", "failed", "unsubmitted", "unknown")
    equal([outputs[name] for name in names], ["done", "1", "1", "1", "0", "0", "0"])
    assert outputs["task-ids"] and re.fullmatch("[0-9a-f]{40}", outputs["head"]), outputs
    assert all(outputs.values()), f"an output without a value: {outputs}"
    report = json.loads(pathlib.Path(outputs["report"]).read_text())
    jsonschema.validate(report, json.loads((ROOT / "report.schema.json").read_text()))
    assert "done" in runner.summary.read_text(), "the summary doesn't say how it went"
    secret = KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    shown = re.sub(r"(?m)^::add-mask::.*$", "", runner.log)
    assert secret not in shown + runner.summary.read_text(), "a secret is shown"


def the_program_takes_the_place_of_the_shell_and_hears_the_signal(binary, folder):
    runner = site(folder)

    def cancel(process):
        deadline = time.monotonic() + 30
        program = pathlib.Path(f"/proc/{process.pid}/exe")
        while pathlib.Path(os.readlink(program)) != pathlib.Path(binary) or not emulate.ledger():
            assert time.monotonic() < deadline, "the step's process never becomes the program"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)

    with Emulate(binary, "--task-seconds", "3600") as emulate:
        code, outputs = runner.use(cancel, binary=binary, base="HEAD~1", **keys(emulate))
    equal(code, 130)
    equal((outputs["unknown"], outputs["unsubmitted"], outputs["refreshed"]), ("1", "1", "0"))


def a_dry_run_needs_no_keys_and_a_relative_path_is_of_the_workspace(binary, folder):
    runner = site(folder)
    (runner.workspace / "tool").symlink_to(binary)
    code, outputs = runner.use(binary="./tool", base="HEAD~1", dry_run="true")
    equal((code, outputs["status"], outputs["changed-files"]), (0, "planned", "1"))


def the_programs_exit_code_is_the_steps(binary, folder):
    runner = site(folder)
    code, outputs = runner.use(binary=binary, base="no-such-revision", dry_run="true")
    equal((code, outputs["status"]), (3, "failed"))
    assert "::error" in runner.log, runner.log


def an_input_is_never_a_script(binary, folder):
    runner = site(folder)
    evil = '"; touch pwned; $(touch pwned)`touch pwned`\n::warning::x\n'
    for name in ACTION["inputs"]:
        runner.use(**{"binary": binary, "base": "HEAD~1", "dry_run": "true", name: evil})
        equal(list(runner.workspace.rglob("pwned")), [])
        assert "\n::warning::x" not in runner.log, runner.log


def without_a_binary_the_reason_is_told(_, folder):
    code, outputs = site(folder).use(dry_run="true")
    equal((code, outputs["status"]), (1, ""))


STORIES = [
    a_push_is_refreshed_and_prefetched,
    the_program_takes_the_place_of_the_shell_and_hears_the_signal,
    a_dry_run_needs_no_keys_and_a_relative_path_is_of_the_workspace,
    the_programs_exit_code_is_the_steps,
    an_input_is_never_a_script,
    without_a_binary_the_reason_is_told,
]


def main():
    (binary,) = sys.argv[1:]
    failed = 0
    for story in STORIES:
        title = story.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory(prefix="cdn-purge-action-") as folder:
            try:
                story(binary, pathlib.Path(folder))
                print(f"ok      {title}", flush=True)
            except Exception:  # whatever it is, the next story still counts
                failed += 1
                print(f"FAILED  {title}\n{traceback.format_exc()}", flush=True)
    print(f"action: {len(STORIES) - failed} of {len(STORIES)} passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
