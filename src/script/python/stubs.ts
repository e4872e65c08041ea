import conditions from "./test_driver/polling_condition.pyi" with {
  type: "text",
};
import config from "./test_driver/config.pyi" with { type: "text" };
import debug from "./test_driver/debug.pyi" with { type: "text" };
import driver from "./test_driver/driver.pyi" with { type: "text" };
import duration from "./test_driver/duration.pyi" with { type: "text" };
import efi from "./test_driver/efi.pyi" with { type: "text" };
import errors from "./test_driver/errors.pyi" with { type: "text" };
import faults from "./test_driver/faults.pyi" with { type: "text" };
import init from "./test_driver/__init__.pyi" with { type: "text" };
import logger from "./test_driver/logger.pyi" with { type: "text" };
import machine from "./test_driver/machine/__init__.pyi" with { type: "text" };
import ocr from "./test_driver/machine/ocr.pyi" with { type: "text" };
import olderQmp from "./test_driver/qmp.pyi" with { type: "text" };
import prelude from "./prelude.py" with { type: "text" };
import process from "./test_driver/_process.pyi" with { type: "text" };
import qmp from "./test_driver/machine/qmp.pyi" with { type: "text" };
import snapshot from "./test_driver/snapshot.pyi" with { type: "text" };
import vlan from "./test_driver/vlan.pyi" with { type: "text" };
import vsock from "./test_driver/vsock.pyi" with { type: "text" };

/** The types of the Python package that scripts run in: its stubs by name. */
export const stubs: Readonly<Record<string, string>> = {
  "__init__.pyi": init,
  "_process.pyi": process,
  "config.pyi": config,
  "debug.pyi": debug,
  "driver.pyi": driver,
  "duration.pyi": duration,
  "efi.pyi": efi,
  "errors.pyi": errors,
  "faults.pyi": faults,
  "logger.pyi": logger,
  "machine/__init__.pyi": machine,
  "machine/ocr.pyi": ocr,
  "machine/qmp.pyi": qmp,
  "polling_condition.pyi": conditions,
  "qmp.pyi": olderQmp,
  "snapshot.pyi": snapshot,
  "vlan.pyi": vlan,
  "vsock.pyi": vsock,
};

export { prelude };
