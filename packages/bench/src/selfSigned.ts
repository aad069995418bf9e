/** A certificate for `localhost`, signed by itself, valid for a day, made by the `openssl` program. */

import { CliError } from "effect/cli"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** Certificate and key in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** `openssl` is not there, or could not make a certificate. */
export class NoCertificate extends Data.TaggedError("NoCertificate")<{ readonly cause: unknown }> {
  override get message(): string {
    return "--tls needs the program openssl (version 1.1.1 or later) to make a certificate, and it did not run"
  }
  override get [CliError.userMessage](): string {
    return this.message
  }
}

const command = ChildProcess.make("openssl", [
  ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -keyout - -out -".split(" "),
  ..."-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1".split(" ")
])

const block = (output: string, label: string): string | undefined =>
  new RegExp(`-----BEGIN ${label}-----[^]+?-----END ${label}-----\n`).exec(output)?.[0]

export const make = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const output = yield* Effect.mapError(spawner.string(command), (cause) => new NoCertificate({ cause }))
  const cert = block(output, "CERTIFICATE")
  const key = block(output, "PRIVATE KEY")
  if (cert === undefined || key === undefined) return yield* new NoCertificate({ cause: output })
  return { cert, key } satisfies Certificate
})
