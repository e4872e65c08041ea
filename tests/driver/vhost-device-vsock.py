#!/usr/bin/env python3
"""Stands in for vhost-device-vsock, which Debian does not have.

It says to QEMU what a vhost-user device has to say until a guest uses it, and listens
where the host would come in: so QEMU starts with it, and the guest sees the device.
"""

import argparse
import socket
import struct

GET_FEATURES, GET_PROTOCOL_FEATURES, GET_QUEUE_NUM, GET_CONFIG = 1, 15, 17, 24
VERSION_1, HAS_PROTOCOL_FEATURES = 1 << 32, 1 << 30
SEVERAL_QUEUES, HAS_CONFIG = 1 << 0, 1 << 9

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--guest-cid", type=int, required=True)
parser.add_argument("--socket", required=True)
parser.add_argument("--uds-path", required=True)
arguments = parser.parse_args()


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener


def answer(request, payload):
    if request == GET_FEATURES:
        return struct.pack("<Q", VERSION_1 | HAS_PROTOCOL_FEATURES)
    if request == GET_PROTOCOL_FEATURES:
        return struct.pack("<Q", SEVERAL_QUEUES | HAS_CONFIG)
    if request == GET_QUEUE_NUM:
        return struct.pack("<Q", 3)
    if request == GET_CONFIG:
        return payload[:12] + struct.pack("<Q", arguments.guest_cid)
    return None


host = listen(arguments.uds_path)
qemu = listen(arguments.socket)
while True:
    connection = qemu.accept()[0].makefile("rwb")
    while len(header := connection.read(12)) == 12:
        request, _flags, size = struct.unpack("<III", header)
        reply = answer(request, connection.read(size))
        if reply is not None:
            connection.write(struct.pack("<III", request, 0x5, len(reply)) + reply)
            connection.flush()
