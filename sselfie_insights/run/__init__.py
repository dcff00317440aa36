"""Running: the lock, the atomic publication, the journal of runs."""
