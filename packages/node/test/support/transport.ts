/**
 * The transport that the tests of HTTP run over: `net`, or what NVO_TEST_TRANSPORT says. TLS is always served by `net`.
 */
import type { NvoServer } from "@nvo/node"

export const transport: NonNullable<NvoServer.Options["transport"]> =
  process.env.NVO_TEST_TRANSPORT === "poll" ? "poll" : "net"

/** Options with it. */
export const withTransport = (options: NvoServer.Options): NvoServer.Options =>
  options.tls === undefined ? { transport, ...options } : options
