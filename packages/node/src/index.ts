/**
 * nvo on Node: the server as a layer, and its transports.
 */
export * as NetTransport from "./NetTransport.ts"
export * as NvoServer from "./NvoServer.ts"
export type { Certificate, TlsOptions } from "./TlsOptions.ts"
