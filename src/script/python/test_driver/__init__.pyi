from .config import DriverConfiguration as DriverConfiguration
from .config import load_driver_configuration as load_driver_configuration
from .driver import Driver as Driver
from .driver import get_tmp_dir as get_tmp_dir
from .driver import in_nix_sandbox as in_nix_sandbox
