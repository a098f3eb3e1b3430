"""Deploys, purges and verifies through real caches, and judges each verdict by the bytes that the caches serve.

Usage: run.py BINARY (through the `run` next to it, which installs the caches)
"""

import concurrent.futures
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

# How many stories are told at the same time, each with caches of its own.
AT_ONCE = 8
# What every origin has, to see whether a cache in front of it works.
READY = "/ready"
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
        self.files, self.delay, self.requests = {PAGE: OLD}, 0, 0
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                origin.requests += 1
                path = self.path.partition("?")[0]
                body = origin.files.get(path) if path != READY else b"ready"
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


def via(port):
    """What Traffic Server says of its cache."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", READY, headers={"Host": HOST})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return (answer.headers.get("Via") or "").partition("[")[2]


def variants(port, path=PAGE):
    """What visitors get: as it is, and compressed."""
    return [ask(port, path=path, Accept_Encoding=encoding) for encoding in ("identity", "gzip")]


def held(origin, port):
    """The same, once the cache holds it: Traffic Server may leave out a variant while it still writes another."""
    for _ in range(100):
        before = origin.requests
        seen = variants(port)
        if origin.requests == before:
            return seen
        time.sleep(0.05)
    raise AssertionError("the cache keeps nothing")


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
def varnish(behind):
    """Varnish in front of a port; a purge says in `X-Purge-Mode` whether it is a soft one."""
    with tempfile.TemporaryDirectory(prefix="cdn-purge-varnish-") as folder:
        # As root it works as a user of its own.
        os.chmod(folder, 0o755)
        purge = 'if (req.method == "PURGE") { purge.soft(0s, 60s, 0s); return (synth(200)); }'
        vcl = pathlib.Path(folder) / "edge.vcl"
        vcl.write_text(f"""vcl 4.1;
import purge;
backend default {{ .host = "127.0.0.1"; .port = "{behind}"; }}
sub vcl_recv {{
  if (req.method == "PURGE") {{ if (req.http.X-Purge-Mode == "soft") {{ return (hash); }} return (purge); }}
}}
sub vcl_hit {{ {purge} }}
sub vcl_miss {{ {purge} }}
sub vcl_deliver {{ set resp.http.X-Cache = "MISS"; if (obj.hits > 0) {{ set resp.http.X-Cache = "HIT"; }} }}
""")
        port = free_port()
        command = ["varnishd", "-F", "-a", f"127.0.0.1:{port}", "-f", str(vcl), "-n", folder + "/v", "-s", "malloc,16m", "-T", "none"]
        with process(command, port):
            yield port


@contextlib.contextmanager
def traffic_server(behind):
    """Apache Traffic Server in front of a port. Debian's takes PURGE from this machine; as root it wants a user of its own."""
    with tempfile.TemporaryDirectory(prefix="cdn-purge-ats-") as name:
        folder, port = pathlib.Path(name), free_port()
        for part in ("etc", "log", "cache", "run", "state"):
            (folder / part).mkdir()
        places = {"sysconfdir": "etc", "datadir": "cache", "localstatedir": "state", "runtimedir": "run", "logdir": "log", "cachedir": "cache"}
        system = {"prefix": "", "exec_prefix": "", "bindir": "/bin", "sbindir": "/sbin", "includedir": "/include", "libdir": "/lib"}
        system["libexecdir"] = "/lib/trafficserver/modules"
        lines = [f"{key}: /usr{value}" for key, value in system.items()] + [f"{key}: {folder}/{value}" for key, value in places.items()]
        (folder / "runroot.yaml").write_text("\n".join(lines) + "\n")
        settings = {
            "http.server_ports STRING": port,
            "http.cache.required_headers INT": 0,
            "http.insert_response_via_str INT": 2,
            "http.negative_caching_enabled INT": 1,
            "url_remap.pristine_host_hdr INT": 1,
        }
        if os.geteuid() == 0:
            settings["admin.user_id STRING"] = "trafficserver"
        records = "".join(f"CONFIG proxy.config.{key} {value}\n" for key, value in settings.items())
        (folder / "etc/records.config").write_text(records)
        (folder / "etc/remap.config").write_text(f"map / http://127.0.0.1:{behind}/\n")
        (folder / "etc/storage.config").write_text(f"{folder}/cache 32M\n")
        shutil.copy("/etc/trafficserver/ip_allow.yaml", folder / "etc")
        if os.geteuid() == 0:
            for place in (folder, *folder.rglob("*")):
                shutil.chown(place, "trafficserver", "trafficserver")
        os.chmod(folder, 0o755)
        with process(["traffic_server", f"--run-root={folder}/runroot.yaml"], port):
            # It listens before it has its cache: `cHs f ` is a hit.
            for _ in range(200):
                if "H" in via(port):
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("Traffic Server keeps nothing")
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
        """The exit code, and of each path the verdict, the evidence, the tries, whether it was refreshed again, the edge, and whether it was old before."""
        report = self.folder / ".git/report.json"
        command = [self.binary, *arguments, "--base", "HEAD~1", "--report-file", str(report)]
        environment = {**PLAIN, **KEY, "HOME": str(self.folder / ".git"), "TMPDIR": str(self.folder / ".git")}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert report.exists(), done.stderr
        seen = {}
        for url in json.loads(report.read_text())["urls"]:
            verified = url["verification"]
            path = url["url"].removeprefix(f"http://{HOST}")
            seen[path] = (verified["verdict"], verified["evidence"], verified["tries"], verified["refreshed_again"], verified["edge"], verified["was_old"])
        return done.returncode, seen


@contextlib.contextmanager
def refreshing(mock, refresh):
    """Does at a cache that has no PURGE what the provider accepted: `refresh` with the path of each URL."""
    is_over = threading.Event()

    def follow():
        done = 0
        while not is_over.is_set():
            accepted = mock.ledger()
            for _, url in accepted[done:]:
                refresh(url.removeprefix(f"http://{HOST}"))
            done = len(accepted)
            time.sleep(0.02)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def renewing(port, *encodings):
    """A refresh at nginx, which renews the copies for these encodings."""

    def refresh(path):
        for encoding in encodings:
            ask(port, path=path, X_Refresh="1", Accept_Encoding=encoding)

    return refresh


def at(*edges):
    return ",".join(f"127.0.0.1:{edge}" for edge in edges)


def run(binary, edge, *caches, fault=None, refresh=None, before=None, after=None, meanwhile=lambda: None):
    """A run that verifies through `edge`, or through several, while the mock server purges these caches when a task is complete."""
    edges = edge if isinstance(edge, list) else [edge]
    flags = [f"--edge=http://127.0.0.1:{cache}" for cache in caches] + ([f"--edge-fault={fault}"] if fault else [])
    with MockServer(binary, "--task-seconds", "1", *flags) as mock:
        with refreshing(mock, refresh) if refresh else contextlib.nullcontext():
            with Site(binary, before or {PAGE: OLD}, {PAGE: NEW} if after is None else after) as site:
                meanwhile()
                return site.call("run", "--verify", "--edge", at(*edges), "--endpoint", f"alibaba-cdn=http://{mock.address}")


def verify(binary, *edges):
    """The command that sends nothing."""
    with Site(binary, {PAGE: OLD}, {PAGE: NEW}) as site:
        return site.call("verify", "--edge", at(*edges))


def slow_visitors(origin, edge, seconds):
    """Visitors whose answers the origin began before the deployment, and ends so much later; the threads that wait for them."""
    origin.delay = seconds
    threads = [threading.Thread(target=ask, args=(edge,), kwargs={"Accept_Encoding": encoding}) for encoding in ("identity", "gzip")]
    for thread in threads:
        thread.start()
    time.sleep(1)
    origin.files[PAGE], origin.delay = NEW, 0
    return threads


def a_purge_after_the_deployment_is_fresh_in_all_encodings(cache, binary):
    origin = Origin()
    with cache(origin.port) as edge:
        browsers = [ask(edge, Accept_Encoding="gzip, deflate, br")]
        equal(held(origin, edge) + browsers, [(200, OLD)] * 3)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, edge)
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge) + [ask(edge, Accept_Encoding="gzip, deflate, br")], [(200, NEW)] * 3)


def a_purge_before_the_deployment_is_stale(cache, binary):
    origin = Origin()
    with cache(origin.port) as edge:
        held(origin, edge)
        code, seen = run(binary, edge, edge)
        equal((code, seen[PAGE][0]), (7, "stale"))
        # Visitors come between the purge and the deployment.
        held(origin, edge)
        origin.files[PAGE] = NEW
        equal(variants(edge), [(200, OLD)] * 2)
        # Past the cache everything is as it should be, which proves nothing.
        equal(ask(edge, path=f"{PAGE}?t=1"), (200, NEW))


def a_deleted_file_is_stale_while_it_is_served_and_fresh_when_it_is_gone(cache, binary):
    origin = Origin()
    with cache(origin.port) as edge:
        held(origin, edge)
        del origin.files[PAGE]
        code, seen = run(binary, edge, after={})
        equal((code, seen[PAGE][:2]), (7, ("stale", "the bytes of the deleted file are still served")))
        equal(variants(edge), [(200, OLD)] * 2)
        code, seen = run(binary, edge, edge, after={})
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal([status for status, _ in variants(edge)], [404, 404])


def a_404_that_was_cached_too_early_is_stale_until_it_is_purged(cache, binary):
    origin = Origin()
    origin.files = {}
    with cache(origin.port) as edge:
        equal([status for status, _ in held(origin, edge)], [404, 404])
        origin.files = {PAGE: NEW}
        code, seen = run(binary, edge, before={"/other.html": OLD}, after={PAGE: NEW, "/other.html": OLD})
        # Varnish marks its hits, Traffic Server doesn't: there the 404 may be the origin's.
        equal((code, seen[PAGE][0]), (7, "stale") if cache is varnish else (0, "undecided"))
        assert "404" in seen[PAGE][1], seen
        equal([status for status, _ in variants(edge)], [404, 404])
        code, seen = run(binary, edge, edge, before={"/other.html": OLD}, after={PAGE: NEW, "/other.html": OLD})
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_soft_purge_serves_the_old_page_once_and_is_fresh_at_the_second_look(binary):
    origin = Origin()
    with varnish(origin.port) as edge:
        held(origin, edge)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, edge, fault="soft")
        equal((code, seen[PAGE][0]), (0, "fresh"))
        assert seen[PAGE][2] > 1, seen
        equal(variants(edge), [(200, NEW)] * 2)


@contextlib.contextmanager
def shielded(cache):
    """An edge in front of a shield, with the old page in both after the deployment of the new one."""
    origin = Origin()
    with cache(origin.port) as shield, varnish(shield) as edge:
        held(origin, edge), held(origin, shield)
        origin.files[PAGE] = NEW
        yield shield, edge


def a_shield_that_was_not_purged_refills_the_edge_with_the_old_page(cache, binary):
    with shielded(cache) as (shield, edge):
        code, seen = run(binary, edge, edge, shield, fault="one-forgotten")
        equal((code, seen[PAGE][0]), (7, "stale"))
        # Varnish asks for the compressed page alone.
        equal((variants(edge), ask(shield, Accept_Encoding="gzip")), ([(200, OLD)] * 2, (200, OLD)))
        # In the right order.
        code, seen = run(binary, edge, shield, edge)
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_shield_that_is_purged_later_than_the_edge_leaves_the_old_page_in_it_until_the_second_refresh(binary):
    with shielded(traffic_server) as (shield, edge):
        code, seen = run(binary, edge, edge, shield, fault="shield-late")
        # The second refresh finds the shield purged.
        equal((code, seen[PAGE][0], seen[PAGE][3]), (0, "fresh", True))
        equal((variants(edge), variants(shield)), ([(200, NEW)] * 2, [(200, NEW)] * 2))


def a_point_of_presence_that_was_forgotten_is_seen_where_it_is_the_one_that_is_fetched_from(binary):
    origin = Origin()
    with varnish(origin.port) as near, varnish(origin.port) as far:
        held(origin, near), held(origin, far)
        origin.files[PAGE] = NEW
        equal(run(binary, near, near, far, fault="one-forgotten")[0], 0)
        equal(verify(binary, near)[0], 0)
        code, seen = verify(binary, far)
        equal((code, seen[PAGE][0]), (7, "stale"))
        equal((variants(near), variants(far)), ([(200, NEW)] * 2, [(200, OLD)] * 2))


def of_two_points_of_presence_the_forgotten_one_is_named(binary):
    origin = Origin()
    with varnish(origin.port) as near, varnish(origin.port) as far:
        held(origin, near), held(origin, far)
        origin.files[PAGE] = NEW
        code, seen = run(binary, [near, far], near, far, fault="one-forgotten")
        equal((code, seen[PAGE][0], seen[PAGE][4]), (7, "stale", at(far)))
        equal((variants(near), variants(far)), ([(200, NEW)] * 2, [(200, OLD)] * 2))
        code, seen = run(binary, [near, far], near, far)
        # The far one was a witness.
        equal((code, seen[PAGE][0], seen[PAGE][5]), (0, "fresh", True))
        code, seen = run(binary, [near, far], near, far)
        equal((code, seen[PAGE][0], seen[PAGE][5]), (0, "fresh", False))
        equal((variants(near), variants(far)), ([(200, NEW)] * 2, [(200, NEW)] * 2))


def a_purge_that_is_complete_and_did_nothing_is_stale(cache, binary):
    origin = Origin()
    with cache(origin.port) as edge:
        held(origin, edge)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, edge, fault="not-purged")
        equal((code, seen[PAGE][:2]), (7, ("stale", "the bytes of the file before")))
        equal(variants(edge), [(200, OLD)] * 2)


def a_read_in_flight_puts_the_old_page_back_and_the_second_refresh_heals_it(binary):
    origin = Origin()
    with varnish(origin.port) as edge:
        # Longer than the fetch before the refresh waits for the same read.
        code, seen = run(binary, edge, edge, meanwhile=lambda: slow_visitors(origin, edge, 14))
        equal((code, seen[PAGE][0], seen[PAGE][3]), (0, "fresh", True))
        equal(variants(edge), [(200, NEW)] * 2)


def an_old_page_that_came_back_after_its_purge_is_found_by_a_later_verification(binary):
    origin = Origin()
    with nginx(origin.port) as edge:
        refresh = renewing(edge, "identity", "gzip")
        visitors = []
        run(binary, edge, refresh=refresh, meanwhile=lambda: visitors.extend(slow_visitors(origin, edge, 4)))
        for visitor in visitors:
            visitor.join()
        assert (200, OLD) in variants(edge), "the cache didn't put the old page back"
        code, seen = verify(binary, edge)
        equal((code, seen[PAGE][0]), (7, "stale"))
        code, seen = run(binary, edge, refresh=refresh)
        equal((code, seen[PAGE][0]), (0, "fresh"))
        equal(variants(edge), [(200, NEW)] * 2)


def a_variant_that_was_not_refreshed_is_stale_though_the_plain_page_is_new(binary):
    origin = Origin()
    with nginx(origin.port) as edge:
        equal(held(origin, edge), [(200, OLD)] * 2)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, refresh=renewing(edge, "identity"))
        equal((code, seen[PAGE][0]), (7, "stale"))
        assert "gzip" in seen[PAGE][1], seen
        equal(variants(edge), [(200, NEW), (200, OLD)])


def nginx_that_says_nothing_of_its_cache_is_judged_by_the_bytes(binary):
    origin = Origin()
    with nginx(origin.port) as edge:
        held(origin, edge)
        origin.files[PAGE] = NEW
        code, seen = run(binary, edge, refresh=renewing(edge, "identity", "gzip"))
        equal((code, seen[PAGE][:2]), (0, ("fresh", "the bytes of the file")))
        equal(variants(edge), [(200, NEW)] * 2)


# Each story with the caches that it is told of.
STORIES = [
    (a_purge_after_the_deployment_is_fresh_in_all_encodings, [varnish, traffic_server]),
    (a_purge_before_the_deployment_is_stale, [varnish, traffic_server]),
    (a_deleted_file_is_stale_while_it_is_served_and_fresh_when_it_is_gone, [varnish, traffic_server]),
    (a_404_that_was_cached_too_early_is_stale_until_it_is_purged, [varnish, traffic_server]),
    (a_soft_purge_serves_the_old_page_once_and_is_fresh_at_the_second_look, []),
    (a_shield_that_was_not_purged_refills_the_edge_with_the_old_page, [varnish, traffic_server]),
    (a_shield_that_is_purged_later_than_the_edge_leaves_the_old_page_in_it_until_the_second_refresh, []),
    (a_point_of_presence_that_was_forgotten_is_seen_where_it_is_the_one_that_is_fetched_from, []),
    (of_two_points_of_presence_the_forgotten_one_is_named, []),
    (a_purge_that_is_complete_and_did_nothing_is_stale, [varnish, traffic_server]),
    # Traffic Server may fetch the page again meanwhile, and is fresh at once then.
    (a_read_in_flight_puts_the_old_page_back_and_the_second_refresh_heals_it, []),
    (an_old_page_that_came_back_after_its_purge_is_found_by_a_later_verification, []),
    (a_variant_that_was_not_refreshed_is_stale_though_the_plain_page_is_new, []),
    (nginx_that_says_nothing_of_its_cache_is_judged_by_the_bytes, []),
]


def stories(binary):
    """Each story's title, and what to call."""
    for story, caches in STORIES:
        for cache in caches:
            yield f"{title(story)} ({title(cache)})", functools.partial(story, cache, binary)
        if not caches:
            yield title(story), functools.partial(story, binary)


if __name__ == "__main__":
    # They mostly wait: for tasks, and for the next look at a stale page.
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        told = [(about, pool.submit(story)) for about, story in stories(sys.argv[1])]
        tell("freshness", [(about, future.result) for about, future in told])
