# Short names for what is done often; `just` alone lists them. Nothing here is needed: each line runs by hand too.

_default:
    @just --list

# Everything CI checks
ci *STEPS:
    .ci/run {{STEPS}}

# All tests
test *ARGS:
    cargo test {{ARGS}}

# Put the code into shape, and say what clippy thinks
tidy:
    cargo fmt
    cargo clippy --all-targets

# The whole job on a small repository, against the emulators
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# The static binary that runs in any image, and its check
static *TARGET:
    scripts/check-static "$(scripts/build-static {{TARGET}})"

# The vendors' own clients against the emulators
interop:
    .ci/run interop

# The container image
image TAG="cdn-purge:dev":
    docker build -t {{TAG}} .
