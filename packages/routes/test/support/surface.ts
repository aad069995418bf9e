/**
 * An `HttpApi` that uses everything an endpoint can say, with handlers that do what the field `x-act` asks for.
 * Built with `HttpApiBuilder.group` and with `Routes.group`, it has to behave in the same way.
 */
import {
  Cause,
  Context,
  DateTime,
  Effect,
  Layer,
  Option,
  Redacted,
  Schema,
  SchemaGetter,
  Stream
} from "effect"
import { HttpEffect, HttpServerRespondable, HttpServerResponse } from "effect/http"
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiError,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity
} from "effect/http-api"

/** What a handler saw of its request and of its context. */
export type Record_ = (seen: Readonly<Record<string, unknown>>) => void

// --- services ----------------------------------------------------------------------------------------------------

export class Store extends Context.Service<Store, { readonly name: string }>()("surface/Store") {}
export class Shadowed extends Context.Service<Shadowed, { readonly by: string }>()("surface/Shadowed") {}
export class CurrentUser extends Context.Service<CurrentUser, { readonly name: string }>()("surface/User") {}
export class Lookup extends Context.Service<Lookup, { readonly suffix: string }>()("surface/Lookup") {}
export const Reference = Context.Reference("surface/Reference", { defaultValue: () => "default" })

export const services = Layer.mergeAll(
  Layer.succeed(Store, { name: "store" }),
  Layer.succeed(Shadowed, { by: "layer" }),
  Layer.succeed(Lookup, { suffix: "!" }),
  Layer.succeed(Reference, "layer")
)

// --- schemas -----------------------------------------------------------------------------------------------------

export class Missing extends Schema.TaggedError<Missing>()(
  "Missing",
  { id: Schema.Finite },
  { httpApiStatus: 404 }
) {}
class Conflict extends Schema.TaggedError<Conflict>()(
  "Conflict",
  { with: Schema.String, at: Schema.optionalKey(Schema.DateTimeUtcFromString) },
  { httpApiStatus: 409 }
) {}
class Denied extends Schema.TaggedError<Denied>()("Denied", {}, { httpApiStatus: 403 }) {}
class OutOfCredit extends HttpApiError.Problem<OutOfCredit>()(
  "OutOfCredit",
  { type: "https://example.com/out-of-credit", status: 402, title: "Out of credit" },
  { balance: Schema.Finite }
) {}
class Undeclared extends Schema.TaggedError<Undeclared>()("Undeclared", {}) {
  [HttpServerRespondable.symbol]() {
    return Effect.succeed(HttpServerResponse.text("undeclared", { status: 418 }))
  }
}
class Unanswerable extends Schema.TaggedError<Unanswerable>()("Unanswerable", {}) {}

const Colour = Schema.Literals(["red", "green", "blue"])
const Thing = Schema.Struct({
  id: Schema.Int,
  name: Schema.NonEmptyString,
  price: Schema.optionalKey(Schema.Number),
  colour: Schema.optional(Colour),
  tags: Schema.Array(Schema.String),
  parent: Schema.NullOr(Schema.Struct({ id: Schema.Int }))
})
const NewThing = Schema.Struct({
  name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(20)),
  price: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  colour: Schema.optional(Colour),
  size: Schema.Finite.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1)))
})
class Account extends Schema.Class<Account>("Account")({ id: Schema.Int, owner: Schema.String }) {}
interface Node {
  readonly value: number
  readonly children: ReadonlyArray<Node>
}
const Node: Schema.Codec<Node> = Schema.Struct({
  value: Schema.Finite,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Node> => Node))
})
const Rich = Schema.Struct({
  at: Schema.DateTimeUtcFromString,
  when: Schema.Date,
  big: Schema.BigInt,
  maybe: Schema.Option(Schema.String),
  account: Account,
  shape: Schema.Union([
    Schema.Struct({ _tag: Schema.tag("Circle"), radius: Schema.Number }),
    Schema.Struct({ _tag: Schema.tag("Square"), side: Schema.Number })
  ]),
  counts: Schema.Record(Schema.String, Schema.Finite),
  anything: Schema.Unknown,
  secret: Schema.RedactedFromValue(Schema.String)
})
const rich = (n: number) => ({
  at: DateTime.makeUnsafe("2026-01-02T03:04:05Z"),
  when: new Date(1_700_000_000_000 + n),
  big: BigInt(n) * 10n ** 20n,
  maybe: n % 2 === 0 ? Option.some("even") : Option.none<string>(),
  account: new Account({ id: 1, owner: 'o"w\\n\u2028er' }),
  shape:
    n % 3 === 0 ? ({ _tag: "Circle", radius: n } as const) : ({ _tag: "Square", side: Infinity } as const),
  counts: { a: 1, ["__proto__" as string]: 2 },
  anything: { deep: [1, "two", null] },
  secret: Redacted.make("s3cret")
})
/** Decoding needs a service and does not finish at once. */
const Slow = Schema.String.pipe(
  Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Effect.map(Effect.andThen(Effect.yieldNow, Lookup), ({ suffix }) => text + suffix)
    ),
    encode: SchemaGetter.transformEffect((text: string) => Effect.as(Effect.yieldNow, text))
  })
)

// --- middleware --------------------------------------------------------------------------------------------------

class Stamp extends HttpApiMiddleware.Service<Stamp>()("surface/Stamp") {}
class Tolerant extends HttpApiMiddleware.Service<Tolerant>()("surface/Tolerant", { error: Denied }) {}
class Authorised extends HttpApiMiddleware.Service<Authorised, { provides: CurrentUser }>()(
  "surface/Authorised",
  {
    error: HttpApiError.UnauthorizedNoContent,
    security: {
      bearer: HttpApiSecurity.bearer,
      key: HttpApiSecurity.apiKey({ in: "header", key: "X-Api-Key" }),
      query: HttpApiSecurity.apiKey({ in: "query", key: "api_key" }),
      cookie: HttpApiSecurity.apiKey({ in: "cookie", key: "session" }),
      basic: HttpApiSecurity.basic
    }
  }
) {}
class Single extends HttpApiMiddleware.Service<Single, { provides: CurrentUser }>()("surface/Single", {
  error: HttpApiError.Unauthorized,
  security: { bearer: HttpApiSecurity.bearer }
}) {}
class Readable extends HttpApiMiddleware.Service<Readable>()("surface/Readable", { error: Conflict }) {}

const login = (name: string) => (password: Redacted.Redacted) =>
  Redacted.value(password) === "letmein" ? Option.some({ name }) : Option.none<{ readonly name: string }>()

const withUser = <E, R>(
  effect: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  user: Option.Option<{ readonly name: string }>
) =>
  Option.isSome(user)
    ? Effect.provideService(effect, CurrentUser, user.value)
    : Effect.fail(new HttpApiError.Unauthorized({}))

const middleware = Layer.mergeAll(
  Layer.succeed(Stamp, (effect, { endpoint, group }) =>
    Effect.map(effect, HttpServerResponse.setHeader("x-stamp", `${group.identifier}.${endpoint.identifier}`))
  ),
  Layer.succeed(Tolerant, (effect) =>
    Effect.catchCause(effect, (cause) =>
      Cause.hasDies(cause) ? Effect.fail(new Denied() as never) : Effect.failCause(cause)
    )
  ),
  Layer.succeed(Authorised, {
    bearer: (effect, { credential }) => withUser(effect, login("bearer")(credential)),
    key: (effect, { credential }) => withUser(effect, login("key")(credential)),
    query: (effect, { credential }) => withUser(effect, login("query")(credential)),
    cookie: (effect, { credential }) => withUser(effect, login("cookie")(credential)),
    basic: (effect, { credential }) => withUser(effect, login(credential.username)(credential.password))
  }),
  Layer.succeed(Single, {
    bearer: (effect, { credential }) => withUser(effect, login("single")(credential))
  }),
  HttpApiMiddleware.layerSchemaErrorTransform(Readable, (error) =>
    Effect.fail(new Conflict({ with: `${error.kind}: ${error.cause.issue}` }))
  ),
  HttpApiMiddleware.layerProblemDetails({ includeDetails: true })
)

// --- the api -----------------------------------------------------------------------------------------------------

const id = { id: Schema.Int }
const errors = [Missing, Conflict, OutOfCredit] as const

const Plain = HttpApiGroup.make("plain")
  .add(
    HttpApiEndpoint.get("get", "/things/:id", { params: id, success: Thing, error: errors }),
    HttpApiEndpoint.get("none", "/none/:id", { params: id }),
    HttpApiEndpoint.get("optional", "/optional/:name?", {
      params: { name: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(5))) },
      success: Schema.String
    }),
    HttpApiEndpoint.get("list", "/things", {
      query: {
        q: Schema.optionalKey(Schema.String),
        limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).pipe(
          Schema.withDecodingDefaultKey(Effect.succeed(10))
        ),
        tags: Schema.optionalKey(Schema.Array(Schema.String)),
        colour: Schema.optionalKey(Colour),
        flag: Schema.optionalKey(Schema.Boolean)
      },
      headers: { "x-tenant": Schema.String.check(Schema.isMinLength(2)) },
      success: Schema.Array(Thing),
      error: Missing
    }),
    HttpApiEndpoint.get("rich", "/rich/:id", { params: id, success: Rich }),
    HttpApiEndpoint.get("tree", "/tree/:id", { params: id, success: Node }),
    HttpApiEndpoint.get("several", "/several/:id", {
      params: id,
      success: [Thing, Schema.Struct({ queued: Schema.Boolean }).pipe(HttpApiSchema.status(202))]
    }),
    HttpApiEndpoint.get("fields", "/fields/:id", {
      params: id,
      success: HttpApiSchema.WithHeaders(Thing, { "x-total": Schema.Int })
    }),
    HttpApiEndpoint.get("text", "/text/:id", { params: id, success: HttpApiSchema.asText()(Schema.String) }),
    HttpApiEndpoint.get("csv", "/csv/:id", {
      params: id,
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/csv" }))
    }),
    HttpApiEndpoint.get("octets", "/octets/:id", {
      params: id,
      success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array())
    }),
    HttpApiEndpoint.get("form", "/form/:id", {
      params: id,
      success: Schema.Struct({ a: Schema.String }).pipe(HttpApiSchema.asFormUrlEncoded())
    }),
    HttpApiEndpoint.get("json", "/json/:id", {
      params: id,
      success: Schema.Struct({ id: Schema.Int }).pipe(
        HttpApiSchema.asJson({ contentType: "application/vnd.thing+json" }),
        HttpApiSchema.status(203)
      )
    }),
    HttpApiEndpoint.get("stream", "/stream/:id", { params: id, success: HttpApiSchema.StreamUint8Array() }),
    HttpApiEndpoint.get("lines", "/lines/:id", {
      params: id,
      success: HttpApiSchema.StreamNdjson({ schema: Thing })
    }),
    HttpApiEndpoint.get("slow", "/slow/:text", { params: { text: Slow }, success: Slow }),
    HttpApiEndpoint.get("strict", "/strict/:id", {
      params: id,
      query: { a: Schema.optionalKey(Schema.String) },
      success: Thing
    }).annotate(HttpApi.ParseOptions, { onExcessProperty: "error", errors: "all" }),
    HttpApiEndpoint.get("bare", "/bare/:id", {
      disableCodecs: true,
      params: { id: Schema.FiniteFromString },
      success: Schema.Struct({ id: Schema.Finite })
    }),
    HttpApiEndpoint.get("payload", "/payload", {
      payload: { a: Schema.Int, b: Schema.optionalKey(Schema.Array(Schema.String)) },
      success: Schema.Struct({ a: Schema.Int })
    }),
    HttpApiEndpoint.get("slashes", "/files/:name(^\\d+).png", {
      params: { name: Schema.String },
      success: Schema.String
    }),
    HttpApiEndpoint.head("head", "/head/:id", { params: id }),
    HttpApiEndpoint.options("options", "/options", { success: Schema.String }),
    HttpApiEndpoint.get("upgrade", "/upgrade/:id", {
      params: id,
      success: [HttpApiSchema.Upgrade({ protocol: "echo" }), Thing]
    })
  )
  .annotate(HttpApi.HeadersParseOptions, {})

const Bodies = HttpApiGroup.make("bodies")
  .add(
    HttpApiEndpoint.post("create", "/", {
      payload: NewThing,
      success: Thing.pipe(HttpApiSchema.status(201)),
      error: errors
    }),
    HttpApiEndpoint.put("replace", "/:id", {
      params: id,
      query: { dry: Schema.optionalKey(Schema.Boolean) },
      headers: { "x-tenant": Schema.String },
      payload: NewThing,
      success: Thing,
      error: Missing
    }),
    HttpApiEndpoint.patch("patch", "/:id", {
      params: id,
      payload: Schema.Union([NewThing, Schema.Null, Schema.Struct({ only: Schema.Literal("this") })]),
      success: Schema.Json
    }),
    HttpApiEndpoint.delete("remove", "/:id", { params: id, error: Missing }),
    HttpApiEndpoint.post("many", "/many", {
      payload: [
        NewThing,
        Schema.Struct({ form: Schema.Int, tags: Schema.optionalKey(Schema.Array(Schema.String)) }).pipe(
          HttpApiSchema.asFormUrlEncoded()
        ),
        Schema.String.pipe(HttpApiSchema.asText()),
        Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array())
      ],
      success: Schema.Unknown
    }),
    HttpApiEndpoint.post("slowBody", "/slow", { payload: Schema.Struct({ text: Slow }), success: Slow }),
    HttpApiEndpoint.post("tree", "/tree", { payload: Node, success: Node }),
    HttpApiEndpoint.post("upload", "/upload", {
      payload: Schema.Struct({ note: Schema.String }).pipe(HttpApiSchema.asMultipart()),
      success: Schema.String
    }),
    HttpApiEndpoint.post("lines", "/lines", {
      payload: HttpApiSchema.StreamNdjson({ schema: NewThing, maxBytes: 200 }),
      success: Schema.Finite
    }),
    HttpApiEndpoint.query("query", "/query", { payload: NewThing, success: Thing })
  )
  .prefix("/bodies")

const Guarded = HttpApiGroup.make("guarded")
  .add(
    HttpApiEndpoint.get("user", "/user/:id", { params: id, success: Thing, error: Missing })
      .middleware(Authorised)
      .middleware(Stamp),
    HttpApiEndpoint.get("one", "/one/:id", { params: id, success: Thing, error: Missing }).middleware(Single),
    HttpApiEndpoint.post("readable", "/readable/:id", {
      params: id,
      payload: NewThing,
      success: Thing
    }).middleware(Readable),
    HttpApiEndpoint.post("problem", "/problem/:id", { params: id, payload: NewThing, success: Thing })
      .middleware(HttpApiMiddleware.ProblemDetails)
      .middleware(Stamp),
    HttpApiEndpoint.get("tolerant", "/tolerant/:id", { params: id, success: Thing, error: errors })
      .middleware(Stamp)
      .middleware(Tolerant),
    HttpApiEndpoint.get("both", "/both/:id", { params: id, success: Thing })
      .middleware(Tolerant)
      .middleware(Authorised)
  )
  .prefix("/guarded")

export const Api = HttpApi.make("surface").add(Plain, Bodies, Guarded).prefix("/api")

// --- handlers ----------------------------------------------------------------------------------------------------

export const acts = [
  "ok",
  "later",
  "missing",
  "conflict",
  "problem",
  "undeclared",
  "unanswerable",
  "die",
  "die-missing",
  "throw",
  "respond",
  "late-missing",
  "late-die",
  "interrupt",
  "hook",
  "bad",
  "fiber",
  "combined",
  "die-response"
] as const

const failures: Readonly<Record<string, (n: number) => Effect.Effect<never, any>>> = {
  missing: (n) => Effect.fail(new Missing({ id: n })),
  conflict: (n) =>
    Effect.fail(new Conflict({ with: `${n}`, at: DateTime.makeUnsafe("2026-01-02T03:04:05Z") })),
  problem: (n) => Effect.fail(new OutOfCredit({ balance: n })),
  undeclared: () => Effect.fail(new Undeclared()),
  unanswerable: () => Effect.fail(new Unanswerable()),
  die: () => Effect.die(new Error("died")),
  "die-missing": (n) => Effect.die(new Missing({ id: n })),
  "late-missing": (n) => Effect.andThen(Effect.yieldNow, Effect.fail(new Missing({ id: n }))),
  "late-die": () => Effect.andThen(Effect.yieldNow, Effect.die("late")),
  interrupt: () => Effect.interrupt,
  combined: (n) =>
    Effect.failCause(Cause.combine(Cause.fail(new Missing({ id: n })), Cause.die(new Error("as well")))),
  "die-response": () => Effect.die(HttpServerResponse.text("thrown", { status: 409 }))
}

const handlers = (record: Record_) => {
  /** Does what is asked for, with `value` where that is to succeed. */
  const act = (request: any, value: unknown): Effect.Effect<any, any, any> => {
    const what: string = request.request.headers["x-act"] ?? "ok"
    if (what === "throw") throw new Error("thrown")
    const see = Effect.withFiber((fiber) => {
      const { endpoint, group, request: http, ...parts } = request
      record({
        endpoint: endpoint.identifier,
        group: group.identifier,
        keys: Object.keys(request),
        id: http.headers["x-id"],
        url: http.url,
        parts,
        context: [...fiber.context.mapUnsafe.keys()].sort(),
        store: Context.getUnsafe(fiber.context, Store).name,
        shadowed: Context.getUnsafe(fiber.context, Shadowed).by,
        reference: fiber.getRef(Reference),
        user: Context.getOrUndefined(fiber.context, CurrentUser)?.name,
        interruptible: (fiber as any).interruptible
      })
      return Effect.void
    })
    if (what === "ok" && request.request.headers["x-silent"] !== undefined) return Effect.succeed(value)
    const failure = failures[what]
    if (failure !== undefined)
      return Effect.andThen(
        see,
        Effect.suspend(() => failure(3))
      )
    switch (what) {
      case "later":
        return see.pipe(Effect.andThen(Effect.yieldNow), Effect.as(value))
      case "respond":
        return Effect.as(see, HttpServerResponse.text("own", { status: 299 }))
      case "hook":
        return see.pipe(
          Effect.andThen(
            HttpEffect.appendPreResponseHandler((_, response) =>
              Effect.succeed(HttpServerResponse.setHeader(response, "x-hook", "yes"))
            )
          ),
          Effect.andThen(
            HttpApiBuilder.securitySetCookie(HttpApiSecurity.apiKey({ in: "cookie", key: "c" }), "v")
          ),
          Effect.as(value)
        )
      case "bad":
        return Effect.as(see, { nothing: "that the schema knows" })
      case "fiber":
        return Effect.withFiber((fiber) => {
          fiber.interruptUnsafe(7)
          return Effect.succeed(value)
        })
      default:
        return Effect.as(see, value)
    }
  }
  const thing = (n: number) => ({
    id: n,
    name: 'näme "q" \\ \u2028 \ud83d\ude00',
    ...(n % 2 === 0 ? { price: n === 4 ? Number.NaN : n / 3 } : {}),
    ...(n % 3 === 0 ? { colour: "red" as const } : { colour: undefined }),
    tags: ["a", "b\u0000"],
    parent: n % 5 === 0 ? null : { id: n, extra: "left out" }
  })
  const byId = (make: (n: number) => unknown) => (request: any) => act(request, make(request.params?.id ?? 1))
  const withThing = byId(thing)
  return { act, byId, thing, withThing }
}

const layers = (group: typeof HttpApiBuilder.group, record: Record_) => {
  const { act, byId, thing, withThing } = handlers(record)
  const plain = group(Api, "plain", (handlers: any) =>
    handlers.handleAll({
      get: withThing,
      none: byId(() => undefined),
      optional: (request: any) => act(request, request.params.name ?? "nobody"),
      list: (request: any) => act(request, [thing(1), thing(request.query.limit)]),
      rich: byId(rich),
      tree: byId((n) => ({ value: n, children: [{ value: 1, children: [] }] })),
      several: byId((n) => (n % 2 === 0 ? thing(n) : { queued: true })),
      fields: byId((n) => HttpApiSchema.withHeaders({ body: thing(n), headers: { "x-total": n } })),
      text: byId((n) => `text ${n} ä`),
      csv: byId((n) => `a,b\n${n},2`),
      octets: byId((n) => Uint8Array.of(n, 1, 255)),
      form: byId((n) => ({ a: `${n}&=` })),
      json: byId((n) => ({ id: n })),
      stream: byId((n) => Stream.make(Uint8Array.of(n), Uint8Array.of(2, 3))),
      lines: byId((n) => Stream.make(thing(n), thing(n + 1))),
      slow: (request: any) => act(request, request.params.text),
      strict: withThing,
      bare: byId((n) => ({ id: n })),
      payload: (request: any) => act(request, { a: request.payload.a }),
      slashes: (request: any) => act(request, request.params.name),
      head: byId(() => undefined),
      options: (request: any) => act(request, "options"),
      upgrade: withThing
    })
  )
  const bodies = group(Api, "bodies", (handlers: any) =>
    handlers
      .handleAll({
        create: { handler: withThing, options: { uninterruptible: true } },
        replace: withThing,
        patch: (request: any) => act(request, request.payload),
        remove: byId(() => undefined),
        many: (request: any) => act(request, request.payload),
        slowBody: (request: any) => act(request, request.payload.text),
        tree: (request: any) => act(request, request.payload),
        upload: (request: any) => act(request, request.payload.note),
        lines: (request: any) =>
          Effect.flatMap(Stream.runCount(request.payload), (count) => act({ ...request, payload: 0 }, count))
      })
      .handleRaw("query", (request: any) => act(request, thing(2)))
  )
  const guarded = group(Api, "guarded", (handlers: any) =>
    handlers.handleAll({
      user: withThing,
      one: withThing,
      readable: withThing,
      problem: withThing,
      tolerant: withThing,
      both: withThing
    })
  )
  return Layer.mergeAll(plain, bodies, guarded).pipe(Layer.provide(middleware))
}

/** The routes of the api, with the groups made by `group`. */
export const routes = (group: typeof HttpApiBuilder.group, record: Record_) =>
  HttpApiBuilder.layer(Api).pipe(Layer.provide(layers(group, record) as Layer.Layer<any>))
