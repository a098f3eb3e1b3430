#!/usr/bin/env python3
"""Prints THIRD-PARTY-NOTICES: the software in the binaries for the given targets, with the texts of its licences.

Usage: scripts/third-party-notices.py TARGET…
"""

import sys

from components import components


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    own, found = set(), {}
    for target in sys.argv[1:]:
        for component in components(target):
            if component.crate and not component.checksum:
                own.add(component.reference)
            found[component.reference] = component
    # One text is printed once, with everything that it covers.
    texts = {}
    for reference in sorted(found.keys() - own):
        component = found[reference]
        for text in component.texts:
            names, _ = texts.setdefault(" ".join(text.split()), ([], text))
            if label(component) not in names:
                names.append(label(component))

    print("THIRD-PARTY NOTICES\n")
    print("cdn-purge is licensed under MIT OR Apache-2.0. Its binary contains the software listed here, under these licences.")
    print("The texts of the licences follow the list.\n")
    for reference in sorted(found, key=lambda reference: found[reference].name):
        print(f"{label(found[reference])}: {found[reference].license}")
    for names, text in texts.values():
        print("\n" + "=" * 80)
        print(wrapped("Licence of " + ", ".join(names)))
        print("=" * 80 + "\n")
        print(text.strip("\n"))


def label(component):
    return f"{component.name} {component.version}".strip()


def wrapped(text, width=80):
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


if __name__ == "__main__":
    main()
