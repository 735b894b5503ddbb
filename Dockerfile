# syntax=docker/dockerfile:1
# Builds the one binary, with its page, and puts it alone into an image that needs no shell, no curl and no root.
#   docker build -t hoist .
#   docker run --read-only --cap-drop ALL -v hoist:/var/lib/hoist -p 8080:8080 -e HOIST_ADMIN_TOKEN=… hoist

FROM node:22-bookworm-slim AS node

FROM rust:1.94-slim-bookworm AS build
# The page in the browser is bundled by the server's build script.
COPY --from=node /usr/local /usr/local
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
ENV HOIST_DASHBOARD=require
RUN cargo build --release --locked --package hoist-cli && install -D target/release/hoist /image/usr/local/bin/hoist
# The folder of the embedded database, owned by who runs the server.
RUN install -d -o 65532 -g 65532 -m 0700 /image/var/lib/hoist

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/ /
USER 65532:65532
WORKDIR /var/lib/hoist
VOLUME /var/lib/hoist
ENV HOIST_MODE=production \
    HOIST_LISTEN=0.0.0.0:8080 \
    HOIST_DATA_DIR=/var/lib/hoist \
    HOIST_DATABASE_URL=sqlite:///var/lib/hoist/hoist.db?mode=rwc
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["/usr/local/bin/hoist", "health", "--live"]
ENTRYPOINT ["/usr/local/bin/hoist"]
CMD ["serve"]
