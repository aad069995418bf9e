/** What the RFCs of HTTP/2 ask of a server: section, obligation, the error that is due where it is broken, and the test. */
export interface Obligation {
  readonly section: string
  readonly text: string
  /** What ends, and with which code; or the status. Empty where nothing is refused. */
  readonly due: string
  /** The file in `packages/protocol/test`, without its ending. */
  readonly file: string
  /** What its name holds. */
  readonly test: string
}

const row = (section: string, text: string, due: string, file: string, test: string): Obligation => ({
  section,
  text,
  due,
  file,
  test
})

export const obligations: ReadonlyArray<Obligation> = [
  row(
    "RFC 9113 §3.4",
    "the server sends SETTINGS first, without waiting",
    "",
    "rfc9113-frames",
    "the server's preface comes first, without waiting for the client's"
  ),
  row(
    "RFC 9113 §3.4",
    "another preface than that of HTTP/2 is refused",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "anything but the preface is a connection error PROTOCOL_ERROR, at its first octet"
  ),
  row(
    "RFC 9113 §3.4",
    "the first frame of the client is SETTINGS",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "a first frame other than SETTINGS is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §4.1",
    "frames of unknown types are ignored",
    "",
    "rfc9113-frames",
    "a frame of an unknown type is ignored"
  ),
  row(
    "RFC 9113 §4.1",
    "undefined flags and the reserved bit are ignored",
    "",
    "rfc9113-frames",
    "undefined flags and the reserved bit are ignored"
  ),
  row(
    "RFC 9113 §4.2",
    "a frame above SETTINGS_MAX_FRAME_SIZE is refused",
    "connection FRAME_SIZE_ERROR",
    "rfc9113-frames",
    "16,384 octets are taken, one more is a connection error FRAME_SIZE_ERROR, at its header"
  ),
  row(
    "RFC 9113 §4.2",
    "a frame has the length of its type",
    "connection FRAME_SIZE_ERROR",
    "rfc9113-frames",
    "is a connection error FRAME_SIZE_ERROR`"
  ),
  row(
    "RFC 9113 §4.2",
    "no frame is larger than the peer allows",
    "",
    "rfc9113-settings-and-windows",
    "no frame is larger than the peer's MAX_FRAME_SIZE"
  ),
  row(
    "RFC 9113 §4.3",
    "a field block that cannot be decoded is refused",
    "connection COMPRESSION_ERROR",
    "rfc9113-frames",
    "a block that cannot be decoded is a connection error COMPRESSION_ERROR"
  ),
  row(
    "RFC 9113 §4.3",
    "field blocks of streams that are not wanted are decoded",
    "",
    "rfc9113-frames",
    "the block of a stream that is refused is decoded all the same"
  ),
  row(
    "RFC 9113 §4.3",
    "a table that was made smaller is confirmed",
    "connection COMPRESSION_ERROR",
    "rfc9113-settings-and-windows",
    "this side's HEADER_TABLE_SIZE holds once it is acknowledged, and must be confirmed"
  ),
  row(
    "RFC 9113 §5.1",
    "every frame in every state of its stream",
    "by the table of states",
    "rfc9113-streams",
    'describe("RFC 9113 §5.1 stream states"'
  ),
  row("RFC 9113 §5.1", "PRIORITY may come in every state", "", "rfc9113-streams", " is allowed`"),
  row(
    "RFC 9113 §5.1",
    "frames behind a reset of this side are ignored, and counted",
    "",
    "rfc9113-streams",
    "late frames on a reset stream are read for compression and flow control"
  ),
  row(
    "RFC 9113 §5.1.1",
    "streams of a client have odd numbers",
    "connection PROTOCOL_ERROR",
    "rfc9113-streams",
    "an even number is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §5.1.1",
    "numbers of streams rise",
    "connection PROTOCOL_ERROR",
    "rfc9113-streams",
    "a number below one that was used is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §5.1.1",
    "a number is used once",
    "connection STREAM_CLOSED",
    "rfc9113-streams",
    "a number that was used and is closed is a connection error STREAM_CLOSED"
  ),
  row(
    "RFC 9113 §5.1.1",
    "lower idle streams are closed by a higher one",
    "",
    "rfc9113-streams",
    "numbers may be left out, and those are closed"
  ),
  row(
    "RFC 9113 §5.1.2",
    "streams beyond SETTINGS_MAX_CONCURRENT_STREAMS are refused",
    "stream REFUSED_STREAM",
    "rfc9113-streams",
    "n streams are open at once, one more is refused with REFUSED_STREAM"
  ),
  row(
    "RFC 9113 §5.2",
    "what is sent keeps within the peer's windows",
    "",
    "rfc9113-settings-and-windows",
    "a body of more than 65,535 octets waits for a window"
  ),
  row(
    "RFC 9113 §5.3.2",
    "dependencies are read and have no meaning",
    "",
    "rfc9113-streams",
    "a dependency in HEADERS is read and has no meaning"
  ),
  row(
    "RFC 9113 §5.4.1",
    "GOAWAY names the last stream, and the connection ends",
    "",
    "rfc9113-streams",
    "GOAWAY names the last stream that may have been acted on"
  ),
  row(
    "RFC 9113 §5.4.1",
    "nothing is sent behind GOAWAY with an error",
    "",
    "rfc9113-frames",
    "nothing is said behind a connection error"
  ),
  row(
    "RFC 9113 §5.4.2",
    "a stream error leaves the other streams alone",
    "",
    "rfc9113-streams",
    "a stream error leaves the other streams alone"
  ),
  row(
    "RFC 9113 §5.5",
    "unknown settings are ignored",
    "",
    "rfc9113-settings-and-windows",
    "unknown settings are ignored"
  ),
  row(
    "RFC 9113 §6.1 to §6.10",
    "frames of streams are on a stream, and those of the connection on none",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "on stream 0 is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §6.1",
    "padding that is longer than the frame is refused",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "padding that is longer than the frame is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §6.1",
    "padding counts for flow control",
    "",
    "rfc9113-settings-and-windows",
    "padding and its length count"
  ),
  row(
    "RFC 9113 §6.2",
    "padding of HEADERS leaves room for its fields",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "padding that leaves no room for a dependency is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §6.3",
    "PRIORITY has five octets",
    "stream FRAME_SIZE_ERROR",
    "rfc9113-frames",
    "PRIORITY of 4 octets is a stream error FRAME_SIZE_ERROR"
  ),
  row(
    "RFC 9113 §6.4",
    "RST_STREAM of an idle stream is refused",
    "connection PROTOCOL_ERROR",
    "rfc9113-streams",
    'describe("RFC 9113 §5.1 stream states"'
  ),
  row(
    "RFC 9113 §6.5",
    "settings are processed in order",
    "",
    "rfc9113-settings-and-windows",
    "of a setting that comes twice the last value counts"
  ),
  row(
    "RFC 9113 §6.5.2",
    "settings have values that they may have",
    "connection PROTOCOL_ERROR",
    "rfc9113-settings-and-windows",
    "is a connection error PROTOCOL_ERROR`"
  ),
  row(
    "RFC 9113 §6.5.2",
    "an initial window is no larger than 2^31 - 1",
    "connection FLOW_CONTROL_ERROR",
    "rfc9113-settings-and-windows",
    "INITIAL_WINDOW_SIZE 2^31 - 1 is taken, 2^31 is a connection error FLOW_CONTROL_ERROR"
  ),
  row(
    "RFC 9113 §6.5.3",
    "settings are acknowledged",
    "",
    "rfc9113-settings-and-windows",
    "§6.5.3: is acknowledged"
  ),
  row(
    "RFC 9113 §6.5.3",
    "settings that are not acknowledged end the connection",
    "connection SETTINGS_TIMEOUT",
    "rfc9113-settings-and-windows",
    "the driver ends a connection that does not acknowledge"
  ),
  row(
    "RFC 9113 §6.7",
    "PING is answered with its octets, an acknowledgement is not",
    "",
    "rfc9113-frames",
    "is answered with the same octets"
  ),
  row(
    "RFC 9113 §6.8",
    "a shutdown is told in two steps, and no stream beyond the last is looked at",
    "",
    "rfc9113-streams",
    "in two steps: all streams, a PING, and once that is answered the last one"
  ),
  row(
    "RFC 9113 §6.9",
    "WINDOW_UPDATE of 0 is refused",
    "stream or connection PROTOCOL_ERROR",
    "rfc9113-settings-and-windows",
    "a WINDOW_UPDATE of 0 is an error of the stream or of the connection: PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §6.9",
    "a peer keeps to the window of a stream",
    "stream FLOW_CONTROL_ERROR",
    "rfc9113-settings-and-windows",
    "n octets on a stream are taken, one more is a stream error FLOW_CONTROL_ERROR"
  ),
  row(
    "RFC 9113 §6.9",
    "a peer keeps to the window of the connection",
    "connection FLOW_CONTROL_ERROR",
    "rfc9113-settings-and-windows",
    "n octets on the connection are taken, one more is a connection error FLOW_CONTROL_ERROR"
  ),
  row(
    "RFC 9113 §6.9.1",
    "a window is no larger than 2^31 - 1",
    "stream or connection FLOW_CONTROL_ERROR",
    "rfc9113-settings-and-windows",
    "a window of 2^31 - 1 is taken, one more is a FLOW_CONTROL_ERROR"
  ),
  row(
    "RFC 9113 §6.9.2",
    "a change of the initial window holds for open streams, below zero too",
    "",
    "rfc9113-settings-and-windows",
    "a change of INITIAL_WINDOW_SIZE holds for open streams, below zero too"
  ),
  row(
    "RFC 9113 §6.9.2",
    "a change that takes a window above 2^31 - 1 is refused",
    "connection FLOW_CONTROL_ERROR",
    "rfc9113-settings-and-windows",
    "a change that takes a stream's window above 2^31 - 1 is a connection error"
  ),
  row(
    "RFC 9113 §6.10",
    "nothing comes between the frames of a field block",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "between its pieces is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §6.10",
    "CONTINUATION continues something",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "a CONTINUATION behind a complete block is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §8.1",
    "a trailer section ends the stream",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    "a second header section that does not end the stream is a stream error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §8.1",
    "trailers have no pseudo-header fields",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    "in trailers is a stream error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §8.1",
    "what is left of a request behind its response ends with NO_ERROR",
    "stream NO_ERROR",
    "rfc9113-requests",
    "beyond it the stream is reset with NO_ERROR"
  ),
  row(
    "RFC 9113 §8.1.1",
    "a body has the length of its Content-Length",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    "less data than declared is a stream error PROTOCOL_ERROR, by data and by trailers"
  ),
  row(
    "RFC 9113 §8.2.1",
    "names and values are valid",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    'describe("RFC 9113 §8.2.1 field validity"'
  ),
  row(
    "RFC 9113 §8.2.2",
    "fields of HTTP/1.1 connections are refused",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    'describe("RFC 9113 §8.2.2 connection-specific fields"'
  ),
  row(
    "RFC 9113 §8.2.2",
    "fields of HTTP/1.1 connections are not sent",
    "",
    "rfc9113-requests",
    "fields of HTTP/1.1 connections are left out"
  ),
  row(
    "RFC 9113 §8.3, §8.3.1",
    "pseudo-header fields are known, first, once and complete",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    'describe("RFC 9113 §8.3 and §8.3.1 pseudo-header fields"'
  ),
  row(
    "RFC 9113 §8.3.1",
    "Host and :authority do not differ",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    "a host other than :authority"
  ),
  row(
    "RFC 9113 §8.3.2",
    "a response has :status",
    "",
    "rfc9113-requests",
    "status, fields in lower case, length and date"
  ),
  row(
    "RFC 9113 §8.4",
    "PUSH_PROMISE of a client is refused",
    "connection PROTOCOL_ERROR",
    "rfc9113-frames",
    "a PUSH_PROMISE of a client is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §8.5",
    "CONNECT has an authority with a port, no scheme and no path",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    "CONNECT without an authority"
  ),
  row(
    "RFC 9113 §8.5",
    "nothing but data goes through a tunnel",
    "stream PROTOCOL_ERROR",
    "rfc9113-requests",
    "HEADERS on the stream of a tunnel are a stream error PROTOCOL_ERROR"
  ),
  row(
    "RFC 9113 §8.6",
    "101 is not sent",
    "",
    "rfc9113-requests",
    "101 and final statuses are no interim ones"
  ),
  row(
    "RFC 9113 §10.5",
    "floods end the connection",
    "connection ENHANCE_YOUR_CALM",
    "http2-floods",
    " are taken, one more is "
  ),
  row(
    "RFC 9113 §10.5.1",
    "a field section over its limit is answered with 431",
    "431",
    "rfc9113-requests",
    "a field section of n octets is taken, one more is answered with 431"
  ),
  row(
    "RFC 7541 §2.3.3",
    "an index that no table has is refused",
    "connection COMPRESSION_ERROR",
    "rfc7541",
    "an index beyond both tables is refused"
  ),
  row(
    "RFC 7541 §4.2",
    "a table size above the limit is refused",
    "connection COMPRESSION_ERROR",
    "rfc7541",
    "a size update up to the limit is taken, one above it is refused"
  ),
  row(
    "RFC 7541 §4.2",
    "size updates stand in front of the first field",
    "connection COMPRESSION_ERROR",
    "rfc7541",
    "two updates may stand in front of the first field, three may not, and none behind it"
  ),
  row(
    "RFC 7541 §4.2",
    "an encoder says that its table became smaller",
    "",
    "rfc7541",
    "an encoder announces the smallest size on the way and the last one"
  ),
  row(
    "RFC 7541 §4.3, §4.4",
    "entries are evicted for a smaller table and for larger fields",
    "",
    "rfc7541",
    "a field larger than the table empties it and is not an error"
  ),
  row(
    "RFC 7541 §5.1",
    "integers that do not end or are too large are refused",
    "connection COMPRESSION_ERROR",
    "rfc7541",
    "an integer above 2^31 - 1 is refused, however it is written"
  ),
  row(
    "RFC 7541 §5.2",
    "padding of more than seven bits, or of zeros, is refused",
    "connection COMPRESSION_ERROR",
    "rfc7541",
    "padding of seven ones is taken; of eight, or of zeros, refused"
  ),
  row(
    "RFC 7541 §5.2",
    "EOS in a string is refused",
    "connection COMPRESSION_ERROR",
    "rfc7541",
    "EOS in a string is refused"
  ),
  row("RFC 7541 §6.1", "index 0 is refused", "connection COMPRESSION_ERROR", "rfc7541", "index 0 is refused"),
  row("RFC 7541 §7.1.3", "what is secret is never indexed", "", "rfc7541", "is never put into a table"),
  row("RFC 7541 Appendix C", "integers, as they are given there", "", "rfc7541-appendix-c", "C.1"),
  row(
    "RFC 7541 Appendix C",
    "fields, requests and responses, octet for octet both ways",
    "",
    "rfc7541-appendix-c",
    "C.6 responses with Huffman coding"
  ),
  row(
    "RFC 8441 §3",
    "SETTINGS_ENABLE_CONNECT_PROTOCOL is 0 or 1, and not taken back",
    "connection PROTOCOL_ERROR",
    "rfc8441",
    "0 after 1 is a connection error PROTOCOL_ERROR"
  ),
  row(
    "RFC 8441 §4",
    ":protocol comes with CONNECT only",
    "stream PROTOCOL_ERROR",
    "rfc8441",
    ":protocol with another method"
  ),
  row(
    "RFC 8441 §4",
    "an extended CONNECT has a scheme and a path",
    "stream PROTOCOL_ERROR",
    "rfc8441",
    "one without :path"
  ),
  row(
    "RFC 8441 §4",
    "an extended CONNECT that was not offered is refused",
    "stream PROTOCOL_ERROR",
    "rfc8441",
    "one that was not offered"
  ),
  row(
    "RFC 8441 §5",
    "a handshake needs no key, and its answer has no Accept, Upgrade or Connection",
    "",
    "rfc8441",
    "needs no key, and the answer has no Accept, Upgrade or Connection"
  ),
  row(
    "RFC 9218 §7.1",
    "PRIORITY_UPDATE is for a stream that a client can have",
    "connection PROTOCOL_ERROR",
    "rfc9113-settings-and-windows",
    "for stream 0 or one of the server's it is a connection error PROTOCOL_ERROR"
  )
]
