/**
 * SHA-1 (RFC 3174) and base64 (RFC 4648 §4), which the opening handshake needs for a hash that protects nothing:
 * it only shows that the server read the key. Pure, so that the handshake needs no platform.
 */

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** The 20 octets of the digest. */
export const sha1 = (message: Uint8Array): Uint8Array => {
  const blocks = ((message.length + 8) >> 6) + 1
  const words = new Int32Array(blocks * 16)
  for (let i = 0; i < message.length; i++) words[i >> 2] |= message[i] << (24 - (i & 3) * 8)
  words[message.length >> 2] |= 0x80 << (24 - (message.length & 3) * 8)
  words[words.length - 1] = message.length * 8
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
  const w = new Int32Array(80)
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4]
    for (let t = 0; t < 80; t++) {
      w[t] = t < 16 ? words[block + t] : rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1)
      const [f, k] =
        t < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : t < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : t < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6]
      const next = (rotate(a, 5) + f + e + k + w[t]) | 0
      e = d
      d = c
      c = rotate(b, 30)
      b = a
      a = next
    }
    h0 = (h0 + a) | 0
    h1 = (h1 + b) | 0
    h2 = (h2 + c) | 0
    h3 = (h3 + d) | 0
    h4 = (h4 + e) | 0
  }
  const digest = new Uint8Array(20)
  for (const [index, word] of [h0, h1, h2, h3, h4].entries()) {
    for (let i = 0; i < 4; i++) digest[index * 4 + i] = word >>> (24 - i * 8)
  }
  return digest
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** The octets in base64, with padding. */
export const base64 = (bytes: Uint8Array): string => {
  let text = ""
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += alphabet[word >> 18] + alphabet[(word >> 12) & 63]
    text += i + 1 < bytes.length ? alphabet[(word >> 6) & 63] : "="
    text += i + 2 < bytes.length ? alphabet[word & 63] : "="
  }
  return text
}
