"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes is the machine's affair; `make bench` measures.
settings.register_profile("tenancy", deadline=None)
settings.load_profile("tenancy")
