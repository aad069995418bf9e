/** What HTTP/2 asks of the TLS below it, RFC 9113 §9.2. */
import type { TlsInfo } from "../../Transport.ts"

// Appendix A, by what its names have in common: stream and block ciphers and none at all, and keys that are not
// ephemeral. What was registered since is not prohibited, and may not be refused (§9.2.2).
const PROHIBITED =
  /^TLS_(?:\w+_WITH_\w*(?:NULL|RC4|CBC)|(?!DHE_|ECDHE_)\w+_WITH_(?:AES|ARIA|CAMELLIA)_\d+_(?:GCM|CCM))/

/** The cipher suite of TLS 1.2 that HTTP/2 prohibits, if that is what was agreed on. */
export const prohibited = (tls: TlsInfo | undefined): string | undefined =>
  tls?.protocolVersion === "TLSv1.2" && tls.cipherSuite !== undefined && PROHIBITED.test(tls.cipherSuite)
    ? tls.cipherSuite
    : undefined
