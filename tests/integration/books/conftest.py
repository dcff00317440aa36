from tests.integration.run.conftest import folders, nightly

__all__ = ["folders", "nightly"]
