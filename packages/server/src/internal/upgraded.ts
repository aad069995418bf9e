/**
 * A connection that HTTP/1.1 has left to a WebSocket. Nothing of the request is kept, no decoder, no deadline but the
 * session's and no fiber: there may be many thousands at rest.
 */
import type { ConnectionId } from "@nvo/protocol"
import type { Phase } from "../ConnectionState.ts"
import type { ConnectionInfo } from "../Connections.ts"
import * as DeadlineError from "../DeadlineError.ts"
import type * as Transport from "../Transport.ts"
import type { EngineContext } from "./engineContext.ts"
import { infoOf, type Owner, type Served } from "./served.ts"
import type { Attended } from "./webSocket/attended.ts"
import type { Session } from "./webSocket/session.ts"

/** What is left of the connection that it was. */
interface Former {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  readonly acceptedAt: number
  readonly requests: number
  readonly info: ConnectionInfo
}

/** See the module. */
export class Upgraded implements Served {
  readonly transport: Transport.Connection
  readonly idleSince: undefined = undefined
  private readonly engine: EngineContext
  private readonly acceptedAt: number
  private readonly requests: number
  private readonly since: number
  private readonly session: Session
  private readonly attended: Attended

  constructor(former: Former, session: Session, attended: Attended) {
    this.engine = former.engine
    this.transport = former.transport
    this.acceptedAt = former.acceptedAt
    this.requests = former.requests
    this.since = former.info.since
    this.session = session
    this.attended = attended
  }

  get id(): ConnectionId.ConnectionId {
    return this.transport.id
  }

  get phase(): Phase {
    return this.attended.isOver ? "Closed" : "Upgraded"
  }

  get info(): ConnectionInfo {
    return infoOf(this, {
      protocol: "http/1.1",
      since: this.since,
      acceptedAt: this.acceptedAt,
      requests: this.requests
    })
  }

  start(owner: Owner): void {
    this.attended.onOver(owner)
  }

  retire(): void {
    this.session.goAway()
  }

  // It is never idle, and how it is closed the session learns from its transport.
  leave(): void {}
  stop(): void {}
  cut(): void {}
  dispose(): void {}

  drainError(): DeadlineError.DeadlineError {
    return DeadlineError.make({
      connectionId: this.id,
      requestIndex: this.requests,
      phase: this.phase,
      reason: { _tag: "DrainTimeout", after: this.engine.millis.drain }
    })
  }
}
