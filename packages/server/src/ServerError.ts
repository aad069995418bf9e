/**
 * Everything that can go wrong on a server, as one union of typed errors, and the one mapping from an error to
 * the status that answers it.
 *
 * Every error goes three ways: to the typed channel (`ServerErrors.stream`), to the metric
 * `nvo.server.errors` by reason, and to the log with its connection. None is swallowed.
 */
import type { Http1Error, Http2Error, WebSocketError } from "@nvo/protocol"
import type { ApplicationError } from "./ApplicationError.ts"
import type { DeadlineError } from "./DeadlineError.ts"
import type { OverloadError } from "./OverloadError.ts"
import type { TransportError } from "./TransportError.ts"

/** The union, by layer: what the transport, the protocols, the application, time and load can do. */
export type ServerError =
  | TransportError
  | Http1Error.Http1Error
  | Http2Error.Http2Error
  | WebSocketError.WebSocketError
  | ApplicationError
  | DeadlineError
  | OverloadError

/** The name of the reason, which labels logs and metrics. */
export const reasonOf = (error: ServerError): string => error.reason._tag

/**
 * The status that answers an error, or 0 where the connection closes without a response. The reasons carry
 * their status in the table of their own layer; this is the one place that reads it.
 */
export const statusOf = (error: ServerError): number => error.status
