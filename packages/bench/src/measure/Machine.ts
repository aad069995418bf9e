/** What the operating system tells: of the machine, and of a process. Linux, by /proc. */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"
import * as os from "node:os"

export const machine = (): Readonly<Record<string, string>> => ({
  cpu: os.cpus()[0]?.model.trim() ?? "unknown",
  cores: String(os.cpus().length),
  memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
  system: `${os.type()} ${os.release()}, ${os.arch()}`
})

// Clock ticks of /proc/PID/stat in a second.
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }))

/** CPU time so far, in microseconds. */
export interface CpuTime {
  readonly user: number
  readonly system: number
}

/**
 * CPU time of all threads of a process. The scheduler knows the sum to the nanosecond and the two parts by the
 * tick, so the parts are the sum divided as the ticks say.
 */
export const cpuTime = (pid: number): CpuTime => {
  const total = coreTime(pid)
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map((ticks) => Number(ticks) / TICKS)
  const share = user + system === 0 ? 0.5 : user / (user + system)
  return { user: total * share, system: total * (1 - share) }
}

/** Microseconds so far that all threads of a process have had a core, as the scheduler counts them. */
export const coreTime = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
    0
  ) / 1_000

/** Microseconds so far for which the main thread of a process could have run, and others had its core. */
export const waited = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1000

/**
 * Has this process, and those that it starts from now on, run ahead of what else the machine does. Returns whether it
 * may: that takes a right that root has.
 */
export const runAhead = (): boolean => {
  try {
    execFileSync("chrt", ["--rr", "--all-tasks", "--pid", "1", String(process.pid)], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const status = (pid: number, field: string): number => {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))
  return Number(found?.[1] ?? Number.NaN) * 1024
}

/** Resident memory now, in octets. */
export const resident = (pid: number): number => status(pid, "VmRSS")

/** The most resident memory since `resetPeak`, in octets. */
export const peak = (pid: number): number => status(pid, "VmHWM")

export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, "5")

/** Descriptors that a process has open. */
export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

// Of sockets that listen, /proc/net/tcp says "0A" in the fourth column; the second ends in the port, in hexadecimal.
const listeners = (pid: number, port: number): ReadonlyArray<string> =>
  ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/ +/))
      .filter(
        ([, local = "", , state]) => state === "0A" && Number.parseInt(local.split(":")[1], 16) === port
      )
      .map((columns) => `socket:[${columns[9]}]`)
  )

/** Whether a process itself listens on a port of TCP. */
export const listensOn = (pid: number, port: number): boolean => {
  try {
    const sockets = listeners(pid, port)
    return (
      sockets.length > 0 &&
      readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.includes(readlinkSync(`/proc/${pid}/fd/${fd}`)))
    )
  } catch {
    // The process has ended, or a descriptor was closed meanwhile.
    return false
  }
}
