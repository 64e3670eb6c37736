# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# Writes the list of all crates into the binary, a few kilobytes: scanners and
# `docker buildx build --sbom=true` find no Rust crate in an image without it.
RUN cargo install --locked --quiet cargo-auditable --version '^0.7' --root /usr/local
# `emulator` for an image that can play the platform: `compose.yaml` builds one.
ARG FEATURES=""
# The dependencies alone first: this layer is built again only when they change.
COPY Cargo.toml Cargo.lock ./
# The names of benchmarks have no blanks in them.
# hadolint ignore=SC2013
RUN mkdir -p src benches \
 && echo '//! Nothing yet.' > src/lib.rs \
 && printf '//! Nothing yet.\nfn main() {}\n' > src/main.rs \
 && for bench in $(sed -n '/^\[\[bench\]\]/,/^harness/ s/^name = "\(.*\)"/\1/p' Cargo.toml); do \
      echo 'fn main() {}' > "benches/$bench.rs"; \
    done \
 && cargo auditable build --locked --release --no-default-features --features "mimalloc otlp $FEATURES" \
 && rm -r src benches
COPY . .
# Cargo compares times of change: what was copied must be newer than what was built.
RUN touch src/lib.rs src/main.rs \
 && cargo auditable build --locked --release --no-default-features --features "mimalloc otlp $FEATURES" \
 && mkdir -p /out/data && cp target/release/forge-remote /out/

# glibc, root certificates, a user without rights; no shell and no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
# What differs from build to build (`version`, `revision`, `source`, `created`) is given by
# whoever builds, with `--label`: docs/image.md.
LABEL org.opencontainers.image.title="forge-remote" \
      org.opencontainers.image.description="The backend of an Atlassian Forge app" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
# The defaults are in the binary. A `config/` folder can be mounted here; one that came with the
# image would count as settings of the operator.
WORKDIR /app
COPY --from=build --chown=65532:65532 /out/data /app/data
COPY --from=build /out/forge-remote /usr/local/bin/forge-remote
COPY LICENSE /app/
ENV FORGE_REMOTE_ENV=production \
    # Probes and scrapers come from outside the container. Do not publish this port.
    FORGE_REMOTE__SERVER__ADMIN_LISTEN=0.0.0.0:9090
# All that is ever written to: the rest may be read-only.
VOLUME /app/data
EXPOSE 8080 9090
# By number: Kubernetes cannot tell whether a user with a name is root.
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=4s --start-period=5s CMD ["/usr/local/bin/forge-remote", "health"]
ENTRYPOINT ["/usr/local/bin/forge-remote"]
CMD ["serve"]
