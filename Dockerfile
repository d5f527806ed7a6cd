# The image of citus-sidecar: compiled program and production dependencies on Node 24 alone, as a user without rights.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Install scripts fetch servers and a Node for tests; the build needs neither.
RUN npm ci --ignore-scripts
COPY agent ./agent
COPY probes ./probes
COPY exporters ./exporters
COPY deploy/build.ts ./deploy/
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

# Without npm and what else comes with Node's own image.
FROM ${DEBIAN_IMAGE}
COPY --from=build /usr/local/bin/node /usr/local/bin/node
LABEL org.opencontainers.image.title="citus-sidecar" \
      org.opencontainers.image.licenses="Apache-2.0"
# Node keeps what it compiled, so that a start need not compile it again; threads share arenas of memory, and what is free in them is given back.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compiled MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# On the PATH, so that `kubectl exec … -- citus-sidecar status` works; the volume is mounted over the directory.
RUN ln -s /app/dist/main.js /usr/local/bin/citus-sidecar \
    && install -d -o 65532 -g 65532 -m 0770 /run/citus-sidecar \
    && install -d -o 65532 -g 65532 /app/compiled
USER 65532:65532
# By the user who runs it, where it runs: for another one Node compiles everything anew. The thread's file wants to be a thread, and is compiled all the same.
RUN node --input-type=module -e "for (const file of fs.globSync('/app/dist/*-*.js')) await import(file).catch((error) => { if (!file.endsWith('thread.js')) throw error })"
EXPOSE 9187
ENTRYPOINT ["citus-sidecar"]
CMD ["run"]
