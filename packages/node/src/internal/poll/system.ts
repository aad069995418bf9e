/**
 * The system calls that the poller makes, through `node:ffi`. Nothing above this file knows what a pointer is.
 *
 * Whoever edits this: Node compiles a call for functions of up to three arguments (20 to 70 ns); one with four
 * takes a slow path (230 ns and more). So the hot path reads with `read` and writes with `sendmsg`.
 */
import type * as Ffi from "node:ffi"
import * as Os from "node:os"
import * as Util from "node:util"
import * as Platform from "./platform.ts"

const { EAGAIN, EINTR } = Os.constants.errno

/** An error of a system call, as Node says them: `code`, `errno`, `syscall`. */
export class SystemError extends Error {
  readonly code: string
  /** Negative, as in Node. */
  readonly errno: number
  readonly syscall: string

  constructor(syscall: string, errno: number) {
    const code = nameOf(errno)
    super(`${syscall} ${code}`)
    this.name = "SystemError"
    this.code = code
    this.errno = -errno
    this.syscall = syscall
  }
}

const nameOf = (errno: number): string => {
  for (const [name, number] of Object.entries(Os.constants.errno)) if (number === errno) return name
  return Util.getSystemErrorName(-errno)
}

const i32 = "i32"
const u32 = "u32"
const pointer = "pointer"

const calls = {
  read: { return: i32, arguments: [i32, pointer, u32] },
  sendmsg: { return: i32, arguments: [i32, pointer, i32] },
  close: { return: i32, arguments: [i32] },
  shutdown: { return: i32, arguments: [i32, i32] },
  socket: { return: i32, arguments: [i32, i32, i32] },
  bind: { return: i32, arguments: [i32, pointer, u32] },
  listen: { return: i32, arguments: [i32, i32] },
  accept4: { return: i32, arguments: [i32, pointer, pointer, i32] },
  __errno_location: { return: pointer, arguments: [] },
  getsockname: { return: i32, arguments: [i32, pointer, pointer] },
  setsockopt: { return: i32, arguments: [i32, i32, i32, pointer, u32] },
  getsockopt: { return: i32, arguments: [i32, i32, i32, pointer, pointer] }
} as const satisfies Ffi.FunctionDefinitions

/** The largest read, and what is copied together of a write: what libuv reads at once. */
export const SCRATCH_BYTES = 65_536

/** Pieces of one `sendmsg`. Every system takes 16 (_XOPEN_IOV_MAX), and more than a turn writes is rare. */
export const MAX_PIECES = 16

/** See the module. What a call gives is what the system gave, or a negative errno. */
export class System {
  readonly ffi: typeof Ffi
  /** What arrives is read into this: valid until the next read. */
  readonly input = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  /** What `sendOutput` sends. */
  readonly output = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  /** What `accept` and `localAddress` fill. */
  readonly address = Buffer.alloc(128)
  private readonly c: Ffi.WrappedFunctionsFromDefinitions<typeof calls>
  private readonly errnoValue: Int32Array
  private readonly inputAt: bigint
  // The message that sends `output`: made once, only its length changes.
  private readonly outputVector: BigUint64Array
  private readonly outputLength: Uint32Array
  private readonly outputMessage: BigUint64Array
  private readonly outputMessageAt: bigint
  private readonly vector = new BigUint64Array(2 * MAX_PIECES)
  private readonly message: BigUint64Array
  private readonly messageAt: bigint
  private readonly addressAt: bigint
  private readonly words = new Int32Array(2)
  private readonly wordsAt: bigint
  private readonly secondWordAt: bigint

  constructor(ffi: typeof Ffi) {
    this.ffi = ffi
    // Without a name: what the program itself has loaded, which is libc and libuv.
    this.c = ffi.dlopen(null, calls).functions
    this.errnoValue = new Int32Array(ffi.toArrayBuffer(this.c.__errno_location(), 4, false))
    this.inputAt = ffi.getRawPointer(this.input)
    this.outputVector = BigUint64Array.of(ffi.getRawPointer(this.output), 0n)
    this.outputLength = new Uint32Array(this.outputVector.buffer, 8, 1)
    this.outputMessage = messageOf(ffi.getRawPointer(this.outputVector), 1)
    this.outputMessageAt = ffi.getRawPointer(this.outputMessage)
    this.message = messageOf(ffi.getRawPointer(this.vector), 0)
    this.messageAt = ffi.getRawPointer(this.message)
    this.addressAt = ffi.getRawPointer(this.address)
    this.wordsAt = ffi.getRawPointer(this.words)
    this.secondWordAt = this.wordsAt + 4n
  }

  /** The errno of the call that just failed, negative. */
  failed(): number {
    return -this.errnoValue[0]
  }

  /** Reads into `input`. 0: the peer has ended its side. */
  read(fd: number): number {
    const count = this.c.read(fd, this.inputAt, SCRATCH_BYTES)
    if (count >= 0) return count
    const error = this.failed()
    return error === -EINTR ? this.read(fd) : error
  }

  /** Sends the first `length` octets of `output`; how many were taken. */
  sendOutput(fd: number, length: number): number {
    this.outputLength[0] = length
    const count = this.c.sendmsg(fd, this.outputMessageAt, Platform.MSG_NOSIGNAL)
    if (count >= 0) return count
    const error = this.failed()
    return error === -EINTR ? this.sendOutput(fd, length) : error
  }

  /** Sends pieces, `MAX_PIECES` at most, without the first `skip` octets of the first; how many were taken. */
  sendPieces(fd: number, pieces: ReadonlyArray<Uint8Array>, skip: number): number {
    const { ffi, vector } = this
    const count = Math.min(pieces.length, MAX_PIECES)
    for (let i = 0; i < count; i++) {
      const offset = i === 0 ? skip : 0
      vector[2 * i] = ffi.getRawPointer(pieces[i]) + BigInt(offset)
      vector[2 * i + 1] = BigInt(pieces[i].length - offset)
    }
    this.message[3] = BigInt(count)
    const sent = this.c.sendmsg(fd, this.messageAt, Platform.MSG_NOSIGNAL)
    if (sent >= 0) return sent
    const error = this.failed()
    return error === -EINTR ? this.sendPieces(fd, pieces, skip) : error
  }

  /** Accepts a connection, not blocking and closed by exec; its peer is in `address`. */
  accept(fd: number): number {
    this.words[0] = this.address.length
    const accepted = this.c.accept4(fd, this.addressAt, this.wordsAt, Platform.SOCK_FLAGS)
    if (accepted >= 0) return accepted
    const error = this.failed()
    return error === -EINTR ? this.accept(fd) : error
  }

  /** A stream socket, not blocking and closed by exec. */
  socket(family: number): number {
    const fd = this.c.socket(family, Platform.SOCK_STREAM | Platform.SOCK_FLAGS, 0)
    return fd < 0 ? this.failed() : fd
  }

  bind(fd: number, address: Buffer): number {
    return this.c.bind(fd, this.ffi.getRawPointer(address), address.length) < 0 ? this.failed() : 0
  }

  listen(fd: number, backlog: number): number {
    return this.c.listen(fd, backlog) < 0 ? this.failed() : 0
  }

  /** Fills `address` with the address of a socket. */
  localAddress(fd: number): number {
    this.words[0] = this.address.length
    return this.c.getsockname(fd, this.addressAt, this.wordsAt) < 0 ? this.failed() : 0
  }

  /** Sets an option of one word. */
  option(fd: number, level: number, name: number, value: number): number {
    this.words[0] = value
    return this.c.setsockopt(fd, level, name, this.wordsAt, 4) < 0 ? this.failed() : 0
  }

  /** Makes `close` a reset. */
  resetOnClose(fd: number): void {
    this.words[0] = 1
    this.words[1] = 0
    this.c.setsockopt(fd, Platform.SOL_SOCKET, Platform.SO_LINGER, this.wordsAt, 8)
  }

  /** The error that waits on a socket, a positive errno; 0 for none. */
  pendingError(fd: number): number {
    this.words[0] = 0
    this.words[1] = 4
    const result = this.c.getsockopt(
      fd,
      Platform.SOL_SOCKET,
      Platform.SO_ERROR,
      this.wordsAt,
      this.secondWordAt
    )
    return result < 0 ? -this.failed() : this.words[0]
  }

  /** Ends the writing side. */
  shutdownWrite(fd: number): number {
    return this.c.shutdown(fd, Platform.SHUT_WR) < 0 ? this.failed() : 0
  }

  // Whatever close says, the descriptor is gone: nothing is tried again.
  close(fd: number): void {
    this.c.close(fd)
  }
}

// struct msghdr: name and its length, the vector and its length, control data and its length, flags.
const messageOf = (vectorAt: bigint, pieces: number): BigUint64Array =>
  BigUint64Array.of(0n, 0n, vectorAt, BigInt(pieces), 0n, 0n, 0n)

/** Whether an error of a call only says that it would have to wait. */
export const wouldBlock = (result: number): boolean => result === -EAGAIN

/** What a machine lacks to have a poller, or the system calls. */
export const load = (): System | string => {
  const ffi = process.getBuiltinModule("node:ffi")
  if (ffi === undefined) {
    return `node:ffi, which Node 26.10 brings (without --no-experimental-ffi); this is Node ${process.versions.node}`
  }
  if (process.platform !== "linux") return `Linux; this is ${process.platform}`
  if (Os.endianness() !== "LE" || !/64/.test(process.arch)) {
    return `a little-endian processor with 64 bits; this is ${process.arch}`
  }
  try {
    return new System(ffi)
  } catch (cause) {
    return `calls through node:ffi, which said: ${cause instanceof Error ? cause.message : String(cause)}`
  }
}
