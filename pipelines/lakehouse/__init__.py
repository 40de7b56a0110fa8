"""The code location: what Dagster knows of the lakehouse, and what a tenant's run does.

A run acts for the one tenant that its task names, with that tenant's token and credentials. It
refuses to work on another's partition, whatever its tags say.
"""
