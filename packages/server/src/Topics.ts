/**
 * Broadcast: what is published on a topic goes to all WebSockets that have subscribed to it. A message is encoded once,
 * and compressed once for all who agreed on the same window.
 */
import { FrameEncoder, type Latin1, PerMessageDeflate, Utf8 } from "@nvo/protocol"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Parts } from "./internal/webSocket/sending.ts"
import type { Data, Deflation, Session } from "./internal/webSocket/session.ts"
import * as Sessions from "./internal/webSocket/sessions.ts"
import type { Sender, SlowConsumer } from "./WebSocket.ts"

/** How one WebSocket takes part in a topic. */
export interface SubscribeOptions {
  /** What happens when the peer does not read. Nobody waits for it. Default: `close`. */
  readonly slowConsumer?: Exclude<SlowConsumer, "wait"> | undefined
}

interface Subscription {
  readonly session: Session
  readonly drops: boolean
}

// A message in the forms that subscribers need, each made when the first of them comes.
class Encoded {
  private readonly data: Data
  private plain: ReadonlyArray<Latin1.Octets> | undefined = undefined
  /** As `compressed`, of a large message. */
  private readonly parts = new Map<number, Parts>()
  private readonly compressed = new Map<number, ReadonlyArray<Latin1.Octets>>()

  constructor(data: Data) {
    this.data = data
  }

  writeTo(session: Session): boolean {
    const { deflation } = session
    if (deflation !== undefined && session.isSliced(this.data)) {
      return typeof session.sendPartsUnsafe(this.partsBy(deflation), true) === "boolean"
    }
    const result =
      deflation === undefined || !session.compresses(this.data)
        ? session.writeUnsafe(this.asIs)
        : session.writeCompressedUnsafe(this.compressedBy(deflation))
    return typeof result === "boolean"
  }

  private get asIs(): ReadonlyArray<Latin1.Octets> {
    this.plain ??= FrameEncoder.encodeMessage(this.data)
    return this.plain
  }

  private partsBy({ agreement }: Deflation): Parts {
    const bits = agreement.serverMaxWindowBits
    const known = this.parts.get(bits)
    if (known !== undefined) return known
    const made = new Parts(this.data)
    this.parts.set(bits, made)
    return made
  }

  // By the stream of the subscriber that comes first: it begins and ends with an empty window.
  private compressedBy({ agreement, deflater }: Deflation): ReadonlyArray<Latin1.Octets> {
    const bits = agreement.serverMaxWindowBits
    const made = this.compressed.get(bits)
    if (made !== undefined) return made
    const text = typeof this.data === "string"
    deflater.reset()
    const payload = PerMessageDeflate.compress(deflater, false, text ? Utf8.encode(this.data) : this.data)
    const octets = FrameEncoder.encode({ opcode: text ? "Text" : "Binary", rsv1: true, payload })
    this.compressed.set(bits, octets)
    return octets
  }
}

/** See the module. */
export class Topics extends Context.Service<
  Topics,
  {
    /** Subscribes until the Scope closes; what is published from then on is sent. */
    readonly subscribe: (
      topic: string,
      webSocket: Sender<never>,
      options?: SubscribeOptions
    ) => Effect.Effect<void, never, Scope.Scope>
    /** Sends a message to all subscribers, and gives to how many. Never waits for any of them. */
    readonly publish: (topic: string, message: Data) => Effect.Effect<number>
    /** How many WebSockets have subscribed. */
    readonly count: (topic: string) => Effect.Effect<number>
  }
>()("@nvo/server/Topics") {
  static readonly layer: Layer.Layer<Topics> = Layer.sync(Topics)(() => {
    const topics = new Map<string, Set<Subscription>>()

    const add = (topic: string, subscription: Subscription): void => {
      const subscribers = topics.get(topic)
      if (subscribers === undefined) topics.set(topic, new Set([subscription]))
      else subscribers.add(subscription)
    }

    const remove = (topic: string, subscription: Subscription): void => {
      const subscribers = topics.get(topic)
      subscribers?.delete(subscription)
      if (subscribers?.size === 0) topics.delete(topic)
    }

    return {
      subscribe: (topic, webSocket, options) =>
        Effect.suspend(() => {
          const session = Sessions.get(webSocket)
          if (session === undefined) return Effect.die(new Error("Not a WebSocket of this server"))
          const subscription = { session, drops: options?.slowConsumer === "drop" }
          return Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() => add(topic, subscription)),
              () => Effect.sync(() => remove(topic, subscription))
            )
          )
        }),
      publish: (topic, message) =>
        Effect.sync(() => {
          const encoded = new Encoded(message)
          let count = 0
          for (const { drops, session } of topics.get(topic) ?? []) {
            if (session.isCongested) {
              if (!drops) session.tooSlow()
            } else if (session.isOpen && encoded.writeTo(session)) count++
          }
          return count
        }),
      count: (topic) => Effect.sync(() => topics.get(topic)?.size ?? 0)
    }
  })
}
