/** The application that is served in a simulation. What it answers is known to the model: see `Requests`. */
import { RequestSource, WebSocket } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpServerError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Bytes from "../../Bytes.ts"
import { askOf, content, type Target } from "./Requests.ts"
import type { Witness } from "./Witness.ts"
import { SERVER_CODE } from "./websocket/Script.ts"

// HTTP/1 runs one handler at a time; the streams of HTTP/2 are the protocol's to count.
const mostOf = (request: HttpServerRequest.HttpServerRequest): number =>
  Option.exists(RequestSource.of(request), ({ head }) => "streamId" in head) ? Number.POSITIVE_INFINITY : 1

const connectionOf = (request: HttpServerRequest.HttpServerRequest): number =>
  Option.match(RequestSource.of(request), { onNone: () => 0, onSome: (source) => source.connectionId })

const pieces = (text: string, count: number): ReadonlyArray<Uint8Array> => {
  const length = Math.max(1, Math.ceil(text.length / count))
  return Array.from({ length: Math.ceil(text.length / length) }, (_, i) =>
    Bytes.fromText(text.slice(i * length, (i + 1) * length))
  )
}

// Sends every message back, and closes after so many.
const echo = (witness: Witness, { id, pieces }: Target) =>
  Effect.gen(function* () {
    // From its response on it does not count as a request in flight, and another may begin before this fiber goes on.
    witness.responded(id)
    const socket = yield* WebSocket.upgrade()
    const messages = pieces === 0 ? socket.messages : Stream.take(socket.messages, pieces)
    let count = 0
    const all = Stream.runForEach(messages, (message) => {
      count++
      return socket.send(message)
    })
    // How it ends is what its client sees.
    yield* Effect.ignore(
      Effect.andThen(
        all,
        Effect.suspend(() => (pieces > 0 && count === pieces ? socket.close(SERVER_CODE) : Effect.void))
      )
    )
    return HttpServerResponse.empty()
  })

const respond = (
  witness: Witness,
  request: HttpServerRequest.HttpServerRequest,
  ask: Target
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpServerError | string,
  HttpServerRequest.HttpServerRequest | Scope.Scope
> => {
  const headers = { "x-id": String(ask.id) }
  const checked = (body: string): void => {
    if (body !== content(`q${ask.id}`, body.length))
      witness.violation(
        connectionOf(request),
        `request ${ask.id} came with octets of another: ${body.slice(0, 100)}`
      )
  }
  const text = () =>
    HttpServerResponse.uint8Array(Bytes.fromText(content(`r${ask.id}`, ask.size)), { headers })
  switch (ask.kind) {
    case "Echo":
      return Effect.map(request.arrayBuffer, (buffer) => {
        const bytes = new Uint8Array(buffer)
        checked(Bytes.toText(bytes))
        return HttpServerResponse.uint8Array(bytes, { headers })
      })
    case "Count":
      // Read piece by piece and kept, as an application that collects what it streams does.
      return Effect.map(Stream.runCollect(request.stream), (parts) => {
        const body = Bytes.toText(Bytes.concat(parts))
        checked(body)
        return HttpServerResponse.text(`${ask.id}:${body.length}`, { headers })
      })
    case "Socket":
      return echo(witness, ask)
    case "Stream":
      return Effect.succeed(
        HttpServerResponse.stream(
          Stream.fromIterable(pieces(content(`r${ask.id}`, ask.size), ask.pieces)).pipe(
            Stream.mapEffect((piece) => Effect.as(Effect.sleep(ask.sleep), piece))
          ),
          { headers }
        )
      )
    case "Text":
    case "Ignore":
      return Effect.as(Effect.sleep(ask.sleep), text())
    case "Fail":
      return Effect.andThen(Effect.sleep(ask.sleep), Effect.fail("on purpose"))
    case "Die":
      return Effect.andThen(Effect.sleep(ask.sleep), Effect.die(new Error("on purpose")))
  }
}

const how = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "ends" : Exit.hasInterrupts(exit) ? "is interrupted" : "fails"

/** See the module. */
export const make = (witness: Witness) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const ask = askOf(request.url)
    const connection = connectionOf(request)
    yield* Effect.acquireRelease(
      Effect.sync(() => witness.enter(connection, ask.id, mostOf(request))),
      (_, exit) => Effect.sync(() => witness.leave(connection, ask.id, how(exit)))
    )
    return yield* Effect.ensuring(
      respond(witness, request, ask),
      Effect.sync(() => witness.responded(ask.id))
    )
  }).pipe(Effect.interruptible)
