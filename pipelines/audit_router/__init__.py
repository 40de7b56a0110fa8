"""The audit router: a Lambda function that gives each tenant the CloudTrail records about it.

Only the standard library and boto3, which Lambda ships, and ``pipelines.registry``, which is packed
with it: that tells the tenants. ``routes.json`` lies beside it there: what is the account's.
"""
