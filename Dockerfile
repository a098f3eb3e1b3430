# From source to a small image: the static binary, and a shell because GitLab starts one.
#
#   docker build -t cdn-purge .
#   docker run --rm cdn-purge --help
#
# In GitLab: `image: { name: …, entrypoint: [""] }`, then `script: [cdn-purge]`.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN install -D "$(scripts/build-static)" /out/cdn-purge && scripts/check-static /out/cdn-purge

FROM busybox:1.37-musl
COPY --from=build /out/cdn-purge /usr/local/bin/cdn-purge
# The binary itself and no shell: a shell would drop the inputs' names that hold a hyphen, and swallow signals. It runs as
# root, as GitHub wants it for an action's container, and as any other user.
ENTRYPOINT ["/usr/local/bin/cdn-purge"]
