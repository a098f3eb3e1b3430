#!/usr/bin/env python3
"""Prints what is in the binary for a target, as a CycloneDX 1.6 document: each crate, each C library and each library of the toolchain.

A component has its version, licence and needs, a crate its SHA-256, a C library the name that vulnerabilities are listed under.
Macros only write code at build time: their scope is `excluded`. What only tests isn't in it. The same source and toolchain
give the same bytes: there is no date and no random number in it.

Usage: scripts/sbom.py TARGET
"""

import json
import sys

from components import components


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    program, *others = components(sys.argv[1])
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": describe(program, "application"), "properties": [{"name": "target", "value": sys.argv[1]}]},
        "components": [describe(component) for component in others],
        "dependencies": [
            {"ref": component.reference, "dependsOn": sorted(set(component.needs))} for component in (program, *others)
        ],
    }
    print(json.dumps(document, indent=1, ensure_ascii=False))


def describe(component, kind="library"):
    about = {"type": kind, "bom-ref": component.reference, "name": component.name}
    if component.version:
        about["version"] = component.version
    if component.description:
        about["description"] = component.description
    if not component.runtime:
        about["scope"] = "excluded"
    if component.checksum:
        about["hashes"] = [{"alg": "SHA-256", "content": component.checksum}]
    about["licenses"] = [{"expression": component.license}]
    if component.cpe:
        about["cpe"] = component.cpe
    about["purl"] = component.purl
    return about


if __name__ == "__main__":
    main()
