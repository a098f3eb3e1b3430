"""Makes the pictures of docs/images: the job summary of a run and of a plan, a comment on a pull request, the HTML report in light and
dark, and terminals of 80 and 120 columns, during a run and after it.

Usage: run.py BINARY (through the `run` next to it, which sets up the environment)
"""

import fcntl
import html
import http.server
import json
import os
import pathlib
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pyte
from markdown_it import MarkdownIt
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs/images"
sys.path.insert(0, str(ROOT / "tests"))
from browser import Browser
from mock_server import KEY, MockServer

KEYS = KEY | {"HUAWEICLOUD_SDK_AK": "example-key", "HUAWEICLOUD_SDK_SK": "example-secret"}  # nobody's

CONFIGURATION = """\
version: 1
targets:
  mainland: {provider: alibaba-cdn}
  world: {provider: huawei-cdn, prefetch-delay: 2s}
rules:
  - name: pages
    files: "public/**"
    urls: "https://www.example.com/{tail}"
    index: index.html
    prefetch: true
"""
PAGES = ["index", "about", "pricing", "docs/index", "docs/install", "docs/configure", "blog/launch", "blog/broken"]
STYLE = """\
body { margin: 24px; font: 15px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; background: #fff }
table { border-collapse: collapse; margin: 0 0 16px; font-size: 14px } th, td { border: 1px solid #d1d9e0; padding: 5px 12px }
tr:nth-child(even) { background: #f6f8fa } h3 { margin: 0 0 12px; font-size: 20px }
code { font: 85% "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 5px; padding: 2px 5px }
details { margin: 0 0 12px } a { color: #0969da; text-decoration: none }
pre { display: inline-block; margin: 0; font: 13px/1.4 "DejaVu Sans Mono", monospace; background: #1e1e2e; color: #e4e4ef; padding: 16px; border-radius: 8px }
.comment { border: 1px solid #d1d9e0; border-radius: 8px } .comment > p { margin: 0; padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 8px 8px 0 0 }
.comment > div { padding: 16px } .comment i { border: 1px solid #d1d9e0; border-radius: 10px; padding: 0 8px; font-size: 12px; font-style: normal }
"""
COLOURS = {"red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341", "blue": "#79c0ff", "cyan": "#76e3ea"}


def site(folder):
    """A repository of two commits: eight pages, and a change of each."""
    git = ["git", "-C", folder, "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch", "main"], check=True)
    (folder / "cdn-purge.yml").write_text(CONFIGURATION)
    for text in ("before", "after"):
        for page in PAGES:
            path = folder / f"public/{page}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "README.md").write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", text], check=True)


def command_of(binary, folder, mock, *arguments):
    """A run with the credentials that the mock server accepts, and its environment."""
    endpoints = [f"--endpoint={provider}=http://{mock.address}" for provider in ("alibaba-cdn", "huawei-cdn")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), **KEYS}
    return [binary, *arguments, *endpoints, "--base", "HEAD~1"], environment


def summary_of(binary, folder, mock, *arguments, **more):
    """The job summary of a run on GitHub."""
    summary = folder.parent / "summary.md"
    summary.write_text("")
    command, environment = command_of(binary, folder, mock, *arguments)
    environment |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_SERVER_URL": "https://github.com"}
    environment |= {"GITHUB_REPOSITORY": "octo/site", "RUNNER_TEMP": str(folder.parent), **more}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    return summary.read_text()


class Forge(http.server.BaseHTTPRequestHandler):
    """GitHub's API, as far as a comment needs it."""

    bodies = []

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "body" in request["variables"]:
            self.bodies.append(request["variables"]["body"])
        comments = {"nodes": [], "pageInfo": {"hasPreviousPage": False, "startCursor": None}}
        answer = {"data": {"viewer": {"login": "github-actions[bot]"}, "repository": {"pullRequest": {"id": "PR_1", "comments": comments}}}}
        answer = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Nothing: the pictures are what is shown."""


def comment_of(binary, folder, mock):
    """What a plan writes on a pull request."""
    event = folder.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge) as forge:
        threading.Thread(target=forge.serve_forever, daemon=True).start()
        more = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event), "GITHUB_API_URL": "http://127.0.0.1", "GITHUB_TOKEN": "example-token"}
        more["GITHUB_GRAPHQL_URL"] = f"http://127.0.0.1:{forge.server_address[1]}/graphql"
        summary_of(binary, folder, mock, "plan", "--pull-request-comment", **more)
        forge.shutdown()
    return Forge.bodies[-1]


def smaller(file):
    """The same picture in fewer bytes."""
    with Image.open(file) as taken:
        picture = taken.convert("RGB").quantize(colors=128)
    picture.save(file, optimize=True)
    print(f"docs/images/{file.name}: {picture.width} × {picture.height}")


def picture(browser, name, body, width):
    """A page as a picture."""
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{body}")
        browser.size(width, 200)
        browser.open(page.as_uri())
        browser.picture(IMAGES / name)
    smaller(IMAGES / name)


def terminals(command, columns, at=(), **more):
    """What a terminal of so many columns shows at these times, in seconds, and at the end."""
    screen = pyte.Screen(columns, 60)
    stream = pyte.ByteStream(screen)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(more.get("cwd", "/"))
        os.execve(command[0], [str(part) for part in command], more["env"] | {"TERM": "xterm-256color"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    shown, times, began = [], list(at), time.monotonic()
    while True:
        if times and time.monotonic() - began >= times[0]:
            shown.append(drawn(screen))
            times.pop(0)
        ready, _, _ = select.select([terminal], [], [], 0.05)
        try:
            piece = os.read(terminal, 1 << 16) if ready else None
        except OSError:  # the other end is closed
            break
        if piece == b"":
            break
        stream.feed(piece or b"")
    os.waitpid(process, 0)
    os.close(terminal)
    return [*shown, drawn(screen)]


def drawn(screen):
    """A screen as HTML."""
    lines = []
    for row in range(screen.lines):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        line = ""
        for cell in cells:
            style = f"color:{COLOURS[cell.fg]};" if cell.fg in COLOURS else ""
            style += "font-weight:bold" if cell.bold else ""
            text = html.escape(cell.data)
            line += f'<span style="{style}">{text}</span>' if style else text
        lines.append(line.rstrip())
    while lines and not lines[-1]:
        lines.pop()
    width = f'<span style="display:block;width:{screen.columns}ch;height:0"></span>'
    return f"<pre>{width}{chr(10).join(lines)}</pre>"


def main():
    (binary,) = sys.argv[1:]
    IMAGES.mkdir(exist_ok=True)
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        folder = pathlib.Path(folder) / "site"
        folder.mkdir()
        site(folder)
        report = folder.parent / "report.html"
        with MockServer(binary, "--task-seconds", "3", "--fail", "broken.html", environment=KEYS) as mock:
            picture(browser, "plan.png", markdown.render(summary_of(binary, folder, mock, "plan")), 900)
            head = "<p><b>github-actions</b> <i>bot</i> commented</p>"
            comment = markdown.render(comment_of(binary, folder, mock))
            picture(browser, "comment.png", f"<div class=comment>{head}<div>{comment}</div></div>", 900)
            picture(browser, "summary.png", markdown.render(summary_of(binary, folder, mock, "run", "--report-html", str(report))), 900)
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.size(1120, 800)
            browser.open(report.as_uri())
            browser.click("#rows")
            browser.press("Home")
            browser.picture(IMAGES / f"report-{scheme}.png")
            smaller(IMAGES / f"report-{scheme}.png")
        browser.scheme("light")
        with MockServer(binary, "--task-seconds", "3", environment=KEYS) as mock:
            command, environment = command_of(binary, folder, mock, "run", "--journal", folder.parent / "terminal.journal")
            running, _ = terminals(command, 80, at=[4.4], cwd=folder, env=environment)
            picture(browser, "running.png", running, 740)
    with Browser() as browser:
        for columns in (80, 120):
            (end,) = terminals([binary, "demo"], columns, env={"PATH": os.environ["PATH"]})
            picture(browser, f"demo-{columns}.png", end, 100 + columns * 8)


if __name__ == "__main__":
    main()
