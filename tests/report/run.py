"""Opens HTML reports in a headless browser and uses them as a person would.

Usage: run.py BINARY
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from browser import Browser
from mock_server import KEY, MockServer
from stories import tell, title

# On a machine of two cores that does something else meanwhile.
OPEN_SECONDS = 2.0
FILTER_SECONDS = 0.5

BINARY = sys.argv[1]
FOLDER = tempfile.TemporaryDirectory(prefix="cdn-purge-report-")
WORK = pathlib.Path(FOLDER.name)
ROWS = "[...document.querySelectorAll('#rows [role=option]')]"
HOSTILE = [
    "</script><script>window.attacked = 1</script>",
    "<img src=x onerror='window.attacked = 2'>",
    "<svg/onload=window.attacked=3>",
    "<!--<script>",
    "javascript:window.attacked=4",
    '"><iframe srcdoc="<script>parent.attacked=5</script>">',
    "{{constructor.constructor('window.attacked=6')()}}",
    "\u202egnp.exe\u2028\u0000\x1b[31m",
    "https://x/\"onmouseover=\"window.attacked=7",
    "__proto__",
    "a' style='background:url(https://evil.example/)",
]


def purge(report, page, urls, *flags):
    """A real run over given URLs; gives its exit code."""
    listing = WORK / "urls.txt"
    listing.write_text("\n".join(urls))
    with MockServer(BINARY, "--task-seconds", "1", "--fail", "broken") as mock:
        environment = {"PATH": os.environ["PATH"], "HOME": str(WORK), **KEY}
        command = [BINARY, "refresh", "-f", listing, "--provider", "alibaba-cdn", "--prefetch", "--report-file", report, "--report-html", page]
        command += [f"--endpoint=alibaba-cdn=http://{mock.address}", "--batch-size", "4", *flags]
        return subprocess.run(command, cwd=WORK, env=environment, capture_output=True, text=True)


def html_of(report):
    """The page that the program makes of a report."""
    done = subprocess.run([BINARY, "report", report, "--html"], capture_output=True, text=True, check=True)
    page = pathlib.Path(done.stdout.strip())
    assert page == report.with_suffix(".html"), done.stdout
    return page


def made_up(urls):
    """A report of a run that never was."""
    counts = {"planned": len(urls), "done": 0, "failed": 0, "unsubmitted": 0, "unknown": 0}
    for url in urls:
        counts[url["outcome"]] += 1
    batches = [{"number": number + 1, "operation": "refresh", "kind": "url", "attempts": 1, "sent": number * 0.1, "accepted": number * 0.1 + 0.1,
                "finished": 330 + number * 0.1, "counts": counts | {"planned": 1000}, "task_ids": [str(number)]} for number in range(len(urls) // 1000)]
    target = {"name": "main", "provider": "alibaba-cdn", "stops": [], "batches": batches,
              "operations": [{"operation": "refresh", "kind": "url", "counts": counts, "quota": {"limit": 200000, "before": 180000, "after": 80000}}],
              "timeline": {"first_submitted": 0.1, "last_submitted": 9, "last_refreshed": 340, "last_prefetched": None}}
    return {"version": 1, "program": "cdn-purge", "status": "partial", "exit_code": 1, "mode": "real", "config": "cdn-purge.yml", "changes_from": "git",
            "base": "1" * 40, "head": "2" * 40, "range_reason": "`before` of the push", "changed_files": len(urls), "manifest": None, "plan_digest": "0" * 64,
            "started": "2026-11-22T10:00:00Z", "elapsed_seconds": 341, "calls": 300, "purged_hosts": [], "interrupted": None, "counts": counts,
            "targets": [target], "notes": [], "task_ids": [], "urls": urls, "skipped": []}


def url(text, outcome="done", file="index.html", reason=None, rule="pages"):
    sources = [{"rule": rule, "file": file}]
    return {"url": text, "target": "main", "operation": "refresh", "kind": "url", "outcome": outcome, "task_id": "1", "reason": reason, "sources": sources}


def saved(name, report):
    file = WORK / name
    file.write_text(json.dumps(report))
    return file


def count(browser):
    return browser.value("document.getElementById('count').textContent")


def a_report_of_a_real_run_is_filtered_and_searched():
    report, page = WORK / "run.json", WORK / "run.html"
    done = purge(report, page, [f"https://www.example.com/{name}.html" for name in ("index", "about", "broken", "news", "contact")])
    assert done.returncode == 1, done.stderr
    made = page.read_bytes()
    assert html_of(report).read_bytes() == made, "the command makes another page than the run"
    with Browser() as browser:
        browser.open(page.as_uri())
        browser.frame()
        heading = browser.value("document.querySelector('h1').textContent")
        assert "8 of 10 URLs done, 1 failed, 1 unsubmitted" in heading, heading
        outcomes = browser.value(f"{ROWS}.map(row => row.firstChild.textContent)")
        assert outcomes == ["failed", "unsubmitted", *["done"] * 8], outcomes
        batches = browser.value("document.querySelectorAll('#timeline [role=listitem]').length")
        assert batches >= 3, f"{batches} batches in the timeline"
        quota = browser.value("document.querySelector('.card').textContent")
        assert "→" in quota and "of 10,000" in quota, quota
        browser.click("#outcomes button")
        assert count(browser) == "1 of 10 URLs", count(browser)
        browser.click("#outcomes button")
        assert count(browser) == "10 URLs", count(browser)
        browser.click("#search")
        browser.type("ABOUT")
        assert count(browser) == "2 of 10 URLs", count(browser)
        browser.value("(() => { const select = document.getElementById('operation'); select.value = 'prefetch'; select.dispatchEvent(new Event('change')) })()")
        assert count(browser) == "1 of 10 URLs", count(browser)
        assert not browser.complaints(), browser.complaints()


def everything_can_be_done_with_the_keyboard():
    page = html_of(saved("keys.json", made_up([url(f"https://www.example.com/{number}", "failed" if number == 7 else "done") for number in range(500)])))
    with Browser() as browser:
        browser.open(page.as_uri())
        chosen = "document.querySelector('#rows [aria-selected=true]')?.children[1].textContent"
        browser.press("/")
        assert browser.value("document.activeElement.id") == "search"
        browser.type("www")
        browser.press("ArrowDown")
        assert browser.value("document.activeElement.id") == "rows"
        assert browser.value(chosen) == "https://www.example.com/7", browser.value(chosen)
        for key, wanted in [("ArrowDown", 0), ("End", 499), ("ArrowUp", 498), ("Home", 7), ("ArrowUp", 7)]:
            browser.press(key)
            assert browser.value(chosen) == f"https://www.example.com/{wanted}", f"{key}: {browser.value(chosen)}"
            active = browser.value("document.getElementById(document.getElementById('rows').getAttribute('aria-activedescendant')).children[1].textContent")
            assert active == f"https://www.example.com/{wanted}", f"{key}: {active}"
        browser.press("PageDown")
        assert browser.value(chosen) not in ("https://www.example.com/7", None)
        detail = browser.value("document.getElementById('detail').textContent")
        assert "index.html by rule pages" in detail, detail
        browser.press("Escape")
        assert browser.value("document.getElementById('search').value") == "" and browser.value("document.getElementById('detail').hidden")
        stops = set()
        browser.value("document.activeElement.blur()")
        for _ in range(12):
            browser.press("Tab")
            stops.add(browser.value("document.activeElement.id || document.activeElement.parentElement.id"))
        assert {"search", "outcomes", "rows"} <= stops, stops
        assert not browser.complaints(), browser.complaints()


def it_is_light_and_dark_and_readable_in_both():
    page = html_of(saved("dark.json", made_up([url("https://www.example.com/", outcome) for outcome in ("done", "failed", "unsubmitted", "unknown")])))
    luminance = """(color => { const [r, g, b] = color.match(/[\\d.]+/g).map(part => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b })"""
    with Browser() as browser:
        back = f"{luminance}(getComputedStyle(document.body).backgroundColor)"
        for scheme, is_dark in (("light", False), ("dark", True)):
            browser.scheme(scheme)
            browser.open(page.as_uri())
            assert (browser.value(back) < 0.2) == is_dark, scheme
            for selector in ("body", ".dim", "b.done", "b.failed", "b.unsubmitted", "b.unknown", "#keys"):
                one, other = sorted([browser.value(back), browser.value(f"{luminance}(getComputedStyle(document.querySelector('{selector}')).color)")])
                contrast = (other + 0.05) / (one + 0.05)
                assert contrast >= 4.5, f"{selector} in {scheme}: {contrast:.2f}"
        assert not browser.complaints(), browser.complaints()


def hostile_names_and_messages_are_only_text():
    urls = [url(text, "failed", file=text, reason=text, rule=text) for text in HOSTILE]
    report = made_up(urls)
    report["notes"] = report["purged_hosts"] = HOSTILE
    report["config"] = report["range_reason"] = report["started"] = HOSTILE[0]
    report["skipped"] = [{"file": text, "why": text} for text in HOSTILE]
    target = report["targets"][0]
    target["name"] = target["provider"] = HOSTILE[1]
    target["stops"] = [{"operation": "refresh", "kind": "url", "cause": "denied", "why": text} for text in HOSTILE]
    page = html_of(saved("hostile.json", report))
    with Browser() as browser:
        browser.open(page.as_uri())
        for _ in HOSTILE:
            browser.click("#rows")
            browser.press("ArrowDown")
        browser.value("new Promise(done => setTimeout(done, 300))")
        assert browser.value("typeof window.attacked") == "undefined", browser.value("window.attacked")
        assert browser.value("document.querySelectorAll('img, svg, iframe, script[src], [onload], [onerror]').length") == 0
        assert browser.value("[...document.querySelectorAll('a')].every(link => /^https?:/.test(link.protocol))")
        shown = browser.value(f"{ROWS}.map(row => row.children[1].textContent)")
        assert HOSTILE[0] in shown and "\\u{202e}gnp.exe\\u{2028}\\x00\\x1b[31m" in shown, shown
        assert not browser.complaints(), browser.complaints()


def markup_that_got_in_would_not_run():
    """The policy is the second lock: a script that isn't ours is refused."""
    page = html_of(saved("policy.json", made_up([url("https://www.example.com/")])))
    broken = WORK / "broken.html"
    broken.write_text(page.read_text().replace("</header>", "</header><script>window.attacked = 1</script><img src=x onerror='window.attacked = 2'>"))
    with Browser() as browser:
        browser.open(broken.as_uri())
        assert browser.value("typeof window.attacked") == "undefined"
        assert len([one for one in browser.complaints() if "Content Security Policy" in one]) >= 2, browser.complaints()
        assert count(browser) == "1 URL", "our own script runs"


def a_hundred_thousand_urls_open_at_once():
    urls = [url(f"https://www.example.com/posts/2026/post-{number:06}/", "failed" if number % 1000 == 7 else "done",
                f"content/posts/2026/post-{number:06}.md", "OriginTimeout: the origin didn't answer" if number % 1000 == 7 else None) for number in range(100_000)]
    began = time.monotonic()
    page = html_of(saved("many.json", made_up(urls)))
    print(f"        made in {time.monotonic() - began:.1f} s, {page.stat().st_size / 1e6:.1f} MB", flush=True)
    times = []
    for _ in range(3):
        with Browser(seconds=60) as browser:
            browser.open(page.as_uri())
            browser.frame()
            times.append(browser.value("performance.now()") / 1000)
            assert count(browser) == "100,000 URLs", count(browser)
            drawn = browser.value(f"{ROWS}.length")
            assert 10 < drawn < 100, f"{drawn} rows are drawn"
            typed = browser.value("(() => { const began = performance.now(); const search = document.getElementById('search'); search.value = 'post-0999'; search.dispatchEvent(new Event('input')); return performance.now() - began })()") / 1000
            assert count(browser) == "100 of 100,000 URLs", count(browser)
            assert not browser.complaints(), browser.complaints()
    print(f"        opened in {', '.join(f'{one:.2f}' for one in times)} s, first search {typed:.2f} s", flush=True)
    assert min(times) < OPEN_SECONDS, times
    assert typed < FILTER_SECONDS, typed


if __name__ == "__main__":
    stories = [
        a_report_of_a_real_run_is_filtered_and_searched,
        everything_can_be_done_with_the_keyboard,
        it_is_light_and_dark_and_readable_in_both,
        hostile_names_and_messages_are_only_text,
        markup_that_got_in_would_not_run,
        a_hundred_thousand_urls_open_at_once,
    ]
    tell("report", [(title(story), story) for story in stories])
