"""The tests: as many workers as cores, so that threads of libraries would only wait, and busily."""

import os

for name in ("OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(name, "1")
