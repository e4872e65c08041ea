import os
from typing import List, Union

_Path = Union[str, "os.PathLike[str]"]

def perform_ocr_on_screenshot(screenshot_path: _Path) -> str: ...
def perform_ocr_variants_on_screenshot(
    screenshot_path: _Path, variants: bool = True
) -> List[str]: ...
