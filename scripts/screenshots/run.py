"""Makes the pictures of docs/images: the job summary of a run and of a plan, and a terminal of 100 columns.

Usage: run.py BINARY (through the `run` next to it, which sets up the environment)
"""

import html
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from markdown_it import MarkdownIt
from PIL import Image, ImageChops

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs/images"
sys.path.insert(0, str(ROOT / "tests"))
from mock_server import KEY, MockServer

KEYS = KEY | {"HUAWEICLOUD_SDK_AK": "example-key", "HUAWEICLOUD_SDK_SK": "example-secret"}  # nobody's

CONFIGURATION = """\
version: 1
targets:
  mainland: {provider: alibaba-cdn}
  world: {provider: huawei-cdn}
rules:
  - name: pages
    files: "public/**"
    urls: "https://www.example.com/{tail}"
    index: index.html
    prefetch: true
"""
HEIGHT = 3000  # of the window; a picture is cut to its content
MARGIN = 24
PAGES = ["index", "about", "pricing", "docs/index", "docs/install", "docs/configure", "blog/launch", "blog/broken"]
STYLE = """\
body { margin: 24px; font: 15px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; background: #fff }
table { border-collapse: collapse; margin: 0 0 16px; font-size: 14px } th, td { border: 1px solid #d1d9e0; padding: 5px 12px }
tr:nth-child(even) { background: #f6f8fa } h3 { margin: 0 0 12px; font-size: 20px }
code { font: 85% "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 5px; padding: 2px 5px }
details { margin: 0 0 12px } a { color: #0969da; text-decoration: none }
pre { font: 13px/1.4 "DejaVu Sans Mono", monospace; background: #1e1e2e; color: #e4e4ef; padding: 16px; border-radius: 8px; white-space: pre }
"""
COLOURS = {"1": "font-weight:bold", "2": "opacity:.65", "31": "color:#ff7b72", "32": "color:#7ee787", "33": "color:#e3b341", "34": "color:#79c0ff", "36": "color:#76e3ea"}


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


def run(binary, folder, mock, *arguments, **more):
    """A run with the credentials that the mock server accepts; gives its job summary."""
    summary = folder.parent / "summary.md"
    summary.write_text("")
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_SERVER_URL": "https://github.com"}
    github |= {"GITHUB_REPOSITORY": "octo/site", "RUNNER_TEMP": str(folder.parent)}
    endpoints = [f"--endpoint={provider}=http://{mock.address}" for provider in ("alibaba-cdn", "huawei-cdn")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), **KEYS, **github, **more}
    command = [binary, *arguments, *endpoints, "--base", "HEAD~1"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done, summary.read_text()


def picture(name, body, width):
    """A page as a picture, cut to its content."""
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{body}")
        chromium = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
        chromium += ["--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={folder}/profile"]
        file = IMAGES / name
        subprocess.run([*chromium, f"--window-size={width},{HEIGHT}", f"--screenshot={file}", page.as_uri()], capture_output=True, check=True)
    with Image.open(file) as taken:
        whole = taken.convert("RGB")
    content = ImageChops.difference(whole, Image.new("RGB", whole.size, whole.getpixel((0, 0)))).getbbox()
    cut = whole.crop((0, 0, width, min(content[3] + MARGIN, HEIGHT)))
    cut.quantize(colors=64).save(file, optimize=True)
    print(f"docs/images/{name}: {cut.width} × {cut.height}")


def terminal(text):
    """A terminal's output with its colours, as HTML."""
    parts, is_open = [], False
    for piece in re.split(r"(\x1b\[[0-9;]*m)", text):
        if found := re.fullmatch(r"\x1b\[([0-9;]*)m", piece):
            parts.append("</span>" if is_open else "")
            styles = [COLOURS[code] for code in found[1].split(";") if code in COLOURS]
            parts.append(f'<span style="{";".join(styles)}">' if styles else "")
            is_open = bool(styles)
        else:
            parts.append(html.escape(piece))
    return f"<pre>{''.join(parts)}</pre>"


def main():
    (binary,) = sys.argv[1:]
    IMAGES.mkdir(exist_ok=True)
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "site"
        folder.mkdir()
        site(folder)
        with MockServer(binary, "--task-seconds", "1", "--fail", "broken.html", environment=KEYS) as mock:
            _, summary = run(binary, folder, mock, "plan")
            picture("plan.png", markdown.render(summary), 900)
            _, summary = run(binary, folder, mock, "run")
            picture("summary.png", markdown.render(summary), 900)
    done = subprocess.run([binary, "demo", "--color", "always"], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "COLUMNS": "100"})
    picture("demo.png", terminal(done.stderr + done.stdout), 940)


if __name__ == "__main__":
    main()
