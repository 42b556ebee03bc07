"""The program inside a sandbox: one tree, and a box for each command.

Standard library only (Python 3.11 or later): it is copied as one archive into machines without other code of ours.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence

from .protocol import AgentServer
from .relay import relay
from .service import Agent


def main(arguments: Sequence[str]) -> None:
    """Run `relay ARGV…` in a box, or `probe` or `serve` with settings on the first input line.

    With `serve` the agent lives as long as its input stays open. In an image the settings are in GROUNDWORK_AGENT.
    """
    if arguments[:1] == ["relay"]:
        relay(arguments[1:])
    baked = os.environ.get("GROUNDWORK_AGENT")
    agent = Agent(json.loads(baked or sys.stdin.buffer.readline()))
    if arguments[:1] == ["probe"]:
        print(json.dumps({"reason": agent.probe()}))
        return
    for place, hooks in (("listen", False), ("hooks", True)):
        server = AgentServer(agent, agent.config[place], hooks=hooks)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    if baked:
        threading.Event().wait()
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)  # this also ends the boxes: each dies with the thread that waits for it
