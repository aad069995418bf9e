/**
 * A strict reading of what a server sent on one connection. It shares no code with the library, and says of a
 * response that broke off that it did.
 */
export type FieldLine = readonly [name: string, value: string]

export interface ReadResponse {
  readonly version: string
  readonly status: number
  readonly reason: string
  readonly fields: ReadonlyArray<FieldLine>
  readonly body: Buffer
  readonly trailers: ReadonlyArray<FieldLine>
  readonly framing: "None" | "Length" | "Chunked" | "Close"
  /** Whether all of the body came. */
  readonly complete: boolean
  readonly interim: ReadonlyArray<{ readonly status: number; readonly fields: ReadonlyArray<FieldLine> }>
}

/** The response and how many octets it took; `undefined` while more must come. */
export type Reading = { readonly response: ReadResponse; readonly length: number } | undefined

const HEAD_END = "\r\n\r\n"

/** The values of a field, in order. */
export const values = (fields: ReadonlyArray<FieldLine>, name: string): ReadonlyArray<string> =>
  fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)

/** The one value of a field. */
export const value = (fields: ReadonlyArray<FieldLine>, name: string): string | undefined => {
  const all = values(fields, name)
  if (all.length > 1) throw new Error(`${name} came ${all.length} times`)
  return all[0]
}

const readFields = (text: string): ReadonlyArray<FieldLine> =>
  (text === "" ? [] : text.split("\r\n")).map((line) => {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/.exec(line)
    if (match === null) throw new Error(`Not a field line: ${JSON.stringify(line)}`)
    return [match[1], match[2]]
  })

type Body = { readonly body: Buffer; readonly to: number; readonly trailers: ReadonlyArray<FieldLine> }

const readChunks = (bytes: Buffer, from: number): Body & { readonly complete: boolean } => {
  const chunks: Array<Buffer> = []
  let at = from
  const partial = () => ({ body: Buffer.concat(chunks), to: bytes.length, trailers: [], complete: false })
  while (true) {
    const lineEnd = bytes.indexOf("\r\n", at, "latin1")
    if (lineEnd === -1) return partial()
    const line = bytes.toString("latin1", at, lineEnd)
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`Not a chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    at = lineEnd + 2
    if (size === 0) {
      if (bytes.toString("latin1", at, at + 2) === "\r\n") {
        return { body: Buffer.concat(chunks), to: at + 2, trailers: [], complete: true }
      }
      const end = bytes.indexOf(HEAD_END, at, "latin1")
      if (end === -1) return partial()
      const trailers = readFields(bytes.toString("latin1", at, end))
      return { body: Buffer.concat(chunks), to: end + 4, trailers, complete: true }
    }
    chunks.push(bytes.subarray(at, Math.min(at + size, bytes.length)))
    if (bytes.length < at + size + 2) return partial()
    if (bytes.toString("latin1", at + size, at + size + 2) !== "\r\n") throw new Error("A chunk has no end")
    at += size + 2
  }
}

/**
 * Reads one response from `from` on. `method` is that of its request; `ended` says that nothing more will come,
 * so that what is there is all there is.
 */
export const read = (bytes: Buffer, from: number, method: string, ended: boolean): Reading => {
  const interim: Array<ReadResponse["interim"][number]> = []
  let at = from
  while (true) {
    const end = bytes.indexOf(HEAD_END, at, "latin1")
    if (end === -1) return undefined
    const text = bytes.toString("latin1", at, end)
    const lineEnd = text.indexOf("\r\n")
    const line = lineEnd === -1 ? text : text.slice(0, lineEnd)
    const match = /^(HTTP\/1\.[01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(line)
    if (match === null) throw new Error(`Not a status line: ${JSON.stringify(line)}`)
    const fields = readFields(lineEnd === -1 ? "" : text.slice(lineEnd + 2))
    const status = Number(match[2])
    at = end + 4
    if (status < 200 && status !== 101) {
      interim.push({ status, fields })
      continue
    }
    const head = { version: match[1], status, reason: match[3], fields, interim }
    const none = { body: Buffer.alloc(0), trailers: [], framing: "None", complete: true } as const
    const coding = value(fields, "transfer-encoding")
    const length = value(fields, "content-length")
    if (method === "HEAD" || status === 204 || status === 304 || status === 101) {
      return { response: { ...head, ...none }, length: at - from }
    }
    if (coding !== undefined) {
      if (length !== undefined) throw new Error("Content-Length with Transfer-Encoding")
      if (coding !== "chunked") throw new Error(`Transfer-Encoding: ${coding}`)
      const { to, ...body } = readChunks(bytes, at)
      if (!body.complete && !ended) return undefined
      return { response: { ...head, ...body, framing: "Chunked" }, length: to - from }
    }
    if (length !== undefined) {
      if (!/^[0-9]+$/.test(length)) throw new Error(`Content-Length: ${length}`)
      const to = at + Number(length)
      const complete = bytes.length >= to
      if (!complete && !ended) return undefined
      const body = bytes.subarray(at, Math.min(to, bytes.length))
      return {
        response: { ...head, body, trailers: [], framing: "Length", complete },
        length: (complete ? to : bytes.length) - from
      }
    }
    if (!ended) return undefined
    const body = bytes.subarray(at)
    return {
      response: { ...head, body, trailers: [], framing: "Close", complete: true },
      length: bytes.length - from
    }
  }
}
