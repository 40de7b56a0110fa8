# The image of the catalog gateway (`images.gateway`), configured by its task's environment
# (tenancy.nessie.gateway_task). It writes no file.
#   docker build -f images/gateway.Dockerfile .
ARG PYTHON=python:3.11-slim-bookworm
FROM ${PYTHON} AS packages
RUN python -m venv /opt/venv
COPY requirements-gateway.lock /
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /requirements-gateway.lock

FROM ${PYTHON}
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONUNBUFFERED=1
COPY --from=packages /opt/venv /opt/venv
COPY tenancy /opt/app/tenancy
COPY pipelines /opt/app/pipelines
USER nobody
WORKDIR /opt/app
ENTRYPOINT ["python", "-P", "-m", "pipelines.gateway"]
