"""Does as a validator does, as far as who starts and stops it can see: takes a genesis, answers, ends when told to.

It wants the validator before it to answer already. FAKE_GETH says what goes wrong: "refuse" the genesis block, "die" at
once if it is validator 2, or make "no blocks".
"""

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

TROUBLE = os.environ.get("FAKE_GETH")


class Handler(BaseHTTPRequestHandler):
    """Has 5 blocks, or none."""

    def do_POST(self):
        content = json.dumps({"result": "0x0" if TROUBLE == "no blocks" else "0x5"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments):
        """Say nothing."""


def option(name):
    return sys.argv[sys.argv.index(f"--{name}") + 1]


if "init" in sys.argv:
    if TROUBLE == "refuse":
        sys.exit("some lines\nFatal: invalid genesis file")
    Path(option("datadir"), "geth", "chaindata").mkdir(parents=True)
    sys.exit()
if TROUBLE == "die" and "node2" in option("datadir"):
    sys.exit("Fatal: port is taken")
if "node1" not in option("datadir"):
    socket.create_connection(("127.0.0.1", int(option("http.port")) - 1)).close()
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
HTTPServer(("127.0.0.1", int(option("http.port"))), Handler).serve_forever()
