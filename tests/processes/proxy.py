"""A proxy between the program and the provider. It spoils the calls that a scenario names, and knows which of them were executed."""

import collections
import dataclasses
import email.utils
import http.client
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

HTML = b"<html><head><title>Sign in to this network</title></head><body>\n::error::a page\n</body></html>\n"
# How long an answer is held: longer than the program reads (15 s), and not so long that the gateway gives up.
LATE = 17
# How long a gateway holds a request before it is executed: together with the time in which records lag it is longer than the
# 30 s after which the records would be believed if they were counted from the sending.
HELD = 28


@dataclasses.dataclass
class Call:
    """A request, and the provider's answer once it was executed."""

    method: str
    path: str
    headers: list
    body: bytes
    name: str
    kind: str
    number: int = 0
    status: int = 0
    reason: str = ""
    answer_headers: list = dataclasses.field(default_factory=list)
    answer: bytes = b""


@dataclasses.dataclass
class Spoil:
    """What is done to calls of one kind, from the `first` one of an attempt on."""

    how: str
    kind: str
    attempt: int
    first: int = 1
    count: int = 1
    seconds: int = 0


def header(headers, name):
    return next((value for key, value in headers if key.lower() == name), "")


def name_of(method, path, headers):
    """The provider's name of a call, as far as it names its calls."""
    query = urllib.parse.parse_qs(path.partition("?")[2])
    return header(headers, "x-acs-action") or (query.get("Action") or [f"{method} {path.partition('?')[0]}"])[0]


def kind_of(name):
    if re.match(r"(Refresh|Push|Preload)\w+$", name) or re.match(r"POST \S+/(refresh|preheating)-tasks$", name):
        return "purge"
    return "quota" if re.search("quota", name, re.IGNORECASE) else "query"


def refusal(call, date, status, alibaba, huawei, message="no"):
    """An error in the shape of the vendor's."""
    if call.path.startswith("/v1.0/cdn/"):
        body = {"error_code": huawei, "error_msg": message} if huawei.startswith("APIG") else None
        body = body or {"error": {"error_code": huawei, "error_msg": message}}
    else:
        body = {"RequestId": "4C1E-0", "Code": alibaba, "Message": message}
    call.status, call.reason, call.answer = status, "Refused", json.dumps(body).encode()
    call.answer_headers = [("Content-Type", "application/json"), ("Date", date)]


class Proxy:
    """Listens on a port of its own; everything goes to `provider`, whose clock is `offset` seconds ahead."""

    def __init__(self, provider, spoils, offset):
        self.provider, self.spoils, self.offset = provider, spoils, offset
        self.attempt, self.numbers = 0, collections.Counter()
        self.spoiled = collections.Counter()
        self.signatures, self.trapped, self.on_call = set(), [], lambda call, moment: None
        self.lock, self.over = threading.Lock(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.trap = socket.create_server(("127.0.0.1", 0))
        for listener, serve in ((self.listener, self.serve), (self.trap, self.catch)):
            threading.Thread(target=self.accept, args=(listener, serve), daemon=True).start()

    def begin(self, attempt):
        """Calls are counted from here on."""
        self.attempt, self.numbers = attempt, collections.Counter()

    def close(self):
        self.over.set()
        for listener in (self.listener, self.trap):
            # A blocked `accept` isn't woken by `close` alone.
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def refuse(self, seconds):
        """Nobody listens for a while."""
        listener = self.listener
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.spoiled["connection refused"] += 1

        def listen():
            self.over.wait(seconds)
            if not self.over.is_set():
                self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
                self.accept(self.listener, self.serve)

        threading.Thread(target=listen, daemon=True).start()

    def accept(self, listener, serve):
        while not self.over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def catch(self, connection):
        """Where a redirect leads: nothing may come here."""
        self.trapped.append(connection.recv(64))
        connection.close()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as reader:
                while call := self.read(reader):
                    if not self.pass_on(call, connection):
                        return
        except (OSError, ValueError, http.client.HTTPException):
            # The client went away, which is its right; or the provider did, which its ledger shows.
            return

    def read(self, reader):
        line = reader.readline(1 << 16).decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = []
        while (text := reader.readline(1 << 16).decode("latin-1").rstrip("\r\n")):
            key, _, value = text.partition(":")
            headers.append((key, value.strip()))
        body = reader.read(int(header(headers, "content-length") or 0))
        name = name_of(line[0], line[1], headers)
        call = Call(line[0], line[1], headers, body, name, kind_of(name))
        signed = header(headers, "authorization") + "&" + call.path
        with self.lock:
            self.signatures.update(re.findall(r"Signature=([^,&\s]{20,})", signed))
            self.numbers[call.kind] += 1
            call.number = self.numbers[call.kind]
        return call

    def execute(self, call):
        """The provider gets the request as it was signed."""
        connection = http.client.HTTPConnection(*self.provider.split(":"), timeout=60)
        try:
            connection.putrequest(call.method, call.path, skip_host=True, skip_accept_encoding=True)
            for key, value in call.headers:
                if key.lower() not in ("connection", "content-length"):
                    connection.putheader(key, value)
            if call.body or call.method == "POST":
                connection.putheader("Content-Length", str(len(call.body)))
            connection.endheaders(call.body or None)
            answer = connection.getresponse()
            call.status, call.reason, call.answer = answer.status, answer.reason, answer.read()
            dropped = ("content-length", "transfer-encoding", "connection")
            call.answer_headers = [(key, value) for key, value in answer.getheaders() if key.lower() not in dropped]
        finally:
            connection.close()
        self.on_call(call, "executed")

    def pass_on(self, call, connection):
        """Gives whether the connection can be used again."""
        attempt = self.attempt
        self.on_call(call, "arrived")

        def is_due(spoil):
            return (
                spoil.attempt == attempt
                and spoil.kind in (call.kind, "any")
                and spoil.first <= call.number < spoil.first + spoil.count
            )

        spoil = next(filter(is_due, self.spoils), None)
        if spoil is None:
            self.execute(call)
            self.answer(call, connection)
            return True
        with self.lock:
            self.spoiled[spoil.how] += 1
        return SPOILS[spoil.how](self, call, connection, spoil)

    def answer(self, call, connection, length=None, body=None):
        headers = [*call.answer_headers, ("Content-Length", str(len(call.answer) if length is None else length))]
        head = f"HTTP/1.1 {call.status} {call.reason}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers) + "\r\n"
        connection.sendall(head.encode("latin-1") + (call.answer if body is None else body))


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()
    return False


def reset_before(proxy, call, connection, spoil):
    return reset(connection)


def reset_after(proxy, call, connection, spoil):
    proxy.execute(call)
    return reset(connection)


def cut(proxy, call, connection, spoil):
    proxy.execute(call)
    proxy.answer(call, connection, body=call.answer[: len(call.answer) // 2])
    return False


def late_answer(proxy, call, connection, spoil):
    proxy.execute(call)
    proxy.over.wait(LATE)
    proxy.answer(call, connection)
    return False


def late_execution(proxy, call, connection, spoil):
    # The client has left by then, and the gateway doesn't care.
    proxy.over.wait(HELD)
    proxy.execute(call)
    return False


def page(status, executes):
    def spoil(proxy, call, connection, spoil):
        if executes:
            proxy.execute(call)
        call.status, call.reason, call.answer = status, "Page", HTML
        call.answer_headers = [("Content-Type", "text/html"), ("Date", email.utils.formatdate(usegmt=True))]
        proxy.answer(call, connection)
        return True

    return spoil


def refused(status, alibaba, huawei, executes):
    def spoil(proxy, call, connection, spoil):
        if executes:
            proxy.execute(call)
        # The vendor's own errors have its own time.
        date = email.utils.formatdate(time.time() + proxy.offset, usegmt=True)
        refusal(call, date, status, alibaba, huawei, "no\n::set-output name=status::done ##[error]")
        proxy.answer(call, connection)
        return True

    return spoil


def too_long(proxy, call, connection, spoil):
    proxy.execute(call)
    proxy.answer(call, connection, length=len(call.answer) + 100)
    return False


def too_short(proxy, call, connection, spoil):
    proxy.execute(call)
    proxy.answer(call, connection, length=max(1, len(call.answer) - 9))
    return False


def drip(proxy, call, connection, spoil):
    proxy.execute(call)
    proxy.answer(call, connection, body=b"")
    for byte in call.answer:
        if proxy.over.wait(1):
            return False
        connection.sendall(bytes([byte]))
    return True


def endless(proxy, call, connection, spoil):
    proxy.execute(call)
    call.answer_headers.append(("Transfer-Encoding", "chunked"))
    head = f"HTTP/1.1 {call.status} {call.reason}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in call.answer_headers)
    connection.sendall(head.encode("latin-1") + b"\r\n")
    piece = b" " * (1 << 16)
    while not proxy.over.is_set():
        connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    return False


def twice(proxy, call, connection, spoil):
    proxy.execute(call)
    call.answer *= 2
    proxy.answer(call, connection)
    return True


def empty_object(proxy, call, connection, spoil):
    proxy.execute(call)
    call.answer = b"{}"
    proxy.answer(call, connection)
    return True


def redirect(proxy, call, connection, spoil):
    call.status, call.reason, call.answer = 307, "Temporary Redirect", HTML
    call.answer_headers = [("Location", f"http://127.0.0.1:{proxy.trap.getsockname()[1]}/")]
    proxy.answer(call, connection)
    return True


def no_http(proxy, call, connection, spoil):
    proxy.execute(call)
    connection.sendall(b"220 mail.example.com ESMTP\r\n")
    return False


def date_off(proxy, call, connection, spoil):
    proxy.execute(call)
    date = email.utils.formatdate(time.time() + spoil.seconds, usegmt=True)
    call.answer_headers = [(key, value) for key, value in call.answer_headers if key.lower() != "date"] + [("Date", date)]
    proxy.answer(call, connection)
    return True


def date_missing(proxy, call, connection, spoil):
    proxy.execute(call)
    call.answer_headers = [(key, value) for key, value in call.answer_headers if key.lower() != "date"]
    proxy.answer(call, connection)
    return True


def date_cached(proxy, call, connection, spoil):
    # A cache gives the answer's age along with an old date.
    call.answer_headers = []
    proxy.execute(call)
    date = email.utils.formatdate(time.time() - 300, usegmt=True)
    call.answer_headers = [(key, value) for key, value in call.answer_headers if key.lower() != "date"]
    call.answer_headers += [("Date", date), ("Age", "300")]
    proxy.answer(call, connection)
    return True


SPOILS = {
    "reset before execution": reset_before,
    "reset after execution": reset_after,
    "answer cut": cut,
    "answer late": late_answer,
    "executed late, no answer": late_execution,
    "503 page before execution": page(503, False),
    "502 page after execution": page(502, True),
    "200 page before execution": page(200, False),
    "200 page after execution": page(200, True),
    "500 before execution": refused(500, "InternalError", "CDN.0000", False),
    "500 after execution": refused(500, "InternalError", "CDN.0000", True),
    "length too long": too_long,
    "length too short": too_short,
    "a byte a second": drip,
    "endless answer": endless,
    "answer twice": twice,
    "empty object": empty_object,
    "undocumented code before execution": refused(400, "Novel.Trouble", "CDN.9876", False),
    "undocumented code after execution": refused(400, "Novel.Trouble", "CDN.9876", True),
    "throttled": refused(429, "Throttling.User", "APIGW.0308", False),
    "redirect": redirect,
    "not HTTP": no_http,
    "Date off": date_off,
    "Date missing": date_missing,
    "Date cached": date_cached,
    "quota forbidden": refused(403, "Forbidden.RAM", "CDN.0004", False),
    "quota unavailable": refused(503, "ServiceUnavailable", "APIGW.0605", False),
    "quota reset": reset_before,
}
