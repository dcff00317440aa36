"""The command ``sselfie``, also run as ``python -m sselfie_insights``."""

import signal
import sys

if sys.platform == "win32":
    sys.exit("sselfie runs on Linux and macOS; on Windows, install and run it inside WSL")

# Until there is something to clean up, an interrupt ends the process at once, without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from sselfie_insights.cli import main

if __name__ == "__main__":
    main()
