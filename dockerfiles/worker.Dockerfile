# A Node worker: a program that takes work from a queue or runs to its end, for Cloud Run worker pools and jobs.
#
#   docker build -f dockerfiles/worker.Dockerfile path/to/worker
#
# The worker has package.json, package-lock.json and a script `build` that makes dist/worker.js. It listens on no port.
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
ENV NODE_ENV=production NODE_OPTIONS=--max-old-space-size=384
# Bundled already; here for scanners, and for what cannot be bundled.
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY --from=build /app/dist ./dist
USER 65532:65532
CMD ["dist/worker.js"]
