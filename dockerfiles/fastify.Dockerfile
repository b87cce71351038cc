# A Fastify service (or any Node server that listens on $PORT), for Cloud Run.
#
#   docker build -f dockerfiles/fastify.Dockerfile path/to/service
#
# The service has package.json, package-lock.json and a script `build` that makes dist/server.js. Bases are pinned by digest
# and moved by Renovate; both are Node 24 on Debian 12. The process is node itself, as nobody's user, on a file system it
# cannot change.
ARG NODE_BUILD=node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d
ARG NODE_RUN=gcr.io/distroless/nodejs24-debian12:nonroot@sha256:14d42e2511532589a7c7e01a753667a74fcc96266e137e8125006b87b0c32d0a

FROM ${NODE_BUILD} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM dependencies AS build
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM ${NODE_RUN}
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.revision=${REVISION} org.opencontainers.image.source=${SOURCE}
WORKDIR /app
# Three quarters of 512 MiB: buffers and code need the rest.
ENV NODE_ENV=production PORT=8080 NODE_OPTIONS=--max-old-space-size=384
# The packages are in dist/ already, and nobody reads them here at the start: they tell a scanner what is in there, and what
# cannot be bundled is found.
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY --from=build /app/dist ./dist
USER 65532:65532
EXPOSE 8080
CMD ["dist/server.js"]
