# Several things at the same time on one machine.
import threading
import time
from concurrent.futures import ThreadPoolExecutor

outputs: dict = {}


def client():
    machine.wait_for_file("/tmp/served")
    outputs["client"] = machine.succeed("cat /tmp/served")


def server():
    time.sleep(0.1)
    outputs["server"] = machine.succeed("sleep 1; echo served > /tmp/served; echo done")


with subtest("a client and a server on one machine"):
    threads = [threading.Thread(target=f) for f in (client, server)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {"client": "served\n", "server": "done\n"}, outputs

with ThreadPoolExecutor(max_workers=6) as pool:
    numbers = list(pool.map(lambda n: int(machine.succeed(f"echo {n}")), range(30)))
assert numbers == list(range(30))

errors: list = []


def fails():
    try:
        machine.succeed("exit 9")
    except Exception as error:
        errors.append(str(error))


thread = threading.Thread(target=fails)
thread.start()
thread.join()
assert "exit code 9" in errors[0]
