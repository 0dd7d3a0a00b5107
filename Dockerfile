# syntax=docker/dockerfile:1
FROM rust:1-slim-trixie AS build
# SQLite, libpq with the OpenSSL beneath it, and AWS-LC are built from source. Debian's release pins the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential perl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --profile dist --no-default-features --bin countersign \
    && cp target/dist/countersign /countersign

FROM debian:trixie-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/countersign --create-home --shell /usr/sbin/nologin countersign
COPY --from=build /countersign /usr/local/bin/countersign
COPY container.toml /etc/countersign/server.toml
COPY LICENSE THIRD-PARTY-NOTICES.md /usr/share/doc/countersign/
# A number, so that Kubernetes can check runAsNonRoot.
USER 10001:10001
WORKDIR /var/lib/countersign
# The only place that is written to: the root file system may be read-only.
VOLUME /var/lib/countersign
# Where the settings are is all that the variables say: a variable beats the file that somebody mounts.
ENV COUNTERSIGN_CONFIG=/etc/countersign/server.toml
# The management listener stays on loopback, inside the container, until told otherwise.
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["countersign"]
CMD ["serve"]
