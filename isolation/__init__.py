"""The proof that no tenant reaches another's part: policy semantics over a graph as data.

Pure Python: no engine, no cloud, no I/O. ``evaluation.decide`` answers one question exactly: is
there a request with which this principal reaches that target? ``proof.prove`` asks that of a whole
graph.
"""
