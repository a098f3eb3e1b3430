"""Lets shallow clones be compared with commits they lack, against a real git server, and looks at what crosses the wire.

Usage: run.py BINARY (through the `run` next to it)
"""

import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from server import Forge, basic

FILES, COMMITS, BACK = 20_000, 1_500, 500
TOKEN = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
PLAIN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def git(folder, *arguments, data=None):
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=PLAIN, input=data, capture_output=True)
    assert done.returncode == 0, f"git {arguments}: {done.stderr.decode()}"
    return done.stdout


def commit_of(folder, revision):
    return git(folder, "rev-parse", f"{revision}^{{commit}}").decode().strip()


def make_site(folder):
    """A bare repository of many files with a long history, and a branch that left it long ago."""
    chance = random.Random(7)
    git(folder.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    for name in ("http.receivepack=false", "uploadpack.allowFilter=true"):
        git(folder, "config", *name.split("="))
    paths = [f"public/{n % 40:02}/{n // 40 % 25:02}/page-{n:05}.html" for n in range(FILES)]

    def content():
        # Half of it compresses, as text does.
        return "".join(f"<p>{chance.getrandbits(128):032x} some words of text</p>\n" for _ in range(8))

    stream, when = [], 1_600_000_000

    def commit(branch, number, changed, parent=None):
        stream.append(f"commit refs/heads/{branch}\ncommitter a <a@example.com> {when + 60 * number} +0000\ndata 1\nx")
        if parent:
            stream.append(f"from {parent}")
        for path, text in changed:
            stream.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}" if text else f"D {path}")

    commit("main", 0, [(path, content()) for path in paths])
    for number in range(1, COMMITS):
        changed = [(chance.choice(paths), content()) for _ in range(3)]
        if number % 50 == 0:
            changed.append((f"public/new/page-{number}.html", content()))
        if number % 70 == 0:
            changed.append((paths.pop(), None))
        commit("main", number, changed)
    git(folder, "fast-import", "--quiet", data="\n".join(stream).encode())
    stream.clear()
    left = commit_of(folder, f"main~{BACK}")
    for number in range(5):
        commit("topic", COMMITS + number, [(f"topic/{number}.html", content())], left if number == 0 else None)
    git(folder, "fast-import", "--quiet", data="\n".join(stream).encode())
    git(folder, "repack", "-adq")
    return folder


def clone(forge, folder, *arguments):
    """As `actions/checkout` leaves one: the token in a file of its own, which `includeIf` names."""
    header = f"AUTHORIZATION: {basic(TOKEN).replace('Basic', 'basic')}"
    git(folder.parent, "-c", f"http.extraheader={header}", "clone", "--quiet", *arguments, f"{forge.address}/site.git", str(folder))
    credentials = folder.parent / f"{folder.name}-credentials.config"
    credentials.write_text(f'[http "{forge.address}/"]\n\textraheader = {header}\n')
    git(folder, "config", f"includeIf.gitdir:{folder}/.git.path", str(credentials))
    return folder


def contents(folder):
    """Every file below a folder, with what it holds and when it was written."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        text = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (about.st_mtime_ns, about.st_mode, hashlib.sha256(text).hexdigest())
    return found


class Program:
    """The binary, in an environment that holds what is given here and nothing else."""

    def __init__(self, binary, scratch):
        self.binary, self.scratch = binary, scratch
        self.report = scratch / "report.json"

    def run(self, command, clone, *arguments, **environment):
        temporary = self.scratch / "temp"
        temporary.mkdir(exist_ok=True)
        self.report.unlink(missing_ok=True)
        rule = ["--provider", "alibaba-cdn", "--files", "**", "--urls", "https://www.example.com/{path}"]
        report = ["--report-file", str(self.report)] if command != "explain" else []
        command = {"explain": ["explain", "--range"], "simulate": ["run", "--simulate"]}.get(command, [command])
        before = contents(clone / ".git")
        began = time.monotonic()
        process = subprocess.Popen(
            [self.binary, *command, "--repository", str(clone), *rule, *report, *arguments],
            env={"PATH": "/nonexistent", "HOME": str(temporary), "TMPDIR": str(temporary), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        watch = threading.Thread(target=self.watch, args=(process,))
        watch.start()
        try:
            said, _ = process.communicate(timeout=120)
        finally:
            process.kill()
            watch.join()
        self.took = time.monotonic() - began
        assert contents(clone / ".git") == before, "the clone isn't as it was"
        assert not list(temporary.iterdir()), f"left behind: {list(temporary.iterdir())}"
        for secret in (TOKEN, basic(TOKEN).split()[1]):
            lines = [line for line in said.splitlines() if not line.startswith("::add-mask::")]
            assert not any(secret in line for line in lines), "a secret was said"
        return process.returncode, said

    def watch(self, process):
        """The highest resident memory. That of `wait4` counts this process's own before the program's."""
        self.memory = 0
        while process.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                break
            highest = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
            self.memory = max([self.memory, *(int(size) << 10 for size in highest)])
            time.sleep(0.002)


def files_of(report):
    return {source["file"] for url in json.loads(report.read_text())["urls"] for source in url["sources"]}


def names_of(folder, base, head="HEAD"):
    """What git says, with renames as a deletion and an addition."""
    fields = git(folder, "diff", "--no-renames", "--name-status", "-z", base, head).decode().split("\0")[:-1]
    return dict(zip(fields[1::2], fields[::2]))


def check(said, *parts):
    for part in parts:
        assert part in said, f"`{part}` isn't in:\n{said}"


def a_base_far_back_in_a_clone_of_depth_1(world):
    forge, site, program = world.forge, world.site, world.program
    base = commit_of(site, f"main~{BACK}")
    expected = names_of(site, base, "main")
    with tempfile.TemporaryDirectory(dir=world.scratch) as whole:
        forge.forget()
        clone(forge, pathlib.Path(whole) / "whole")
        full = forge.sent
    forge.forget()
    shallow = clone(forge, world.scratch / "shallow", "--depth=1")
    depth_1 = forge.sent
    for command in ("plan", "explain", "simulate"):
        forge.forget()
        code, said = program.run(command, shallow, "--base", base)
        assert code == 0, said
        share = 100 * forge.sent / full
        print(
            f"  {command}: {forge.sent:,} bytes in {len(forge.requests)} requests and {program.took:.2f} s; a full clone is "
            f"{full:,} bytes ({share:.2f} %), one of depth 1 {depth_1:,}"
        )
        assert share < 5, "more than 5 % of a full clone"
        check(said, f"fetched the commit `{base}` from `{forge.address}/site.git`: {forge.sent} bytes in 2 requests")
        if command != "explain":
            assert files_of(program.report) == set(expected), "another difference than git's"
        else:
            check(said, f"base     {base}", f"changes  {len(expected)} files")
    assert len(expected) > 1000, "the difference is worth comparing"


def an_older_server(world):
    base = commit_of(world.site, f"main~{BACK}")
    with Forge(world.root, TOKEN, version=0) as forge:
        shallow = clone(forge, world.scratch / "older", "--depth=1")
        forge.forget()
        code, said = world.program.run("plan", shallow, "--base", base)
        assert code == 3, said
        check(said, f"the commit `{base}` isn't in this clone", "doesn't speak version 2 of git's protocol", "fetch-depth")
        assert len(forge.requests) == 1, forge.requests


def an_endless_list_of_references(world):
    shallow, program = world.scratch / "shallow", world.program
    world.forge.endless = True
    try:
        code, said = program.run("plan", shallow, "--base", "a-branch-that-is-nowhere")
    finally:
        world.forge.endless = False
    assert code == 3, said
    check(said, "list of references is longer than 64 MiB", "fetch-depth")
    print(f"  at most {program.memory / 2**20:.0f} MiB, {program.took:.2f} s")
    assert program.memory < 64 << 20, "the list was kept"


def a_server_that_leaves_nothing_out(world):
    base = commit_of(world.site, f"main~{BACK}")
    git(world.site, "config", "uploadpack.allowFilter", "false")
    try:
        world.forge.forget()
        code, said = world.program.run("plan", world.scratch / "shallow", "--base", base)
        assert code == 0, said
        check(said, "the server can't leave out file contents")
        assert files_of(world.program.report) == set(names_of(world.site, base, "main"))
        print(f"  with contents: {world.forge.sent:,} bytes")
        topic = clone(world.forge, world.scratch / "topic-whole", "--depth=1", "--branch=topic")
        code, said = world.program.run("plan", topic, **merge_request(world, topic))
        assert code == 3, said
        check(said, "can't send commits alone", "GIT_DEPTH: 0")
    finally:
        git(world.site, "config", "uploadpack.allowFilter", "true")


def merge_request(world, folder):
    return {
        "GITLAB_CI": "true",
        "CI_PROJECT_DIR": str(folder),
        "CI_PIPELINE_SOURCE": "push",
        "CI_COMMIT_BRANCH": "topic",
        "CI_COMMIT_BEFORE_SHA": "0" * 40,
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": commit_of(world.site, "topic"),
    }


def a_merge_base_is_deepened_to(world):
    topic = clone(world.forge, world.scratch / "topic", "--depth=1", "--branch=topic")
    world.forge.forget()
    code, said = world.program.run("explain", topic, **merge_request(world, topic))
    assert code == 0, said
    base = git(world.site, "merge-base", "main", "topic").decode().strip()
    check(said, f"base     {base}", "changes  5 files", "commits of history for the merge base with `main`")
    print(f"  {world.forge.sent:,} bytes in {len(world.forge.requests)} requests for a branch {BACK} commits behind")


def a_wrong_token_and_none(world):
    shallow = world.scratch / "shallow"
    base = commit_of(world.site, "main~3")
    setting = git(shallow, "config", "--local", "--get-regexp", "^includeif").decode().split()
    git(shallow, "config", "--unset", setting[0])
    code, said = world.program.run("plan", shallow, "--base", base, "--token", "wrong-token-of-somebody")
    assert code == 3, said
    check(said, f"the commit `{base}` isn't in this clone", "HTTP 401: Bad credentials", "the option `token`", "contents: read")
    assert "wrong-token" not in said
    code, said = world.program.run("plan", shallow, "--base", base)
    assert code == 3, said
    check(said, "the server wants credentials", "give a `token`")
    github = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(shallow), "GITHUB_TOKEN": TOKEN}
    github |= {name: str(world.scratch / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    code, said = world.program.run("plan", shallow, "--base", base, GITHUB_SERVER_URL=world.forge.address, **github)
    assert code == 0, said
    world.forge.forget()
    code, said = world.program.run("plan", shallow, "--base", base, GITHUB_SERVER_URL="https://github.com", **github)
    assert code == 3 and all(not authorization for *_, authorization in world.forge.requests), "the token went elsewhere"
    git(shallow, "config", *setting)


def a_redirect_to_another_host(world):
    with Forge(world.root) as other, Forge(world.root, TOKEN, redirect=other.address) as forge:
        shallow = world.scratch / "shallow"
        git(shallow, "remote", "set-url", "origin", f"{forge.address}/site.git")
        try:
            code, said = world.program.run("plan", shallow, "--base", commit_of(world.site, "main~3"), "--token", TOKEN)
        finally:
            git(shallow, "remote", "set-url", "origin", f"{world.forge.address}/site.git")
        assert code == 3, said
        check(said, "redirects to another one")
        assert not other.requests, "the other host was called"


def what_the_server_has_not(world):
    gone = "1234567890" * 4
    code, said = world.program.run("plan", world.scratch / "shallow", "--base", gone)
    assert code == 3, said
    check(said, f"the commit `{gone}` isn't in this clone", "not our ref", "was never pushed")
    world.forge.forget()
    code, said = world.program.run("plan", world.scratch / "shallow", "--base", gone, "--fetch=false")
    assert code == 3 and not world.forge.requests, said
    check(said, "unknown revision", "in this shallow clone")


def a_remote_in_a_folder(world):
    local = world.scratch / "local"
    git(world.scratch, "clone", "--quiet", "--depth=1", f"file://{world.site}", str(local))
    base = commit_of(world.site, f"main~{BACK}")
    before = contents(world.site)
    code, said = world.program.run("plan", local, "--base", base)
    assert code == 0, said
    check(said, f"read the commit `{base}` from `{world.site}`")
    assert files_of(world.program.report) == set(names_of(world.site, base, "main"))
    assert contents(world.site) == before


def the_last_success_of_both_interfaces(world):
    shallow, forge = world.scratch / "shallow", world.forge
    base, head = commit_of(world.site, "main~7"), commit_of(world.site, "main")
    requested = []

    def runs(headers, query):
        requested.append((headers.get("authorization"), query))
        run = {"id": 5, "run_number": 5, "event": "push", "head_branch": "main", "conclusion": "success", "head_sha": head}
        return {"total_count": 2, "workflow_runs": [run, run | {"id": 4, "run_number": 4, "head_sha": base}]}

    def pipelines(headers, query):
        requested.append((headers.get("private-token"), query))
        pipeline = {"id": 5, "ref": "main", "status": "success", "source": "push", "sha": head}
        return [pipeline, pipeline | {"id": 4, "sha": base}]

    forge.interface = {
        "/api/v3/repos/team/site/actions/workflows/deploy.yml/runs": (200, runs),
        "/api/v4/projects/42/pipelines": (200, pipelines),
    }
    github = {
        "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(shallow), "GITHUB_TOKEN": TOKEN, "GITHUB_EVENT_NAME": "push",
        "GITHUB_SERVER_URL": forge.address, "GITHUB_API_URL": f"{forge.address}/api/v3", "GITHUB_REPOSITORY": "team/site",
        "GITHUB_WORKFLOW_REF": "team/site/.github/workflows/deploy.yml@refs/heads/main", "GITHUB_RUN_ID": "5",
        "GITHUB_REF": "refs/heads/main", "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main",
    }
    gitlab = {
        "GITLAB_CI": "true", "CI_PROJECT_DIR": str(shallow), "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main",
        "CI_SERVER_URL": forge.address, "CI_API_V4_URL": f"{forge.address}/api/v4", "CI_PROJECT_ID": "42",
        "CI_PIPELINE_ID": "5", "CDN_PURGE_TOKEN": TOKEN,
    }
    for name, environment in (("run 4 of `deploy.yml`", github), ("pipeline 4", gitlab)):
        code, said = world.program.run("explain", shallow, "--base", "last-success", **environment)
        assert code == 0, said
        check(said, f"base     {base}", f"because  the commit of {name}, the last on `main` that ended well")
    assert [secret for secret, _ in requested] == [f"Bearer {TOKEN}", TOKEN], requested
    assert all(query["status"] == "success" for _, query in requested)
    forge.interface = {}
    for environment, help in ((github, "actions: read"), (gitlab, "read_api")):
        code, said = world.program.run("explain", shallow, "--base", "last-success", **environment)
        assert code == 3, said
        check(said, "HTTP 404: Not Found", help)


def a_signal_while_the_server_is_silent(world):
    world.forge.forget()
    world.forge.open.clear()
    rule = ["--provider", "alibaba-cdn", "--files", "**", "--urls", "https://www.example.com/{path}"]
    command = [world.program.binary, "plan", "--repository", str(world.scratch / "shallow"), *rule]
    process = subprocess.Popen(
        [*command, "--base", commit_of(world.site, "main~3")],
        env={"PATH": "/nonexistent", "TMPDIR": str(world.scratch / "temp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while not world.forge.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=10)
    finally:
        world.forge.open.set()
        process.kill()
    assert process.returncode == 130, said
    check(said, "interrupted while the changes were looked for: nothing was sent")
    assert not list((world.scratch / "temp").iterdir())


CHECKS = [
    a_base_far_back_in_a_clone_of_depth_1,
    an_older_server,
    an_endless_list_of_references,
    a_server_that_leaves_nothing_out,
    a_merge_base_is_deepened_to,
    a_wrong_token_and_none,
    a_redirect_to_another_host,
    what_the_server_has_not,
    a_signal_while_the_server_is_silent,
    a_remote_in_a_folder,
    the_last_success_of_both_interfaces,
]


class World:
    """Everything the checks share."""


def main(binary):
    failed = []
    with tempfile.TemporaryDirectory(prefix="cdn-purge-fetch-") as folder:
        world = World()
        # As git resolves it: `includeIf` goes by the real path.
        world.scratch = pathlib.Path(folder).resolve()
        world.root = world.scratch / "served"
        world.root.mkdir()
        began = time.monotonic()
        world.site = make_site(world.root / "site.git")
        print(f"a site of {FILES:,} files and {COMMITS:,} commits, made in {time.monotonic() - began:.1f} s")
        world.program = Program(binary, world.scratch)
        with Forge(world.root, TOKEN) as world.forge:
            for one in CHECKS:
                title = one.__name__.replace("_", " ")
                print(title)
                try:
                    one(world)
                except Exception:
                    traceback.print_exc()
                    failed.append(title)
    print("fetch: passed" if not failed else f"fetch: FAILED: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
