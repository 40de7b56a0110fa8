"""Measurements of the proof on generated estates: `make bench`."""
