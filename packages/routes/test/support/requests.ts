/** Requests to the surface: good ones, wrong ones, and such as nobody sends. */
import * as fc from "fast-check"
import type { Sent } from "./observe.ts"
import { acts } from "./surface.ts"

const encoder = new TextEncoder()

const segment = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 30 }).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "1.5",
      "NaN",
      "Infinity",
      "1e3",
      "0x10",
      "%31",
      "a",
      "a%20b",
      "%E4%F6",
      "a%2Fb",
      "007",
      ""
    )
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }).map(encodeURIComponent) }
)

const pair = fc.constantFrom(
  "q=a",
  "q=",
  "q=a&q=b",
  "limit=5",
  "limit=0",
  "limit=100",
  "limit=101",
  "limit=x",
  "limit=",
  "tags=a",
  "tags=a&tags=b",
  "tags=",
  "colour=red",
  "colour=pink",
  "flag=true",
  "flag=maybe",
  "dry=true",
  "dry=x",
  "api_key=letmein",
  "api_key=a&api_key=letmein",
  "a=1",
  "a=x",
  "b=1&b=2",
  "b=%C3%A4",
  "__proto__=1",
  "constructor=1",
  "x"
)

const query = fc
  .array(pair, { maxLength: 3 })
  .map((pairs) => (pairs.length === 0 ? "" : `?${pairs.join("&")}`))

const place = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          ["GET", "/things/"],
          ["GET", "/none/"],
          ["GET", "/optional/"],
          ["GET", "/rich/"],
          ["GET", "/tree/"],
          ["GET", "/several/"],
          ["GET", "/fields/"],
          ["GET", "/text/"],
          ["GET", "/csv/"],
          ["GET", "/octets/"],
          ["GET", "/form/"],
          ["GET", "/json/"],
          ["GET", "/stream/"],
          ["GET", "/lines/"],
          ["GET", "/slow/"],
          ["GET", "/strict/"],
          ["GET", "/bare/"],
          ["HEAD", "/head/"],
          ["HEAD", "/things/"],
          ["GET", "/upgrade/"],
          ["PUT", "/bodies/"],
          ["PATCH", "/bodies/"],
          ["DELETE", "/bodies/"],
          ["GET", "/guarded/user/"],
          ["GET", "/guarded/one/"],
          ["POST", "/guarded/readable/"],
          ["POST", "/guarded/problem/"],
          ["GET", "/guarded/tolerant/"],
          ["GET", "/guarded/both/"]
        ),
        segment
      )
      .map(([[method, path], last]) => [method, path + last] as const)
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ["GET", "/things"],
      ["GET", "/optional"],
      ["GET", "/payload"],
      ["GET", "/files/12.png"],
      ["GET", "/files/ab.png"],
      ["OPTIONS", "/options"],
      ["POST", "/bodies"],
      ["POST", "/bodies/many"],
      ["POST", "/bodies/slow"],
      ["POST", "/bodies/tree"],
      ["POST", "/bodies/upload"],
      ["POST", "/bodies/lines"],
      ["QUERY", "/bodies/query"],
      ["POST", "/nowhere"],
      ["DELETE", "/things/1"]
    )
  }
)

const contentType = fc.constantFrom(
  undefined,
  "application/json",
  "application/json; charset=utf-8",
  "Application/JSON",
  "application/x-www-form-urlencoded",
  "text/plain",
  "text/plain;charset=utf-8",
  "application/octet-stream",
  "multipart/form-data; boundary=b",
  "multipart/form-data",
  "application/x-ndjson",
  "application/xml",
  ""
)

const value = fc.oneof(
  fc.constantFrom<unknown>(
    { name: "a" },
    { name: "a", price: 1.5, tags: ["x", "y"], colour: "red", size: 3, more: true },
    { name: "a", price: -1 },
    { name: "" },
    { name: "x".repeat(21) },
    { name: "a", price: null },
    { name: "a", colour: "pink" },
    { name: "a", tags: ["x", 1] },
    { only: "this" },
    { text: "slow" },
    { text: 1 },
    { value: 1, children: [{ value: 2, children: [] }] },
    { value: 1, children: [{ value: "2", children: [] }] },
    null,
    [],
    "text",
    1
  ),
  fc.record(
    {
      name: fc.string({ maxLength: 22 }),
      price: fc.double(),
      tags: fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }),
      colour: fc.constantFrom("red", "green", "blue", "pink"),
      size: fc.integer()
    },
    { requiredKeys: [] }
  )
)

const multipart = '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--b--\r\n'

const body: fc.Arbitrary<Uint8Array | undefined> = fc.oneof(
  { weight: 5, arbitrary: value.map((json) => encoder.encode(JSON.stringify(json))) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        "",
        "{",
        '{"name":"a"} ',
        '{"name":"a","name":"b"}',
        '{"name":"a","__proto__":{"x":1}}',
        "\ufeff{}",
        "form=1&tags=a&tags=b",
        "form=x",
        "form=1",
        '{"name":"a"}\n{"name":"b"}\n',
        '{"name":"a"}\n{"name":"b"}\n'.repeat(9),
        '{"name":"a"}\n{"nam',
        multipart
      )
      .map((text) => encoder.encode(text))
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constant(undefined) }
)

const basic = (credentials: string): string => `Basic ${btoa(credentials)}`

const headers = fc
  .record({
    act: fc.oneof(
      { weight: 4, arbitrary: fc.constant("ok") },
      { weight: 6, arbitrary: fc.constantFrom(...acts) }
    ),
    silent: fc.boolean(),
    tenant: fc.constantFrom(undefined, "acme", "a", ""),
    authorization: fc.constantFrom(
      undefined,
      undefined,
      "Bearer letmein",
      "bearer   letmein",
      "Bearer",
      "Bearer no",
      basic("ann:letmein"),
      basic("ann:wrong"),
      basic("nobody"),
      "Basic ?"
    ),
    key: fc.constantFrom(undefined, undefined, "letmein", "no"),
    cookie: fc.constantFrom(undefined, undefined, "session=letmein", "session=no", "other=1"),
    upgrade: fc.constantFrom(undefined, undefined, undefined, "echo")
  })
  .map(({ act, authorization, cookie, key, silent, tenant, upgrade }) => ({
    "x-act": act,
    ...(silent ? { "x-silent": "1" } : {}),
    ...(tenant === undefined ? {} : { "x-tenant": tenant }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(key === undefined ? {} : { "x-api-key": key }),
    ...(cookie === undefined ? {} : { cookie }),
    ...(upgrade === undefined ? {} : { upgrade, connection: "upgrade" })
  }))

export const request: fc.Arbitrary<Sent> = fc
  .record({
    place,
    query,
    headers,
    contentType,
    body,
    leaves: fc.constantFrom("never", "never", "never", "never", "at once", "in the handler"),
    maxBodySize: fc.constantFrom(undefined, undefined, undefined, 10)
  })
  .map(({ body, contentType, headers, leaves, maxBodySize, place: [method, path], query }) => {
    const hasBody = method !== "GET" && method !== "HEAD"
    return {
      method,
      path: `/api${path}${query}`,
      headers: {
        ...headers,
        ...(hasBody && contentType !== undefined ? { "content-type": contentType } : {})
      },
      body: hasBody ? body : undefined,
      leaves,
      maxBodySize
    } as Sent
  })
