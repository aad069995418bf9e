/** What one turn writes to a TLS socket leaves in one buffer, which nobody writes to while a write of it is under way. */
import { Writable } from "node:stream"
import { describe, it } from "@effect/vitest"
import fc from "fast-check"
import { expect } from "vitest"
import {
  JoinedWrite,
  LEAST_OCTETS,
  MOST_BUFFERS,
  MOST_OCTETS,
  MOST_REST,
  RECORD_OCTETS
} from "../src/internal/joinedWrite.ts"

const WATER_MARK = 2 * RECORD_OCTETS

/** Takes a write when it is told to, and what it then finds in its memory. */
class SlowSocket extends Writable {
  joined = new JoinedWrite(0)
  /** What was left of a write, which stands before the next. */
  rest: Uint8Array = new Uint8Array(0)
  readonly taken: Array<Buffer> = []
  sent = ""
  private under: (() => void) | undefined = undefined

  constructor() {
    super({ highWaterMark: WATER_MARK })
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.under = () => {
      this.under = undefined
      this.taken.push(Buffer.from(chunk))
      done()
    }
  }

  take(): void {
    this.under?.()
  }

  /** Whether it was one write. */
  send(items: ReadonlyArray<string | Uint8Array>, leavesRest = false): boolean {
    for (const item of items) this.sent += Buffer.from(item as string, "latin1").toString("latin1")
    const all = this.rest.length === 0 ? items : [this.rest, ...items]
    const rest = this.joined.write(this, all, leavesRest)
    this.rest = rest ?? new Uint8Array(0)
    if (rest !== undefined) return true
    for (const item of all) this.write(typeof item === "string" ? Buffer.from(item, "latin1") : item)
    return false
  }

  get received(): string {
    return Buffer.concat([...this.taken, this.rest]).toString("latin1")
  }
}

const answered = () => new Promise((resolve) => setImmediate(resolve))

const finish = async (socket: SlowSocket) => {
  while (socket.writableLength > 0) {
    socket.take()
    await answered()
  }
  await answered()
}

describe("what one turn writes to a TLS socket", () => {
  it("leaves in one write, texts and octets in their order", async () => {
    const socket = new SlowSocket()
    expect(socket.send(["a\u00ff", new Uint8Array([0, 1]), "b"])).toBe(true)
    await finish(socket)
    expect(socket.taken).toEqual([Buffer.from([0x61, 0xff, 0, 1, 0x62])])
  })

  it("is joined up to the size of a buffer", async () => {
    const socket = new SlowSocket()
    expect(socket.send(["a", new Uint8Array(MOST_OCTETS - 1)])).toBe(true)
    await finish(socket)
    expect(socket.send(["a", new Uint8Array(MOST_OCTETS)])).toBe(false)
    await finish(socket)
    expect(socket.received).toBe(socket.sent)
  })

  it("is joined from the size on that makes it worth it", async () => {
    const socket = new SlowSocket()
    socket.joined = new JoinedWrite()
    expect(socket.send(["a", new Uint8Array(LEAST_OCTETS - 1)])).toBe(true)
    await finish(socket)
    expect(socket.send(["a", new Uint8Array(LEAST_OCTETS - 2)])).toBe(false)
    await finish(socket)
    expect(socket.received).toBe(socket.sent)
  })

  it("is not joined behind a write that is under way", async () => {
    const socket = new SlowSocket()
    expect(socket.send(["a", "b"])).toBe(true)
    expect(socket.send(["c", "d"])).toBe(false)
    await finish(socket)
    expect(socket.received).toBe("abcd")
  })

  it.each([
    [WATER_MARK, 0],
    [WATER_MARK + 1, 1],
    [WATER_MARK + MOST_REST, MOST_REST],
    [WATER_MARK + MOST_REST + 1, 0],
    [WATER_MARK + RECORD_OCTETS, 0],
    [WATER_MARK + RECORD_OCTETS + 1, 1],
    // No 'drain' would tell when to go on.
    [WATER_MARK - 1, 0],
    [RECORD_OCTETS + 1, 0]
  ])("of %i octets leaves %i where it may", async (length, left) => {
    const socket = new SlowSocket()
    const octets = Uint8Array.from({ length }, (_, i) => i % 251)
    expect(socket.send(["a", octets.subarray(1)], true)).toBe(true)
    expect(socket.rest.length).toBe(left)
    expect(socket.writableNeedDrain).toBe(length >= WATER_MARK)
    socket.send(["b", "c"], false)
    await finish(socket)
    expect(socket.received).toBe(socket.sent)
    expect(socket.taken[0].length).toBe(length - left)
  })

  it("may use the buffer again in the 'drain' event, before the write is answered", async () => {
    const socket = new SlowSocket()
    const piece = new Uint8Array(65_536).fill(1)
    const other = new SlowSocket()
    socket.once("drain", () => {
      expect(socket.send(["b", piece])).toBe(true)
      // The buffer is not free for another.
      expect(other.send(["c", new Uint8Array(65_536).fill(2)])).toBe(true)
    })
    expect(socket.send(["a", piece])).toBe(true)
    await finish(socket)
    await finish(other)
    expect(socket.taken.length).toBe(2)
    expect(socket.received).toBe(socket.sent)
    expect(other.received).toBe(other.sent)
  })

  it("is joined for so many sockets at a time, and for others when those have taken theirs or are gone", async () => {
    const sockets = Array.from({ length: MOST_BUFFERS + 1 }, () => new SlowSocket())
    expect(sockets.map((socket) => socket.send(["a", "b"]))).toEqual([
      ...Array.from({ length: MOST_BUFFERS }, () => true),
      false
    ])
    const [first, second] = sockets
    first.destroy()
    // What is under way ends, as a request of a closed handle does.
    first.take()
    second.take()
    await answered()
    const [third, fourth, fifth] = [new SlowSocket(), new SlowSocket(), new SlowSocket()]
    expect([third, fourth, fifth].map((socket) => socket.send(["c", "d"]))).toEqual([true, true, false])
    for (const socket of [...sockets.slice(1), third, fourth, fifth]) {
      await finish(socket)
      expect(socket.received).toBe(socket.sent)
    }
  })

  it("comes as it was written, whoever is slow", async () => {
    const items = fc.array(
      fc.oneof(
        fc.string({ unit: "binary-ascii", maxLength: 8 }),
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(3 * RECORD_OCTETS).map((length) => new Uint8Array(length).fill(length))
      ),
      { minLength: 2, maxLength: 4 }
    )
    const step = fc.record({
      socket: fc.nat(2),
      items: fc.option(items, { nil: undefined }),
      leavesRest: fc.boolean(),
      waits: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const sockets = [new SlowSocket(), new SlowSocket(), new SlowSocket()]
        for (const { items, leavesRest, socket, waits } of steps) {
          if (items === undefined) sockets[socket].take()
          else sockets[socket].send(items, leavesRest)
          if (waits) await answered()
        }
        for (const socket of sockets) {
          await finish(socket)
          expect(socket.received).toBe(socket.sent)
        }
      })
    )
  })
})
