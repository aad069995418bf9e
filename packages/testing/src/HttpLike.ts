/**
 * Octets that look like HTTP/1.1 without being it: pieces of the grammar in any order, so that a decoder is led
 * deep into its states before it meets something unexpected.
 */
import * as fc from "fast-check"
import * as Bytes from "./Bytes.ts"
import * as Mutation from "./Mutation.ts"
import * as RequestGenerator from "./RequestGenerator.ts"
import * as RequestModel from "./RequestModel.ts"

const fragments = [
  "GET",
  "POST",
  "CONNECT",
  "OPTIONS",
  " ",
  "\t",
  "/",
  "*",
  "/a?b=c",
  "http://a/",
  "a:80",
  "%41",
  "%",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/2.0",
  "\r\n",
  "\r",
  "\n",
  "\0",
  ":",
  ",",
  ";",
  "=",
  '"',
  "\\",
  "0",
  "1",
  "5",
  "a",
  "F",
  "\x80",
  "\x7f",
  "0\r\n",
  "0\r\n\r\n",
  "1\r\nX\r\n",
  "5;a=b\r\nhello\r\n",
  'a;n="v\\"w"\r\n0123456789\r\n',
  "Host: a\r\n",
  "Host: b:80\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "GET / HTTP/1.1\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
]

/** Pieces of the grammar in any order, with a few octets of noise. */
export const mixed: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...fragments).map(Bytes.fromText) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) }
    ),
    { maxLength: 24 }
  )
  .map(Bytes.concat)

/** A valid request in which a few octets were replaced, taken out or put in. */
export const damaged: fc.Arbitrary<Uint8Array> = fc
  .record({
    model: RequestGenerator.request(),
    damages: fc.array(
      fc.record({
        at: fc.nat(100_000),
        remove: fc.nat(2),
        put: fc.oneof(fc.constantFrom(...fragments).map(Bytes.fromText), fc.uint8Array({ maxLength: 2 }))
      }),
      { minLength: 1, maxLength: 3 }
    )
  })
  .map(({ damages, model }) =>
    damages.reduce((bytes, { at, put, remove }) => {
      const from = at % (bytes.length + 1)
      return Bytes.concat([bytes.subarray(0, from), put, bytes.subarray(from + remove)])
    }, RequestModel.encode(model))
  )

/** Valid requests, of which the last one breaks one rule. */
export const brokenPipeline: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(RequestGenerator.request(), { maxLength: 2 }), Mutation.anyMutated)
  .map(([models, mutated]) => Bytes.concat([...models.map(RequestModel.encode), mutated.bytes]))

/** Any octets at all, HTTP-like or not, valid or not. */
export const any: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 3, arbitrary: mixed },
  { weight: 2, arbitrary: damaged },
  { weight: 2, arbitrary: brokenPipeline },
  {
    weight: 1,
    arbitrary: RequestGenerator.pipeline.map((models) => Bytes.concat(models.map(RequestModel.encode)))
  }
)
