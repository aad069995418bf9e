/**
 * Where nvo answers otherwise than `NodeHttpServer`, on purpose. Whatever is not listed here is a bug of one of
 * the two. Each entry's examples are asked of both servers by a test that fails once the entry is no longer
 * needed.
 */
import type { Observation, Request } from "./differential.ts"
import type { FieldLine } from "./ReadResponse.ts"

/** What one of the servers is to answer: the parts named. Without any, whatever the application says. */
export type Expected = Partial<Pick<Observation, "status" | "reason" | "body" | "complete" | "framing">>

interface Entry {
  readonly name: string
  readonly reason: string
  /** Requests, as `METHOD /path`, for which the entry is needed. */
  readonly examples: ReadonlyArray<string>
}

/** A difference that can be taken out of what was observed. */
export interface Rewrite extends Entry {
  readonly rewrite: (observation: Observation, request: Request) => Observation
}

/** Requests that the two answer otherwise: both answers are checked. */
export interface Departure extends Entry {
  readonly where: RegExp
  readonly nvo: Expected
  readonly peer: Expected
}

const mapFields = (
  observation: Observation,
  f: (line: FieldLine) => ReadonlyArray<FieldLine>
): Observation => ({ ...observation, fields: observation.fields.flatMap(f) })

const noResponse: Expected = { status: 0 }
const refusedByApplication: Expected = { status: 500, body: "", complete: true }

/** In this order: most rely on names being in lower case, and the order of fields comes last. */
export const rewrites: ReadonlyArray<Rewrite> = [
  {
    name: "case of field names",
    reason:
      "Node writes its own fields with capitals. Names compare without case (RFC 9110 §5.1); nvo writes what it adds as Effect keeps it, in lower case.",
    examples: ["GET /response/text"],
    rewrite: (observation) => mapFields(observation, ([name, value]) => [[name.toLowerCase(), value]])
  },
  {
    name: "time of Date",
    reason: "Two answers are not made in the same second.",
    examples: [],
    rewrite: (observation) =>
      mapFields(observation, ([name, value]) => [
        [
          name,
          name === "date" ? value.replace(/^\w{3}, \d{2} \w{3} 2\d{3} \d{2}:\d{2}:\d{2} GMT$/, "now") : value
        ]
      ])
  },
  {
    name: "Keep-Alive",
    reason:
      "Node announces its idle timeout in Keep-Alive and says Connection: keep-alive, which is the default of HTTP/1.1 (RFC 9112 §9.3).",
    examples: ["GET /response/text"],
    rewrite: (observation) =>
      mapFields(observation, ([name, value]) =>
        name === "keep-alive" || (name === "connection" && value === "keep-alive") ? [] : [[name, value]]
      )
  },
  {
    name: "length of an empty body",
    reason:
      "nvo knows that there is nothing to send and says Content-Length: 0; Node sends an empty chunked body.",
    examples: [
      "GET /response/empty-200",
      "GET /response/redirect",
      "GET /response/failure",
      "GET /response/text-205"
    ],
    rewrite: (observation) =>
      observation.framing === "Chunked" && observation.complete && observation.body === ""
        ? {
            ...mapFields(observation, ([name, value]) => [
              name === "transfer-encoding" ? ["content-length", "0"] : [name, value]
            ]),
            framing: "Length"
          }
        : observation
  },
  {
    name: "reason phrases",
    reason:
      "Node writes `unknown` where no phrase is registered, the phrases of older RFCs for 413, and the phrase of the response that it could not send. nvo writes the registered phrase of the status it sends, or none (RFC 9112 §4).",
    examples: [
      "GET /response/text-499",
      "GET /response/too-large-error",
      "GET /response/header-name-invalid"
    ],
    rewrite: (observation) => {
      const reason =
        observation.reason === "unknown"
          ? ""
          : observation.status === 413 && observation.reason === "Payload Too Large"
            ? "Content Too Large"
            : observation.status === 500 && observation.reason === "OK"
              ? "Internal Server Error"
              : observation.reason
      return { ...observation, reason }
    }
  },
  {
    name: "boundary of form data",
    reason: "A boundary is drawn at random for each response.",
    examples: ["GET /response/form-data"],
    rewrite: (observation) => {
      const boundary = /formdata-undici-\d+/g
      return {
        ...mapFields(observation, ([name, value]) => [[name, value.replace(boundary, "boundary")]]),
        body: observation.body.replace(boundary, "boundary")
      }
    }
  },
  {
    name: "100 (Continue) for a body that came",
    reason:
      "A peer that sent its body with the head does not wait for 100, so nvo leaves it out (RFC 9110 §10.1.1); NodeHttpServer sends it when the body is read.",
    examples: ["POST /request/text expects"],
    rewrite: (observation) => ({
      ...observation,
      interim: observation.interim.filter((status) => status !== 100)
    })
  },
  {
    name: "budget for a body that nobody reads",
    reason:
      "nvo throws away 64 KiB (`drainBytes`) to keep a connection, NodeHttpServer 256 KiB. With more left the connection closes. A peer that expects 100 and was not asked for its body may or may not send it.",
    examples: ["POST /request/ignored large"],
    rewrite: (observation, request) =>
      request.bodyLength > 65_536 || request.expects
        ? mapFields(observation, ([name, value]) =>
            name === "connection" && value === "close" ? [] : [[name, value]]
          )
        : observation
  },
  {
    name: "octets of field values",
    reason:
      "Node writes a head together with a body of text as UTF-8, so that a field value beyond ASCII depends on the body; nvo always writes one octet for each character (RFC 9110 §5.5).",
    examples: ["GET /response/headers"],
    rewrite: (observation) =>
      mapFields(observation, ([name, value]) => [
        [name, name === "x-latin1" ? value.replace("Ã©", "é") : value]
      ])
  },
  {
    name: "length of a 205 to HEAD",
    reason: "A 205 has no content whatever the method; nvo says so in both (RFC 9110 §15.3.6).",
    examples: ["HEAD /response/text-205"],
    rewrite: (observation, { method }) =>
      method === "HEAD" && observation.status === 205
        ? mapFields(observation, ([name, value]) =>
            name === "content-length" && value === "0" ? [] : [[name, value]]
          )
        : observation
  },
  {
    name: "order of field names",
    reason:
      "Each server puts its own fields where it likes; the order of fields with different names has no meaning (RFC 9110 §5.3).",
    examples: ["GET /response/text"],
    rewrite: (observation) => ({
      ...observation,
      // The sort is stable: fields of one name keep their order.
      fields: [...observation.fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    })
  }
]

export const departures: ReadonlyArray<Departure> = [
  {
    name: "methods that Node does not know",
    reason:
      "A method is any token (RFC 9110 §9.1) and in the case in which it was sent; Node's parser refuses what it has no name for.",
    examples: ["FOO /response/text", "get /response/text"],
    where: /^(?!(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE|PROPFIND) )/,
    nvo: { status: 404, body: "", complete: true },
    peer: { status: 400, body: "" }
  },
  {
    name: "the grammar of targets",
    reason:
      "A fragment, a broken percent-encoding or an octet that RFC 3986 does not allow is refused (RFC 9112 §3.2); Node passes them on.",
    examples: ["GET /request/head?a#b", "GET /request/head?%zz", "GET /request/head?a|b"],
    where: /^\w+ \S*(#|%(?![0-9A-Fa-f]{2})|\|)/,
    nvo: { status: 400 },
    peer: {}
  },
  {
    name: "MaxBodySize holds for request.stream",
    reason: "A limit that one way of reading a body goes around is none.",
    examples: ["POST /request/limited-stream over-limit"],
    where: /^\w+ \/request\/limited-stream\S* .*over-limit/,
    nvo: { status: 413, body: "", complete: true },
    peer: { status: 200, complete: true }
  },
  {
    name: "raw octets and text have a length",
    reason: "Their length is known, so nvo says it; Node sends them in one chunk.",
    examples: ["GET /response/raw-string", "GET /response/raw-bytes"],
    where: /^(?!HEAD)\w+ \/response\/raw-(string|bytes)(?![\w-])/,
    nvo: { status: 200, framing: "Length", complete: true },
    peer: { status: 200, framing: "Chunked", complete: true }
  },
  {
    name: "HEAD of raw octets and text",
    reason: "As above: the length that GET would have said.",
    examples: ["HEAD /response/raw-string", "HEAD /response/raw-bytes"],
    where: /^HEAD \/response\/raw-(string|bytes)(?![\w-])/,
    nvo: { status: 200 },
    peer: { status: 200 }
  },
  {
    name: "web streams and blobs are bodies",
    reason:
      "A raw body may be any body of the platform; NodeHttpServer takes Node's only and drops the connection.",
    examples: ["GET /response/raw-web-stream", "GET /response/raw-blob"],
    where: /^(?!HEAD)\w+ \/response\/raw-(web-stream|blob)(?![\w-])/,
    nvo: { status: 200, complete: true },
    peer: noResponse
  },
  {
    name: "what a broken stream made arrives",
    reason:
      "The head and what came before the failure are sent, then the framing shows that the rest is missing; NodeHttpServer destroys the socket with all of it unsent.",
    examples: [
      "GET /response/stream-fails",
      "GET /response/stream-fails-length",
      "GET /response/stream-fails-at-once",
      "GET /response/stream-dies",
      "GET /response/stream-short",
      "GET /response/stream-long"
    ],
    where: /^(?!HEAD)\w+ \/response\/stream-(fails|fails-length|fails-at-once|dies|short|long)(?![\w-])/,
    nvo: { status: 200, complete: false },
    peer: noResponse
  },
  {
    name: "a Content-Length that is not the body's",
    reason:
      "It is found before anything is sent, so it can be answered; NodeHttpServer finds it after the head and drops the connection.",
    examples: ["GET /response/header-length-set"],
    where: /^(?!HEAD)\w+ \/response\/header-length-set(?![\w-])/,
    nvo: refusedByApplication,
    peer: noResponse
  },
  {
    name: "HEAD of a response that cannot be sent",
    reason: "HEAD is answered as GET is (RFC 9110 §9.3.2); NodeHttpServer does not look at the body.",
    examples: ["HEAD /response/header-length-set", "HEAD /response/raw-number"],
    where: /^HEAD \/response\/(header-length-set|raw-number)(?![\w-])/,
    nvo: { status: 500 },
    peer: { status: 200 }
  },
  {
    name: "HEAD of form data",
    reason: "nvo says the type that GET says; NodeHttpServer leaves it out.",
    examples: ["HEAD /response/form-data"],
    where: /^HEAD \/response\/form-data(?![\w-])/,
    nvo: { status: 200 },
    peer: { status: 200 }
  },
  {
    name: "a raw body of no known kind",
    reason:
      "It is found before anything is sent, so it can be answered; NodeHttpServer drops the connection.",
    examples: ["GET /response/raw-number"],
    where: /^(?!HEAD)\w+ \/response\/raw-number(?![\w-])/,
    nvo: refusedByApplication,
    peer: noResponse
  },
  {
    name: "a reason phrase that would split the response",
    reason:
      "It is refused with a 500 that can be sent; NodeHttpServer fails to send its 500 with the same phrase.",
    examples: ["GET /response/status-text-splits", "HEAD /response/status-text-splits"],
    where: /^\w+ \/response\/status-text-splits(?![\w-])/,
    nvo: refusedByApplication,
    peer: noResponse
  },
  {
    name: "a status with a fraction",
    reason: "It is not a status; Node cuts the fraction off.",
    examples: ["GET /response/status-fraction", "HEAD /response/status-fraction"],
    where: /^\w+ \/response\/status-fraction(?![\w-])/,
    nvo: { status: 500, complete: true },
    peer: { status: 200, complete: true }
  }
]

/** The observation without what is allowed to differ. `without` leaves one rewrite out. */
export const normalise = (observation: Observation, request: Request, without?: string): Observation =>
  rewrites.reduce(
    (current, entry) => (entry.name === without ? current : entry.rewrite(current, request)),
    observation
  )

/** The departure that a request falls under. */
export const departureOf = (request: Request): Departure | undefined =>
  departures.find(({ where }) => where.test(request.name))
