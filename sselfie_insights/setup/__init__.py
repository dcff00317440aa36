"""From nothing to a working installation: the first settings, the demo, the doctor."""
