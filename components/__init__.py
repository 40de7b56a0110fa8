"""Pulumi components by cloud: they build what settings say, and decide nothing."""
