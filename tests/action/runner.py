"""A job of GitHub's runner in which the action is one step.

What the runner does is taken from actions/runner (`ScriptHandler`, `CompositeActionHandler`, `FileCommandManager`): a script
file for `bash --noprofile --norc -e -o pipefail`, expressions filled in beforehand, outputs read from a file.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


class Runner:
    """A job with a checkout, in which the action is one step."""

    def __init__(self, folder):
        self.temporary, self.workspace, self.action = folder / "temp", folder / "workspace", folder / "action"
        self.tool_cache = folder / "tools"
        for made in (self.temporary, self.workspace, self.tool_cache, self.action / "scripts"):
            made.mkdir(parents=True)
        # What the runner downloads of the action; checksums.txt is there in a release only.
        shutil.copy(ROOT / "action.yml", self.action)
        for script in ("get-binary", "build-static"):
            shutil.copy(ROOT / "scripts" / script, self.action / "scripts")
        self.cache = folder / "cache"  # of the CI
        self.summary, self.path = self.temporary / "summary.md", self.temporary / "path"
        self.path.touch()
        self.log = ""
        self.took = {}  # from a step's id to its seconds
        self.environment = {"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TOOL_CACHE": str(self.tool_cache)}

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
        outputs.write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temporary),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_PATH": str(self.path),
            "RUNNER_TEMP": str(self.temporary),
            **self.environment,
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
            start_new_session=True,
        )

    def use(self, during=None, step="run", **inputs):
        """All steps of the action; gives the last exit code and the action's outputs. `during` is called with a step's process."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        unknown = given.keys() - ACTION["inputs"].keys()
        assert not unknown, f"the action has no inputs {unknown}"
        context = {"github.action_path": str(self.action), "github.token": "ghs_of_this_job"}
        defaults = {name: filled(about.get("default", ""), context) for name, about in ACTION["inputs"].items()}
        context |= {f"inputs.{name}": given.get(name, default) for name, default in defaults.items()}
        self.log, code = "", 0
        for number, about in enumerate(ACTION["runs"]["steps"]):
            if not holds(about.get("if", ""), context):
                continue
            if "uses" in about:
                self.use_cache(about, context)
                continue
            began = time.monotonic()
            process = self.start(about, context, number)
            if during and about["id"] == step:
                during(process)
            self.log += process.communicate(timeout=60)[0]
            self.took[about["id"]] = time.monotonic() - began
            for name, value in outputs_of((self.temporary / f"outputs-{number}").read_text()):
                context[f"steps.{about['id']}.outputs.{name}"] = value
            code = process.returncode
            if code != 0:
                break
        return code, {name: filled(about["value"], context) for name, about in ACTION["outputs"].items()}

    def use_cache(self, step, context):
        """A step of actions/cache: the folder is kept under its key, and never replaced."""
        name = re.fullmatch(r"actions/cache/(restore|save)@[0-9a-f]{40}", step["uses"])[1]
        path, key = (pathlib.Path(filled(step["with"][part], context)) for part in ("path", "key"))
        source, copy = (self.cache / key, path) if name == "restore" else (path, self.cache / key)
        if source.exists() and not (name == "save" and copy.exists()):
            shutil.copytree(source, copy, dirs_exist_ok=True)


def holds(condition, context):
    """The value of a condition: none, or that something isn't empty."""
    if not condition:
        return True
    return context.get(re.fullmatch(r"([\w.-]+) != ''", condition)[1], "") != ""


def filled(text, context):
    """A text with its expressions, with `||` between names; what isn't known is empty, as on the runner."""

    def value(found):
        return next(filter(None, (context.get(name.strip(), "") for name in found[1].split("||"))), "")

    return re.sub(r"\$\{\{ *(.*?) *\}\}", value, str(text))


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


def cancel(process):
    """What the runner does to a cancelled step: it signals the one process that it started, each time more firmly."""
    for sign, patience in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5)):
        process.send_signal(sign)
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            pass
    process.kill()


def left_of(process):
    """The processes of a step's session that still run, as their command lines."""
    left = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if session == str(process.pid) and state != "Z":
                left.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended meanwhile
            pass
    return left
