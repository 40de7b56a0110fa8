"""A job that says for whom it runs."""

import os

from dagster import job, op


@op
def tell() -> None:
    print(f"the tenant is {os.environ['TENANT']}")  # noqa: T201 - what the test reads


@job
def report() -> None:
    tell()
