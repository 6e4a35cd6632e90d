"""A mail server that fails now and then: server.py PORT (0: any).

It says which port it listens on, then a line of JSON for each mail that it takes:
{"to": [...], "answered": bool, "mail": base64}. In what way a mail fails is decided by its number.
"""

import asyncio
import base64
import json
import sys

from aiosmtpd.controller import Controller

REFUSED = "nobody@"


class Handler:
    def __init__(self):
        self.number = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.number += 1
        envelope.number = self.number
        if address.startswith(REFUSED):
            return f"550 5.1.1 <{address}>: Recipient address rejected"
        if self.number % 7 == 3:
            return "451 4.7.1 Greylisted, please come back"
        if self.number % 11 == 5:
            server.transport.abort()
            return "421 4.3.0 Gone"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.number % 13 == 6:
            # Nothing is taken.
            server.transport.abort()
            return "421 4.3.0 Gone"
        answered = envelope.number % 17 != 8
        mail = base64.b64encode(envelope.content).decode()
        print(json.dumps({"to": envelope.rcpt_tos, "answered": answered, "mail": mail}), flush=True)
        if not answered:
            # Taken, and the answer is lost.
            server.transport.abort()
        return "250 OK"


if __name__ == "__main__":
    controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(loop.create_server(controller.factory, "127.0.0.1", int(sys.argv[1])))
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.run_forever()
