from tests.pages import business, pages

__all__ = ["business", "pages"]
