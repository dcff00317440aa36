"""Great Expectations takes seconds to import: only its module does, and only when it is used."""

import subprocess
import sys

from sselfie_insights.resources import PACKAGE


def test_only_one_module_names_it() -> None:
    named = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "great_expectations" in path.read_text(encoding="utf-8")
    }

    assert named == {"check/expectations.py"}


def test_naming_the_checks_does_not_import_it() -> None:
    probe = (
        "import sys\n"
        "from sselfie_insights import check\n"
        "from sselfie_insights.cli import app\n"
        "assert not {'great_expectations', 'pandas'} & sys.modules.keys()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
