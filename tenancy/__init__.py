"""The model of a multi-tenant lakehouse: what is decided before anything is built.

Pure Python: no provider, no engine, no I/O beyond reading YAML.
"""
