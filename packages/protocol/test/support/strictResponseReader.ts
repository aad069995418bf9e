/**
 * A strict HTTP/1.1 client's reading of what a server sent on one connection for one request. It shares no code
 * with the library and is written in another manner: regular expressions over the whole text. It throws on
 * whatever a strict peer may refuse.
 */
export interface ReadResponse {
  readonly status: number
  readonly reasonPhrase: string
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: string
  readonly trailers: ReadonlyArray<readonly [name: string, value: string]>
  readonly framing: "None" | "Length" | "Chunked" | "Close"
  readonly persistent: boolean
}

export interface ReadExchange {
  readonly interim: ReadonlyArray<{
    readonly status: number
    readonly fields: ReadonlyArray<readonly [name: string, value: string]>
  }>
  readonly final: ReadResponse
  /** What stands behind the response. */
  readonly rest: string
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)\r\n/
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)\r\n/
const CHUNK = /^([0-9a-fA-F]{1,13})\r\n/

const trim = (text: string): string => {
  let from = 0
  let to = text.length
  while (from < to && " \t".includes(text[from])) from++
  while (to > from && " \t".includes(text[to - 1])) to--
  return text.slice(from, to)
}

const readFields = (text: string): readonly [ReadResponse["fields"], rest: string] => {
  const fields: Array<readonly [string, string]> = []
  let rest = text
  while (!rest.startsWith("\r\n")) {
    const line = FIELD_LINE.exec(rest)
    if (line === null) throw new Error(`not a field line: ${JSON.stringify(rest.slice(0, 80))}`)
    fields.push([line[1], trim(line[2])])
    rest = rest.slice(line[0].length)
  }
  return [fields, rest.slice(2)]
}

const all = (fields: ReadResponse["fields"], name: string): ReadonlyArray<string> =>
  fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)

const readHead = (text: string) => {
  const line = STATUS_LINE.exec(text)
  if (line === null) throw new Error(`not a status line: ${JSON.stringify(text.slice(0, 80))}`)
  const [fields, rest] = readFields(text.slice(line[0].length))
  return { status: Number(line[1]), reasonPhrase: line[2], fields, rest }
}

/** Reads everything up to the end of the response to a request with that method and version. */
export const read = (text: string, method: string, minorVersion: 0 | 1): ReadExchange => {
  const interim: Array<ReadExchange["interim"][number]> = []
  let head = readHead(text)
  while (head.status < 200) {
    // RFC 9110 §15.2; RFC 9110 §8.6 and RFC 9112 §6.1 for the fields.
    if (minorVersion === 0) throw new Error("an interim response to HTTP/1.0")
    if (all(head.fields, "content-length").length + all(head.fields, "transfer-encoding").length > 0) {
      throw new Error("an interim response with a framing field")
    }
    interim.push({ status: head.status, fields: head.fields })
    head = readHead(head.rest)
  }
  const { fields, reasonPhrase, rest, status } = head
  const lengths = all(fields, "content-length")
  const codings = all(fields, "transfer-encoding")
  const connection = all(fields, "connection")
    .join(",")
    .split(",")
    .map((option) => trim(option).toLowerCase())
  if (lengths.length > 1) throw new Error("two Content-Lengths")
  if (lengths.length === 1 && !/^[0-9]{1,15}$/.test(lengths[0])) throw new Error("an odd Content-Length")
  if (codings.length > 1) throw new Error("two Transfer-Encodings")
  if (codings.length === 1 && codings[0] !== "chunked") throw new Error("an odd Transfer-Encoding")
  if (codings.length === 1 && lengths.length === 1) throw new Error("both lengths")
  if (codings.length === 1 && minorVersion === 0) throw new Error("chunks for HTTP/1.0")
  if (all(fields, "date").length > 1) throw new Error("two Dates")
  if (status === 204 && lengths.length + codings.length > 0) throw new Error("a 204 with a framing field")
  const options = {
    status,
    reasonPhrase,
    fields,
    // RFC 9112 §9.3.
    persistent: !connection.includes("close") && (minorVersion === 1 || connection.includes("keep-alive"))
  }
  const final = (body: string, framing: ReadResponse["framing"], trailers: ReadResponse["fields"] = []) => ({
    ...options,
    body,
    framing,
    trailers
  })

  // RFC 9112 §6.3, in its order.
  if (method === "HEAD" || status === 204 || status === 304)
    return { interim, final: final("", "None"), rest }
  if (codings.length === 1) {
    let body = ""
    let behind = rest
    while (true) {
      const size = CHUNK.exec(behind)
      if (size === null) throw new Error(`not a chunk: ${JSON.stringify(behind.slice(0, 80))}`)
      const length = Number.parseInt(size[1], 16)
      behind = behind.slice(size[0].length)
      if (length === 0) break
      if (behind.slice(length, length + 2) !== "\r\n") throw new Error("a chunk without its CRLF")
      body += behind.slice(0, length)
      behind = behind.slice(length + 2)
    }
    const [trailers, left] = readFields(behind)
    return { interim, final: final(body, "Chunked", trailers), rest: left }
  }
  if (lengths.length === 1) {
    const length = Number(lengths[0])
    if (rest.length < length) throw new Error("the body is shorter than its Content-Length")
    return {
      interim,
      // RFC 9110 §15.3.6: a 205 has no content and says so with a zero.
      final: final(rest.slice(0, length), status === 205 ? "None" : "Length"),
      rest: rest.slice(length)
    }
  }
  if (options.persistent) throw new Error("a body without a length on a connection that goes on")
  return { interim, final: final(rest, "Close"), rest: "" }
}
