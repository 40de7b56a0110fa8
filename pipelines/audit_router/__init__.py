"""The audit router: a Lambda function that gives each tenant the CloudTrail records about it.

Only the standard library and boto3, which Lambda ships. ``routes.json`` lies beside it there.
"""
