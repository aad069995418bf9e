/**
 * Readiness of descriptors, a batch at a time: epoll on Linux, through `node:ffi`.
 *
 * A registration is a scoped resource: what was registered is deregistered when its Scope closes, however the
 * program in it ended. Readiness is told at its edge, so a descriptor is told of again only after it was read or
 * written until it would have blocked, or after `modify`.
 *
 * The poller's own descriptor is watched by Node's event loop, so timers, `fetch` and everything else in the
 * process go on beside it. While something is registered and somebody waits, the process stays alive.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import * as Poller from "@nvo/node/Poller"
 *
 * // Says when the descriptor can be read.
 * export const watch = (fd: number) =>
 *   Effect.gen(function* () {
 *     const poller = yield* Poller.Poller
 *     yield* poller.register(fd, { readable: true }, "my descriptor")
 *     for (const event of yield* poller.wait) {
 *       if (event.readable) yield* Console.log(`${event.registration.token} can be read`)
 *     }
 *   }).pipe(Effect.scoped, Effect.provide(Poller.layer))
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Backend } from "./internal/poll/backend.ts"
import * as Bits from "./internal/poll/backend.ts"
import * as Epoll from "./internal/poll/epoll.ts"
import * as System from "./internal/poll/system.ts"
import * as UvPoll from "./internal/poll/uvPoll.ts"
import { PollerError } from "./PollerError.ts"

/** What to be told of. That the peer has left is told always. */
export interface Interest {
  readonly readable?: boolean | undefined
  readonly writable?: boolean | undefined
}

/** A descriptor that is registered. */
export interface Registration {
  readonly fd: number
  /** What it was registered with: whatever its owner knows it by. */
  readonly token: unknown
  /** Whether it is still registered. In a batch, an earlier event may have ended what a later one is about. */
  readonly active: boolean
}

/** What a descriptor is ready for. */
export class PollEvent {
  readonly registration: Registration
  private readonly ready: number

  /** @internal */
  constructor(registration: Registration, ready: number) {
    this.registration = registration
    this.ready = ready
  }

  /** Octets can be read, or a connection accepted. */
  get readable(): boolean {
    return (this.ready & Bits.READABLE) !== 0
  }

  /** Octets can be written. */
  get writable(): boolean {
    return (this.ready & Bits.WRITABLE) !== 0
  }

  /** The peer has ended its side. Octets may still wait to be read. */
  get ended(): boolean {
    return (this.ready & Bits.ENDED) !== 0
  }

  /** Both sides have ended, or the connection is gone. */
  get hungUp(): boolean {
    return (this.ready & Bits.HUNG_UP) !== 0
  }

  /** An error waits on the descriptor: a reset, say. */
  get failed(): boolean {
    return (this.ready & Bits.FAILED) !== 0
  }

  /** Whether the peer has left in any of these ways. */
  get departed(): boolean {
    return (this.ready & (Bits.ENDED | Bits.HUNG_UP | Bits.FAILED)) !== 0
  }
}

/** See the module. */
export class Poller extends Context.Service<
  Poller,
  {
    /** Which of the operating system's calls it uses. */
    readonly backend: "epoll"
    /** Registers a descriptor until the Scope closes. The caller owns the descriptor, and closes it afterwards. */
    readonly register: (
      fd: number,
      interest: Interest,
      token?: unknown
    ) => Effect.Effect<Registration, PollerError, Scope.Scope>
    /** Changes what to be told of, and tells again what the descriptor is ready for. */
    readonly modify: (registration: Registration, interest: Interest) => Effect.Effect<void, PollerError>
    /** Ends a registration before its Scope closes. No event of it is given any more. */
    readonly deregister: (registration: Registration) => Effect.Effect<void>
    /** Waits for events, and gives all that there are, up to 256. One waits at a time. */
    readonly wait: Effect.Effect<ReadonlyArray<PollEvent>, PollerError>
    /**
     * The same without an Effect around each call, for transports. Calls throw a `SystemError`.
     *
     * @internal
     */
    readonly unsafe: Unsafe
  }
>()("@nvo/node/Poller") {}

/** @internal */
export interface Unsafe {
  readonly system: System.System
  register(fd: number, interest: number, token: unknown): Registration
  modify(registration: Registration, interest: number): void
  deregister(registration: Registration): void
}

class Registered implements Registration {
  active = true
  readonly fd: number
  readonly token: unknown

  constructor(fd: number, token: unknown) {
    this.fd = fd
    this.token = token
  }
}

const bits = ({ readable, writable }: Interest): number =>
  (readable === true ? Bits.READABLE : 0) | (writable === true ? Bits.WRITABLE : 0)

const failed = (cause: unknown) =>
  new PollerError({ reason: { _tag: "SystemCallFailed", cause: cause as NodeJS.ErrnoException } })

type Batch = Effect.Effect<ReadonlyArray<PollEvent>, PollerError>

// One poller: who is registered, and who waits.
class Core implements Unsafe {
  readonly system: System.System
  readonly backend: Backend
  private readonly watch: UvPoll.Watch
  /** By descriptor. A descriptor that is closed and opened again has a registration of its own. */
  private readonly registered: Array<Registered | undefined> = []
  private count = 0
  private closed = false
  private waiting: ((batch: Batch) => void) | undefined = undefined

  constructor(system: System.System, backend: Backend) {
    this.system = system
    this.backend = backend
    try {
      this.watch = UvPoll.make(system, backend.fd, () => this.turn())
    } catch (cause) {
      system.close(backend.fd)
      throw cause
    }
  }

  register(fd: number, interest: number, token: unknown): Registration {
    this.check("add", fd, this.backend.add(fd, interest))
    const registration = new Registered(fd, token)
    this.registered[fd] = registration
    this.count++
    this.attend()
    return registration
  }

  modify(registration: Registered, interest: number): void {
    if (!registration.active) return
    this.check("modify", registration.fd, this.backend.modify(registration.fd, interest))
  }

  deregister(registration: Registered): void {
    if (!registration.active) return
    registration.active = false
    this.registered[registration.fd] = undefined
    this.count--
    if (this.closed) return
    // What the operating system says does not matter: the descriptor is no longer told of.
    this.backend.remove(registration.fd)
    this.attend()
  }

  private check(what: string, fd: number, result: number): void {
    if (this.closed) throw new Error("The poller is closed")
    if (result < 0) throw new System.SystemError(`${this.backend.name} (${what} descriptor ${fd})`, -result)
  }

  // The event loop watches, and the process stays alive, while somebody waits for something.
  private attend(): void {
    if (this.waiting !== undefined && this.count > 0 && !this.closed) this.watch.start()
    else if (this.count === 0) this.watch.stop()
  }

  readonly wait: Batch = Effect.callback((resume) => {
    if (this.waiting !== undefined) return resume(Effect.die(new Error("Two fibers wait for one poller")))
    this.waiting = resume
    this.attend()
    return Effect.sync(() => {
      if (this.waiting === resume) this.waiting = undefined
    })
  })

  private turn(): void {
    const { waiting } = this
    if (this.closed) return
    // Nobody looks: what is ready stays ready until somebody waits.
    if (waiting === undefined) return this.watch.stop()
    const { fds, ready } = this.backend
    const count = this.backend.wait()
    if (count === 0) return
    this.waiting = undefined
    if (count < 0) return waiting(Effect.fail(failed(new System.SystemError(this.backend.name, -count))))
    const events: Array<PollEvent> = []
    for (let i = 0; i < count; i++) {
      const registration = this.registered[fds[i]]
      if (registration !== undefined) events.push(new PollEvent(registration, ready[i]))
    }
    waiting(Effect.succeed(events))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.watch.close()
    this.system.close(this.backend.fd)
  }
}

const makeWith = (
  backend: (system: System.System) => Backend
): Effect.Effect<Poller["Service"], PollerError, Scope.Scope> =>
  Effect.gen(function* () {
    const system = System.load()
    if (typeof system === "string") {
      return yield* new PollerError({ reason: { _tag: "Unavailable", needs: system } })
    }
    const core = yield* Effect.acquireRelease(
      Effect.try({ try: () => new Core(system, backend(system)), catch: failed }),
      (core) => Effect.sync(() => core.close())
    )
    return {
      backend: core.backend.name,
      register: (fd, interest, token) =>
        Effect.acquireRelease(
          Effect.try({ try: () => core.register(fd, bits(interest), token), catch: failed }),
          (registration) => Effect.sync(() => core.deregister(registration as Registered))
        ),
      modify: (registration, interest) =>
        Effect.try({ try: () => core.modify(registration as Registered, bits(interest)), catch: failed }),
      deregister: (registration) => Effect.sync(() => core.deregister(registration as Registered)),
      wait: core.wait,
      unsafe: core as Unsafe
    }
  })

/** A poller of this machine's operating system. Fails where there is none, and says what it would take. */
export const make: Effect.Effect<Poller["Service"], PollerError, Scope.Scope> = makeWith(Epoll.make)

/** Provides a poller of its own. */
export const layer: Layer.Layer<Poller, PollerError> = Layer.effect(Poller)(make)
