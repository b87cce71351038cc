# A Next.js frontend built with `output: "standalone"`, for Cloud Run.
#
#   docker build -f dockerfiles/nextjs.Dockerfile path/to/frontend
#   docker build -f dockerfiles/nextjs.Dockerfile --target assets --output type=local,dest=out path/to/frontend
#
# The second form writes `_next/static` of this release alone. It goes to the assets bucket before any traffic moves: with
# two releases behind one address, a page of the one asks for chunks that the other never had.
ARG NODE_BUILD=node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d
ARG NODE_RUN=gcr.io/distroless/nodejs24-debian12:nonroot@sha256:14d42e2511532589a7c7e01a753667a74fcc96266e137e8125006b87b0c32d0a

FROM ${NODE_BUILD} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts

FROM ${NODE_BUILD} AS build
ARG REVISION=unknown
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1 DEPLOYMENT_ID=${REVISION}
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
RUN --mount=type=cache,target=/app/.next/cache npm run build

FROM scratch AS assets
COPY --from=build /app/.next/static /_next/static

FROM ${NODE_RUN}
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.revision=${REVISION} org.opencontainers.image.source=${SOURCE}
WORKDIR /app
# A connection is kept longer than the load balancer keeps it, so that it is never ours that ends under a request.
ENV NODE_ENV=production HOSTNAME=0.0.0.0 PORT=8080 KEEP_ALIVE_TIMEOUT=620000 \
    NEXT_TELEMETRY_DISABLED=1 NODE_OPTIONS=--max-old-space-size=384
COPY --from=build /app/.next/standalone ./
COPY --from=build /app/.next/static ./.next/static
COPY --from=build /app/public ./public
USER 65532:65532
EXPOSE 8080
CMD ["server.js"]
