/**
 * A strict client's reading of the responses on one connection, as they arrive in pieces. It shares no code with
 * the library, and throws a `Violation` on whatever a strict peer may refuse.
 */
import * as Data from "effect/Data"

/** A field line: its name as it was sent, and its value without the whitespace around it. */
export type FieldLine = readonly [name: string, value: string]

/** A response. Octets are characters. */
export interface Response {
  readonly minorVersion: 0 | 1
  readonly status: number
  readonly reasonPhrase: string
  readonly fields: ReadonlyArray<FieldLine>
  readonly interim: ReadonlyArray<{ readonly status: number; readonly fields: ReadonlyArray<FieldLine> }>
  readonly body: string
  readonly trailers: ReadonlyArray<FieldLine>
  readonly framing: "None" | "Length" | "Chunked" | "Close"
  /** Whether all of the body came. */
  readonly complete: boolean
  /** Whether the connection may be used again (RFC 9112 §9.3). */
  readonly persistent: boolean
}

/** What a strict client may refuse. */
export class Violation extends Data.TaggedError("Violation")<{ readonly what: string }> {
  override get message(): string {
    return this.what
  }
}

/** The request that a response answers. */
export interface Asked {
  readonly method: string
  /** Default: 1. */
  readonly minorVersion?: 0 | 1 | undefined
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/
const CHUNK_SIZE = /^[0-9a-fA-F]{1,13}$/

const violation = (what: string, text = ""): never => {
  throw new Violation({ what: text === "" ? what : `${what}: ${JSON.stringify(text.slice(0, 80))}` })
}

const fieldsOf = (lines: ReadonlyArray<string>): ReadonlyArray<FieldLine> =>
  lines.map((line) => {
    const match = FIELD_LINE.exec(line)
    return match === null ? violation("not a field line", line) : [match[1], match[2]]
  })

/** The values of a field, in order. */
export const values = (fields: ReadonlyArray<FieldLine>, name: string): ReadonlyArray<string> =>
  fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)

/** The one value of a field, if it is there. */
export const value = (fields: ReadonlyArray<FieldLine>, name: string): string | undefined => {
  const all = values(fields, name)
  return all.length > 1 ? violation(`${name} came ${all.length} times`) : all[0]
}

interface Head {
  readonly minorVersion: 0 | 1
  readonly status: number
  readonly reasonPhrase: string
  readonly fields: ReadonlyArray<FieldLine>
}

interface Framing {
  readonly framing: Response["framing"]
  /** Octets of a body with a length. */
  readonly length: number
  readonly persistent: boolean
}

const headOf = (text: string): Head => {
  const [first, ...lines] = text.split("\r\n")
  const match = STATUS_LINE.exec(first)
  if (match === null) return violation("not a status line", first)
  return {
    minorVersion: match[1] === "1" ? 1 : 0,
    status: Number(match[2]),
    reasonPhrase: match[3],
    fields: fieldsOf(lines)
  }
}

// RFC 9112 §6.3, in its order.
const framingOf = ({ fields, minorVersion, status }: Head, asked: Asked): Framing => {
  const length = value(fields, "content-length")
  const coding = value(fields, "transfer-encoding")
  value(fields, "date")
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) violation("an odd Content-Length", length)
  if (coding !== undefined && coding !== "chunked") violation("an odd Transfer-Encoding", coding)
  if (coding !== undefined && length !== undefined) violation("Content-Length with Transfer-Encoding")
  if (coding !== undefined && asked.minorVersion === 0) violation("chunks for HTTP/1.0")
  if (status === 204 && (length ?? coding) !== undefined) violation("a 204 with a framing field")
  const options = values(fields, "connection")
    .join(",")
    .split(",")
    .map((option) => option.trim().toLowerCase())
  const persistent =
    !options.includes("close") &&
    (minorVersion === 1 || options.includes("keep-alive")) &&
    (asked.minorVersion !== 0 || options.includes("keep-alive"))
  const framing = (framing: Response["framing"], length = 0): Framing => ({ framing, length, persistent })
  if (asked.method === "HEAD" || status === 204 || status === 304 || status === 101) return framing("None")
  if (asked.method === "CONNECT" && status < 300) return framing("None")
  if (coding !== undefined) return framing("Chunked")
  if (length !== undefined) return framing("Length", Number(length))
  return framing("Close")
}

/** See the module. One for a connection. */
export class ResponseReader {
  private text = ""
  private interim: Array<Response["interim"][number]> = []
  private head: (Head & Framing) | undefined = undefined
  private body: Array<string> = []
  private bodyLength = 0
  private inTrailers = false

  /** Takes octets, one for each character. */
  push(text: string): void {
    this.text += text
  }

  /** Octets that belong to no response yet. */
  get rest(): string {
    return this.text
  }

  /** Whether a response has begun and is not complete. */
  get isInside(): boolean {
    return this.head !== undefined || this.text !== "" || this.interim.length > 0
  }

  /** The next response, once it is complete. Throws a `Violation`. */
  next(asked: Asked): Response | undefined {
    const head = this.readHead(asked)
    if (head === undefined) return undefined
    switch (head.framing) {
      case "None":
        return this.complete(head)
      case "Length":
        this.takeBody(head.length)
        return this.bodyLength < head.length ? undefined : this.complete(head)
      case "Chunked": {
        const trailers = this.readChunks()
        return trailers === undefined ? undefined : this.complete(head, trailers)
      }
      case "Close":
        this.takeBody(Number.POSITIVE_INFINITY)
        return undefined
    }
  }

  /**
   * What there is of a response when the server has left; `undefined` where there is no whole head. A body that ends
   * with the connection is complete if that has ended, and not if it is lost (RFC 9112 §8).
   */
  end(asked: Asked, departure: "Ended" | "Lost" = "Ended"): Response | undefined {
    const response = this.next(asked)
    if (response !== undefined) return response
    const { head } = this
    if (head === undefined) return undefined
    return { ...this.complete(head), complete: head.framing === "Close" && departure === "Ended" }
  }

  private readHead(asked: Asked): (Head & Framing) | undefined {
    while (this.head === undefined) {
      const end = this.text.indexOf("\r\n\r\n")
      if (end === -1) return undefined
      const head = headOf(this.text.slice(0, end))
      this.text = this.text.slice(end + 4)
      if (head.status >= 200 || head.status === 101) {
        this.head = { ...head, ...framingOf(head, asked) }
        break
      }
      // RFC 9110 §15.2; §8.6 and RFC 9112 §6.1 for the fields.
      if (asked.minorVersion === 0) violation("an interim response to HTTP/1.0")
      if (values(head.fields, "content-length").length + values(head.fields, "transfer-encoding").length > 0)
        violation("an interim response with a framing field")
      this.interim.push({ status: head.status, fields: head.fields })
    }
    return this.head
  }

  private takeBody(upTo: number): void {
    const part = this.text.slice(0, upTo - this.bodyLength)
    if (part === "") return
    this.body.push(part)
    this.bodyLength += part.length
    this.text = this.text.slice(part.length)
  }

  private readChunks(): ReadonlyArray<FieldLine> | undefined {
    while (!this.inTrailers) {
      const lineEnd = this.text.indexOf("\r\n")
      if (lineEnd === -1) return undefined
      const line = this.text.slice(0, lineEnd)
      if (!CHUNK_SIZE.test(line)) return violation("not a chunk size", line)
      const size = Number.parseInt(line, 16)
      if (size === 0) {
        this.text = this.text.slice(lineEnd + 2)
        this.inTrailers = true
        break
      }
      const from = lineEnd + 2
      if (this.text.length < from + size + 2) return undefined
      if (this.text.slice(from + size, from + size + 2) !== "\r\n") violation("a chunk without its CRLF")
      this.body.push(this.text.slice(from, from + size))
      this.text = this.text.slice(from + size + 2)
    }
    if (this.text.startsWith("\r\n")) {
      this.text = this.text.slice(2)
      return []
    }
    const end = this.text.indexOf("\r\n\r\n")
    if (end === -1) return undefined
    const trailers = fieldsOf(this.text.slice(0, end).split("\r\n"))
    this.text = this.text.slice(end + 4)
    return trailers
  }

  private complete(head: Head & Framing, trailers: ReadonlyArray<FieldLine> = []): Response {
    const response: Response = {
      minorVersion: head.minorVersion,
      status: head.status,
      reasonPhrase: head.reasonPhrase,
      fields: head.fields,
      interim: this.interim,
      body: this.body.join(""),
      trailers,
      framing: head.framing,
      complete: true,
      persistent: head.persistent
    }
    this.head = undefined
    this.interim = []
    this.body = []
    this.bodyLength = 0
    this.inTrailers = false
    return response
  }
}
