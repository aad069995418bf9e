/**
 * One line of the access log as a value, and loggers that write it by themselves.
 *
 * Every logger gets a line as an entry of Effect's: a message, with what is known of the request in the annotations,
 * under OpenTelemetry's names. An entry is objects that most loggers take apart again at once. One that says so, by
 * `writing`, gets the values in their place, and writes what it would have written of the entry.
 */
import type { ConnectionId } from "@nvo/protocol"
import * as Logger from "effect/Logger"

/** What is known of a request that has ended. Nothing in it has to be kept secret. */
export interface AccessLine {
  readonly connectionId: ConnectionId.ConnectionId
  /** Letters, digits and `._:/+=~@-`. */
  readonly requestId: string
  readonly method: string
  /** The request target without its query, cut where it is long. */
  readonly target: string
  readonly version: string
  /** The status that was sent, 0 where none was. */
  readonly status: number
  /** Octets of the response's body. */
  readonly responseBytes: number
  /** Microseconds from the request's head to the end of the exchange. */
  readonly duration: number
  /** The annotations of whoever serves: texts and finite numbers, under other names than these. */
  readonly base: Readonly<Record<string, unknown>>
  /** Octets of the request's body, where it has one. */
  readonly requestBytes: number | undefined
  readonly route: string | undefined
  readonly peerAddress: string | undefined
  /** Microseconds from the request's head to the response's. */
  readonly delay: number | undefined
  readonly errorType: string | undefined
  readonly userAgent: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** When the exchange ended, in milliseconds since the epoch. */
  readonly time: number
  readonly fiberId: number
}

/** `GET /users/12 200`. */
export const message = ({ method, status, target }: AccessLine): string =>
  `${method} ${target} ${status === 0 ? "-" : status}`

/** The path of its target. */
export const path = ({ target }: AccessLine): string => {
  const query = target.indexOf("?")
  return query === -1 ? target : target.slice(0, query)
}

/** The annotations of its entry. */
export const annotations = (line: AccessLine): Record<string, unknown> => {
  const all: Record<string, unknown> = {
    "nvo.connection.id": line.connectionId,
    "nvo.request.id": line.requestId,
    "http.request.method": line.method,
    "url.path": path(line),
    "network.protocol.version": line.version,
    "http.response.status_code": line.status,
    "http.response.body.size": line.responseBytes,
    "http.server.request.duration": line.duration / 1e6
  }
  Object.assign(all, line.base)
  if (line.requestBytes !== undefined) all["http.request.body.size"] = line.requestBytes
  if (line.route !== undefined) all["http.route"] = line.route
  if (line.peerAddress !== undefined) all["network.peer.address"] = line.peerAddress
  if (line.delay !== undefined) all["nvo.response.delay"] = line.delay / 1e6
  if (line.errorType !== undefined) all["error.type"] = line.errorType
  if (line.userAgent !== undefined) all["user_agent.original"] = line.userAgent
  if (line.traceId !== undefined) all.trace_id = line.traceId
  if (line.spanId !== undefined) all.span_id = line.spanId
  return all
}

/** Writes a line. Must not throw. */
export type Write = (line: AccessLine) => void

const key = Symbol.for("@nvo/server/AccessLine")

/**
 * A logger that writes lines of the access log by `write`, and every other entry as before.
 *
 * @example
 * ```ts
 * import { AccessLine } from "@nvo/server"
 * import * as Logger from "effect/Logger"
 *
 * // The common log, for requests only.
 * export const common = (print: (text: string) => void) =>
 *   AccessLine.writing(Logger.make(() => undefined), (line) => print(AccessLine.message(line)))
 * ```
 */
export const writing = <Message, Output>(
  logger: Logger.Logger<Message, Output>,
  write: Write
): Logger.Logger<Message, Output> =>
  Object.assign(
    Logger.make<Message, Output>((entry) => logger.log(entry)),
    { [key]: write }
  )

/** How a logger writes lines, if it does so by itself. */
export const writeOf = (logger: Logger.Logger<never, unknown>): Write | undefined =>
  (logger as { readonly [key]?: Write })[key]
