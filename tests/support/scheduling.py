"""Which tests share a worker, and which begin first."""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

SHARED = {
    "tests/dbt/": "the built project",
    "tests/integration/forecast/test_built_business.py": "the built business",
    "tests/integration/report/test_real_business.py": "the built business",
    "tests/integration/test_answers.py": "the built business",
    "tests/integration/test_growth.py": "the built business",
    "tests/integration/test_drill_downs.py": "the businesses of both shapes",
    "tests/integration/test_shapes.py": "the businesses of both shapes",
}
"""What several files read and takes long to set up, by how their names begin: one worker has it."""

LONGEST = (
    "the businesses of both shapes",
    "the built business",
    "the built project",
    "tests/integration/test_wheel.py",
    "tests/integration/run/test_kills.py",
    "tests/integration/run/test_interrupt.py",
    "tests/integration/sync/test_fuzz.py",
    "tests/browser/test_pages.py",
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
