#!/usr/bin/env python3
"""Prints what is in the binary for a target, as a CycloneDX 1.6 document: each crate with its version, licence, SHA-256 and needs.

What only builds or tests isn't in it. The same source gives the same bytes: there is no date and no random number in it.

Usage: scripts/sbom.py TARGET
"""

import json
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", sys.argv[1]]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {
        node["id"]: [need["pkg"] for need in node["deps"] if any(kind["kind"] is None for kind in need["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
    }
    root = metadata["resolve"]["root"]
    inside, waiting = {root}, [root]
    while waiting:
        new = set(needs[waiting.pop()]) - inside
        inside |= new
        waiting.extend(new)

    def reference(identifier):
        return f"pkg:cargo/{packages[identifier]['name']}@{packages[identifier]['version']}"

    def component(identifier, kind="library"):
        package = packages[identifier]
        about = {
            "type": kind,
            "bom-ref": reference(identifier),
            "name": package["name"],
            "version": package["version"],
            "purl": reference(identifier),
        }
        if package["description"]:
            about["description"] = " ".join(package["description"].split())
        if checksum := checksums[package["name"], package["version"]]:
            about["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if package["license"]:
            # Cargo once wrote `/` for OR.
            about["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        return about

    ordered = sorted(inside, key=reference)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(root, "application"), "properties": [{"name": "target", "value": sys.argv[1]}]},
        "components": [component(identifier) for identifier in ordered if identifier != root],
        "dependencies": [
            {"ref": reference(identifier), "dependsOn": sorted({reference(need) for need in needs[identifier]})}
            for identifier in ordered
        ],
    }
    print(json.dumps(document, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
