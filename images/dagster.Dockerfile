# The image of Dagster (`images.dagster`): webserver, daemon, code server and runs.
# What a container does is its task's command (tenancy/dagster.py); the daemon gives a run its own.
#   docker build -f images/dagster.Dockerfile .
ARG PYTHON=python:3.11-slim-bookworm
FROM ${PYTHON} AS packages
RUN python -m venv /opt/venv
COPY requirements-dagster.lock /
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /requirements-dagster.lock

FROM ${PYTHON}
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONUNBUFFERED=1
COPY --from=packages /opt/venv /opt/venv
COPY pipelines/database_users/authorities /tmp/authorities
RUN cat /tmp/authorities/*.pem >/etc/ssl/certs/rds-global-bundle.pem && rm -r /tmp/authorities
COPY tenancy /opt/app/tenancy
COPY pipelines /opt/app/pipelines
USER nobody
WORKDIR /tmp
