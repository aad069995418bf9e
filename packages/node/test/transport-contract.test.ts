/** NetTransport and PollTransport keep the contract of transports, over everything that it listens on. */

import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { describe, it } from "@effect/vitest"
import { NetTransport, PollTransport } from "@nvo/node"
import { TransportContract } from "@nvo/testing"
import * as Effect from "effect/Effect"
import { held } from "./support/countDescriptors.ts"
import * as Certificate from "./support/peersCertificate.ts"
import * as Peers from "./support/peersSocket.ts"

const runner: TransportContract.Runner = { describe, live: it.live }
const resources = Effect.sync(held)
const tcp = Effect.succeed({ host: "127.0.0.1", port: 0 })

const socketPath = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "nvo-"))),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
  ),
  (folder) => ({ path: Path.join(folder, "socket") })
)

TransportContract.suite(
  "TCP",
  { layer: NetTransport.layer(), where: tcp, connect: Peers.connect, tellsResets: true, resources },
  runner
)

TransportContract.suite(
  "TCP, read by 'data' events",
  {
    layer: NetTransport.layer({ readsEvents: true } as NetTransport.Options),
    where: tcp,
    connect: Peers.connect,
    tellsResets: true,
    resources
  },
  runner
)

TransportContract.suite(
  "a unix socket",
  { layer: NetTransport.layer(), where: socketPath, connect: Peers.connect, tellsResets: false, resources },
  runner
)

TransportContract.suite(
  "TLS",
  {
    layer: NetTransport.layer({ tls: Certificate }),
    where: tcp,
    connect: Peers.connectTls(Certificate.cert),
    tellsResets: false,
    resources
  },
  runner
)

TransportContract.suite(
  "TCP, by a poller",
  { layer: PollTransport.layer(), where: tcp, connect: Peers.connect, tellsResets: true, resources },
  runner
)

TransportContract.suite(
  "a unix socket, by a poller",
  { layer: PollTransport.layer(), where: socketPath, connect: Peers.connect, tellsResets: false, resources },
  runner
)
