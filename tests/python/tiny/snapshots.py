# Snapshots, and what begins there.
import threading

machine.succeed("echo ready >/tmp/snapshot-state")
before = machine.state_dir
ready = snapshot(name="ready")
assert ready.machines == ["machine"], ready.machines
machine.succeed("echo later >/tmp/snapshot-state")

with subtest("names stand for the fork's machines", from_=ready):
    t.assertEqual(machine.succeed("cat /tmp/snapshot-state"), "ready\n")
    machine.succeed("echo ruined >/tmp/snapshot-state")
    assert machine.state_dir != before
    seen = []
    thread = threading.Thread(
        target=lambda: seen.append(machine.succeed("cat /tmp/snapshot-state"))
    )
    thread.start()
    thread.join()
    assert seen == ["ruined\n"], seen
    with snapshot().fork():
        t.assertEqual(machine.succeed("cat /tmp/snapshot-state"), "ruined\n")
    machine.screenshot("forked")

t.assertEqual(machine.succeed("cat /tmp/snapshot-state"), "later\n")
assert machine.state_dir == before

with t.assertRaises(Exception):
    with subtest("a fork ends with its subtest that fails", from_=ready):
        machine.fail("true")
t.assertEqual(machine.succeed("cat /tmp/snapshot-state"), "later\n")

with t.assertRaises(TypeError):
    with subtest("no snapshot", from_="ready"):
        pass

ready.restore()
t.assertEqual(machine.succeed("cat /tmp/snapshot-state"), "ready\n")
with t.assertRaises(ValueError):
    snapshot(keep=True)
prepared = snapshot(prepare=lambda: machine.succeed("echo prepared >/tmp/prepared"))
with subtest("what was prepared is there", from_=prepared, own_memory=True):
    machine.succeed("grep prepared /tmp/prepared")
ready.close()
with t.assertRaises(ValueError):
    ready.restore()
