/**
 * TLS for a server: certificates, ALPN and SNI, as values.
 */

import { constants } from "node:crypto"
import * as Tls from "node:tls"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

type Pem = string | Uint8Array

/** A certificate chain with its private key, in PEM. */
export interface Certificate {
  readonly cert: Pem
  readonly key: Pem | Redacted.Redacted<string>
  readonly passphrase?: Redacted.Redacted<string> | undefined
}

/** See the module. */
export interface TlsOptions extends Certificate {
  /** Protocols offered by ALPN, best first. Default: `["h2", "http/1.1"]` of a server that speaks HTTP/2, otherwise `["http/1.1"]`. */
  readonly alpnProtocols?: ReadonlyArray<string> | undefined
  /** Certificates for other names (SNI); the names may begin with `*.`. Names not listed get the main one. */
  readonly serverNames?: Readonly<Record<string, Certificate>> | undefined
  /** Certificate authorities for client certificates. */
  readonly ca?: Pem | ReadonlyArray<Pem> | undefined
  /** Whether clients are asked for a certificate. Default: false. */
  readonly requestCert?: boolean | undefined
  /** Whether clients without a valid certificate are refused, if asked. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined
  /** The oldest protocol version spoken. Default: Node's, TLSv1.2. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined
}

const pem = (value: Pem | Redacted.Redacted<string>): string | Buffer => {
  const plain = Redacted.isRedacted(value) ? Redacted.value(value) : value
  return typeof plain === "string" ? plain : Buffer.from(plain)
}

const secureContext = (certificate: Certificate) => ({
  cert: pem(certificate.cert),
  key: pem(certificate.key),
  ...(certificate.passphrase === undefined ? {} : { passphrase: Redacted.value(certificate.passphrase) })
})

const find = <A>(names: ReadonlyMap<string, A>, serverName: string): A | undefined => {
  const lower = serverName.toLowerCase()
  return names.get(lower) ?? names.get(lower.replace(/^[^.]+/, "*"))
}

/** The options as Node takes them. Fails where a certificate or key cannot be read. */
export const toServerOptions = (options: TlsOptions): Effect.Effect<Tls.TlsOptions, unknown> =>
  Effect.try({
    try: (): Tls.TlsOptions => {
      // Made here so that a bad certificate fails the start, not the first handshake.
      Tls.createSecureContext(secureContext(options))
      const contexts = new Map(
        Object.entries(options.serverNames ?? {}).map(([name, certificate]) => [
          name.toLowerCase(),
          Tls.createSecureContext(secureContext(certificate))
        ])
      )
      return {
        ...secureContext(options),
        // RFC 9113 §9.2.1. Whoever speaks HTTP/1.1 has no use for it either: with TLS 1.2 a peer could have handshake
        // after handshake of a single connection.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
        ALPNProtocols: [...(options.alpnProtocols ?? ["http/1.1"])],
        ...(options.ca === undefined
          ? {}
          : { ca: (Array.isArray(options.ca) ? options.ca : [options.ca]).map((ca: Pem) => pem(ca)) }),
        ...(options.requestCert === undefined ? {} : { requestCert: options.requestCert }),
        ...(options.rejectUnauthorized === undefined
          ? {}
          : { rejectUnauthorized: options.rejectUnauthorized }),
        ...(options.minVersion === undefined ? {} : { minVersion: options.minVersion }),
        ...(contexts.size === 0
          ? {}
          : { SNICallback: (name, callback) => callback(null, find(contexts, name)) })
      }
    },
    catch: (cause) => cause
  })
