#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""TLS connections that stay: a server that says which edge it is and echoes lines, and a client
that holds many connections, each from its address, and asks over each now and then.

  serve NAME KEY CERT ADDRESS PORT...
  hold VIP PORT EVERY          holds a connection for each "ADDRESS" line on stdin, and says
                               "open ADDRESS EDGE", "lost ADDRESS WHY". "ask": each asks once more,
                               now, and then it says "asked"; "end" closes them all
  ask VIP PORT ADDRESS...      one short connection each: "asked ADDRESS EDGE", "failed ADDRESS WHY"
"""

import asyncio
import ssl
import sys

TIMEOUT = 60  # seconds: TCP asks again ever more rarely while a worker hangs
AT_A_TIME = 40


def say(*words):
    print(*words, flush=True)


async def serve(name, key, cert, address, *ports):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def answer(reader, writer):
        try:
            while line := await reader.readline():
                writer.write(f"{name} ".encode() + line)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    for port in ports:
        await asyncio.start_server(answer, address, int(port), ssl=context, backlog=1024)
    say("serves")
    await asyncio.Event().wait()


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    def __init__(self, vip, port, address):
        self.vip, self.port, self.address = vip, port, address
        self.reader = self.writer = self.edge = None
        self.lock = asyncio.Lock()  # a question at a time
        self.asked = 0

    async def open(self, context):
        self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection(
            self.vip, self.port, ssl=context, local_addr=(self.address, 0)), TIMEOUT)
        await self.ask()

    async def ask(self):
        self.asked += 1
        self.writer.write(f"{self.asked}\n".encode())
        answer = await asyncio.wait_for(self.reader.readline(), TIMEOUT)
        edge, _, number = answer.decode().strip().partition(" ")
        if number != str(self.asked):
            raise ConnectionError(f"answered {answer!r}")
        if self.edge and edge != self.edge:
            raise ConnectionError(f"moved from {self.edge} to {edge}")
        self.edge = edge

    def close(self):
        if self.writer:
            self.writer.close()


FAILURES = OSError, ssl.SSLError, asyncio.TimeoutError, asyncio.IncompleteReadError


class Holder:
    """Connections that ask every now and then, and when they are told to."""

    def __init__(self, vip, port, every):
        self.vip, self.port, self.every = vip, int(port), float(every)
        self.context, self.gate = client_context(), asyncio.Semaphore(AT_A_TIME)
        self.end = asyncio.Event()
        self.connections, self.tasks = {}, []

    def add(self, address):
        self.tasks.append(asyncio.create_task(self.hold(Connection(
            self.vip, self.port, address))))

    async def hold(self, connection):
        try:
            async with self.gate:
                await connection.open(self.context)
        except FAILURES as error:
            say("lost", connection.address, repr(error))
            return
        self.connections[connection.address] = connection
        say("open", connection.address, connection.edge)
        while connection.address in self.connections and not self.end.is_set():
            try:
                await asyncio.wait_for(self.end.wait(), self.every)
            except asyncio.TimeoutError:
                await self.ask(connection)
        connection.close()

    async def ask(self, connection):
        try:
            async with connection.lock:
                await connection.ask()
        except FAILURES as error:
            if self.connections.pop(connection.address, None):
                say("lost", connection.address, repr(error))

    async def all_ask(self):
        await asyncio.gather(*map(self.ask, list(self.connections.values())))
        say("asked")

    async def close(self):
        self.end.set()
        await asyncio.gather(*self.tasks)
        say("ended", len(self.tasks))


async def hold(vip, port, every):
    holder, reader = Holder(vip, port, every), asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while (line := (await reader.readline()).decode().strip()) not in ("", "end"):
        if line == "ask":
            await holder.all_ask()
        else:
            holder.add(line)
    await holder.close()


async def ask(vip, port, *addresses):
    context, gate = client_context(), asyncio.Semaphore(AT_A_TIME)

    async def one(address):
        connection = Connection(vip, int(port), address)
        try:
            async with gate:
                await connection.open(context)
            say("asked", address, connection.edge)
        except FAILURES as error:
            say("failed", address, repr(error))
        finally:
            connection.close()

    await asyncio.gather(*map(one, addresses))
    say("done")


if __name__ == "__main__":
    asyncio.run({"serve": serve, "hold": hold, "ask": ask}[sys.argv[1]](*sys.argv[2:]))
