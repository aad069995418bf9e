// The parts of the documentation that are made from the code: what they say cannot drift from what it does.
import * as fs from "node:fs"
import * as path from "node:path"
import { Http1Error, Http2ConnectionState, Http2Error, StreamState, WebSocketError } from "@nvo/protocol"
import {
  ApplicationError,
  ConnectionState,
  DeadlineError,
  OverloadError,
  ServerConfig,
  Shutdown,
  TransportError
} from "@nvo/server"
import * as Duration from "effect/Duration"
import { root } from "./workspace.ts"

export interface Document {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

const notice = "<!-- Made by `npm run docs` from the code. Change it there. -->"

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

// --- configuration ---------------------------------------------------------------------------------------------

const unitOf = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  const [count, unit] = millis % 1000 === 0 ? [millis / 1000, "second"] : [millis, "milli"]
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

const defaultOf = (value: unknown): string =>
  `\`${Duration.isDuration(value) ? unitOf(value) : String(value)}\``

const annotationsOf = (name: keyof ServerConfig.ServerConfig): { description: string; unit: string } => {
  const annotations = ServerConfig.ServerConfig.fields[name].ast.context?.annotations
  if (typeof annotations?.description !== "string" || typeof annotations.documentation !== "string") {
    throw new Error(`ServerConfig.${name} has no description or no unit`)
  }
  return { description: annotations.description, unit: annotations.documentation }
}

const configuration = (): string => {
  const names = Object.keys(ServerConfig.defaults) as ReadonlyArray<keyof ServerConfig.ServerConfig>
  const rows = names.map((name) => {
    const { description, unit } = annotationsOf(name)
    return [
      `\`${name}\``,
      `\`${ServerConfig.variable(name)}\``,
      unit,
      defaultOf(ServerConfig.defaults[name]),
      description
    ]
  })
  return `${notice}

# Configuration

Every limit and deadline of the engine, from the one schema that it is read by (\`ServerConfig\` in
[@nvo/server](../../packages/server/README.md)). Limits are inclusive: the value itself is accepted, one more is refused.
In code they are options of \`NvoServer.layer\`; from the environment they come with \`NvoServer.config\`:

\`\`\`ts
import { NvoServer } from "@nvo/node"
import { Effect, Layer } from "effect"

export const inCode = NvoServer.layer({ port: 3000, headBytes: 32_768, drainTimeout: "10 seconds" })

export const fromEnvironment = Layer.unwrap(Effect.map(NvoServer.config, NvoServer.layer))
\`\`\`

A value out of its range fails the start: \`ServerConfig.make\` throws, the environment gives a \`ConfigError\` that
names the variable. Durations are texts such as \`10 seconds\` in the environment, and any form of Effect's in code.

${table(["name", "variable", "unit", "default", "what it does"], rows)}

Where to listen is set beside them: \`port\` (\`NVO_PORT\`), \`host\` (\`NVO_HOST\`), \`path\` of a unix socket
(\`NVO_SOCKET_PATH\`), \`backlog\` (\`NVO_BACKLOG\`), \`reusePort\` (\`NVO_REUSE_PORT\`), and in code \`ipv6Only\` and \`tls\`; see
[TLS and sockets](../guides/tls-and-sockets.md). \`transport\` (\`NVO_TRANSPORT\`) is \`net\` or \`poll\`; see
[The poll transport](../guides/poll-transport.md).
`
}

// --- errors ----------------------------------------------------------------------------------------------------

const status = (code: number): string => (code === 0 ? "none" : String(code))

const phases: Record<Http1Error.Phase, string> = {
  RequestLine: "The request line",
  Fields: "Fields and framing",
  Body: "The body",
  Trailers: "The trailer section",
  Response: "The response"
}

const protocolReasons = (phase: Http1Error.Phase): string =>
  table(
    ["reason", "who", "status", "section", "what it says"],
    Object.entries(Http1Error.reasons)
      .filter(([_, reason]) => reason.phase === phase)
      .map(([name, { initiator, section, status: code, text }]) => [
        `\`${name}\``,
        initiator,
        status(code),
        section,
        text
      ])
  )

interface Row {
  readonly initiator: string
  readonly status: number
  readonly text: string
}

const reasonTable = (reasons: Readonly<Record<string, Row>>): string =>
  table(
    ["reason", "who", "status", "what it says"],
    Object.entries(reasons).map(([name, { initiator, status: code, text }]) => [
      `\`${name}\``,
      initiator,
      status(code),
      text
    ])
  )

const http2Reasons = table(
  ["reason", "who", "what ends", "code", "status", "section", "what it says"],
  Object.entries(Http2Error.reasons).map(
    ([name, { code, initiator, scope, section, status: answer, text }]) => [
      `\`${name}\``,
      initiator,
      scope,
      `\`${code}\``,
      status(answer),
      section,
      text
    ]
  )
)

const webSocketPhases: Record<WebSocketError.Phase, string> = {
  Handshake: "The handshake",
  Frame: "Frames",
  Message: "Messages",
  Close: "The end"
}

const webSocketReasons = (phase: WebSocketError.Phase): string =>
  table(
    ["reason", "who", phase === "Handshake" ? "status" : "code", "section", "what it says"],
    Object.entries(WebSocketError.reasons)
      .filter(([_, reason]) => reason.phase === phase)
      .map(([name, { code, initiator, section, status: refusal, text }]) => [
        `\`${name}\``,
        initiator,
        status(phase === "Handshake" ? refusal : code),
        section,
        text
      ])
  )

const errors = (): string => `${notice}

# Errors

Everything that can go wrong, by layer. Each error is a tagged class with the connection it happened on
(\`connectionId\`), who caused it (\`initiator\`), and a tagged \`reason\`. \`ServerError\` is the union of them all.

Each of them goes three ways: to the stream of \`ServerErrors\`, to the counter \`nvo.server.errors\` with the attributes
\`reason\` and \`initiator\`, and to the log with the annotations \`nvo.connection.id\`, \`nvo.error.reason\` and
\`nvo.error.initiator\`; see [Errors and telemetry](../guides/errors-and-telemetry.md). What peers cause is logged at
\`Debug\`.

The status is what answers the peer, where nothing of a response has been sent: with \`none\` the connection closes
without one. A message that is refused ends its connection, since where the next one begins cannot be known. The
answer is a problem document (RFC 9457) that names the reason.

## \`Http1Error\`: what is wrong with a message

${(Object.keys(phases) as ReadonlyArray<Http1Error.Phase>)
  .map((phase) => `### ${phases[phase]}\n\n${protocolReasons(phase)}`)
  .join("\n\n")}

## \`Http2Error\`: what is wrong on an HTTP/2 connection

With \`streamId\`, 0 where no stream is concerned. A stream error ends its stream with RST_STREAM and leaves the others
alone; a connection error ends the connection with GOAWAY; both say the code. A reason with a status is answered
instead.

${http2Reasons}

## \`WebSocketError\`: why a WebSocket was refused, or how it ended

The status refuses a handshake; the code is that of the Close frame that the peer is sent (RFC 6455 §7.4.1), with the
name of the reason in it. With \`none\` none is sent: the peer is gone, or the error is a client's. \`PeerClosed\` has
the peer's code in \`reason.code\`.

${(Object.keys(webSocketPhases) as ReadonlyArray<WebSocketError.Phase>)
  .map((phase) => `### ${webSocketPhases[phase]}\n\n${webSocketReasons(phase)}`)
  .join("\n\n")}

## \`TransportError\`: between the server and the operating system

A lost connection cannot be answered. \`reason.cause\` is what the platform said.

${table(
  ["reason", "who", "what it says"],
  Object.entries(TransportError.reasons).map(([name, { initiator, text }]) => [
    `\`${name}\``,
    initiator,
    text
  ])
)}

## \`ApplicationError\`: what happened in one exchange

With \`requestIndex\`, the number of the request on its connection, and the \`phase\` of the connection
([the states](../architecture.md#the-life-of-a-connection)).

${reasonTable(ApplicationError.reasons)}

## \`DeadlineError\`: somebody was too slow

With \`requestIndex\` and \`phase\`, and in the reason how long the deadline was, in milliseconds
([Deadlines and overload](../guides/deadlines-and-overload.md)).

${reasonTable(DeadlineError.reasons)}

## \`OverloadError\`: what was turned away

The reason says which limit was reached. A burst is told by its first and, when it is over, by its number; the counter
counts each.

${reasonTable(OverloadError.reasons)}
`

// --- the parts of written pages --------------------------------------------------------------------------------

const parts: Record<string, Record<string, () => string>> = {
  "docs/architecture.md": {
    "connection-state": () => `\`\`\`mermaid\n${ConnectionState.toMermaid()}\n\`\`\``,
    "http2-connection-state": () => `\`\`\`mermaid\n${Http2ConnectionState.toMermaid()}\n\`\`\``,
    "stream-state": () => `\`\`\`mermaid\n${StreamState.toMermaid()}\n\`\`\``,
    shutdown: () => `\`\`\`mermaid\n${Shutdown.toMermaid()}\n\`\`\``
  }
}

/** Replaces what stands between \`<!-- begin name -->\` and \`<!-- end name -->\`. */
export const replacePart = (text: string, name: string, content: string): string => {
  const [begin, end] = [`<!-- begin ${name}: made by \`npm run docs\` -->`, `<!-- end ${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`There is no part ${name}`)
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`
}

const read = (directory: string, file: string): string => fs.readFileSync(path.join(directory, file), "utf8")

/** Every document that is made from the code or has a part that is, as it should be now. */
export const documents = (directory: string = root): ReadonlyArray<Document> => [
  { path: "docs/reference/configuration.md", text: configuration() },
  { path: "docs/reference/errors.md", text: errors() },
  ...Object.entries(parts).map(([file, contents]) => ({
    path: file,
    text: Object.entries(contents).reduce(
      (text, [name, content]) => replacePart(text, name, content()),
      read(directory, file)
    )
  }))
]

/** Those that are not there or say something else. */
export const outdated = (directory: string = root): ReadonlyArray<Document> =>
  documents(directory).filter(
    ({ path: file, text }) => !fs.existsSync(path.join(directory, file)) || read(directory, file) !== text
  )
