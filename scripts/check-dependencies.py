#!/usr/bin/env python3
"""Checks licences and origins of all dependencies, and that none is banned, as deny.toml says, on every system and in tests too.

It does what `cargo deny check licenses bans sources` does with that file, from `cargo metadata` alone, in two seconds; building
cargo-deny 0.20.2 takes five minutes of processor time. It also checks that all C code inside the crates is described.

Usage: scripts/check-dependencies.py [DENY_TOML]
"""

import json
import re
import subprocess
import sys
import tomllib

from components import ROOT, TARGETS, components


def main():
    file = sys.argv[1] if len(sys.argv) > 1 else ROOT / "deny.toml"
    with open(file, "rb") as opened:
        rules = tomllib.load(opened)
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)["packages"]
    problems, used = [], set()
    allowed = set(rules["licenses"]["allow"])
    banned = {entry["crate"] for entry in rules["bans"]["deny"]}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        # Cargo once wrote `/` for OR.
        expression = (package["license"] or "").replace("/", " OR ")
        chosen = accept(expression, allowed)
        if chosen is None:
            problems.append(f"{name}: licence `{expression}` isn't allowed; allow it in deny.toml, or do without the crate")
        used |= chosen or set()
        if package["name"] in banned:
            problems.append(f"{name} is banned; `cargo tree --invert {package['name']}` says what needs it")
        if package["source"] is not None and not package["source"].startswith("registry+"):
            problems.append(f"{name} comes from {package['source']}; take a released version from the default registry")
        # Null means the default registry.
        others = {need["registry"] for need in package["dependencies"] if need["registry"] is not None}
        problems += [f"{name} needs crates from {registry}; take them from the default registry" for registry in sorted(others)]
    problems += [f"deny.toml allows `{license}`, which no dependency needs; remove it" for license in sorted(allowed - used)]
    if set(rules["graph"]["targets"]) != TARGETS:
        problems.append("deny.toml and scripts/components.py name different targets")
    if problems:
        sys.exit("\n".join(problems))
    for target in sorted(TARGETS):
        components(target)
    print(f"{len(packages)} packages: licences and origins as in deny.toml")


def accept(expression, allowed):
    """The allowed licences that satisfy an SPDX expression, or None."""
    tokens = re.findall(r"[()]|[^\s()]+", expression)

    def either():
        found = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            other = both()
            # All that would do, since any of them may be the reason for an entry in the list.
            found = other if found is None else found | (other or set())
        return found

    def both():
        found = single()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            other = single()
            found = None if found is None or other is None else found | other
        return found

    def single():
        token = tokens.pop(0) if tokens else ""
        if token == "(":
            found = either()
            tokens.pop(0)
            return found
        if tokens[:1] == ["WITH"]:
            token = f"{token} WITH {tokens[1]}"
            del tokens[:2]
        return {token} if token in allowed else None

    return either()


if __name__ == "__main__":
    main()
