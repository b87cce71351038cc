# A Python program that runs to its end, for Cloud Run jobs.
#
#   docker build -f dockerfiles/python_job.Dockerfile path/to/job
#
# The job has requirements.txt with every version pinned, and main.py. Both bases are Python 3.11 on Debian 12.
ARG PYTHON_BUILD=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
ARG PYTHON_RUN=gcr.io/distroless/python3-debian12:nonroot@sha256:7d1042ce588ab97019fe95c24ffca7bc5a82ccdac572511d5e09bda4435c89c5

FROM ${PYTHON_BUILD} AS dependencies
WORKDIR /app
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --target=packages -r requirements.txt \
    && python -m compileall -q --invalidation-mode unchecked-hash packages

FROM ${PYTHON_RUN}
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.revision=${REVISION} org.opencontainers.image.source=${SOURCE}
WORKDIR /app
ENV PYTHONPATH=/app/packages PYTHONUNBUFFERED=1
COPY --from=dependencies /app/packages ./packages
COPY main.py ./
USER 65532:65532
CMD ["main.py"]
