/**
 * Raw DEFLATE for WebSocket messages by Node's zlib, at once and without its thread pool: a message of a few KiB is
 * done sooner than a thread is asked to do it, and messages keep their order by themselves.
 *
 * A stream that forgets each message (no context takeover) borrows one of a few shared zlib streams while a message
 * is under way and holds nothing otherwise. One that remembers holds its own: some 45 KiB to read and 260 KiB to
 * write, from its first message on.
 */
import * as Zlib from "node:zlib"
import { DeflateCodec } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const { Z_NO_FLUSH, Z_SYNC_FLUSH } = Zlib.constants

// What Node has below its streams. None of it is documented, so its presence is tested when this is loaded.
interface Handle {
  readonly writeSync: (
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number
  ) => void
  readonly reset: () => void
  onerror: (message: string) => void
}

interface Internals {
  readonly _handle: Handle
  /** How much room is left in the output, and how much of the input. */
  readonly _writeState: Uint32Array
}

// Output of all streams passes through here and is copied out.
const OUTPUT = new Uint8Array(65_536)

const NOTHING = new Uint8Array(0)

const concat = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (pieces.length === 1) return pieces[0]
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** One zlib stream, driven by hand. */
class RawStream {
  private readonly stream: Zlib.InflateRaw | Zlib.DeflateRaw
  private readonly internals: Internals
  private failed = false

  constructor(stream: Zlib.InflateRaw | Zlib.DeflateRaw) {
    this.stream = stream
    this.internals = stream as unknown as Internals
    this.internals._handle.onerror = () => {
      this.failed = true
    }
  }

  run(input: Uint8Array, flush: number, limit: number): Uint8Array | DeflateCodec.InflateFailure {
    const { _handle: handle, _writeState: left } = this.internals
    const pieces: Array<Uint8Array> = []
    let length = 0
    let at = 0
    while (true) {
      handle.writeSync(flush, input, at, input.length - at, OUTPUT, 0, OUTPUT.length)
      if (this.failed) return "Invalid"
      const [room, rest] = left
      const out = OUTPUT.length - room
      if (out > 0) pieces.push(OUTPUT.slice(0, out))
      length += out
      if (length > limit) return "TooLarge"
      const progress = input.length - rest > at || out > 0
      at = input.length - rest
      if (room === 0) continue
      if (rest === 0) return pieces.length === 0 ? NOTHING : concat(pieces)
      // RFC 7692 §7.2.3.4: a block may be marked as the last, and others follow.
      if (!progress) return "Invalid"
      handle.reset()
    }
  }

  reset(): void {
    this.failed = false
    this.internals._handle.reset()
  }

  close(): void {
    this.stream.close()
  }
}

// How many streams of one kind are kept for the next message. One is in use at a time, but for messages that come in
// several chunks; chosen by feel.
const POOL_SIZE = 4

class Pool {
  private readonly free: Array<RawStream> = []
  private readonly make: () => RawStream

  constructor(make: () => RawStream) {
    this.make = make
  }

  take(): RawStream {
    return this.free.pop() ?? this.make()
  }

  give(stream: RawStream): void {
    if (this.free.length < POOL_SIZE) {
      stream.reset()
      this.free.push(stream)
    } else stream.close()
  }

  close(): void {
    for (const stream of this.free.splice(0)) stream.close()
  }
}

/** One direction of one connection: it holds a stream from its first octet on, or while a message is under way. */
class Held {
  private stream: RawStream | undefined = undefined
  private readonly pool: Pool
  private readonly keep: boolean

  constructor(pool: Pool, keep: boolean) {
    this.pool = pool
    this.keep = keep
  }

  get(): RawStream {
    this.stream ??= this.pool.take()
    return this.stream
  }

  reset(): void {
    if (this.keep) this.stream?.reset()
    else this.release()
  }

  release(): void {
    const { stream } = this
    if (stream === undefined) return
    this.stream = undefined
    this.pool.give(stream)
  }
}

const byHandle = (): DeflateCodec.DeflateCodec["Service"] & { readonly close: () => void } => {
  const inflaters = new Pool(() => new RawStream(Zlib.createInflateRaw()))
  const deflaters = new Map<number, Pool>()
  const deflatersOf = (windowBits: number): Pool => {
    let pool = deflaters.get(windowBits)
    if (pool === undefined) {
      pool = new Pool(() => new RawStream(Zlib.createDeflateRaw({ windowBits })))
      deflaters.set(windowBits, pool)
    }
    return pool
  }
  const hold = (pool: Pool, options: DeflateCodec.StreamOptions) =>
    Effect.acquireRelease(
      Effect.sync(() => new Held(pool, options.contextTakeover)),
      (held) => Effect.sync(() => held.release())
    )
  return {
    // A window of 15 bits reads what any smaller one wrote.
    inflater: (options) =>
      Effect.map(hold(inflaters, options), (held) => ({
        inflate: (bytes, limit) => held.get().run(bytes, Z_SYNC_FLUSH, limit),
        reset: () => held.reset()
      })),
    deflater: (options) =>
      Effect.map(hold(deflatersOf(options.windowBits), options), (held) => ({
        deflate: (bytes, flush) =>
          held.get().run(bytes, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH, Number.POSITIVE_INFINITY) as Uint8Array,
        reset: () => held.reset()
      })),
    close: () => {
      inflaters.close()
      for (const pool of deflaters.values()) pool.close()
    }
  }
}

const WINDOW_BYTES = 32_768

const remember = (before: Uint8Array, more: Uint8Array): Uint8Array =>
  concat([before, more]).slice(-WINDOW_BYTES)

const dictionary = (history: Uint8Array): Zlib.ZlibOptions =>
  history.length === 0 ? {} : { dictionary: history }

const endsMessage = (bytes: Uint8Array): boolean =>
  bytes.length === 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0xff && bytes[3] === 0xff

// By the functions that take a whole buffer: what was said before is the dictionary of what follows. A message is
// taken apart when it is complete.
const byBuffer = (): DeflateCodec.DeflateCodec["Service"] => ({
  inflater: () =>
    Effect.sync(() => {
      let pending: Array<Uint8Array> = []
      let pendingBytes = 0
      let history: Uint8Array = NOTHING
      return {
        inflate: (bytes, limit) => {
          pending.push(bytes.slice())
          pendingBytes += bytes.length
          // Octets that do not compress become a few more.
          if (pendingBytes > limit + (limit >> 8) + 64) return "TooLarge"
          if (!endsMessage(bytes)) return NOTHING
          const input = concat(pending)
          pending = []
          pendingBytes = 0
          try {
            const out = Zlib.inflateRawSync(input, {
              finishFlush: Z_SYNC_FLUSH,
              maxOutputLength: Math.max(1, limit),
              ...dictionary(history)
            })
            if (out.length > limit) return "TooLarge"
            history = remember(history, out)
            return out
          } catch (error) {
            return (error as { readonly code?: string }).code === "ERR_BUFFER_TOO_LARGE"
              ? "TooLarge"
              : "Invalid"
          }
        },
        reset: () => {
          pending = []
          pendingBytes = 0
          history = NOTHING
        }
      }
    }),
  deflater: ({ windowBits }) =>
    Effect.sync(() => {
      let history: Uint8Array = NOTHING
      let pending: Array<Uint8Array> = []
      return {
        deflate: (bytes, flush) => {
          pending.push(bytes)
          if (!flush) return NOTHING
          const input = concat(pending)
          pending = []
          const out = Zlib.deflateRawSync(input, {
            windowBits,
            finishFlush: Z_SYNC_FLUSH,
            ...dictionary(history)
          })
          history = remember(history, input)
          return out
        },
        reset: () => {
          history = NOTHING
        }
      }
    })
})

/**
 * Whether zlib's streams can be driven by hand: a message of 16 KiB then takes half the time that it takes by the
 * functions for whole buffers, which set up a stream each time.
 */
export const takesHandles: boolean = (() => {
  try {
    const deflated = new RawStream(Zlib.createDeflateRaw()).run(Uint8Array.of(1, 2, 3), Z_SYNC_FLUSH, 100)
    if (typeof deflated === "string") return false
    const inflated = new RawStream(Zlib.createInflateRaw()).run(deflated, Z_SYNC_FLUSH, 100)
    return inflated.toString() === "1,2,3"
  } catch {
    return false
  }
})()

/**
 * The codec. Its Scope is the layer's.
 *
 * `handles` chooses the way: for tests of the one that this Node does not need.
 *
 * @internal
 */
export const layerWith = (handles: boolean): Layer.Layer<DeflateCodec.DeflateCodec> =>
  handles
    ? Layer.effect(DeflateCodec.DeflateCodec)(
        Effect.acquireRelease(Effect.sync(byHandle), (codec) => Effect.sync(codec.close))
      )
    : Layer.sync(DeflateCodec.DeflateCodec)(byBuffer)

/** zlib as the `DeflateCodec`. */
export const layer: Layer.Layer<DeflateCodec.DeflateCodec> = layerWith(takesHandles)
