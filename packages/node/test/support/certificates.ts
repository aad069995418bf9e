/** Certificates for tests, made by the openssl program where there is one. */

import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Effect from "effect/Effect"

/** Whether certificates can be made on this machine. */
export const available: boolean = ChildProcess.spawnSync("openssl", ["version"]).status === 0

export interface Certificate {
  readonly cert: string
  readonly key: string
}

const newKeys = {
  ecdsa: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
  rsa: ["rsa:2048"]
}

/** A certificate for `name` that is signed by itself. */
export const selfSigned = (
  name: string,
  algorithm: keyof typeof newKeys = "ecdsa"
): Effect.Effect<Certificate> =>
  Effect.sync(() => {
    const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "nvo-certificate-"))
    try {
      const key = Path.join(directory, "key.pem")
      const cert = Path.join(directory, "cert.pem")
      const made = ChildProcess.spawnSync("openssl", [
        ...["req", "-x509", "-newkey", ...newKeys[algorithm], "-nodes", "-days", "2"],
        ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-keyout", key, "-out", cert]
      ])
      if (made.status !== 0) throw new Error(String(made.stderr))
      return { cert: Fs.readFileSync(cert, "utf8"), key: Fs.readFileSync(key, "utf8") }
    } finally {
      Fs.rmSync(directory, { recursive: true })
    }
  })
