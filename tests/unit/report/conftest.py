from tests.support.pages import business, pages

__all__ = ["business", "pages"]
