"""A forge on loopback: `git http-backend` as CGI behind basic authentication, and the parts of two APIs that list runs."""

import base64
import http.server
import json
import os
import subprocess
import threading
import urllib.parse


class Forge:
    """A server in a thread of its own, with its requests and responses."""

    def __init__(self, root, token=None, version=2, redirect=None):
        self.root, self.token, self.version, self.redirect = root, token, version, redirect
        self.requests, self.sent, self.interface, self.endless = [], 0, {}, False
        self.open = threading.Event()
        self.open.set()
        forge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                forge.answer(self, b"")

            def do_POST(self):
                forge.answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def forget(self):
        self.requests, self.sent = [], 0

    def answer(self, handler, body):
        path, _, query = handler.path.partition("?")
        authorization = handler.headers.get("authorization", "")
        self.requests.append((handler.command, handler.path, authorization))
        self.open.wait(60)
        if self.redirect and not path.startswith("/api/"):
            return self.reply(handler, 301, [("Location", self.redirect + handler.path)], b"")
        if path.startswith("/api/"):
            status, answer = self.interface.get(path, (404, {"message": "Not Found"}))
            if callable(answer):
                answer = answer(handler.headers, dict(urllib.parse.parse_qsl(query)))
            return self.reply(handler, status, [("Content-Type", "application/json")], json.dumps(answer).encode())
        # The scheme's case means nothing; `actions/checkout` writes it small.
        scheme, _, secret = authorization.partition(" ")
        if self.token and f"{scheme.title()} {secret}" != basic(self.token):
            headers = [("WWW-Authenticate", 'Basic realm="forge"'), ("Content-Type", "text/plain")]
            return self.reply(handler, 401, headers, b"Bad credentials\n")
        if self.endless and b"command=ls-refs" in body:
            return self.never_end(handler)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": urllib.parse.unquote(path),
            "QUERY_STRING": query,
            "REQUEST_METHOD": handler.command,
            "CONTENT_TYPE": handler.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": handler.headers.get("content-encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "somebody",
        }
        if self.version == 2:
            environment["GIT_PROTOCOL"] = handler.headers.get("git-protocol", "")
        # It ends with an error when it says one; what it says is the answer, all the same.
        output = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True).stdout
        head, _, answer = output.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self.reply(handler, status, [pair for pair in headers if pair[0] != "Status"], answer)

    def never_end(self, handler):
        """References until the connection is closed."""
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-git-upload-pack-result")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        name = b"1" * 40 + b" refs/heads/" + b"x" * 100 + b"\n"
        lines = (b"%04x" % (len(name) + 4) + name) * 1000
        try:
            while True:
                handler.wfile.write(lines)
        except OSError:
            pass

    def reply(self, handler, status, headers, body):
        self.sent += len(body)
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except BrokenPipeError:
            # Who was interrupted doesn't wait for the answer.
            handler.close_connection = True


def basic(token):
    """The header as `actions/checkout` leaves it, and as a token alone becomes it."""
    return "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()
