"""Write dbt's exposures: each packaged report, and the marts that its queries read.

``make docs`` runs it; ``tests/dbt/test_properties.py`` fails while the file differs from it.
"""

import yaml

from sselfie_insights.query import find_query, load_library
from sselfie_insights.query.lineage import read_tables
from sselfie_insights.report import load_reports
from sselfie_insights.resources import resource_dir

FILE = resource_dir("dbt_project") / "models" / "exposures.yml"
NOTE = "# Written by `make docs` from reports/ and queries/. Change those, not this file.\n"
STAMP = "marts.build_info"
"""Every page is stamped with it."""


def write_exposures() -> str:
    """Return the file, the reports in the order of the site."""
    library = load_library([resource_dir("queries")])
    exposures = []
    for report in load_reports([resource_dir("reports")]).values():
        tables = {STAMP}
        for name in report.queries:
            tables.update(read_tables(find_query(name, library)))
        marts = sorted(name.removeprefix("marts.") for name in tables if name.startswith("marts."))
        exposures.append(
            {
                "name": report.name,
                "label": report.title,
                "type": "dashboard",
                "description": f"The report reports/{report.path.name}. {report.description}",
                "owner": {"name": report.owner},
                "depends_on": [f"ref('{name}')" for name in marts],
            }
        )
    return NOTE + yaml.safe_dump(
        {"exposures": exposures}, sort_keys=False, allow_unicode=True, width=96
    )


if __name__ == "__main__":
    FILE.write_text(write_exposures(), encoding="utf-8")
