# What is broken on purpose: links, networks, time.
from datetime import datetime, timedelta, timezone

machine.succeed("true")
link = machine.link(vlan1)


def echo():
    """Whether frames leave the machine: nobody answers on its network."""
    before = link.counters()["sent"]["frames"]
    machine.execute("busybox ping -c 1 -W 1 192.168.1.77 >/dev/null 2>&1")
    return link.counters()["sent"]["frames"] > before


with subtest("a link's settings end with their block, or with their subtest"):
    with link.set(delay=0.01, loss=1, direction="send") as fault:
        assert echo()
        assert link.counters()["sent"]["lost"] > 0
        assert not fault.is_over
    assert fault.is_over
    assert not echo()
    kept = link.set(delay=timedelta(milliseconds=5), jitter=0.001)
    assert "delay 5 ms" in kept.text, kept.text
assert kept.is_over
link.set(duplicate=0.5)
link.set()
with t.assertRaises(ValueError):
    link.set(loss=2)

with subtest("a cable is pulled"):
    down = link.down()
    link.up()
    assert down.is_over

with subtest("captures"):
    with link.capture("card") as of_card, vlan1.capture("network") as of_network:
        echo()
    for capture in (of_card, of_network):
        assert capture.path.parent == machine.out_dir
        assert capture.path.read_bytes().startswith(b"\x0a\x0d\x0d\x0a")

with subtest("partitions"):
    vlan1.heal()
    with t.assertRaises(ValueError):
        vlan1.partition([machine])
    with t.assertRaises(ValueError):
        vlan1.partition([machine], [machine], one_way=True)

with subtest("time"):
    machine.pause()
    machine.resume()
    with machine.pause():
        pass
    with machine.set_clock(datetime(2038, 1, 19, tzinfo=timezone.utc)):
        assert machine.succeed("date -u +%F") == "2038-01-19\n"
    with machine.skew(timedelta(days=-1)) as skewed:
        assert "behind" in skewed.text
    machine.nmi()

with subtest("disks that are not there"):
    with t.assertRaises(Exception) as raised:
        machine.disk().throttle(bytes_per_second=1000)
    assert "has no disk" in str(raised.exception), raised.exception
    with t.assertRaises(ValueError):
        machine.power_loss()

with subtest("a file system without room"):
    machine.succeed("mkdir -p /mnt/small; mount -t tmpfs -o size=1M tmpfs /mnt/small")
    with machine.fill_disk("/mnt/small"):
        machine.fail("echo x > /mnt/small/file")
    machine.succeed("echo x > /mnt/small/file; umount /mnt/small")

with subtest("memory that is no number"):
    with t.assertRaisesRegex(ValueError, "Expected a whole number of bytes from 1 up"):
        machine.limit_memory(0)

with subtest("less time of the processors"):
    with machine.limit_cpu(0.25) as limited:
        assert limited.text == "processors: 25 % of their time left", limited.text
        assert machine.succeed("cat /tmp/vmwright-cgroup/vmwright/cpu.max") == "25000 100000\n"
    machine.fail("ls -d /tmp/vmwright-cgroup")
    with t.assertRaisesRegex(ValueError, "from 0.01 to below 1"):
        machine.limit_cpu(1)
