"""The embedded cloud: everything needed to deploy for real on a machine without a cloud account.

It brings the Pulumi engine (`engine`), a Python language host for an engine that was built
without one (`language_host`), an AWS provider plugin over boto3 (`aws_plugin`), and an AWS
emulator that keeps running between commands (`emulator`).  `shell` puts them together as an
environment in which `pulumi`, `aws` and boto3 talk to the local stacks and to nothing else.

Only the `tenancy` command and the tests import this package; no program, component or policy
does, so that what runs here is what runs on AWS.
"""
