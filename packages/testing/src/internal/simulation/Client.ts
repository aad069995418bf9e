/** A simulated client: sends what its script says, reads strictly, and tells what it got. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Bytes from "../../Bytes.ts"
import { type Response, ResponseReader, type Violation } from "../../ResponseReader.ts"
import type * as SimulatedNetwork from "../../SimulatedNetwork.ts"
import { closesWith, encode, malformedOf } from "./Requests.ts"
import type { Ask, Script } from "./Scenario.ts"
import type { Witness } from "./Witness.ts"

/** What a client got on its connection. */
export interface Received {
  readonly connection: number
  /** The responses in order, the last one perhaps incomplete. One more than asks where one was malformed. */
  readonly responses: ReadonlyArray<Response>
  /** How the server left; `undefined` where the client did, or waited for nothing. */
  readonly departure: "Ended" | "Lost" | undefined
  /** Whether the client left, or stopped in the middle, by its script. */
  readonly left: boolean
  /** Octets that it sent. */
  readonly sent: number
  /** Whether it waited longer than any deadline allows. */
  readonly timedOut: boolean
}

/** How long a client waits for anything. Beyond every deadline of a server, all of them together. */
export const PATIENCE = "10 minutes"

/** What a script says of how its client leaves, of the two kinds that count octets and others. */
interface Leaving {
  readonly ending: { readonly _tag: string; readonly octets?: number }
}

/** Sends what a script allows, and leaves as it says when that was all. */
export interface Sender {
  /** Whether the client left, or stopped in the middle. */
  readonly left: boolean
  /** Octets that were sent. */
  readonly sent: number
  /** Gives whether to go on. */
  readonly octets: (octets: Uint8Array) => Effect.Effect<boolean>
}

const leave = (client: SimulatedNetwork.Client, tag: string): Effect.Effect<void> =>
  tag === "ResetAt" ? client.reset : tag === "EndAt" ? client.end : Effect.void

/** See `Sender`. */
export const sender = (
  { ending }: Leaving,
  client: SimulatedNetwork.Client,
  say: (text: string) => void
): Sender => {
  const most = ending.octets ?? Number.POSITIVE_INFINITY
  let sent = 0
  let left = false
  return {
    get left() {
      return left
    },
    get sent() {
      return sent
    },
    octets: (octets) =>
      Effect.gen(function* () {
        if (left || octets.length === 0) return !left
        const part = octets.slice(0, most - sent)
        sent += part.length
        const lost = part.length > 0 && (yield* Effect.isFailure(client.send(part)))
        if (lost) return false
        if (part.length === octets.length) return true
        left = true
        say(`← client ${ending._tag} after ${sent} octets`)
        yield* leave(client, ending._tag)
        return false
      })
  }
}

/** Runs a script on a connection. Fails where the server's octets are no HTTP. */
export const run = (
  script: Script,
  client: SimulatedNetwork.Client,
  witness: Witness
): Effect.Effect<Received, Violation> =>
  Effect.gen(function* () {
    const { connection } = client
    const say = (text: string) => Effect.sync(() => witness.say(connection, text))
    const reader = new ResponseReader()
    const responses: Array<Response> = []
    const sending = sender(script, client, (text) => witness.say(connection, text))
    const send = (text: string) => sending.octets(Bytes.fromText(text))
    let timedOut = false
    let departure: Received["departure"]

    // The next response, or `undefined` when there will be none.
    const receive = (ask: Pick<Ask, "method" | "minorVersion">, begun?: Deferred.Deferred<void>) =>
      Effect.gen(function* () {
        while (true) {
          const response = yield* read(() =>
            departure === undefined ? reader.next(ask) : reader.end(ask, departure)
          )
          if (begun !== undefined && (reader.isInside || response !== undefined || departure !== undefined))
            Deferred.doneUnsafe(begun, Effect.void)
          if (response !== undefined) {
            responses.push(response)
            yield* say(
              `→ client has ${response.status}, ${response.body.length} octets${response.complete ? "" : ", cut off"}`
            )
            return response
          }
          if (departure !== undefined) return undefined
          if (script.readGap > 0) yield* Effect.sleep(script.readGap)
          const next = yield* Effect.timeoutOption(client.receive, PATIENCE)
          if (Option.isNone(next)) {
            timedOut = true
            return undefined
          }
          if (typeof next.value === "string") departure = next.value
          else reader.push(Bytes.toText(next.value))
        }
      })

    const sendAsk = (ask: Ask, index: number, begun: Deferred.Deferred<void> | undefined) =>
      Effect.gen(function* () {
        const { body, head } = encode(ask, closesWith(script, index))
        yield* say(`← client sends request ${ask.id}: ${ask.method} ${ask.kind}, ${ask.body} octets`)
        if (!(yield* send(head))) return false
        if (ask.expectContinue && begun !== undefined) {
          yield* Effect.timeoutOption(Deferred.await(begun), "1 second")
          if (responses.length > index) return true
        }
        return yield* send(body)
      })

    const goesOn = (response: Response | undefined): boolean =>
      response?.complete === true && response.persistent && departure === undefined

    const conversation = Effect.gen(function* () {
      for (const [index, ask] of script.asks.entries()) {
        const begun = yield* Deferred.make<void>()
        const sending = yield* Effect.forkChild(sendAsk(ask, index, begun))
        const response = yield* receive(ask, begun)
        if (!goesOn(response)) return false
        // A response may come before the request is complete; the next one must not.
        if (!(yield* Fiber.join(sending))) return false
        yield* Effect.sleep(script.think)
      }
      return true
    })

    const pipeline = Effect.gen(function* () {
      const sending = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (const [index, ask] of script.asks.entries()) {
            if (!(yield* sendAsk(ask, index, undefined))) return false
          }
          return true
        })
      )
      for (const ask of script.asks) {
        if (!goesOn(yield* receive(ask))) return false
      }
      return yield* Fiber.join(sending)
    })

    // Until the server leaves; whatever comes meanwhile was not asked for.
    const farewell = Effect.gen(function* () {
      while (departure === undefined) {
        const next = yield* Effect.timeoutOption(client.receive, PATIENCE)
        if (Option.isNone(next)) {
          timedOut = true
          return
        }
        if (typeof next.value === "string") departure = next.value
        else reader.push(Bytes.toText(next.value))
      }
    })

    yield* say("  client opens")
    const goes = yield* script.pipelined ? pipeline : conversation
    if (goes && script.ending._tag === "Malformed") {
      const { text } = malformedOf(script.ending.which)
      yield* say(`← client sends ${JSON.stringify(text.slice(0, 60))}, which is malformed`)
      yield* Effect.forkChild(send(text))
      yield* receive({ method: "GET", minorVersion: 1 })
    }
    if (goes && (script.ending._tag === "End" || "octets" in script.ending)) {
      yield* say("← client ends its side")
      yield* client.end
    }
    if (!timedOut) yield* farewell
    if (departure !== undefined) yield* say(`→ client sees the server leave: ${departure}`)
    // What no request asked for is a violation of its own.
    if (reader.isInside && departure === "Ended") {
      const extra = yield* read(() => reader.end({ method: "GET" }))
      if (extra !== undefined) responses.push(extra)
    }
    const { left, sent } = sending
    return { connection, responses, departure, left, sent, timedOut }
  })

const read = <A>(take: () => A): Effect.Effect<A, Violation> =>
  Effect.try({ try: take, catch: (error) => error as Violation })
