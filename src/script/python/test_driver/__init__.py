"""The names that a NixOS test script sees. The driver does their work."""

from __future__ import annotations


def __getattr__(name):
    # The names in other versions.
    import importlib

    places = {
        "Driver": "driver",
        "DriverConfiguration": "config",
        "get_tmp_dir": "driver",
        "in_nix_sandbox": "driver",
        "load_driver_configuration": "config",
    }
    if name not in places:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{places[name]}"), name)
