"""`cdn-purge mock-server` as a process of its own, for every script that needs a provider to talk to."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

# Made-up credentials.
KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "example-key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "example-secret"}


class MockServer:
    """The process, from the line that says where it listens until a SIGTERM, as a supervisor would send it."""

    def __init__(self, binary, *flags, environment=KEY):
        self.folder = tempfile.TemporaryDirectory(prefix="cdn-purge-emulators-")
        self.ledger_file = pathlib.Path(self.folder.name) / "ledger.jsonl"
        command = [binary, "mock-server", "--listen", "127.0.0.1:0", "--ledger", str(self.ledger_file), *flags]
        self.process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self.address = None
        for line in self.process.stdout:
            found = re.search(r"listening on http://(\S+)", line)
            if found:
                self.address = found[1]
                break
        assert self.address, f"`{' '.join(command)}` doesn't say where it listens"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(timeout=10)
        self.folder.cleanup()
        assert code == 0, f"mock-server ended with {code}"

    def ledger(self):
        """What was accepted, as (`refresh` or `prefetch`, URL)."""
        lines = self.ledger_file.read_text().splitlines() if self.ledger_file.exists() else []
        entries = [json.loads(line) for line in lines]
        return [("prefetch" if entry["operation"] == "prefetch" else "refresh", entry["url"]) for entry in entries]
