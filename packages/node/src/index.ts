/**
 * nvo on Node: the server as a layer, and its transports.
 */
export * as JsonLogger from "./JsonLogger.ts"
export * as NetTransport from "./NetTransport.ts"
export * as NvoServer from "./NvoServer.ts"
export * as Poller from "./Poller.ts"
export { PollerError, type PollerErrorReason } from "./PollerError.ts"
export * as PollTransport from "./PollTransport.ts"
export type { Certificate, TlsOptions } from "./TlsOptions.ts"
export * as ZlibCodec from "./ZlibCodec.ts"
