"""Benchmarks: ratios measured side by side, in one run, on one machine.

Each module has a ``run`` that measures and prints; ``__main__`` lists them. ``python -m
tests.bench`` runs every one, ``python -m tests.bench mirror --rows 1000000`` one, on less data.
"""
