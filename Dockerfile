# A small image: the static binary, and a shell because GitLab starts one.
#
#   docker build -t cdn-purge .                             # from this source
#   docker build -t cdn-purge --build-arg BINARY=given .    # as a release does, from dist/cdn-purge-linux-amd64 or -arm64, and
#                                                           # dist/THIRD-PARTY-NOTICES
#   docker run --rm cdn-purge --help
#   docker run --rm --read-only --user 1001 --tmpfs /tmp cdn-purge demo
#
# In GitLab: `image: { name: …, entrypoint: [""] }`, then `script: [cdn-purge]`.

ARG BINARY=built

FROM rust:1.95-bookworm AS built
WORKDIR /source
COPY . .
RUN install -D "$(scripts/build-static)" /out/bin/cdn-purge && scripts/check-static /out/bin/cdn-purge
RUN install -D -m 644 -t /out/share/doc/cdn-purge LICENSE LICENSE-MIT LICENSE-APACHE && \
    scripts/third-party-notices.py "$(rustc --print host-tuple)" >/out/share/doc/cdn-purge/THIRD-PARTY-NOTICES

FROM scratch AS given
ARG TARGETARCH
COPY dist/cdn-purge-linux-$TARGETARCH /out/bin/cdn-purge
COPY LICENSE LICENSE-MIT LICENSE-APACHE dist/THIRD-PARTY-NOTICES /out/share/doc/cdn-purge/

FROM ${BINARY} AS binary

FROM busybox:1.37-musl
LABEL org.opencontainers.image.title="cdn-purge" org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=binary /out/ /usr/local/
# The binary itself and no shell: a shell would drop the inputs' names that hold a hyphen, and swallow signals. It runs as
# root, as GitHub wants it for an action's container, and as any other user.
ENTRYPOINT ["/usr/local/bin/cdn-purge"]
