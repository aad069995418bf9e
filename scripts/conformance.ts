// `npm run conformance`: what RFC 9110 and 9112 ask of a server, asked of nvo, of its peers, or of any server that
// listens somewhere. `--help` lists the options.
import { writeFileSync } from "node:fs"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Conformance } from "@nvo/testing"
import { Console, Data, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { type ServerName, servers } from "./lib/conformance.ts"
import { connect } from "./lib/peer.ts"

/** What ends the command with an exit code. */
class NotMet extends Data.TaggedError("NotMet") {}

const names = Object.keys(servers) as Array<ServerName>
const page = new URL("../docs/conformance.md", import.meta.url)

const flags = {
  server: Flag.Literals("server", names).pipe(
    Flag.withDescription("The server to ask"),
    Flag.withDefault("nvo" as ServerName)
  ),
  address: Flag.String("address").pipe(
    Flag.withDescription(
      "Asks a server that listens there, as 127.0.0.1:3000; it has to answer GET / and POST / with 200"
    ),
    Flag.optional
  ),
  page: Flag.Boolean("page").pipe(
    Flag.withDescription("Asks all servers and writes docs/conformance.md"),
    Flag.withDefault(false)
  )
}

const summary = (results: ReadonlyArray<Conformance.Result>): string =>
  (["MUST", "SHOULD"] as const)
    .map((level) => {
      const [met, of] = Conformance.count(results, level)
      return `${met} of ${of} ${level}`
    })
    .join(", ")

const ask = (name: ServerName) =>
  Effect.scoped(Effect.flatMap(servers[name].start, (port) => Conformance.run(connect("127.0.0.1", port))))

const writePage = Effect.gen(function* () {
  const parts: Array<string> = []
  for (const name of names) {
    const results = yield* ask(name)
    yield* Console.log(`${servers[name].title}: ${summary(results)}`)
    parts.push(`## ${servers[name].title}\n\n${summary(results)} met.\n\n${Conformance.table(results)}\n`)
  }
  const day = new Date().toISOString().slice(0, 10)
  writeFileSync(
    page,
    `# Conformance to RFC 9110 and RFC 9112

What the RFCs ask of a server of HTTP/1.1, asked of nvo and of two peers on ${day}, each with its defaults and an
app that reads the body and answers 200. \`npm run conformance -- --page\` wrote this page;
\`npm run conformance -- --address 127.0.0.1:3000\` asks any server. Where an RFC leaves a choice, either answer meets it.
nvo's table is part of \`npm test\`, where a requirement that is not met fails.

${parts.join("\n")}`
  )
})

const command = Command.make("conformance", flags, ({ address, page, server }) =>
  Effect.gen(function* () {
    if (page) return yield* writePage
    const [host, port] = Option.getOrElse(address, () => "").split(":")
    const results = yield* Option.isSome(address) ? Conformance.run(connect(host, Number(port))) : ask(server)
    yield* Console.log(`${Conformance.table(results)}\n\n${summary(results)} met`)
    const [met, of] = Conformance.count(results, "MUST")
    return met === of ? undefined : yield* new NotMet()
  })
).pipe(Command.withDescription("Asks a server what RFC 9110 and RFC 9112 ask of it"))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), (main) =>
  NodeRuntime.runMain(main, { disableErrorReporting: true })
)
