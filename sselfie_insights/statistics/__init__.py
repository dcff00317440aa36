"""Survival, projection and intervals: numbers in, numbers out, nothing else.

Nothing here knows of members, money or DuckDB. Every function names the paper and the equation
that it follows.
"""
