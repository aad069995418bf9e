/** The session behind a WebSocket that an application holds. */
import type { Session } from "./session.ts"

/** What an application holds of a session, where that is an object of its own kind. */
export class Holder {
  readonly session: Session

  constructor(session: Session) {
    this.session = session
  }
}

const sessions = new WeakMap<object, Session>()

export const set = (webSocket: object, session: Session): void => {
  sessions.set(webSocket, session)
}

export const get = (webSocket: object): Session | undefined =>
  webSocket instanceof Holder ? webSocket.session : sessions.get(webSocket)
