/** The session behind a WebSocket that an application holds. */
import type { Session } from "./session.ts"

/** What an application holds of a session is one of these. */
export class Holder {
  readonly session: Session

  constructor(session: Session) {
    this.session = session
  }
}

/** The session of a WebSocket, if it is one of this server's. */
export const get = (webSocket: object): Session | undefined =>
  webSocket instanceof Holder ? webSocket.session : undefined
