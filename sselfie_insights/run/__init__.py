"""Runs and what they leave: the lock, publications, the journal, backups, and their comparison."""
