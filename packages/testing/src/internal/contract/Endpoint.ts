/** An endpoint as the contract sees it: what it takes, what it may answer, and who may ask. */
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Schema from "effect/Schema"
import type { ParseOptions } from "effect/SchemaAST"

/** What a typed client takes for an endpoint. */
export interface Input {
  readonly params?: unknown
  readonly query?: unknown
  readonly headers?: unknown
  readonly payload?: unknown
}

/** See the module. */
export interface Endpoint {
  readonly name: string
  readonly group: string
  readonly topLevel: boolean
  readonly endpoint: HttpApiEndpoint.Top
  /** Statuses that are declared, errors of middleware among them. */
  readonly statuses: ReadonlySet<number>
  readonly isSecured: boolean
  /** Whether its responses are streams or upgrades, whose declared schemas are not of one body. */
  readonly isStreamed: boolean
  /** The schema of a JSON payload, encoded as it is sent. */
  readonly json: Schema.Top | undefined
  readonly payloadOptions: ParseOptions
  /** Valid inputs; `undefined` where they cannot be generated from the schemas. */
  readonly inputs: Arbitrary.Arbitrary<Input> | undefined
}

const jsonOf = (endpoint: HttpApiEndpoint.Top): Schema.Top | undefined => {
  for (const { encoding, schemas } of endpoint.payload.values()) {
    if (encoding._tag === "Json") return Schema.Union(schemas as ReadonlyArray<Schema.Top>) as Schema.Top
  }
  return undefined
}

const inputsOf = (
  endpoint: HttpApiEndpoint.Top,
  json: Schema.Top | undefined
): Arbitrary.Arbitrary<Input> | undefined => {
  if (endpoint.payload.size > 0 && json === undefined) return undefined
  const parts: Record<string, Schema.Top | undefined> = {
    params: endpoint.params,
    query: endpoint.query,
    headers: endpoint.headers,
    payload: json
  }
  try {
    return Arbitrary.all(
      Object.fromEntries(
        Object.entries(parts)
          .filter((entry): entry is [string, Schema.Top] => entry[1] !== undefined)
          .map(([name, schema]) => [name, Arbitrary.schema(schema)])
      )
    )
  } catch {
    // A schema that nothing can be generated from.
    return undefined
  }
}

/** All endpoints of an API. */
export const all = (api: HttpApi.Top): ReadonlyArray<Endpoint> => {
  const endpoints: Array<Endpoint> = []
  HttpApi.reflect(api as never, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, errors, group, mergedAnnotations, middleware, successes }) => {
      const json = jsonOf(endpoint)
      const options = Context.getOrUndefined(mergedAnnotations, HttpApi.PayloadParseOptions) ?? {}
      endpoints.push({
        name: endpoint.identifier,
        group: group.identifier,
        topLevel: group.topLevel,
        endpoint,
        statuses: new Set([...successes.keys(), ...errors.keys()]),
        isSecured: [...middleware].some((one) => HttpApiMiddleware.isSecurity(one)),
        isStreamed: successes.size === 0,
        json,
        payloadOptions: options as Endpoint["payloadOptions"],
        inputs: inputsOf(endpoint, json)
      })
    }
  })
  return endpoints
}
