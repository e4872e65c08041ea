# What tests/lab/classic_driver.ts asks of a machine, by each driver of Python
# scripts. The figures are milliseconds.
import json
import os
import random
import socket
import threading
import time

FILE = "/tmp/there"
COMMANDS = int(os.environ["LAB_COMMANDS"])
WAITS = int(os.environ["LAB_WAITS"])


def milliseconds(action):
    began = time.monotonic()
    action()
    return (time.monotonic() - began) * 1000


def each(command):
    return [milliseconds(lambda: tiny.succeed(command)) for _ in range(COMMANDS)]


figures = {"boot": [milliseconds(lambda: tiny.succeed("true"))]}
figures["builtin"] = each("true")
figures["program"] = each("/bin/true")

trigger = socket.socket(socket.AF_UNIX)
trigger.connect(os.environ["LAB_TRIGGER"])
tiny.succeed(os.environ["LAB_LISTEN"])
made = 0.0


def make():
    global made
    made = time.monotonic()
    trigger.sendall(f": >{FILE}\n".encode())


figures["reaction"] = []
for _ in range(WAITS):
    tiny.succeed(f"rm -f {FILE}")
    threading.Timer(random.uniform(1, 2), make).start()
    tiny.wait_for_file(FILE)
    figures["reaction"].append((time.monotonic() - made) * 1000)

with open(os.environ["LAB_FIGURES"], "w") as file:
    json.dump(figures, file)

# A driver that signals the shell that has started QEMU may wait for ever.
tiny.crash()
