/** RFC 9113 §9.2.2 and Appendix A: the cipher suites of TLS 1.2 that HTTP/2 prohibits, and no others. */
import { assert, describe, it } from "@effect/vitest"
import { prohibited } from "../src/internal/http2/security.ts"

const AES = "AES_128_CBC_SHA AES_256_CBC_SHA"
const AES_SHA2 = "AES_128_CBC_SHA256 AES_256_CBC_SHA256"
const AES_GCM = "AES_128_GCM_SHA256 AES_256_GCM_SHA384"
const AES_CCM = "AES_128_CCM AES_256_CCM AES_128_CCM_8 AES_256_CCM_8"
const ARIA = "ARIA_128_CBC_SHA256 ARIA_256_CBC_SHA384"
const ARIA_GCM = "ARIA_128_GCM_SHA256 ARIA_256_GCM_SHA384"
const CAMELLIA = "CAMELLIA_128_CBC_SHA CAMELLIA_256_CBC_SHA CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA256"
const CAMELLIA_SHA2 = "CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA384"
const CAMELLIA_GCM = "CAMELLIA_128_GCM_SHA256 CAMELLIA_256_GCM_SHA384"
const GCM = `${AES_GCM} ${ARIA_GCM} ${CAMELLIA_GCM}`
const DES = "DES_CBC_SHA 3DES_EDE_CBC_SHA"
const DH = `${DES} ${AES} ${AES_SHA2} ${CAMELLIA} ${ARIA} SEED_CBC_SHA`
const PSK = `RC4_128_SHA 3DES_EDE_CBC_SHA ${AES} AES_128_CBC_SHA256 AES_256_CBC_SHA384 NULL_SHA NULL_SHA256 NULL_SHA384 ${ARIA} ${CAMELLIA_SHA2}`
const ECDH = `NULL_SHA RC4_128_SHA 3DES_EDE_CBC_SHA ${AES}`
const ECDH_SHA2 = `AES_128_CBC_SHA256 AES_256_CBC_SHA384 ${ARIA} ${CAMELLIA_SHA2}`
const SRP = `3DES_EDE_CBC_SHA ${AES}`

/** Appendix A, by key exchange. Its TLS_EMPTY_RENEGOTIATION_INFO_SCSV is a signal, and never agreed on. */
const listed: Readonly<Record<string, string>> = {
  NULL: "NULL_NULL",
  RSA: `NULL_MD5 NULL_SHA RC4_128_MD5 RC4_128_SHA IDEA_CBC_SHA NULL_SHA256 ${DH} ${GCM} ${AES_CCM}`,
  RSA_EXPORT: "RC4_40_MD5 RC2_CBC_40_MD5 DES40_CBC_SHA",
  DH_DSS: `${DH} ${GCM}`,
  DH_RSA: `${DH} ${GCM}`,
  DHE_DSS: DH,
  DHE_RSA: DH,
  DH_anon: `RC4_128_MD5 ${DH} ${GCM}`,
  DH_DSS_EXPORT: "DES40_CBC_SHA",
  DH_RSA_EXPORT: "DES40_CBC_SHA",
  DHE_DSS_EXPORT: "DES40_CBC_SHA",
  DHE_RSA_EXPORT: "DES40_CBC_SHA",
  DH_anon_EXPORT: "RC4_40_MD5 DES40_CBC_SHA",
  KRB5: `${DES} RC4_128_SHA IDEA_CBC_SHA DES_CBC_MD5 3DES_EDE_CBC_MD5 RC4_128_MD5 IDEA_CBC_MD5`,
  KRB5_EXPORT: "DES_CBC_40_SHA RC2_CBC_40_SHA RC4_40_SHA DES_CBC_40_MD5 RC2_CBC_40_MD5 RC4_40_MD5",
  PSK: `${PSK} ${GCM} ${AES_CCM}`,
  DHE_PSK: PSK,
  RSA_PSK: `${PSK} ${GCM}`,
  ECDHE_PSK: PSK,
  ECDH_ECDSA: `${ECDH} ${ECDH_SHA2} ${GCM}`,
  ECDHE_ECDSA: `${ECDH} ${ECDH_SHA2}`,
  ECDH_RSA: `${ECDH} ${ECDH_SHA2} ${GCM}`,
  ECDHE_RSA: `${ECDH} ${ECDH_SHA2}`,
  ECDH_anon: ECDH,
  SRP_SHA: SRP,
  SRP_SHA_RSA: SRP,
  SRP_SHA_DSS: SRP
}

const CHACHA = "CHACHA20_POLY1305_SHA256"

/** Suites of TLS 1.2 that are registered and not listed. */
const others: Readonly<Record<string, string>> = {
  DHE_RSA: `${GCM} ${AES_CCM} ${CHACHA}`,
  DHE_DSS: GCM,
  DHE_PSK: `${GCM} AES_128_CCM AES_256_CCM ${CHACHA}`,
  ECDHE_ECDSA: `${GCM} ${AES_CCM} ${CHACHA}`,
  ECDHE_RSA: `${GCM} ${CHACHA}`,
  ECDHE_PSK: `${AES_GCM} AES_128_CCM_SHA256 AES_128_CCM_8_SHA256 ${CHACHA}`,
  PSK: CHACHA,
  RSA_PSK: CHACHA,
  GOSTR341112_256: "KUZNYECHIK_CTR_OMAC MAGMA_CTR_OMAC 28147_CNT_IMIT"
}

const names = (table: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(table).flatMap(([key, ciphers]) =>
    ciphers.split(" ").map((cipher) => `TLS_${key}_WITH_${cipher}`)
  )

const tls = (protocolVersion: string | undefined, cipherSuite: string | undefined) => ({
  alpnProtocol: "h2",
  serverName: undefined,
  protocolVersion,
  cipherSuite
})

const judged = (suites: ReadonlyArray<string>, version = "TLSv1.2") =>
  suites.filter((suite) => prohibited(tls(version, suite)) === suite)

describe("RFC 9113 §9.2.2 TLS 1.2 cipher suites", () => {
  it("those of Appendix A are prohibited, each of them", () => {
    const suites = names(listed)
    assert.strictEqual(new Set(suites).size, 275)
    assert.deepStrictEqual(judged(suites), suites)
  })

  it("no other is", () => assert.deepStrictEqual(judged(names(others)), []))

  it("none of TLS 1.3 is, and nothing is where nothing is known", () => {
    assert.deepStrictEqual(
      judged(["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_AES_128_CCM_SHA256"], "TLSv1.3"),
      []
    )
    for (const info of [undefined, tls(undefined, undefined), tls("TLSv1.2", undefined)]) {
      assert.isUndefined(prohibited(info))
    }
  })
})
