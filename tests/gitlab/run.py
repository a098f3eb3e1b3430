"""Runs pipelines of sample/, which includes the component of templates/, and looks at what comes out.

Usage: run.py BINARY (through the `run` next to it, which gets the runner)

The runner is gitlab-ci-local with its shell executor. It reads `spec: inputs:` and components as GitLab does, hands a dotenv
report to later jobs, and keeps artifacts; it has no merge requests, so their variables are given and their notes are those of
a small server here.
"""

import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from mock_server import KEY, MockServer
from stories import equal, tell, title

TOKEN = "glpat-nobodys-token"
PAGE = "public/a b.html"
URL = "https://www.example.com/a%20b.html"


class Project:
    """A checkout of the sample with two commits, and a remote that nobody asks."""

    def __init__(self, binary, folder):
        self.folder = folder / "site"
        shutil.copytree(HERE / "sample", self.folder)
        (self.folder / "templates").mkdir()
        shutil.copy(ROOT / "templates" / "cdn-purge.yml", self.folder / "templates")
        (self.folder / ".gitignore").write_text(".gitlab-ci-local/\ncdn-purge.env\ncdn-purge-*\n")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", "https://gitlab.example.com/group/site.git")
        self.before = self.commit("a site")
        (self.folder / PAGE).write_text("one")
        self.commit("a page")
        self.programs = folder / "programs"
        self.programs.mkdir()
        (self.programs / "cdn-purge").symlink_to(binary)
        self.log = ""

    def git(self, *arguments):
        command = ["git", "-C", self.folder, "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message):
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def run(self, *flags, **variables):
        """A pipeline; gives its exit code."""
        node = next(HERE.glob("node_modules/node-linux-*/bin/node"))
        command = [node, HERE / "node_modules/gitlab-ci-local/dist/index.js", "--force-shell-executor"]
        given = {
            "GITLAB_CI": "true",
            # With an `image:` the runner names a folder of the container that the shell executor doesn't start.
            "CI_PROJECT_DIR": str(self.folder),
            "CI_DEFAULT_BRANCH": "main",
            "CI_COMMIT_BEFORE_SHA": self.before,
            **variables,
        }
        for name, value in given.items():
            command += ["--variable", f"{name}={value}"]
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(self.folder.parent)}
        done = subprocess.run(
            [*command, *flags],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        self.log = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", done.stdout)
        return done.returncode

    def merge_request(self, gitlab=None, **variables):
        """The pipeline of a merge request. There is no key: a plan needs none."""
        given = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_COMMIT_BEFORE_SHA": "0" * 40,
            "CI_COMMIT_BRANCH": "",
            "CI_MERGE_REQUEST_IID": "12",
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.before,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }
        if gitlab:
            given |= {"CI_SERVER_HOST": "127.0.0.1", "CI_API_V4_URL": gitlab.url, "GITLAB_TOKEN": TOKEN}
        return self.run(**given, **variables)

    def junit(self):
        """The report of test cases, under the name that the component gives. The runner takes no reports of this kind away."""
        assert "junit: cdn-purge-junit.xml" in (self.folder / "templates/cdn-purge.yml").read_text()
        return xml.etree.ElementTree.parse(self.folder / "cdn-purge-junit.xml")

    def artifact(self, name):
        """The text of a kept file."""
        found = list(self.folder.glob(f".gitlab-ci-local/artifacts/refresh-cdn/**/{name}"))
        assert len(found) == 1, f"{name}: {found}\n{self.log}"
        return found[0].read_text()


class GitLab:
    """The notes of one merge request, for whoever has the token."""

    def __init__(self, refuses=False):
        self.notes, self.calls = {1: {"id": 1, "body": "hello", "author": {"id": 3}}}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, code, value):
                body = json.dumps(value).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                outer.calls.append(f"{self.command} {path}")
                if self.headers.get("PRIVATE-TOKEN") != TOKEN:
                    return self.answer(401, {"message": "401 Unauthorized"})
                if path == "/api/v4/user":
                    return self.answer(200, {"id": 4})
                found = re.fullmatch(r"/api/v4/projects/7/merge_requests/12/notes(?:/(\d+))?", path)
                if not found:
                    return self.answer(404, {"message": "404 Not Found"})
                if self.command == "GET":
                    return self.answer(200, list(outer.notes.values()))
                if refuses:
                    return self.answer(403, {"message": "403 Forbidden"})
                number = int(found[1]) if found[1] else len(outer.notes) + 1
                assert (self.command == "PUT") == (number in outer.notes)
                outer.notes[number] = {"id": number, "body": json.loads(body)["body"], "author": {"id": 4}}
                return self.answer(201 if self.command == "POST" else 200, outer.notes[number])

            do_GET = do_POST = do_PUT = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v4"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def credentials(mock):
    return {"CDN_PURGE_ENDPOINT": f"alibaba-cdn=http://{mock.address}", **KEY}


# --- The tests. Each takes a project of its own.


def a_push_to_the_default_branch_is_refreshed_and_told_to_the_next_job(project):
    with MockServer(project.programs / "cdn-purge", "--task-seconds", "0") as mock:
        code = project.run(**credentials(mock))
        equal((code, mock.ledger()), (0, [("refresh", URL), ("prefetch", URL)]))
    assert "outputs done, 1 changed, 1 refreshed, 1 prefetched" in project.log, project.log
    cases = project.junit().findall(".//testcase")
    equal([(case.get("name"), len(case)) for case in cases], [(URL, 0), (URL, 0)])
    assert "all 2 URLs done" in project.artifact("cdn-purge-summary.md")
    equal({row["outcome"] for row in json.loads(project.artifact("cdn-purge-report.json"))["urls"]}, {"done"})
    assert KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in project.log, "a secret is shown"


def a_failure_fails_the_job_and_keeps_its_reports(project):
    with MockServer(project.programs / "cdn-purge", "--task-seconds", "0", "--fail", "html") as mock:
        code = project.run(**credentials(mock))
        equal((code, mock.ledger()), (1, [("refresh", URL)]))
    assert "outputs" not in project.log, project.log
    suite = project.junit().find("testsuite")
    equal((suite.get("failures"), suite.get("skipped")), ("1", "1"))


def a_merge_request_has_one_note_with_the_plan_of_the_latest_push(project):
    with GitLab() as gitlab:
        equal(project.merge_request(gitlab), 0)
        assert "outputs planned, 1 changed, 0 refreshed" in project.log, project.log
        assert "1 changed file" in gitlab.notes[2]["body"] and URL in gitlab.notes[2]["body"], gitlab.notes
        (project.folder / "public/b.html").write_text("two")
        project.commit("another page")
        equal(project.merge_request(gitlab), 0)
        equal(sorted(gitlab.notes), [1, 2])
        equal(gitlab.notes[1]["body"], "hello")
        assert "2 changed files" in gitlab.notes[2]["body"], gitlab.notes
    shown = project.log + project.artifact("cdn-purge-summary.md") + gitlab.notes[2]["body"]
    assert TOKEN not in shown, "the token is shown"


def a_simulation_in_virtual_time_writes_its_note_in_real_time(project):
    with GitLab() as gitlab:
        equal(project.merge_request(gitlab, CDN_PURGE_DRY_RUN="false", CDN_PURGE_SIMULATE="true"), 0)
        assert "a simulation: nothing was sent" in gitlab.notes[2]["body"], gitlab.notes


def an_input_that_simulates_is_a_plan_on_a_merge_request(project):
    pipeline = project.folder / ".gitlab-ci.yml"
    pipeline.write_text(pipeline.read_text().replace("allow-hosts: www.example.com", "simulate: true"))
    equal(project.merge_request(), 0)
    assert "outputs planned" in project.log and "nothing was sent" in project.log, project.log


def a_run_that_ends_before_its_plan_says_so_in_the_note(project):
    (project.folder / "cdn-purge.yml").write_text("version: 1\ntargets: {site: {provider: alibaba-cdn}}\nrules: []\n")
    with GitLab() as gitlab:
        equal(project.merge_request(gitlab, CDN_PURGE_MAX_URLS="0"), 1)
        equal(sorted(gitlab.notes), [1])
        (project.folder / "cdn-purge.yml").write_text((HERE / "sample/cdn-purge.yml").read_text())
        equal(project.merge_request(gitlab, CDN_PURGE_MAX_URLS="0"), 1)
        assert "failed before sending anything" in gitlab.notes[2]["body"], gitlab.notes


def a_note_that_cannot_be_written_changes_nothing(project):
    with GitLab(refuses=True) as gitlab:
        equal(project.merge_request(gitlab), 0)
        equal(gitlab.calls[-1], "POST /api/v4/projects/7/merge_requests/12/notes")
    assert "GitLab answers HTTP 403: 403 Forbidden" in project.log, project.log
    assert "outputs planned" in project.log, project.log
    equal(project.merge_request(GITLAB_TOKEN=""), 0)
    assert "`GITLAB_TOKEN` is empty" in project.log, project.log


def globs_and_a_tag_that_looks_like_a_number_are_inputs_as_they_are_written(project):
    project.git("tag", "1.10", project.before)
    pipeline = project.folder / ".gitlab-ci.yml"
    inputs = "provider: alibaba-cdn, files: '*/*.html', urls: 'https://www.example.com/{name}', base: '1.10', dry-run: true"
    pipeline.write_text(pipeline.read_text().replace("allow-hosts: www.example.com", inputs.replace(", ", "\n      ")))
    equal(project.run(), 0)
    assert "outputs planned, 1 changed" in project.log, project.log
    assert URL in project.artifact("cdn-purge-summary.md")


def a_push_to_another_branch_has_no_such_job(project):
    project.git("switch", "--quiet", "--create", "draft")
    equal(project.run(), 0)
    assert "refresh-cdn" not in project.log, project.log


def an_input_of_the_wrong_kind_makes_no_pipeline(project):
    pipeline = project.folder / ".gitlab-ci.yml"
    right = pipeline.read_text()
    for wrong in ("dry-run: sometimes", "wait: forever", "batch-size: many"):
        pipeline.write_text(right.replace("allow-hosts: www.example.com", wrong))
        assert project.run("--list") != 0, f"`{wrong}` is taken:\n{project.log}"
        name = wrong.partition(":")[0]
        assert name in project.log, project.log


def recipe():
    """The job of the document of built sites."""
    text = (ROOT / "docs/built-sites.md").read_text()
    return text.split("## On GitLab", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0]


def a_built_site_keeps_its_manifest_in_the_cache_of_its_job(project):
    (project.folder / ".gitlab-ci.yml").write_text(f"""stages: [build, deploy]
build:
  stage: build
  script:
    - cp -r public dist
  artifacts:
    paths: [dist]
{recipe()}""")
    (project.folder / "cdn-purge.yml").write_text("""version: 1
changes: directory
directory: dist
targets: {site: {provider: alibaba-cdn}}
rules:
  - files: "dist/**"
    urls: "https://www.example.com/{tail}"
""")
    with (project.folder / ".gitignore").open("a") as ignored:
        ignored.write("dist\n.cdn-purge\n")
    project.commit("build the site")

    def deploys(page, *flags, **variables):
        """Changes a page and deploys the site; gives the exit code, and what the provider accepted."""
        (project.folder / PAGE).write_text(page)
        project.commit(page)
        # The runner keeps caches only for jobs that have a folder of their own.
        variables["CI_PROJECT_DIR"] = str(project.folder / ".gitlab-ci-local/builds/deploy")
        with MockServer(project.programs / "cdn-purge", "--task-seconds", "0", *flags) as mock:
            return project.run("--shell-isolation", **credentials(mock), **variables), mock.ledger()

    equal(deploys("one"), (1, []))
    assert "there is no manifest `" in project.log, project.log
    equal(deploys("one", CDN_PURGE_WITHOUT_MANIFEST="adopt"), (0, []))
    equal(deploys("two"), (0, [("refresh", URL)]))
    equal(deploys("two"), (0, []))
    # A job that failed keeps its cache too.
    equal(deploys("three", "--refuse", "html"), (1, []))
    equal(deploys("two"), (0, [("refresh", URL)]))
    assert "1 left over from an earlier run" in project.log, project.log


STORIES = [
    a_push_to_the_default_branch_is_refreshed_and_told_to_the_next_job,
    a_failure_fails_the_job_and_keeps_its_reports,
    a_merge_request_has_one_note_with_the_plan_of_the_latest_push,
    a_simulation_in_virtual_time_writes_its_note_in_real_time,
    an_input_that_simulates_is_a_plan_on_a_merge_request,
    a_run_that_ends_before_its_plan_says_so_in_the_note,
    a_note_that_cannot_be_written_changes_nothing,
    globs_and_a_tag_that_looks_like_a_number_are_inputs_as_they_are_written,
    a_push_to_another_branch_has_no_such_job,
    an_input_of_the_wrong_kind_makes_no_pipeline,
    a_built_site_keeps_its_manifest_in_the_cache_of_its_job,
]


def in_a_project(story, binary):
    with tempfile.TemporaryDirectory(prefix="cdn-purge-gitlab-") as folder:
        project = Project(binary, pathlib.Path(folder))
        try:
            story(project)
        except Exception as error:
            raise AssertionError(project.log) from error


def main():
    (binary,) = sys.argv[1:]
    tell("gitlab", [(title(story), functools.partial(in_a_project, story, binary)) for story in STORIES])


if __name__ == "__main__":
    main()
