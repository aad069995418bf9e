/** Says where to look, once the server answers. */
import { Console, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import * as Database from "./database/Database.ts"

const text = (url: string, database: string) => `
  Todo API   ${url}/todos
  Docs       ${url}/docs            (OpenAPI: ${url}/openapi.json)
  Database   ${database}

  Try it:
    curl '${url}/todos?completed=false&search=server&limit=10'
    curl '${url}/todos' -H 'content-type: application/json' -d '{"title":"Buy milk"}'
    curl -X PATCH '${url}/todos/2' -H 'content-type: application/json' -d '{"completed":true}'
    curl -X DELETE '${url}/todos/3'
    curl '${url}/todos/export' > todos.ndjson
    curl '${url}/todos/import' -F file=@todos.ndjson

  Ctrl-C stops it; the todos stay.
`

/** An address that means "every interface" is nothing to put into a browser. */
const browsable = (address: string) =>
  address.replace(/\/\/(0\.0\.0\.0|127\.0\.0\.1|\[::1?\])(?=:)/, "//localhost")

export const Banner = Layer.effectDiscard(
  HttpServer.addressFormattedWith((address) =>
    Effect.flatMap(Database.filename, (database) => Console.log(text(browsable(address), database)))
  )
)
