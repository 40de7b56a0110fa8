"""The AWS resource provider of the embedded cloud: `python -m localcloud.aws_plugin`."""
