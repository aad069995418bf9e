/**
 * Mutations of the field lines of a head: their syntax, Host, and what frames the body.
 */

import * as Characters from "../../Characters.ts"
import * as FieldLine from "../../FieldLine.ts"
import type { Mutation } from "../../Mutation.ts"
import type * as RequestModel from "../../RequestModel.ts"
import { any, define, http11, insertAt, pick, plain, withChunked, withLength } from "./define.ts"
import { invalidAuthorities } from "./requestLine.ts"

type Model = RequestModel.RequestModel

const fields = define("Fields")

const addField = (model: Model, line: FieldLine.FieldLine, position: number): Model => ({
  ...model,
  fields: FieldLine.insert(model.fields, line, position)
})

const replaceValue = (model: Model, name: string, value: string): Model => ({
  ...model,
  fields: model.fields.map((line) =>
    FieldLine.is(line, name) ? { ...line, before: " ", value, after: "" } : line
  )
})

const withoutField = (model: Model, name: string): Model => ({
  ...model,
  fields: model.fields.filter((line) => !FieldLine.is(line, name))
})

export const fieldSection: ReadonlyArray<Mutation> = [
  fields("a bare LF behind a field line", "BareLineFeed", any, (model, [, b]) =>
    addField(model, { ...plain, end: "\n" }, b)
  ),
  fields("a bare CR behind a field line", "BareCarriageReturn", any, (model, [, b]) =>
    addField(model, { ...plain, end: "\r" }, b)
  ),
  fields("a bare CR in a field value", "BareCarriageReturn", any, (model, [a, b]) =>
    addField(model, { ...plain, value: insertAt("value", "\r", 1 + (a % 4)) }, b)
  ),
  fields("a bare LF that ends the head", "BareLineFeed", any, (model) => ({ ...model, headEnd: "\n" })),
  fields("a bare CR that ends the head", "BareCarriageReturn", any, (model) => ({
    ...model,
    headEnd: "\rX"
  })),
  fields("a NUL in a field name", "NulByte", any, (model, [a, b]) =>
    addField(model, { ...plain, name: insertAt("X-Plain", "\0", a) }, b)
  ),
  fields("a NUL in a field value", "NulByte", any, (model, [a, b]) =>
    addField(model, { ...plain, value: insertAt("value", "\0", a) }, b)
  ),
  fields("a delimiter in a field name", "InvalidFieldName", any, (model, [a, b]) =>
    addField(model, { ...plain, name: `X${pick(Characters.DELIMITERS.replace(":", ""), a)}Plain` }, b)
  ),
  fields("a control or obs-text octet in a field name", "InvalidFieldName", any, (model, [a, b]) =>
    addField(
      model,
      { ...plain, name: insertAt("Plain", pick(Characters.CONTROL + Characters.OBS_TEXT, a), b) },
      b
    )
  ),
  fields("no field name", "EmptyFieldName", any, (model, [, b]) =>
    addField(model, { ...plain, name: "" }, b)
  ),
  fields("no colon", "MissingColon", any, (model, [, b]) =>
    addField(model, { ...plain, colon: "", before: "", value: "" }, b)
  ),
  fields("white space before the colon", "SpaceBeforeColon", any, (model, [a, b]) =>
    addField(model, { ...plain, colon: pick([" :", "\t:", "  :"], a) }, b)
  ),
  fields("white space inside a field name", "SpaceBeforeColon", any, (model, [a, b]) =>
    addField(model, { ...plain, name: pick(["X Plain", "X\tPlain"], a) }, b)
  ),
  fields("white space before the first field line", "LeadingSpace", any, (model, [a]) =>
    addField(model, { ...plain, name: pick([" X", "\tX", " "], a) }, 0)
  ),
  fields("a folded field line", "ObsoleteFolding", any, (model, [a, b]) => ({
    ...addField(model, { ...plain, end: `\r\n${pick([" folded", "\tfolded", " ", " a: b"], a)}\r\n` }, b)
  })),
  fields("a control octet in a field value", "InvalidFieldValue", any, (model, [a, b]) =>
    addField(model, { ...plain, value: insertAt("value", pick(Characters.CONTROL, a), b) }, b)
  ),
  fields("a head over its limit", "HeadTooLarge", any, (model, [, b]) =>
    addField(model, { ...plain, value: "v".repeat(16_384 + (b % 20)) }, b)
  ),
  fields("more than a hundred field lines", "TooManyFields", any, (model, [, b]) => ({
    ...model,
    fields: [...model.fields, ...Array.from({ length: 101 + (b % 5) }, () => plain)]
  })),
  // Host.
  fields("no Host in HTTP/1.1", "MissingHost", http11, (model) => withoutField(model, "host")),
  fields("two Hosts", "DuplicateHost", http11, (model, [a, b]) =>
    addField(model, model.fields.find((line) => FieldLine.is(line, "host")) ?? plain, a + b)
  ),
  fields("a Host outside its grammar", "InvalidHost", http11, (model, [a]) =>
    replaceValue(model, "host", pick([...invalidAuthorities, "a/", "http://a", "a?", "a#", "a\x80"], a))
  ),
  // Content-Length.
  fields("a Content-Length that is no row of digits", "InvalidContentLength", withLength, (model, [a]) =>
    replaceValue(model, "content-length", pick(invalidLengths, a))
  ),
  fields("two Content-Lengths", "DuplicateContentLength", withLength, (model, [a, b]) =>
    addField(
      model,
      a % 2 === 0
        ? (model.fields.find((line) => FieldLine.is(line, "content-length")) ?? plain)
        : FieldLine.make("Content-Length", String(b)),
      b
    )
  ),
  fields("a Content-Length too large to count", "ContentLengthOverflow", withLength, (model, [a]) =>
    replaceValue(
      model,
      "content-length",
      pick(["9007199254740992", "18446744073709551616", "9".repeat(400), `000${2 ** 53}`], a)
    )
  ),
  fields(
    "Content-Length with Transfer-Encoding",
    "ContentLengthWithTransferEncoding",
    withChunked,
    (model, [a, b]) => addField(model, FieldLine.make("Content-Length", pick(["0", "5"], a)), b)
  ),
  // Transfer-Encoding.
  fields("chunked is not the final coding", "TransferCodingNotFinal", withChunked, (model, [a]) =>
    replaceValue(
      model,
      "transfer-encoding",
      pick(
        [
          "gzip",
          "identity",
          "xchunked",
          "chunkedx",
          "chunked;q=1",
          "chunked ; a=b",
          "chunked, gzip",
          "chunked, identity",
          "chunked, chunked",
          "chunked, gzip, chunked",
          "gzip, chunked;q=0"
        ],
        a
      )
    )
  ),
  fields("a Transfer-Encoding that is no list", "InvalidTransferEncoding", withChunked, (model, [a]) =>
    replaceValue(
      model,
      "transfer-encoding",
      pick(
        [
          "",
          ",",
          "chunked,",
          ",chunked",
          "chunked,,chunked",
          "chun ked",
          "chunked gzip",
          '"chunked"',
          "chunked\xa0",
          "\xa0chunked",
          "chunked\x85",
          "chunked=1",
          "[chunked]",
          ";chunked"
        ],
        a
      )
    )
  ),
  fields("an unknown transfer coding", "UnknownTransferCoding", withChunked, (model, [a]) =>
    replaceValue(
      model,
      "transfer-encoding",
      pick(
        [
          "gzip, chunked",
          "identity,chunked",
          "x;a=b \t,\tCHUNKED",
          "chunked-x, chunked",
          "xchunked, chunked"
        ],
        a
      )
    )
  ),
  fields("a second Transfer-Encoding", "TransferCodingNotFinal", withChunked, (model, [, b]) =>
    addField(model, FieldLine.make("Transfer-Encoding", "chunked"), b)
  ),
  fields("a second, empty Transfer-Encoding", "InvalidTransferEncoding", withChunked, (model, [, b]) =>
    addField(model, FieldLine.make("Transfer-Encoding", ""), b)
  ),
  fields("Transfer-Encoding in HTTP/1.0", "TransferEncodingInHttp10", withChunked, (model) => ({
    ...model,
    version: "HTTP/1.0"
  })),
  fields("an unknown expectation", "UnknownExpectation", http11, (model, [a, b]) =>
    addField(
      model,
      FieldLine.make("Expect", pick(["200-ok", "100-continue, a", "100-continue=1", "100 continue"], a)),
      b
    )
  )
]

/** What is no row of digits, though somebody once took it for one. */
export const invalidLengths: ReadonlyArray<string> = [
  "",
  "+5",
  "-0",
  "-1",
  "5 5",
  "5,5",
  "5, 5",
  "5,",
  ",5",
  "0x5",
  "5.0",
  "5e0",
  "1_0",
  "5;q=1",
  '"5"',
  "five",
  "\xb2",
  "\xef\xbc\x95",
  "5\xa0",
  "\xa05"
]
