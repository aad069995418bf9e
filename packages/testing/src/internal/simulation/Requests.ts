/** The requests of a scenario as octets, and the answers that are due: what client, server and model share. */
import type { Ask, Kind, Script } from "./Scenario.ts"

/** What the target of a request says: what its handler is to do. A `Socket` closes after so many `pieces`, if not 0. */
export interface Target extends Pick<Ask, "id" | "pieces" | "size" | "sleep"> {
  readonly kind: Kind | "Socket"
}

/** A body that says whose it is at every place: octets of another body in it would show. */
export const content = (who: string, length: number): string => {
  const word = `${who}.`
  return word.repeat(Math.ceil(length / word.length)).slice(0, length)
}

export const requestBody = (ask: Ask): string => content(`q${ask.id}`, ask.body)

/** The body of the response to a request that was served. */
export const responseBody = (ask: Ask): string => {
  switch (ask.kind) {
    case "Echo":
      return requestBody(ask)
    case "Count":
      return `${ask.id}:${ask.body}`
    case "Text":
    case "Stream":
    case "Ignore":
      return content(`r${ask.id}`, ask.size)
    case "Fail":
    case "Die":
      return ""
  }
}

export const statusOf = (ask: Ask): number => (ask.kind === "Fail" || ask.kind === "Die" ? 500 : 200)

export const targetOf = ({ id, kind, pieces, size, sleep }: Target): string =>
  `/${kind}?id=${id}&size=${size}&pieces=${pieces}&sleep=${sleep}`

/** What a handler learns of a request. */
export const askOf = (url: string): Target => {
  const [path, query] = url.split("?")
  const parameters = new URLSearchParams(query)
  const number = (name: string) => Number(parameters.get(name))
  return {
    kind: path.slice(1) as Target["kind"],
    id: number("id"),
    size: number("size"),
    pieces: number("pieces"),
    sleep: number("sleep")
  }
}

const chunked = (body: string, size: number): string => {
  let text = ""
  for (let at = 0; at < body.length; at += size) {
    const part = body.slice(at, at + size)
    text += `${part.length.toString(16)}\r\n${part}\r\n`
  }
  return `${text}0\r\n\r\n`
}

/** The head and the body of a request. */
export const encode = (ask: Ask, closes: boolean): { readonly head: string; readonly body: string } => {
  const body = requestBody(ask)
  const fields = ["Host: simulated.test"]
  if (ask.chunk > 0) fields.push("Transfer-Encoding: chunked")
  else if (ask.method === "POST") fields.push(`Content-Length: ${body.length}`)
  if (ask.expectContinue) fields.push("Expect: 100-continue")
  if (closes) fields.push("Connection: close")
  else if (ask.minorVersion === 0) fields.push("Connection: keep-alive")
  return {
    head: `${ask.method} ${targetOf(ask)} HTTP/1.${ask.minorVersion}\r\n${fields.join("\r\n")}\r\n\r\n`,
    body: ask.chunk > 0 ? chunked(body, ask.chunk) : body
  }
}

/** Messages that have to be refused, and the status that is due. */
const malformed: ReadonlyArray<readonly [text: string, status: number]> = [
  ["GET / HTTP/1.1\r\n\r\n", 400],
  ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
  ["GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501],
  ["GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505],
  [`GET /${"a".repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  [`GET / HTTP/1.1\r\nHost: a\r\nA: ${"a".repeat(20_000)}\r\n\r\n`, 431]
]

export const malformedOf = (which: number): { readonly text: string; readonly status: number } => {
  const [text, status] = malformed[which % malformed.length]
  return { text, status }
}

/** Whether the last request of a script says that the connection closes. */
export const closesWith = (script: Script, index: number): boolean =>
  script.ending._tag === "Close" && index === script.asks.length - 1
