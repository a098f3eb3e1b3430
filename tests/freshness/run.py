"""Deploys, purges and verifies through real caches, and judges each verdict by the bytes that the caches serve.

Usage: run.py BINARY (through the `run` next to it, which installs the caches)
"""

import contextlib
import functools
import gzip
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mock_server import KEY, MockServer
from stories import equal, tell, title

HOST, PAGE = "www.example.com", "/index.html"
OLD, NEW = b"<h1>yesterday</h1>\n", b"<h1>today</h1>\n"
CONFIGURATION = """version: 1
targets:
  site: {provider: alibaba-cdn}
rules:
  - files: "public/**"
    urls: "http://www.example.com/{tail}"
"""
PLAIN = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


class Origin:
    """Serves files; a read that began before a deployment may end after it."""

    def __init__(self):
        self.files, self.delay = {PAGE: OLD}, 0
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = origin.files.get(self.path)
                time.sleep(origin.delay)
                self.send_response(200 if body is not None else 404)
                self.send_header("Cache-Control", "max-age=3600")
                self.send_header("Content-Type", "text/html")
                self.send_header("Vary", "Accept-Encoding")
                body = body if body is not None else b"no such page"
                if "gzip" in self.headers.get("Accept-Encoding", ""):
                    self.send_header("Content-Encoding", "gzip")
                    body = gzip.compress(body)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, method="GET", path=PAGE, **headers):
    """The status and the decoded body that a cache gives."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}})
    answer = connection.getresponse()
    body = answer.read()
    if answer.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    connection.close()
    return answer.status, body


def variants(port, path=PAGE):
    """What visitors get: as it is, and compressed."""
    return [ask(port, path=path, Accept_Encoding=encoding) for encoding in ("identity", "gzip")]


@contextlib.contextmanager
def process(command, port, **more):
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"{command[0]} doesn't listen")
        yield port
    finally:
        started.terminate()
        started.wait(timeout=20)


@contextlib.contextmanager
def varnish(behind, soft=False):
    """Varnish in front of a port."""
    with tempfile.TemporaryDirectory(prefix="cdn-purge-varnish-") as folder:
        # As root it works as a user of its own.
        os.chmod(folder, 0o755)
        purge = "purge.soft(0s, 60s, 0s); return (synth(200));" if soft else "return (purge);"
        vcl = pathlib.Path(folder) / "edge.vcl"
        vcl.write_text(f"""vcl 4.1;
import purge;
backend default {{ .host = "127.0.0.1"; .port = "{behind}"; }}
sub vcl_recv {{ if (req.method == "PURGE") {{ return ({"hash" if soft else "purge"}); }} }}
sub vcl_hit {{ if (req.method == "PURGE") {{ {purge if soft else "return (deliver);"} }} }}
sub vcl_miss {{ if (req.method == "PURGE") {{ {purge if soft else "return (fetch);"} }} }}
sub vcl_deliver {{ set resp.http.X-Cache = "MISS"; if (obj.hits > 0) {{ set resp.http.X-Cache = "HIT"; }} }}
""")
        port = free_port()
        command = ["varnishd", "-F", "-a", f"127.0.0.1:{port}", "-f", str(vcl), "-n", folder + "/v", "-s", "malloc,16m", "-T", "none"]
        with process(command, port):
            yield port


@contextlib.contextmanager
def nginx(behind):
    """nginx in front of a port: a copy for each `Accept-Encoding`, and a refresh that renews one of them."""
    with tempfile.TemporaryDirectory(prefix="cdn-purge-nginx-") as folder:
        os.chmod(folder, 0o777)
        port = free_port()
        pathlib.Path(folder, "nginx.conf").write_text(f"""daemon off; pid {folder}/pid; error_log /dev/null;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  proxy_cache_path {folder}/cache keys_zone=edge:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_cache edge; proxy_cache_valid 200 404 1h;
      proxy_cache_key "$uri $http_accept_encoding"; proxy_cache_bypass $http_x_refresh;
      proxy_set_header Accept-Encoding $http_accept_encoding; proxy_ignore_headers Vary;
    }}
  }}
}}
""")
        with process(["nginx", "-c", f"{folder}/nginx.conf", "-e", "/dev/null"], port):
            yield port


class Site:
    """A repository of two commits, and the run that purges what the second one changed."""

    def __init__(self, binary, before, after):
        self.binary, self.folder = binary, pathlib.Path(tempfile.mkdtemp(prefix="cdn-purge-freshness-"))
        self.git("init", "--quiet")
        for files in (before, after):
            shutil.rmtree(self.folder / "public", ignore_errors=True)
            for path, content in files.items():
                (self.folder / f"public{path}").parent.mkdir(exist_ok=True)
                (self.folder / f"public{path}").write_bytes(content)
            (self.folder / "cdn-purge.yml").write_text(CONFIGURATION)
            self.git("add", "--all")
            self.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "-m", "x")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def git(self, *arguments):
        subprocess.run(["git", "-C", str(self.folder), *arguments], env=PLAIN, check=True)

    def call(self, *arguments):
        """The exit code, and the verdict and the evidence of each path."""
        report = self.folder / ".git/report.json"
        command = [self.binary, *arguments, "--base", "HEAD~1", "--report-file", str(report)]
        environment = {**PLAIN, **KEY, "HOME": str(self.folder / ".git"), "TMPDIR": str(self.folder / ".git")}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert report.exists(), done.stderr
        seen = {}
        for url in json.loads(report.read_text())["urls"]:
            verified = url["verification"]
            seen[url["url"].removeprefix(f"http://{HOST}")] = (verified["verdict"], verified["evidence"], verified["tries"])
        return done.returncode, seen


@contextlib.contextmanager
def purging(mock, *purges):
    """Does at the caches what the provider accepted: each of `purges` with the URL's path."""
    is_over = threading.Event()

    def follow():
        done = 0
        while not is_over.is_set():
            accepted = mock.ledger()
            for _, url in accepted[done:]:
                for purge in purges:
                    purge(url.removeprefix(f"http://{HOST}"))
            done = len(accepted)
            time.sleep(0.02)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def purge(port):
    return lambda path: ask(port, "PURGE", path)


def run(binary, edge, *purges, before=None, after=None, meanwhile=lambda: None):
    """A run with verification, whose purges reach these caches."""
    with MockServer(binary, "--task-seconds", "1") as mock, purging(mock, *purges):
        with Site(binary, before or {PAGE: OLD}, {PAGE: NEW} if after is None else after) as site:
            meanwhile()
            return site.call("run", "--verify", "--edge", f"127.0.0.1:{edge}", "--endpoint", f"alibaba-cdn=http://{mock.address}")


def a_purge_after_the_deployment_is_fresh_in_both_encodings(binary):
    origin = Origin()
    with varnish(origin.port) as edge:
        equal(variants(edge), [(200, OLD)] * 2)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, purge(edge))
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_purge_before_the_deployment_is_stale(binary):
    origin = Origin()
    with varnish(origin.port) as edge:
        variants(edge)
        code, seen = run(binary, edge, purge(edge))
        equal((code, seen[PAGE][0]), (7, "stale"))
        origin.files[PAGE] = NEW
        equal(variants(edge), [(200, OLD)] * 2)


def a_deleted_file_is_stale_while_it_is_served_and_fresh_when_it_is_gone(binary):
    origin = Origin()
    with varnish(origin.port) as edge:
        variants(edge)
        del origin.files[PAGE]
        code, seen = run(binary, edge, after={})
        equal((code, seen[PAGE][:2]), (7, ("stale", "the bytes of the deleted file are still served")))
        equal(variants(edge), [(200, OLD)] * 2)
        code, seen = run(binary, edge, purge(edge), after={})
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal([status for status, _ in variants(edge)], [404, 404])


def a_404_that_was_cached_too_early_is_stale_until_it_is_purged(binary):
    origin = Origin()
    origin.files = {}
    with varnish(origin.port) as edge:
        equal([status for status, _ in variants(edge)], [404, 404])
        origin.files = {PAGE: NEW}
        code, seen = run(binary, edge, before={"/other.html": OLD}, after={PAGE: NEW, "/other.html": OLD})
        equal((code, seen[PAGE][0]), (7, "stale"))
        assert "404" in seen[PAGE][1], seen
        equal([status for status, _ in variants(edge)], [404, 404])
        code, seen = run(binary, edge, purge(edge), before={"/other.html": OLD}, after={PAGE: NEW, "/other.html": OLD})
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_soft_purge_serves_the_old_page_once_and_is_fresh_at_the_second_look(binary):
    origin = Origin()
    with varnish(origin.port, soft=True) as edge:
        variants(edge)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, purge(edge))
        equal((code, seen[PAGE][0]), (0, "fresh"))
        assert seen[PAGE][2] > 1, seen
        equal(variants(edge), [(200, NEW)] * 2)


def a_shield_that_was_not_purged_refills_the_edge_with_the_old_page(binary):
    origin = Origin()
    with varnish(origin.port) as shield, varnish(shield) as edge:
        variants(edge)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, purge(edge))
        equal((code, seen[PAGE][0]), (7, "stale"))
        equal(variants(edge), [(200, OLD)] * 2)
        code, seen = run(binary, edge, purge(shield), purge(edge))
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_point_of_presence_that_was_forgotten_is_seen_where_it_is_the_one_that_is_fetched_from(binary):
    origin = Origin()
    with varnish(origin.port) as near, varnish(origin.port) as far:
        variants(near), variants(far)
        origin.files[PAGE] = NEW
        equal(run(binary, near, purge(near))[0], 0)
        with Site(binary, {PAGE: OLD}, {PAGE: NEW}) as site:
            equal(site.call("verify", "--edge", f"127.0.0.1:{near}")[0], 0)
            code, seen = site.call("verify", "--edge", f"127.0.0.1:{far}")
        equal((code, seen[PAGE][0]), (7, "stale"))
        equal((variants(near), variants(far)), ([(200, NEW)] * 2, [(200, OLD)] * 2))


def a_read_in_flight_puts_the_old_page_back_and_a_second_purge_heals_it(binary):
    origin = Origin()
    with varnish(origin.port) as edge:

        def slow_visitors():
            # They read the old page from the origin; the deployment and the purge come meanwhile.
            origin.delay = 4
            for encoding in ("identity", "gzip"):
                threading.Thread(target=ask, args=(edge,), kwargs={"Accept_Encoding": encoding}).start()
            time.sleep(1)
            origin.files[PAGE], origin.delay = NEW, 0

        code, seen = run(binary, edge, purge(edge), meanwhile=slow_visitors)
        equal((code, seen[PAGE][0]), (7, "stale"))
        assert (200, OLD) in variants(edge)
        code, seen = run(binary, edge, purge(edge))
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_variant_that_was_not_refreshed_is_stale_though_the_plain_page_is_new(binary):
    origin = Origin()
    with nginx(origin.port) as edge:
        equal(variants(edge), [(200, OLD)] * 2)
        origin.files[PAGE] = NEW

        def refresh(path):
            ask(edge, path=path, X_Refresh="1", Accept_Encoding="identity")

        code, seen = run(binary, edge, refresh)
        equal((code, seen[PAGE][0]), (7, "stale"))
        assert "gzip" in seen[PAGE][1], seen
        equal(variants(edge), [(200, NEW), (200, OLD)])


def nginx_that_says_nothing_of_its_cache_is_judged_by_the_bytes(binary):
    origin = Origin()
    with nginx(origin.port) as edge:
        variants(edge)
        origin.files[PAGE] = NEW

        def refresh(path):
            for encoding in ("identity", "gzip"):
                ask(edge, path=path, X_Refresh="1", Accept_Encoding=encoding)

        code, seen = run(binary, edge, refresh)
        equal((code, seen[PAGE][:2]), (0, ("fresh", "the bytes of the file")))
        equal(variants(edge), [(200, NEW)] * 2)


STORIES = [
    a_purge_after_the_deployment_is_fresh_in_both_encodings,
    a_purge_before_the_deployment_is_stale,
    a_deleted_file_is_stale_while_it_is_served_and_fresh_when_it_is_gone,
    a_404_that_was_cached_too_early_is_stale_until_it_is_purged,
    a_soft_purge_serves_the_old_page_once_and_is_fresh_at_the_second_look,
    a_shield_that_was_not_purged_refills_the_edge_with_the_old_page,
    a_point_of_presence_that_was_forgotten_is_seen_where_it_is_the_one_that_is_fetched_from,
    a_read_in_flight_puts_the_old_page_back_and_a_second_purge_heals_it,
    a_variant_that_was_not_refreshed_is_stale_though_the_plain_page_is_new,
    nginx_that_says_nothing_of_its_cache_is_judged_by_the_bytes,
]

if __name__ == "__main__":
    tell("freshness", [(title(story), functools.partial(story, sys.argv[1])) for story in STORIES])
