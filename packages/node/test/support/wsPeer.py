"""A WebSocket client of Python's websockets: sends what a server that echoes has to send back.

wsPeer.py URL deflate|plain COUNT LARGE: COUNT small messages and one of LARGE octets, and fragments of both kinds.
"""
import asyncio
import sys

import websockets


async def main(url, compression, count, large):
    async with websockets.connect(
        url,
        compression="deflate" if compression == "deflate" else None,
        max_size=None,
        max_queue=None,
        subprotocols=["echo"],
    ) as peer:
        agreed = any(e.name == "permessage-deflate" for e in peer.extensions)
        assert agreed == (compression == "deflate"), peer.extensions
        assert peer.subprotocol == "echo", peer.subprotocol

        for message in ["", "grüße €", b"", bytes(range(256)), "x" * 70_000]:
            await peer.send(message)
            assert await peer.recv() == message

        # An iterable is sent as fragments.
        await peer.send(["frag", "ments of ", "ein", "em Te", "xt ü"])
        assert await peer.recv() == "fragments of einem Text ü"
        await peer.send([b"\x00" * 5, b"\xff" * 70_000, b""])
        assert await peer.recv() == b"\x00" * 5 + b"\xff" * 70_000

        big = bytes(i * 7 % 251 for i in range(1024)) * (large // 1024)
        await peer.send(big)
        assert await peer.recv() == big

        async def send():
            for i in range(count):
                await peer.send("message %d" % i)

        sending = asyncio.ensure_future(send())
        for i in range(count):
            assert await peer.recv() == "message %d" % i
        await sending

        pong = await peer.ping(b"alive")
        await asyncio.wait_for(pong, 10)
        await peer.close(4001, "done")
        assert peer.close_code == 4001, peer.close_code
    print("all well")


url, compression, count, large = sys.argv[1:]
asyncio.run(main(url, compression, int(count), int(large)))
