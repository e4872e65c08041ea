# The classic driver's Python, unchanged: two machines, and a network that breaks.
#
#   vmwright --start-scripts ./run-node1-vm ./run-node2-vm --vlans 1 network.py
#
# The start scripts connect both machines to VLAN 1.
start_all()

with subtest("the machines reach each other"):
    node1.wait_until_succeeds("ping -c 1 -W 1 192.168.1.2")

with subtest("a machine whose network is cut is out of reach"):
    node2.block()
    node1.fail("ping -c 1 -W 1 192.168.1.2")

with subtest("it comes back"):
    node2.unblock()
    node1.wait_until_succeeds("ping -c 1 -W 1 192.168.1.2")
