"""Stands in for a hypervisor's virtual socket: takes CONNECT and gives a bash.

    vsock_stand_in.py SOCKET

The bash has the connection as its stdin and stdout, as in a guest.
"""

import os
import signal
import socket
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(5)
while True:
    connection, _ = listener.accept()
    if os.fork() != 0:
        connection.close()
        continue
    listener.close()
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if byte == b"":
            sys.exit()
        line += byte
    if line != b"CONNECT 1234\n":
        sys.exit()
    connection.sendall(b"OK 1073741824\n")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(connection.fileno(), 0)
    os.dup2(connection.fileno(), 1)
    connection.close()
    os.execvp("bash", ["bash"])
