from tests.support.pages import business

__all__ = ["business"]
