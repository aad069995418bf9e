/**
 * The poller's backend on Linux: epoll(7), edge-triggered.
 *
 * With level-triggered registrations each wait would look at every descriptor of the wait before it once more, and a
 * connection that stops reading would need a call to say so. A request costs the same with both
 * (docs/benchmarks/poll-transport.md).
 */
import * as Backend from "./backend.ts"
import { type System, SystemError } from "./system.ts"

const EPOLLIN = 0x001
const EPOLLOUT = 0x004
const EPOLLERR = 0x008
const EPOLLHUP = 0x010
const EPOLLRDHUP = 0x2000
const EPOLLET = 1 << 31

const EPOLL_CLOEXEC = 0x80000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLL_CTL_MOD = 3

// struct epoll_event is packed on x86-64 only: the mask, then 64 bits of data.
const WORDS = process.arch === "x64" ? 3 : 4
const DATA = process.arch === "x64" ? 1 : 2

const calls = {
  epoll_create1: { return: "i32", arguments: ["i32"] },
  epoll_ctl: { return: "i32", arguments: ["i32", "i32", "i32", "pointer"] },
  epoll_wait: { return: "i32", arguments: ["i32", "pointer", "i32", "i32"] }
} as const

const maskOf = (interest: number): number =>
  EPOLLET |
  EPOLLRDHUP |
  ((interest & Backend.READABLE) === 0 ? 0 : EPOLLIN) |
  ((interest & Backend.WRITABLE) === 0 ? 0 : EPOLLOUT)

const readyOf = (mask: number): number =>
  // The usual one first.
  mask === EPOLLIN
    ? Backend.READABLE
    : ((mask & EPOLLIN) === 0 ? 0 : Backend.READABLE) |
      ((mask & EPOLLOUT) === 0 ? 0 : Backend.WRITABLE) |
      ((mask & EPOLLRDHUP) === 0 ? 0 : Backend.ENDED) |
      ((mask & EPOLLHUP) === 0 ? 0 : Backend.HUNG_UP) |
      ((mask & EPOLLERR) === 0 ? 0 : Backend.FAILED)

/** Makes an epoll descriptor. Throws a `SystemError` where there is none to have. */
export const make = (system: System): Backend.Backend => {
  const { functions: c } = system.ffi.dlopen(null, calls)
  const fd = c.epoll_create1(EPOLL_CLOEXEC)
  if (fd < 0) throw new SystemError("epoll_create1", -system.failed())
  const events = new Int32Array(Backend.BATCH * WORDS)
  const eventsAt = system.ffi.getRawPointer(events)
  const one = new Int32Array(WORDS)
  const oneAt = system.ffi.getRawPointer(one)
  const fds = new Int32Array(Backend.BATCH)
  const ready = new Int32Array(Backend.BATCH)
  const control = (operation: number, target: number, interest: number): number => {
    one[0] = maskOf(interest)
    one[DATA] = target
    return c.epoll_ctl(fd, operation, target, oneAt) < 0 ? system.failed() : 0
  }
  return {
    name: "epoll",
    fd,
    fds,
    ready,
    add: (target, interest) => control(EPOLL_CTL_ADD, target, interest),
    modify: (target, interest) => control(EPOLL_CTL_MOD, target, interest),
    remove: (target) => control(EPOLL_CTL_DEL, target, 0),
    wait: () => {
      const count = c.epoll_wait(fd, eventsAt, Backend.BATCH, 0)
      if (count < 0) return system.failed()
      for (let i = 0, at = 0; i < count; i++, at += WORDS) {
        fds[i] = events[at + DATA]
        ready[i] = readyOf(events[at])
      }
      return count
    }
  }
}
