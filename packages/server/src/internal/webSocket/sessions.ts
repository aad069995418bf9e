/** The session behind a WebSocket that an application holds. */
import type { Session } from "./session.ts"

const sessions = new WeakMap<object, Session>()

export const set = (webSocket: object, session: Session): void => {
  sessions.set(webSocket, session)
}

export const get = (webSocket: object): Session | undefined => sessions.get(webSocket)
