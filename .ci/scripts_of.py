"""Writes each bash script of workflows and actions into a file of its own, for shellcheck; prints their names.

Usage: scripts_of.py FOLDER FILE…
"""

import pathlib
import re
import sys

from ruamel.yaml import YAML


def scripts(value):
    if isinstance(value, dict):
        if isinstance(value.get("run"), str):
            yield value["run"]
        for inner in value.values():
            yield from scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scripts(inner)


folder, *names = sys.argv[1:]
for name in names:
    for number, script in enumerate(scripts(YAML(typ="safe").load(pathlib.Path(name)))):
        # An expression is filled in before the shell sees it.
        text = re.sub(r"\$\{\{.*?\}\}", "expression", script)
        file = pathlib.Path(folder) / f"{pathlib.Path(name).stem}-{number}.sh"
        file.write_text(f"#!/usr/bin/env bash\n{text}")
        print(file)
