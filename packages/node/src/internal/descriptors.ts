/**
 * How many descriptors this process may have.
 *
 * libuv accepts and drops connections for which there is no descriptor and tells nobody, so a server that would run
 * out has to keep below that by itself: then a connection too many is told so, or an idle one makes room.
 */
import { readFileSync } from "node:fs"

// Descriptors that a server needs besides its connections: files, databases, what is dropped and not yet closed.
// Chosen by feel.
const OTHERS = 64

/** The limit, or `undefined` where the platform does not say (it is Linux that does) or has none. */
export const limit = (): number | undefined => {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/** How many connections there may be with so many descriptors, if `wanted` are asked for (0: as many as possible). */
export const connectionCount = (wanted: number, surplus: number, descriptors: number | undefined): number => {
  if (descriptors === undefined) return wanted
  const most = Math.max(1, descriptors - surplus - OTHERS)
  return wanted === 0 ? most : Math.min(wanted, most)
}
