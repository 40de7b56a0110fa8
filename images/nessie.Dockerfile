# The image of Nessie (`images.nessie`): the published one, and the certificates of RDS's
# authorities. Its entry point is the published one's; its task's environment configures it.
#   docker build -f images/nessie.Dockerfile .
ARG NESSIE=ghcr.io/projectnessie/nessie:0.99.0
FROM python:3.11-slim-bookworm AS authorities
COPY pipelines/database_users/authorities /authorities
RUN cat /authorities/*.pem >/rds-global-bundle.pem

FROM ${NESSIE}
COPY --from=authorities /rds-global-bundle.pem /etc/ssl/certs/rds-global-bundle.pem
