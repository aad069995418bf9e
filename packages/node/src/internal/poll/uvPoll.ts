/**
 * Watches a descriptor in Node's own event loop, by `uv_poll_*` of the libuv that is in Node. While it watches, the
 * process stays alive, as with any handle of Node's.
 *
 * Whoever edits this: what libuv calls must not throw (the process would abort), and microtasks do not run after
 * it. So it only asks for an immediate, which runs later in the same turn of the loop.
 */
import { type System, SystemError } from "./system.ts"

const UV_POLL = 8
const UV_READABLE = 1

const calls = {
  uv_handle_size: { return: "u64", arguments: ["i32"] },
  uv_poll_init: { return: "i32", arguments: ["pointer", "pointer", "i32"] },
  uv_poll_start: { return: "i32", arguments: ["pointer", "i32", "pointer"] },
  uv_poll_stop: { return: "i32", arguments: ["pointer"] },
  uv_close: { return: "void", arguments: ["pointer", "pointer"] }
} as const

export interface Watch {
  readonly start: () => void
  readonly stop: () => void
  /** Stops for good. The descriptor may be closed afterwards. */
  readonly close: () => void
}

// The memory of a handle belongs to libuv until it says that the handle is closed.
const open = new Set<unknown>()

/** Calls `onReadable` in an immediate after the descriptor became readable, again in each turn while it is. */
export const make = (system: System, fd: number, onReadable: () => void): Watch => {
  const { functions: uv, lib } = system.ffi.dlopen(null, calls)
  const handle = new Uint8Array(Number(uv.uv_handle_size(UV_POLL)))
  const at = system.ffi.getRawPointer(handle)
  const error = uv.uv_poll_init(system.ffi.getCurrentEventLoop(), at, fd)
  if (error < 0) throw new SystemError("uv_poll_init", -error)
  // libuv passes three arguments, and one; none is needed, and a callee may leave arguments alone.
  const onPoll = lib.registerCallback(() => {
    setImmediate(onReadable)
  })
  const onClose = lib.registerCallback(() => {
    setImmediate(() => {
      open.delete(handle)
      lib.unregisterCallback(onPoll)
      lib.unregisterCallback(onClose)
    })
  })
  open.add(handle)
  let watching = false
  return {
    start: () => {
      if (watching) return
      watching = true
      uv.uv_poll_start(at, UV_READABLE, onPoll)
    },
    stop: () => {
      if (!watching) return
      watching = false
      uv.uv_poll_stop(at)
    },
    close: () => {
      watching = false
      uv.uv_close(at, onClose)
    }
  }
}
