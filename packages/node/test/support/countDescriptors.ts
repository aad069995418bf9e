/**
 * What this process holds of the operating system, counted where the operating system keeps the count: open
 * descriptors, and registrations with the epoll descriptors of its event loops.
 */
import * as Fs from "node:fs"

const descriptors = (): ReadonlyArray<readonly [fd: string, target: string]> =>
  Fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [[fd, Fs.readlinkSync(`/proc/self/fd/${fd}`)] as const]
    } catch {
      // The one that read the directory is gone.
      return []
    }
  })

export interface Held {
  readonly descriptors: number
  readonly sockets: number
  readonly registrations: number
}

/** What is held now. */
export const held = (): Held => {
  const open = descriptors()
  const registrations = open
    .filter(([, target]) => target === "anon_inode:[eventpoll]")
    .map(([fd]) => Fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/^tfd:/gm)?.length ?? 0)
  return {
    descriptors: open.length,
    sockets: open.filter(([, target]) => target.startsWith("socket:")).length,
    registrations: registrations.reduce((sum, count) => sum + count, 0)
  }
}
