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
    cargo fmt --all
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

# The action's steps as the runner runs them
action:
    .ci/run action

# Times and memory, of the static binary
bench:
    .ci/run static measure

# The container image
image TAG="cdn-purge:dev":
    docker build -t {{TAG}} .
