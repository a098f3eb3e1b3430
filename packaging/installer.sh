#!/bin/sh
# Installs cdn-purge @VERSION@ for Linux or macOS: downloads the binary of this system, compares its SHA-256 with the one below, and
# moves it into a folder.
#
# Usage: sh cdn-purge-@VERSION@-installer.sh [FOLDER]
#
# The folder is ~/.local/bin if none is given, and /usr/local/bin for root. CDN_PURGE_DOWNLOAD_URL names a mirror of the release's files.
# shellcheck disable=SC2016 # a backtick in a message quotes a name
set -eu

fail() {
    echo "cdn-purge: $1" >&2
    exit 1
}

# All of it in a function: a script that arrives cut off does nothing.
main() {
    version='@VERSION@'
    url=${CDN_PURGE_DOWNLOAD_URL:-'@URL@'}
    checksums='@CHECKSUMS@'

    case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) target=x86_64-unknown-linux-gnu ;;
    Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-gnu ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    *) fail "there is no binary for $(uname -s) on $(uname -m); build one with \`cargo build --release\`" ;;
    esac
    name=cdn-purge-$version-$target
    expected=$(printf '%s\n' "$checksums" | sed -n "s/^\([0-9a-f]\{64\}\)  $name\$/\1/p")
    [ -n "$expected" ] || fail "the release $version has no binary for $target"

    if [ $# -gt 0 ]; then
        folder=$1
    elif [ "$(id -u)" = 0 ]; then
        folder=/usr/local/bin
    else
        folder=${HOME:?}/.local/bin
    fi
    mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] || fail "\`$folder\` can't be written to; name another folder"

    # In the folder itself, so that the last step is one rename.
    part=$(mktemp "$folder/.cdn-purge.XXXXXX")
    trap 'rm -f "$part"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    download "$url/$name" "$part" || fail "\`$url/$name\` can't be downloaded"
    found=$(sha256 "$part")
    [ "$found" = "$expected" ] || fail "\`$url/$name\` has the SHA-256 $found instead of $expected; nothing was installed"
    chmod 755 "$part"
    mv -f "$part" "$folder/cdn-purge"

    echo "installed \`$folder/cdn-purge\`, version $version"
    case :$PATH: in
    *":$folder:"*) ;;
    *) echo "\`$folder\` isn't in PATH: add it, or start the program by its path" ;;
    esac
}

download() { # URL FILE
    if command -v curl >/dev/null; then
        curl --proto '=https,http' --proto-redir '=https,http' --location --fail --silent --show-error --retry 3 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -q -O "$2" "$1"
    else
        fail 'neither `curl` nor `wget` is there; install one of them'
    fi
}

sha256() { # FILE
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

main "$@"
