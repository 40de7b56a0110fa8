"""What goes wrong in the embedded cloud, always with what the user can do about it."""

from __future__ import annotations


class LocalCloudError(Exception):
    """A part of the embedded cloud cannot be had or does not work.

    Attributes:
        problem: what is wrong, in one sentence or a few lines.
        remedy: what the user can do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n  remedy: {remedy}")
        self.problem = problem
        self.remedy = remedy
