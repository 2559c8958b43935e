#!/usr/bin/python3
"""A monitor that misbehaves: fake_monitor.py PATH. Serves one client, with what QEMU never says.

query-qmp-schema is refused. hmp text has control characters. "silence" is not answered, but two
events follow it. "flood" is answered after 300,000 events, and they go on until the client leaves.
"""
import json
import os
import socket
import sys

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path + ".new")
listener.listen(1)
os.rename(path + ".new", path)  # there only once it can be connected to
client = listener.accept()[0]


def say(message):
    client.sendall(json.dumps(message).encode() + b"\r\n")


def event(name, data):
    say({"timestamp": {"seconds": -1, "microseconds": -1}, "event": name, "data": data})


def serve(request):
    command, ident = request["execute"], request["id"]
    if command == "query-qmp-schema":
        say({"id": ident, "error": {"class": "GenericError", "desc": "no\x1b[31m schema"}})
    elif command == "human-monitor-command":
        say({"return": "a\tb \x1b[31mred\r\nbell \x07 del \x7f c1 \x9b\r\n", "id": ident})
    elif command == "silence":
        event("E\x1b]0;title\x07", {"text": "\x1b[2J\x9b"})
        event("SECOND", {})
    elif command == "flood":
        block = b'{"event": "DROP", "timestamp": {"seconds": 1, "microseconds": 2}}\r\n' * 1000
        for _ in range(300):
            client.sendall(block)
        say({"return": {"flooded": True}, "id": ident})
        while True:
            client.sendall(block)
    else:
        say({"return": {}, "id": ident})


say({"QMP": {"version": {"qemu": {"major": 9, "minor": 0, "micro": 1}}, "capabilities": []}})
buffer = ""
try:
    while chunk := client.recv(65536):
        buffer += chunk.decode()
        while buffer := buffer.lstrip():
            try:
                request, end = json.JSONDecoder().raw_decode(buffer)
            except ValueError:
                break
            buffer = buffer[end:]
            serve(request)
except OSError:
    pass
