"""Which tests share a worker, and which begin first."""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

SHARED = {
    "tests/dbt/": "the built project",
    "tests/integration/billing/": "the billing models",
    "tests/integration/books/test_signed_business.py": "the built businesses",
    "tests/integration/forecast/test_built_business.py": "the built businesses",
    "tests/integration/mcp/": "the built businesses",
    "tests/integration/query/test_personal.py": "the built businesses",
    "tests/integration/query/test_pseudonyms.py": "the built businesses",
    "tests/integration/report/test_disclosure.py": "the built businesses",
    "tests/integration/report/test_real_business.py": "the built businesses",
    "tests/integration/stripe/test_cases.py": "the billing models",
    "tests/integration/test_answers.py": "the built businesses",
    "tests/integration/test_docs.py": "the built businesses",
    "tests/integration/test_drill_downs.py": "the built businesses",
    "tests/integration/test_growth.py": "the built businesses",
    "tests/integration/test_hostile.py": "the built businesses",
    "tests/integration/test_needs.py": "the built businesses",
    "tests/integration/test_shapes.py": "the built businesses",
}
"""What several files read and takes long to set up, by how their names begin: one worker has it."""

LONGEST = (
    "the built businesses",
    "the billing models",
    "the built project",
    "tests/integration/lake/test_build.py",
    "tests/browser/test_pages.py",
    "tests/integration/sync/test_incremental.py",
    "tests/integration/query/test_commands.py",
    "tests/unit/forecast/test_step.py",
    "tests/integration/sync/test_fuzz.py",
)
"""What takes a good part of a minute or more: it begins first, so that none is left to the end."""


class FileScheduling(LoadFileScheduling):
    """Keeps a file's tests on one worker, and those of files that share what takes long."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((what for name, what in SHARED.items() if file.startswith(name)), file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        first = next((scope for scope in LONGEST if scope in self.workqueue), None)
        if first is not None:
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)
