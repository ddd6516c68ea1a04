"""Fixtures that the tests of several rooms share: one browser serves a whole test run."""

from gallery.tests.browser.window import chromium, visit

__all__ = ["chromium", "visit"]
