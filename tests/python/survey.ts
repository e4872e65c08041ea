/**
 * Which forms the scripts of tests in nixpkgs use: names and ways to call, noted
 * while reading them in 2026. The scripts themselves are not kept here; ours, in
 * the folders beside this file, have the same forms.
 */

/** A form: how to recognise it in a script, and where it is covered. */
export interface Form {
  /** Found in every script that has the form. */
  readonly pattern: RegExp;
  /** A script of ours that has it; see `tiny/` and `debian/`. */
  readonly coveredBy: string;
}

const method = (call: string) => new RegExp(String.raw`\.${call}`);

/** The forms by a short name. */
export const forms = {
  // Life
  "start_all()": { pattern: /\bstart_all\(\)/, coveredBy: "tiny/commands.py" },
  "join_all()": { pattern: /\bjoin_all\(\)/, coveredBy: "tiny/life.py" },
  "m.start()": { pattern: method("start\\(\\)"), coveredBy: "tiny/life.py" },
  "m.start(allow_reboot=True)": {
    pattern: /\.start\(allow_reboot ?= ?True\)/,
    coveredBy: "tiny/life.py",
  },
  "m.shutdown()": {
    pattern: method("shutdown\\(\\)"),
    coveredBy: "tiny/life.py",
  },
  "m.crash()": { pattern: method("crash\\(\\)"), coveredBy: "tiny/life.py" },
  "m.reboot()": { pattern: method("reboot\\(\\)"), coveredBy: "tiny/life.py" },
  "m.connect()": {
    pattern: method("connect\\(\\)"),
    coveredBy: "tiny/life.py",
  },
  "m.connected = False": {
    pattern: /\.connected = False/,
    coveredBy: "tiny/life.py",
  },
  "m.booted = False": {
    pattern: /\.booted = False/,
    coveredBy: "tiny/life.py",
  },
  "m.state_dir = other.state_dir": {
    pattern: /\.state_dir = \w+\.state_dir/,
    coveredBy: "tiny/life.py",
  },
  "m.wait_for_shutdown()": {
    pattern: method("wait_for_shutdown\\(\\)"),
    coveredBy: "tiny/life.py",
  },
  "m.switch_root()": {
    pattern: method("switch_root\\(\\)"),
    coveredBy: "debian/switch_root.py",
  },
  "create_machine(command)": {
    pattern: /\bcreate_machine\(/,
    coveredBy: "tiny/life.py",
  },

  // Commands
  "m.succeed(c)": { pattern: /\.succeed\(/, coveredBy: "tiny/commands.py" },
  "m.succeed(c, c, …)": {
    pattern: /\.succeed\(\s*f?"[^"]*",\s*f?"/,
    coveredBy: "tiny/commands.py",
  },
  "m.succeed(c, timeout=n)": {
    pattern: /\.succeed\([^)]*timeout=\d/,
    coveredBy: "tiny/commands.py",
  },
  'm.succeed("""…""")': {
    pattern: /\.succeed\(\s*"""/,
    coveredBy: "tiny/commands.py",
  },
  "m.succeed(f'…')": {
    pattern: /\.succeed\(\s*f["']/,
    coveredBy: "tiny/threads.py",
  },
  "m.succeed('… &')": {
    pattern: /\.succeed\(\s*["'][^\n]*&["']/,
    coveredBy: "tiny/commands.py",
  },
  "m.succeed(…).strip()": {
    pattern: /\)\.r?strip\(\)/,
    coveredBy: "tiny/commands.py",
  },
  "m.succeed(…).split(…)": {
    pattern: /\)\.split\(/,
    coveredBy: "tiny/commands.py",
  },
  "int(m.succeed(…))": {
    pattern: /int\(\w+\.succeed\(/,
    coveredBy: "tiny/commands.py",
  },
  "print(m.succeed(…))": {
    pattern: /print\(\w+\.succeed\(/,
    coveredBy: "tiny/commands.py",
  },
  "assert … in m.succeed(…)": {
    pattern: /assert ["'][^"']*["'] in \w+\.succeed\(/,
    coveredBy: "tiny/commands.py",
  },
  "assert … not in m.succeed(…)": {
    pattern: /assert ["'][^"']*["'] not in \w+/,
    coveredBy: "tiny/commands.py",
  },
  "assert m.succeed(…) == …": {
    pattern: /assert [^\n]*\.succeed\([^\n]*==|==\s+\w+\.succeed\(/,
    coveredBy: "tiny/commands.py",
  },
  "(m.succeed if … else m.execute)(c)": {
    pattern: /\(\w+\.succeed if \w+ else \w+\.execute\)/,
    coveredBy: "tiny/commands.py",
  },
  "m.fail(c)": { pattern: /\.fail\(/, coveredBy: "tiny/commands.py" },
  "m.execute(c)": { pattern: /\.execute\(/, coveredBy: "tiny/commands.py" },
  "status, out = m.execute(c)": {
    pattern: /\w+, \w+ = \w+\.execute\(/,
    coveredBy: "tiny/commands.py",
  },
  "m.execute('… &')": {
    pattern: /\.execute\(\s*f?["'][^\n]*&["']/,
    coveredBy: "tiny/commands.py",
  },
  "m.execute(c, check_return=False)": {
    pattern: /check_return=False/,
    coveredBy: "tiny/commands.py",
  },
  "m.wait_until_succeeds(c)": {
    pattern: /\.wait_until_succeeds\(/,
    coveredBy: "tiny/commands.py",
  },
  "m.wait_until_succeeds(c, timeout=, attempt_timeout=)": {
    pattern: /attempt_timeout=/,
    coveredBy: "tiny/commands.py",
  },
  "m.wait_until_fails(c)": {
    pattern: /\.wait_until_fails\(/,
    coveredBy: "tiny/commands.py",
  },
  "m.sleep(n)": { pattern: /\.sleep\(\d+\)/, coveredBy: "tiny/commands.py" },
  "timeout=timedelta(…)": {
    pattern: /timedelta\(/,
    coveredBy: "tiny/commands.py",
  },

  // systemd
  "m.systemctl(q)": {
    pattern: /\.systemctl\("[^"]*"\)/,
    coveredBy: "debian/systemd.py",
  },
  "m.wait_for_unit(u)": {
    pattern: /\.wait_for_unit\("[^"]*"\)/,
    coveredBy: "debian/systemd.py",
  },
  "m.wait_for_unit(u, user)": {
    pattern: /\.wait_for_unit\("[^"]*", "\w+"\)/,
    coveredBy: "debian/systemd.py",
  },
  "m.wait_for_unit(u, timeout=n)": {
    pattern: /\.wait_for_unit\("[^"]*", timeout=/,
    coveredBy: "debian/systemd.py",
  },
  "m.wait_for_unit_active_state(u, state, timeout=n)": {
    pattern: /\.wait_for_unit_active_state\(/,
    coveredBy: "debian/systemd.py",
  },
  "m.stop_job(u)": { pattern: /\.stop_job\(/, coveredBy: "debian/systemd.py" },
  "m.start_job(u)": {
    pattern: /\.start_job\(/,
    coveredBy: "debian/systemd.py",
  },
  "m.get_unit_info(u)": {
    pattern: /\.get_unit_info\(/,
    coveredBy: "debian/systemd.py",
  },
  "m.get_unit_property(u, p)": {
    pattern: /\.get_unit_property\(/,
    coveredBy: "debian/systemd.py",
  },
  "m.require_unit_state(u, s)": {
    pattern: /\.require_unit_state\(/,
    coveredBy: "debian/systemd.py",
  },

  // Waits
  "m.wait_for_file(f)": {
    pattern: /\.wait_for_file\(/,
    coveredBy: "tiny/waits.py",
  },
  "m.wait_for_open_port(n)": {
    pattern: /\.wait_for_open_port\(\w+\)/,
    coveredBy: "tiny/waits.py",
  },
  "m.wait_for_open_port(n, timeout=)": {
    pattern: /\.wait_for_open_port\([^)]*, /,
    coveredBy: "tiny/waits.py",
  },
  "m.wait_for_closed_port(n)": {
    pattern: /\.wait_for_closed_port\(/,
    coveredBy: "tiny/waits.py",
  },
  "m.wait_for_open_unix_socket(a)": {
    pattern: /\.wait_for_open_unix_socket\(/,
    coveredBy: "debian/systemd.py",
  },
  "m.wait_for_console_text(r)": {
    pattern: /\.wait_for_console_text\(/,
    coveredBy: "tiny/waits.py",
  },
  "m.wait_for_console_text(r, timeout=n)": {
    pattern: /\.wait_for_console_text\([^)]*timeout=/,
    coveredBy: "tiny/waits.py",
  },
  "m.get_console_log()": {
    pattern: /\.get_console_log\(\)/,
    coveredBy: "tiny/waits.py",
  },
  "m.send_console(s)": {
    pattern: /\.send_console\(/,
    coveredBy: "tiny/waits.py",
  },
  "m.wait_until_tty_matches(n, r)": {
    pattern: /\.wait_until_tty_matches\("\d", /,
    coveredBy: "debian/terminal.py",
  },
  "m.get_tty_text(n)": {
    pattern: /\.get_tty_text\(/,
    coveredBy: "debian/terminal.py",
  },

  // Keyboard and screen
  "m.send_key(k)": { pattern: /\.send_key\(/, coveredBy: "tiny/qemu.py" },
  "m.send_chars(s)": { pattern: /\.send_chars\(/, coveredBy: "tiny/qemu.py" },
  "m.screenshot(n)": { pattern: /\.screenshot\(/, coveredBy: "tiny/qemu.py" },
  "m.wait_for_x()": {
    pattern: /\.wait_for_x\(\)/,
    coveredBy: "debian/desktop.py",
  },
  "m.wait_for_window(r)": {
    pattern: /\.wait_for_window\(/,
    coveredBy: "debian/desktop.py",
  },
  "m.get_window_names()": {
    pattern: /\.get_window_names\(\)/,
    coveredBy: "debian/desktop.py",
  },
  "m.wait_for_text(r)": {
    pattern: /\.wait_for_text\(/,
    coveredBy: "debian/desktop.py",
  },
  "m.get_screen_text()": {
    pattern: /\.get_screen_text\(\)/,
    coveredBy: "debian/desktop.py",
  },

  // Files
  "m.copy_from_vm(f)": {
    pattern: /\.copy_from_vm\(/,
    coveredBy: "tiny/files.py",
  },
  "m.copy_from_machine(f, d)": {
    pattern: /\.copy_from_machine\(/,
    coveredBy: "tiny/files.py",
  },
  "m.copy_from_host(f, t)": {
    pattern: /\.copy_from_host\(/,
    coveredBy: "tiny/files.py",
  },
  "m.copy_from_host_via_shell(f, t)": {
    pattern: /\.copy_from_host_via_shell\(/,
    coveredBy: "tiny/files.py",
  },

  // QEMU
  "m.send_monitor_command(c)": {
    pattern: /\.send_monitor_command\(/,
    coveredBy: "tiny/qemu.py",
  },
  "m.qmp_client.send(c)": {
    pattern: /\.qmp_client\.send\(/,
    coveredBy: "tiny/qemu.py",
  },
  "except QMPAPIError as e": {
    pattern: /except QMPAPIError as \w+/,
    coveredBy: "tiny/qemu.py",
  },
  "m.wait_for_qmp_event(lambda …)": {
    pattern: /\.wait_for_qmp_event\(\s*lambda/,
    coveredBy: "tiny/qemu.py",
  },
  "m.block()": { pattern: /\.block\(\)/, coveredBy: "tiny/qemu.py" },
  "m.unblock()": { pattern: /\.unblock\(\)/, coveredBy: "tiny/qemu.py" },
  "m.forward_port(h, g)": {
    pattern: /\.forward_port\(/,
    coveredBy: "tiny/qemu.py",
  },

  // The log and the flow
  "with subtest(s)": {
    pattern: /with subtest\(/,
    coveredBy: "tiny/commands.py",
  },
  "m.log(s)": { pattern: /\w\.log\(/, coveredBy: "tiny/steps.py" },
  "with m.nested(s)": {
    pattern: /with \w+\.nested\(/,
    coveredBy: "tiny/steps.py",
  },
  "log.info(s)": { pattern: /\blog\.info\(/, coveredBy: "tiny/steps.py" },
  "retry(fn)": { pattern: /\bretry\(\w+\)/, coveredBy: "tiny/steps.py" },
  "retry(lambda …, timeout=)": {
    pattern: /\bretry\(\s*lambda/,
    coveredBy: "tiny/steps.py",
  },
  "@polling_condition": {
    pattern: /@polling_condition\n/,
    coveredBy: "tiny/steps.py",
  },
  "@polling_condition(seconds_interval=n)": {
    pattern: /@polling_condition\(seconds_interval=/,
    coveredBy: "tiny/steps.py",
  },
  "condition.wait()": { pattern: /\w\.wait\(\)/, coveredBy: "tiny/steps.py" },
  "with condition": {
    pattern: /with (holds|breaks|\w+_running):/,
    coveredBy: "tiny/steps.py",
  },
  "t.assert…(…)": { pattern: /\bt\.assert\w+\(/, coveredBy: "tiny/waits.py" },
  "with t.assertRaises(…)": {
    pattern: /with t\.assertRaises\(/,
    coveredBy: "tiny/waits.py",
  },
  "from test_driver.errors import …": {
    pattern: /from test_driver\.errors import/,
    coveredBy: "tiny/waits.py",
  },
  "try: … except Exception": {
    pattern: /except Exception/,
    coveredBy: "tiny/commands.py",
  },
  "raise Exception(…)": {
    pattern: /raise Exception\(/,
    coveredBy: "tiny/commands.py",
  },
  "def f(m: Machine)": {
    pattern: /: Machine\)/,
    coveredBy: "tiny/steps.py",
  },
  "@contextmanager": { pattern: /@contextmanager/, coveredBy: "tiny/steps.py" },
  "vlan<n>": { pattern: /\bvlan\d/, coveredBy: "tiny/steps.py" },
  "serial_stdout_off()": {
    pattern: /\bserial_stdout_off\(\)/,
    coveredBy: "tiny/steps.py",
  },
  "debug.breakpoint()": {
    pattern: /\bdebug\.breakpoint\(\)/,
    coveredBy: "tiny/steps.py",
  },
  "threading.Thread(target=…)": {
    pattern: /threading\.Thread\(/,
    coveredBy: "tiny/threads.py",
  },
  "import json, re, shlex, …": {
    pattern: /^\s*import (json|re|shlex)$/m,
    coveredBy: "tiny/commands.py",
  },
  "subprocess on the host": {
    pattern: /subprocess\.\w+\(/,
    coveredBy: "tiny/life.py",
  },
  "time.monotonic(), time.sleep()": {
    pattern: /time\.(monotonic|sleep)\(/,
    coveredBy: "tiny/life.py",
  },
  "tempfile on the host": {
    pattern: /tempfile\.\w+\(/,
    coveredBy: "tiny/files.py",
  },
  "os.environ[…] = … for start scripts": {
    pattern: /os\.environ\[["']\w+["']\] = /,
    coveredBy: "tiny/environment.py",
  },
  "vm-state-<name>/… in the working directory": {
    pattern: /["']vm-state-\w+\//,
    coveredBy: "tiny/environment.py",
  },

  // Newer than 2025
  "m.sleep(duration=d)": {
    pattern: /\.sleep\(duration=/,
    coveredBy: "tiny/durations.py",
  },
  "@polling_condition(interval=d)": {
    pattern: /@polling_condition\(interval=/,
    coveredBy: "tiny/durations.py",
  },
  "condition.wait(timeout_seconds=n)": {
    pattern: /\.wait\(timeout_seconds=/,
    coveredBy: "tiny/durations.py",
  },
  "condition.wait(timeout=d)": {
    pattern: /\.wait\(timeout=/,
    coveredBy: "tiny/durations.py",
  },
  "retry(f, timeout=d)": {
    pattern: /\bretry\([^\n]*timeout=/,
    coveredBy: "tiny/durations.py",
  },
  "m.wait_for_file(f, timeout=, attempt_timeout=)": {
    pattern: /\.wait_for_file\([^)]*attempt_timeout=/,
    coveredBy: "tiny/durations.py",
  },
  "m.shell.send(b), .recv(n), .settimeout(n)": {
    pattern: /\bshell\.send\([^]*\.recv\(|\.recv\([^]*shell\.send\(/,
    coveredBy: "tiny/internals.py",
  },
  "select.select([m.shell], …)": {
    pattern: /select\.select\(\[\w*\.?shell\]/,
    coveredBy: "tiny/internals.py",
  },
  "m.process.poll(), .wait(n), .kill()": {
    pattern: /process\.poll\(\)[^]*process\.kill\(\)[^]*process\.wait\(/,
    coveredBy: "tiny/internals.py",
  },
  "m.serial_thread": {
    pattern: /\.serial_thread\b/,
    coveredBy: "tiny/internals.py",
  },
  "m.last_lines.get()": {
    pattern: /\.last_lines\.get\(/,
    coveredBy: "tiny/internals.py",
  },
  "m.monitor_path, m.qmp_path": {
    pattern: /\.monitor_path\b[^]*\.qmp_path\b/,
    coveredBy: "tiny/internals.py",
  },
  "m.vsock_guest": {
    pattern: /\.vsock_guest\b/,
    coveredBy: "tiny/internals.py",
  },
  "m.pid = None": {
    pattern: /\.pid = None/,
    coveredBy: "tiny/internals.py",
  },
  "m.start_command._cmd = c": {
    pattern: /\b\w*command\._cmd = /,
    coveredBy: "tiny/internals.py",
  },
  "vlan.process, .tap_name, .stop()": {
    pattern: /vlan\.tap_name[^]*vlan\.process[^]*vlan\.stop\(\)/,
    coveredBy: "tiny/internals.py",
  },
  "vlan.plug_process": {
    pattern: /vlan\.plug_process/,
    coveredBy: "tiny/internals.py",
  },
  "driver.config, .interactive, .keep_machine_state": {
    pattern:
      /driver\.interactive[^]*driver\.keep_machine_state[^]*driver\.config/,
    coveredBy: "tiny/internals.py",
  },
  "from test_driver.config import …": {
    pattern:
      /from test_driver\.config import DriverConfiguration, load_driver_configuration/,
    coveredBy: "tiny/internals.py",
  },
  "from test_driver.driver import …": {
    pattern: /from test_driver\.driver import get_tmp_dir, in_nix_sandbox/,
    coveredBy: "tiny/internals.py",
  },
  "from test_driver.logger import rootlog": {
    pattern: /from test_driver\.logger import rootlog/,
    coveredBy: "tiny/internals.py",
  },
  "from test_driver.machine import CHAR_TO_KEY, make_command": {
    pattern: /from test_driver\.machine import CHAR_TO_KEY.*make_command/,
    coveredBy: "tiny/internals.py",
  },
  "from test_driver.vsock import VsockPair": {
    pattern: /from test_driver\.vsock import VsockPair/,
    coveredBy: "tiny/internals.py",
  },
  "import test_driver.machine.ocr": {
    pattern: /import test_driver\.machine\.ocr/,
    coveredBy: "tiny/internals.py",
  },
  "m.create_efi_vars()": {
    pattern: /\.create_efi_vars\(\)/,
    coveredBy: "uefi/efi_vars.py",
  },
  "m.write_efi_vars([v])": {
    pattern: /\.write_efi_vars\(\[/,
    coveredBy: "uefi/efi_vars.py",
  },
  "m.read_efi_vars(), m.dump_efi_vars()": {
    pattern: /\.dump_efi_vars\(\)[^]*\.read_efi_vars\(\)/,
    coveredBy: "uefi/efi_vars.py",
  },
  "m.efi_vars, m.efi_vars_path": {
    pattern: /\.efi_vars\b[^]*\.efi_vars_path/,
    coveredBy: "uefi/efi_vars.py",
  },
  "from test_driver.efi import …": {
    pattern: /from test_driver\.efi import EfiGuid, EfiVariable, EfiVars/,
    coveredBy: "uefi/efi_vars.py",
  },
} satisfies Record<string, Form>;

/** The name of a form. */
export type FormName = keyof typeof forms;

/** The tests of nixpkgs that were read, and the forms that their scripts use. */
export const surveyed: Readonly<Record<string, readonly FormName[]>> = {
  "activation/etc-overlay-mutable": [
    "m.succeed(c)",
    "m.succeed(f'…')",
    "m.succeed(…).strip()",
    "m.fail(c)",
    "with subtest(s)",
    "print(m.succeed(…))",
    "assert m.succeed(…) == …",
  ],
  "age-plugin-tpm-decrypt": ["m.start()", "m.succeed(c)"],
  "amazon-init-shell": ["m.wait_for_unit(u)", "m.succeed(c)"],
  "amd-sev": ["m.wait_for_unit(u)", "m.succeed(c)", "with subtest(s)"],
  "appliance-repart-image-verity-store": [
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.succeed(…).strip()",
    "with subtest(s)",
    "subprocess on the host",
    "tempfile on the host",
    "os.environ[…] = … for start scripts",
  ],
  "artalk": ["m.wait_for_unit(u)", "m.wait_for_open_port(n)", "m.succeed(c)"],
  "bittorrent": [
    "start_all()",
    "m.systemctl(q)",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.succeed('… &')",
    "m.wait_for_open_port(n)",
    "m.wait_for_file(f)",
    "m.stop_job(u)",
  ],
  "boot": [
    "create_machine(command)",
    "m.start()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "with subtest(s)",
    "m.shutdown()",
  ],
  "cage": [
    "start_all()",
    "with subtest(s)",
    "m.wait_for_file(f)",
    "m.wait_until_succeeds(c)",
    "m.wait_for_text(r)",
    "m.screenshot(n)",
  ],
  "containers-imperative": [
    "m.succeed(c)",
    "m.succeed(c, c, …)",
    "m.succeed(f'…')",
    "m.succeed('… &')",
    "m.succeed(…).strip()",
    "m.fail(c)",
    "m.log(s)",
    "m.systemctl(q)",
    "m.wait_for_console_text(r)",
    "with subtest(s)",
    "assert … in m.succeed(…)",
    "print(m.succeed(…))",
  ],
  "firefox": [
    "m.wait_for_x()",
    "m.systemctl(q)",
    "m.wait_for_file(f)",
    "m.execute(c)",
    "m.execute('… &')",
    "status, out = m.execute(c)",
    "m.succeed(c)",
    "m.succeed('… &')",
    "int(m.succeed(…))",
    "m.sleep(n)",
    "m.wait_for_window(r)",
    "m.copy_from_vm(f)",
    "m.screenshot(n)",
    "with subtest(s)",
    "def f(m: Machine)",
    "@contextmanager",
  ],
  "gitea": [
    "start_all()",
    "m.succeed(c)",
    "m.succeed(f'…')",
    "m.wait_for_unit(u)",
    "m.wait_for_open_port(n)",
    "m.wait_until_succeeds(c)",
    "with subtest(s)",
    "assert … in m.succeed(…)",
  ],
  "hibernate": [
    "create_machine(command)",
    "m.start()",
    "m.succeed(c)",
    "m.succeed(c, c, …)",
    "m.shutdown()",
    "m.crash()",
    "m.execute(c)",
    "m.execute(c, check_return=False)",
    "m.wait_for_shutdown()",
    "m.wait_for_unit(u)",
    "m.fail(c)",
    "vm-state-<name>/… in the working directory",
  ],
  "ihatemoney": [
    "m.wait_for_open_port(n)",
    "m.wait_for_unit(u)",
    "m.wait_until_succeeds(c)",
    "m.succeed(c)",
    "m.succeed(…).split(…)",
    "with subtest(s)",
    "m.shutdown()",
    "m.start()",
    "assert … in m.succeed(…)",
  ],
  "initrd-network-ssh": [
    "start_all()",
    "m.wait_for_unit(u)",
    "m.execute(c)",
    "status, out = m.execute(c)",
    "with m.nested(s)",
    "retry(fn)",
    "m.succeed(c)",
    "m.shutdown()",
  ],
  "installer": [
    "m.start()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    'm.succeed("""…""")',
    "assert … in m.succeed(…)",
    "with subtest(s)",
    "m.shutdown()",
    "m.state_dir = other.state_dir",
  ],
  "kexec": [
    "m.wait_for_unit(u)",
    "m.execute(c)",
    "m.execute(c, check_return=False)",
    "m.connected = False",
    "m.connect()",
    "m.shutdown()",
    "m.succeed(c)",
    "m.fail(c)",
  ],
  "keymap": [
    "with subtest(s)",
    "m.execute(c)",
    "m.succeed(c)",
    "m.wait_for_window(r)",
    "m.wait_until_succeeds(c)",
    "m.wait_for_file(f)",
    "m.send_key(k)",
    "m.wait_for_x()",
    "import json, re, shlex, …",
  ],
  "login": [
    "m.start(allow_reboot=True)",
    "m.wait_for_unit(u)",
    "m.wait_until_succeeds(c)",
    "m.screenshot(n)",
    "with subtest(s)",
    "m.succeed(c)",
    "m.succeed(…).strip()",
    "m.fail(c)",
    "m.send_key(k)",
    "m.send_chars(s)",
    "m.wait_until_tty_matches(n, r)",
    "m.wait_for_file(f)",
    "m.wait_until_fails(c)",
    "m.reboot()",
  ],
  "matter-server": [
    "@polling_condition",
    "with condition",
    "start_all()",
    "m.wait_for_unit(u, timeout=n)",
    "m.wait_for_open_port(n, timeout=)",
    "with subtest(s)",
    "m.succeed(c)",
    "m.log(s)",
    "m.execute(c)",
    "status, out = m.execute(c)",
  ],
  "misc": [
    "with subtest(s)",
    "m.succeed(c)",
    "m.succeed(c, c, …)",
    "m.succeed(…).strip()",
    "m.fail(c)",
    "m.execute(c)",
    "m.wait_for_unit(u)",
    "assert … in m.succeed(…)",
    "assert m.succeed(…) == …",
  ],
  "nfs/simple": [
    "start_all()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.succeed('… &')",
    "m.fail(c)",
    "m.wait_for_file(f)",
    "m.crash()",
    "m.start()",
    "m.shutdown()",
    "with subtest(s)",
    "time.monotonic(), time.sleep()",
  ],
  "nginx": [
    "m.succeed(c)",
    "m.succeed(f'…')",
    "m.succeed(…).strip()",
    "m.fail(c)",
    "m.wait_for_unit(u)",
    "m.wait_for_open_port(n)",
    "with subtest(s)",
  ],
  "nixos-test-driver/attempt-timeout": [
    "start_all()",
    "m.wait_for_unit(u)",
    "with subtest(s)",
    "m.wait_until_succeeds(c)",
    "m.wait_until_succeeds(c, timeout=, attempt_timeout=)",
    "timeout=timedelta(…)",
    "int(m.succeed(…))",
    "m.succeed(c)",
    "m.wait_for_open_port(n, timeout=)",
    "try: … except Exception",
    "raise Exception(…)",
    "time.monotonic(), time.sleep()",
  ],
  "nixos-test-driver/busybox": ["start_all()", "m.wait_for_unit(u)"],
  "nixos-test-driver/console-log": [
    "m.start()",
    "m.shutdown()",
    "m.wait_for_unit(u)",
    "m.get_console_log()",
    "m.succeed(c)",
    "with subtest(s)",
    "time.monotonic(), time.sleep()",
  ],
  "nixos-test-driver/console-timeout": [
    "m.start()",
    "m.wait_for_unit(u)",
    "m.systemctl(q)",
    "m.wait_for_console_text(r)",
    "m.wait_for_console_text(r, timeout=n)",
  ],
  "nixos-test-driver/node-name": [
    "start_all()",
    "m.succeed(c)",
    "with subtest(s)",
  ],
  "nixos-test-driver/qmp-api-error": [
    "m.start()",
    "m.qmp_client.send(c)",
    "except QMPAPIError as e",
  ],
  "nixos-test-driver/retry": [
    "retry(lambda …, timeout=)",
    "with t.assertRaises(…)",
    "t.assert…(…)",
    "from test_driver.errors import …",
    "timeout=timedelta(…)",
    "time.monotonic(), time.sleep()",
  ],
  "nixos-test-driver/succeed-stdout-warning": [
    "start_all()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.succeed('… &')",
    "with subtest(s)",
    "try: … except Exception",
    "raise Exception(…)",
  ],
  "nixos-test-driver/timeout": [
    "start_all()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
  ],
  "nixos-test-driver/unit-active-state": [
    "m.wait_for_unit_active_state(u, state, timeout=n)",
    "m.succeed(c)",
    "m.succeed(c, timeout=n)",
  ],
  "nuclear": [
    "@polling_condition",
    "condition.wait()",
    "with condition",
    "start_all()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "with subtest(s)",
    "m.wait_for_text(r)",
    "m.screenshot(n)",
    "m.send_key(k)",
  ],
  "predictable-interface-names": [
    "print(m.succeed(…))",
    "m.succeed(c)",
    "m.fail(c)",
  ],
  "samba": ["m.start()", "m.wait_for_unit(u)", "m.succeed(c)"],
  "shadow": [
    "m.wait_for_unit(u)",
    "m.wait_until_succeeds(c)",
    "with subtest(s)",
    "m.send_key(k)",
    "m.send_chars(s)",
    "m.wait_until_tty_matches(n, r)",
    "m.sleep(n)",
    "m.wait_for_file(f)",
    "m.succeed(c)",
    "m.succeed(f'…')",
    "assert … in m.succeed(…)",
    "assert … not in m.succeed(…)",
    "print(m.succeed(…))",
  ],
  "sway": [
    "start_all()",
    "m.wait_for_unit(u)",
    "with m.nested(s)",
    "(m.succeed if … else m.execute)(c)",
    "print(m.succeed(…))",
    "m.succeed(c)",
    "m.wait_for_file(f)",
    "m.wait_for_text(r)",
    "m.send_chars(s)",
    "m.send_key(k)",
    "m.copy_from_vm(f)",
    "m.screenshot(n)",
    "m.sleep(n)",
    "m.wait_until_fails(c)",
    "m.wait_until_succeeds(c)",
    "import json, re, shlex, …",
  ],
  "systemd": [
    "m.wait_for_x()",
    "m.wait_for_unit(u)",
    "m.wait_for_unit(u, user)",
    "with subtest(s)",
    "m.succeed(c)",
    "m.succeed(c, c, …)",
    "m.succeed(…).strip()",
    "m.fail(c)",
    "m.execute(c)",
    "status, out = m.execute(c)",
    "m.shutdown()",
    "m.systemctl(q)",
    "assert … in m.succeed(…)",
    "import json, re, shlex, …",
    "subprocess on the host",
    "vm-state-<name>/… in the working directory",
  ],
  "systemd-boot": [
    "m.start()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    'm.succeed("""…""")',
    "m.fail(c)",
    "with subtest(s)",
  ],
  "systemd-cryptenroll": [
    "m.start()",
    "m.succeed(c)",
    "m.shutdown()",
    "m.wait_for_unit(u)",
  ],
  "systemd-initrd-luks-password": [
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.crash()",
    "m.start()",
    "m.wait_for_console_text(r)",
    "m.send_console(s)",
    "assert … in m.succeed(…)",
  ],
  "systemd-initrd-simple": [
    "with subtest(s)",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.fail(c)",
    "m.switch_root()",
    "m.shutdown()",
    "m.start()",
    "subprocess on the host",
    "vm-state-<name>/… in the working directory",
  ],
  "systemd-shutdown": [
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.wait_for_console_text(r)",
    "m.booted = False",
  ],
  "turbovnc-headless-server": [
    "m.execute(c)",
    "m.execute('… &')",
    "status, out = m.execute(c)",
    "m.wait_until_succeeds(c)",
    "m.wait_until_fails(c)",
    "m.succeed(c)",
    "m.copy_from_vm(f)",
    "with subtest(s)",
    "raise Exception(…)",
    "time.monotonic(), time.sleep()",
  ],
  "upnp": [
    "start_all()",
    "m.wait_for_unit(u)",
    "m.succeed(c)",
    "m.wait_until_succeeds(c)",
  ],
  "userborn": [
    "m.wait_for_unit(u)",
    "with subtest(s)",
    "m.succeed(c)",
    "m.fail(c)",
    "int(m.succeed(…))",
    "print(m.succeed(…))",
    "assert … in m.succeed(…)",
    "assert m.succeed(…) == …",
  ],
  "wireguard/basic": ["start_all()", "m.wait_for_unit(u)", "m.succeed(c)"],
  "xfce": [
    "m.wait_for_x()",
    "m.wait_for_file(f)",
    "m.succeed(c)",
    "m.wait_for_window(r)",
    "m.sleep(n)",
    "m.screenshot(n)",
  ],
  "xrdp": [
    "start_all()",
    "m.wait_for_x()",
    "m.wait_for_file(f)",
    "m.succeed(c)",
    "m.sleep(n)",
    "m.execute(c)",
    "m.execute('… &')",
    "m.send_chars(s)",
    "m.screenshot(n)",
  ],
};

/** The survey as a table in Markdown, the commonest forms first. */
export function table(): string {
  const rows = Object.entries<Form>(forms).map(([name, { coveredBy }]) => {
    const count = Object.values(surveyed)
      .filter((used) => (used as readonly string[]).includes(name)).length;
    return { name, count, coveredBy };
  });
  rows.sort((a, b) => b.count - a.count);
  const total = Object.keys(surveyed).length;
  return [
    "<!-- deno-fmt-ignore-file -->",
    "",
    "# Forms of NixOS test scripts",
    "",
    `How many of ${total} tests of nixpkgs that were read use a form, and which`,
    "script here has it and is run by the tests. `m` is a machine. Written by",
    "`deno run -A tests/python/write_table.ts` from `survey.ts`.",
    "",
    "| form | tests | covered by |",
    "| --- | ---: | --- |",
    ...rows.map(({ name, count, coveredBy }) =>
      `| \`${name.replaceAll("|", "\\|")}\` | ${count} | \`${coveredBy}\` |`
    ),
    "",
  ].join("\n");
}
