"""What holds for every test."""

from __future__ import annotations

import gc

from hypothesis import settings

# How long an example takes is the machine's affair; `make bench` measures.
settings.register_profile("tenancy", deadline=None)
settings.load_profile("tenancy")

# An estate is half a million objects that live as long as its test. The commands look for no
# garbage among them; with Python's own thresholds tests of the proof spend a quarter of their
# time on it.
gc.set_threshold(100_000, 20, 20)
