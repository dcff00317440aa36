"""Run the command as ``python -m sselfie_insights``."""

from sselfie_insights.cli import main

if __name__ == "__main__":
    main()
