/**
 * What the servers of tests have in common. The transport is `net`, or what NVO_TEST_TRANSPORT says; TLS is always served
 * by `net`. And where a test says nothing else, no request is turned away because the machine is busy: tests and server
 * share one event loop, and a pause of half a second is nobody's fault.
 */
import type { NvoServer } from "@nvo/node"

export const transport: NonNullable<NvoServer.Options["transport"]> =
  process.env.NVO_TEST_TRANSPORT === "poll" ? "poll" : "net"

/** Options with both. */
export const withTransport = (options: NvoServer.Options): NvoServer.Options =>
  options.tls === undefined ? { transport, loopDelay: 0, ...options } : { loopDelay: 0, ...options }
