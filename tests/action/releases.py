"""A server of releases on a loopback address, with the responses that a test sets: also those of a bad server."""

import http.server
import pathlib
import ssl
import subprocess
import threading


class Releases:
    """Serves by rules: each request takes the next one, the last one stays. A rule gets the handler, which is the request."""

    def __init__(self, *rules, tls=None):
        rules, requested = list(rules), []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                requested.append(self.path)
                self.close_connection = True
                (rules.pop(0) if len(rules) > 1 else rules[0])(self)

            def log_message(self, *_):
                pass

        self.requested = requested
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.address = f"{scheme}://127.0.0.1:{self.server.server_port}/somebody/cdn-purge/releases/download/v1.2.3"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def certificate(folder):
    """A key and a certificate for 127.0.0.1, in one file that is also its own authority."""
    file = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file, "-out", folder / "authority.pem"],
        capture_output=True,
        check=True,
    )
    file.write_text(file.read_text() + (folder / "authority.pem").read_text())
    return file


# --- Rules.


def gives(content, said=None):
    """A body; `said` is the length in its head, if that isn't the true one."""
    content = pathlib.Path(content).read_bytes() if isinstance(content, (str, pathlib.Path)) else content

    def rule(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if said is None else said))
        request.end_headers()
        request.wfile.write(content)

    return rule


def answers(status, **headers):
    """A status without a body."""

    def rule(request):
        request.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            request.send_header(name, value(request) if callable(value) else value)
        request.end_headers()

    return rule


def hangs(until):
    """Nothing, until an event is set."""
    return lambda _: until.wait(60)
