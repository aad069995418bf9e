/** nginx as a reverse proxy in front of servers on this machine. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { folder, start } from "./peersPrograms.ts"
import * as Wire from "./Wire.ts"

export interface Options {
  /** The ports of the servers behind it. */
  readonly upstreams: ReadonlyArray<number>
  /** Connections that it keeps to them. */
  readonly keepalive: number
  /** Whether bodies pass through as they come. Default: they are buffered. */
  readonly streams?: boolean
  /** What it speaks with its clients, without TLS. Default: HTTP/1.1. */
  readonly clients?: "h1" | "h2"
  /** What it speaks with the servers behind it; HTTP/2 as for gRPC. Default: HTTP/1.1. */
  readonly servers?: "h1" | "h2"
}

const passes = ({ servers, streams }: Options): string =>
  servers === "h2"
    ? "grpc_pass grpc://nvo;"
    : `proxy_pass http://nvo;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      ${streams === true ? "proxy_request_buffering off;\n      proxy_buffering off;" : ""}`

const config = (place: string, port: number, options: Options): string => `
daemon off;
master_process off;
error_log stderr notice;
pid ${place}/pid;
events { worker_connections 256; }
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${place}/${name};`)
    .join("\n  ")}
  upstream nvo {
    ${options.upstreams.map((upstream) => `server 127.0.0.1:${upstream} max_fails=0;`).join("\n    ")}
    keepalive ${options.keepalive};
  }
  server {
    listen 127.0.0.1:${port}${options.clients === "h2" ? " http2" : ""};
    client_max_body_size 100m;
    location / {
      ${passes(options)}
    }
  }
}
`

/** A port that nobody listens on. nginx cannot say which one it was given. */
export const freePort: Effect.Effect<number> = Effect.callback((resume) => {
  const server = Net.createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as Net.AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Starts it; gives its port and a connection to it. */
export const inFront = (
  nginx: string,
  options: Options
): Effect.Effect<{ readonly port: number; readonly wire: Wire.Wire }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const place = yield* folder
    const port = yield* freePort
    const file = Path.join(place, "nginx.conf")
    Fs.writeFileSync(file, config(place, port, options))
    yield* start(nginx, ["-p", place, "-c", file], /start worker processes|OS: Linux|built by/)
    return { port, wire: yield* Effect.eventually(Wire.connect(port)) }
  })
