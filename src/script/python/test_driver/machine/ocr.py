"""Reading the text in pictures."""

from __future__ import annotations

import os


def perform_ocr_on_screenshot(screenshot_path):
    """The text in a picture of a screen."""
    return _read(screenshot_path, variants=False)[0]


def perform_ocr_variants_on_screenshot(screenshot_path, variants=True):
    """The text in a picture of a screen, in several readings."""
    return _read(screenshot_path, variants)


def _read(path, variants):
    from ..logger import rootlog

    path = os.path.abspath(os.fspath(path))
    return rootlog._link.request("readScreen", path=path, variants=bool(variants))
