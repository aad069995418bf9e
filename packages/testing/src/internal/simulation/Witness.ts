/** What is seen of one simulated run: the line of events, what was wrong, and what is held at the moment. */

/** Something that happened, on a connection (0 for none), by simulated milliseconds from the start. */
export interface Line {
  readonly time: number
  readonly connection: number
  readonly text: string
}

/** See the module. */
export class Witness {
  readonly lines: Array<Line> = []
  readonly violations: Array<string> = []
  /** Requests in handlers, by connection. */
  private readonly handling = new Map<number, Set<number>>()
  /** Finalizers of request Scopes that have not run. */
  openScopes = 0
  /** Handlers that have not given their response. */
  readonly working = new Set<number>()
  /** The most of them that there may be. */
  mostInFlight = Number.POSITIVE_INFINITY
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  say(connection: number, text: string): void {
    this.lines.push({ time: this.now(), connection, text })
  }

  /** Something that must never be. */
  violation(connection: number, text: string): void {
    const sentence = connection === 0 ? text : `connection ${connection}: ${text}`
    if (this.violations.includes(sentence)) return
    this.violations.push(sentence)
    this.say(connection, `✗ ${text}`)
  }

  /** A handler begins. `most` is how many the connection may have. */
  enter(connection: number, id: number, most: number): void {
    const handling = this.handling.get(connection) ?? new Set()
    this.handling.set(connection, handling.add(id))
    if (handling.size > most)
      this.violation(
        connection,
        `requests ${[...handling].join(", ")} are handled at a time, and ${most} may be`
      )
    this.openScopes++
    this.working.add(id)
    if (this.working.size > this.mostInFlight)
      this.violation(connection, `${this.working.size} requests are in flight, ${this.mostInFlight} may be`)
    this.say(connection, `  handler of request ${id} begins`)
  }

  /** The handler has given its response, or has failed. */
  responded(id: number): void {
    this.working.delete(id)
  }

  leave(connection: number, id: number, how: string): void {
    this.handling.get(connection)?.delete(id)
    this.openScopes--
    // A handler may be interrupted before it has begun to respond.
    this.working.delete(id)
    this.say(connection, `  handler of request ${id} ${how}`)
  }
}
