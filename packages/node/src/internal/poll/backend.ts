/**
 * What the poller asks of an operating system: a set of descriptors, and a call that says which of them are ready.
 *
 * Readiness is told at its edge: once when it begins, and again after `modify`, whether it is new or not.
 */

/** What a descriptor is ready for, as bits; also what one may be interested in. */
export const READABLE = 1
export const WRITABLE = 2
/** The peer has ended its side. */
export const ENDED = 4
/** Both sides have ended, or the connection is gone. */
export const HUNG_UP = 8
/** An error waits on the descriptor. */
export const FAILED = 16

/** The most events that one wait takes. */
export const BATCH = 256

/** See the module. Calls give 0 or more, or a negative errno. */
export interface Backend {
  readonly name: "epoll"
  /** Its own descriptor: readable while an event waits. */
  readonly fd: number
  add(fd: number, interest: number): number
  modify(fd: number, interest: number): number
  remove(fd: number): number
  /** Takes the events that there are, without waiting: how many. They are in `fds` and `ready`. */
  wait(): number
  readonly fds: Int32Array
  readonly ready: Int32Array
}
