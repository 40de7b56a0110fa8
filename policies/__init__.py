"""Rules for the resources of any Pulumi program on AWS, one a module, as pure functions.

A rule reads ``isolation.graph``: it neither imports the policy SDK nor asks the cloud. Only
``pack`` and ``__main__`` know the engine.
"""
