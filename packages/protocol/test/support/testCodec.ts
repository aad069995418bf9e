/** A codec over the whole-buffer functions of node:zlib: what was said before is the dictionary of what follows. */
import * as Zlib from "node:zlib"
import type { Deflater, Inflater } from "@nvo/protocol/websocket/DeflateCodec"
import { Bytes } from "@nvo/testing"

const WINDOW = 32_768

export const inflater = (): Inflater => {
  // What has come of the message under way, and what came out of it.
  let pending = new Uint8Array(0)
  let given = 0
  let history = new Uint8Array(0)
  const settle = (out: Uint8Array) => {
    history = Uint8Array.from(Bytes.concat([history, out]).slice(-WINDOW))
    pending = new Uint8Array(0)
    given = 0
  }
  return {
    inflate: (bytes, limit) => {
      pending = Uint8Array.from(Bytes.concat([pending, bytes]))
      try {
        const all = Zlib.inflateRawSync(pending, {
          finishFlush: Zlib.constants.Z_SYNC_FLUSH,
          ...(history.length === 0 ? {} : { dictionary: history })
        })
        const out = Uint8Array.from(all.subarray(given))
        if (out.length > limit) return "TooLarge"
        given = all.length
        // The data of a message ends with the tail.
        if (Bytes.toText(pending.slice(-4)) === "\u0000\u0000\u00ff\u00ff") settle(all)
        return out
      } catch {
        return "Invalid"
      }
    },
    reset: () => {
      settle(new Uint8Array(0))
      history = new Uint8Array(0)
    }
  }
}

export const deflater = (windowBits = 15): Deflater => {
  let history = new Uint8Array(0)
  return {
    deflate: (bytes) => {
      const out = Zlib.deflateRawSync(bytes, {
        windowBits,
        finishFlush: Zlib.constants.Z_SYNC_FLUSH,
        ...(history.length === 0 ? {} : { dictionary: history })
      })
      history = Uint8Array.from(Bytes.concat([history, bytes]).slice(-WINDOW))
      return out
    },
    reset: () => {
      history = new Uint8Array(0)
    }
  }
}
