import conditions from "./test_driver/polling_condition.py" with {
  type: "text",
};
import config from "./test_driver/config.py" with { type: "text" };
import debug from "./test_driver/debug.py" with { type: "text" };
import driver from "./test_driver/driver.py" with { type: "text" };
import duration from "./test_driver/duration.py" with { type: "text" };
import efi from "./test_driver/efi.py" with { type: "text" };
import errors from "./test_driver/errors.py" with { type: "text" };
import harmless from "./test_driver/_harmless.py" with { type: "text" };
import faults from "./test_driver/faults.py" with { type: "text" };
import init from "./test_driver/__init__.py" with { type: "text" };
import link from "./test_driver/_link.py" with { type: "text" };
import logger from "./test_driver/logger.py" with { type: "text" };
import machine from "./test_driver/machine/__init__.py" with { type: "text" };
import patterns from "./test_driver/_patterns.py" with { type: "text" };
import ocr from "./test_driver/machine/ocr.py" with { type: "text" };
import olderQmp from "./test_driver/qmp.py" with { type: "text" };
import process from "./test_driver/_process.py" with { type: "text" };
import qmp from "./test_driver/machine/qmp.py" with { type: "text" };
import runner from "./test_driver/_runner.py" with { type: "text" };
import snapshot from "./test_driver/snapshot.py" with { type: "text" };
import vlan from "./test_driver/vlan.py" with { type: "text" };
import warnings from "./test_driver/_warnings.py" with { type: "text" };
import vsock from "./test_driver/vsock.py" with { type: "text" };

/** The Python package that scripts run in: its files by name. */
export const sources: Readonly<Record<string, string>> = {
  "__init__.py": init,
  "_harmless.py": harmless,
  "_link.py": link,
  "_patterns.py": patterns,
  "_process.py": process,
  "_runner.py": runner,
  "_warnings.py": warnings,
  "config.py": config,
  "debug.py": debug,
  "driver.py": driver,
  "duration.py": duration,
  "efi.py": efi,
  "errors.py": errors,
  "faults.py": faults,
  "logger.py": logger,
  "machine/__init__.py": machine,
  "machine/ocr.py": ocr,
  "machine/qmp.py": qmp,
  "polling_condition.py": conditions,
  "qmp.py": olderQmp,
  "snapshot.py": snapshot,
  "vlan.py": vlan,
  "vsock.py": vsock,
};
