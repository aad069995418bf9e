"""A WebSocket client over HTTP/2 (RFC 8441), of Python's h2 and wsproto: sends what a server that echoes has to send back.

wsHttp2Peer.py PORT deflate|plain
"""
import socket
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate


class Peer:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.data = b""
        self.ended = False
        self.head = None
        self.flush()
        while not self.h2.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL):
            self.pump()
        self.port = port

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def pump(self):
        chunk = self.sock.recv(65536)
        assert chunk, "the connection has ended"
        for event in self.h2.receive_data(chunk):
            if isinstance(event, h2.events.ResponseReceived):
                self.head = {k.decode(): v.decode() for k, v in event.headers}
            elif isinstance(event, h2.events.DataReceived):
                self.data += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended = True
            elif isinstance(event, h2.events.StreamReset):
                raise AssertionError("reset with %s" % event.error_code)
        self.flush()

    def open(self, fields):
        self.stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(
            self.stream,
            [
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":scheme", "http"),
                (":path", "/"),
                (":authority", "127.0.0.1:%d" % self.port),
                ("sec-websocket-version", "13"),
                ("sec-websocket-protocol", "echo"),
            ]
            + fields,
        )
        self.flush()
        while self.head is None:
            self.pump()

    def send(self, octets):
        while octets:
            room = min(self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.pump()
                continue
            self.h2.send_data(self.stream, octets[:room])
            octets = octets[room:]
            self.flush()

    def take(self):
        while not self.data and not self.ended:
            self.pump()
        data, self.data = self.data, b""
        return data


def main(port, mode):
    peer = Peer(port)
    deflate = PerMessageDeflate()
    peer.open([("sec-websocket-extensions", "permessage-deflate")] if mode == "deflate" else [])
    head = peer.head
    assert head[":status"] == "200", head
    assert head["sec-websocket-protocol"] == "echo", head
    for name in ["upgrade", "connection", "sec-websocket-accept"]:
        assert name not in head, head
    agreed = head.get("sec-websocket-extensions", "")
    assert agreed.startswith("permessage-deflate") == (mode == "deflate"), head
    if mode == "deflate":
        deflate.finalize(agreed)
    ws = Connection(ConnectionType.CLIENT, extensions=[deflate] if mode == "deflate" else [])

    texts, events = {}, []

    def receive(kind):
        while True:
            for event in ws.events():
                events.append(event)
            while events:
                event = events.pop(0)
                if isinstance(event, Message):
                    texts.setdefault(type(event), []).append(event.data)
                    if event.message_finished:
                        parts = texts.pop(type(event))
                        event = ("" if isinstance(parts[0], str) else b"").join(parts)
                        if kind is Message:
                            return event
                elif isinstance(event, kind):
                    return event
            octets = peer.take()
            ws.receive_data(octets if octets else None)

    for message in ["", "grüße €", b"", bytes(range(256)), "x" * 70_000, bytes(i * 7 % 251 for i in range(1 << 20))]:
        kind = TextMessage if isinstance(message, str) else BytesMessage
        peer.send(ws.send(kind(data=message)))
        assert receive(Message) == message, len(message)

    for part, last in [("frag", False), ("mented ", False), ("text", True)]:
        peer.send(ws.send(TextMessage(data=part, message_finished=last)))
    assert receive(Message) == "fragmented text"

    for i in range(200):
        peer.send(ws.send(TextMessage(data="message %d" % i)))
    for i in range(200):
        assert receive(Message) == "message %d" % i

    peer.send(ws.send(Ping(payload=b"alive")))
    assert bytes(receive(Pong).payload) == b"alive"

    peer.send(ws.send(CloseConnection(code=4001, reason="done")))
    assert receive(CloseConnection).code == 4001
    while not peer.ended:
        peer.pump()
    peer.h2.end_stream(peer.stream)
    peer.flush()
    print("all well")


main(int(sys.argv[1]), sys.argv[2])
