/**
 * Identities of connections, unique in the process, whatever listens.
 */
import { ConnectionId } from "@nvo/protocol"

let last = 0

/** The next one. */
export const next = (): ConnectionId.ConnectionId => ConnectionId.make(++last)
