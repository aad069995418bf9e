/**
 * The engine: connections as scoped Effect programs, and the `HttpServer` that runs on them.
 */
export * as ApplicationError from "./ApplicationError.ts"
export * as ConnectionInbox from "./ConnectionInbox.ts"
export * as ConnectionState from "./ConnectionState.ts"
export * as Connections from "./Connections.ts"
export * as Deadlines from "./Deadlines.ts"
export * as EarlyHints from "./EarlyHints.ts"
export * as Engine from "./Engine.ts"
export * as RequestSource from "./RequestSource.ts"
export * as ServerConfig from "./ServerConfig.ts"
export * as ServerError from "./ServerError.ts"
export * as ServerErrors from "./ServerErrors.ts"
export * as SocketServers from "./SocketServers.ts"
export * as Trailers from "./Trailers.ts"
export * as Transport from "./Transport.ts"
export * as TransportError from "./TransportError.ts"
