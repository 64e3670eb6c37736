# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# `emulator` for an image that can play the platform: `compose.yaml` builds one.
ARG FEATURES=""
# The dependencies alone first: this layer is built again only when they change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches \
 && echo '' > src/lib.rs && echo 'fn main() {}' > src/main.rs \
 && for bench in $(sed -n '/^\[\[bench\]\]/,/^harness/ s/^name = "\(.*\)"/\1/p' Cargo.toml); do \
      echo 'fn main() {}' > "benches/$bench.rs"; \
    done \
 && cargo build --locked --release --no-default-features --features "mimalloc $FEATURES" \
 && rm -r src benches
COPY . .
# Cargo compares times of change: what was copied must be newer than what was built.
RUN touch src/lib.rs src/main.rs \
 && cargo build --locked --release --no-default-features --features "mimalloc $FEATURES" \
 && mkdir -p /out/data && cp target/release/forge-remote /out/

# glibc, root certificates, a user without rights; no shell and no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
WORKDIR /app
COPY --from=build --chown=nonroot:nonroot /out/data /app/data
COPY --from=build /out/forge-remote /usr/local/bin/forge-remote
COPY config /app/config
COPY LICENSE /app/
ENV FORGE_REMOTE_ENV=production \
    # Probes and scrapers come from outside the container. Do not publish this port.
    FORGE_REMOTE__SERVER__ADMIN_LISTEN=0.0.0.0:9090
VOLUME /app/data
EXPOSE 8080 9090
USER nonroot
HEALTHCHECK --interval=10s --timeout=4s --start-period=5s CMD ["/usr/local/bin/forge-remote", "health"]
ENTRYPOINT ["/usr/local/bin/forge-remote"]
CMD ["serve"]
