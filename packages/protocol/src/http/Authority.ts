/**
 * The grammar of `uri-host [ ":" port ]`, RFC 9110 §7.2 and RFC 3986 §3.2: what may stand in a Host field and
 * in a request target's authority. No userinfo, no path, no list.
 */
const IPV6 = /^[0-9A-Fa-f:.]{2,45}$/
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/
const IPV_FUTURE = /^v[0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+$/i
const REG_NAME = /^(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})*$/
const PORT = /^[0-9]{0,5}$/

const isIpv6 = (text: string): boolean => {
  if (!IPV6.test(text)) return false
  const compressed = text.indexOf("::")
  if (compressed !== -1 && text.indexOf("::", compressed + 1) !== -1) return false
  const groups = text.split(":")
  const last = groups[groups.length - 1]
  const v4 = last.includes(".")
  if (v4 && !IPV4.test(last)) return false
  const hex = v4 ? groups.slice(0, -1) : groups
  if (hex.some((group) => group.length > 4 || group.includes("."))) return false
  if (compressed === -1) {
    return hex.every((group) => group.length > 0) && hex.length === (v4 ? 6 : 8)
  }
  const edge = (text.startsWith("::") ? 1 : 0) + (!v4 && text.endsWith("::") ? 1 : 0)
  if (text.startsWith(":") && !text.startsWith("::")) return false
  if (text.endsWith(":") && !text.endsWith("::")) return false
  return hex.length - edge + (v4 ? 2 : 0) <= 8
}

const isHost = (host: string): boolean => {
  if (!host.startsWith("[")) return REG_NAME.test(host)
  if (!host.endsWith("]")) return false
  const literal = host.slice(1, -1)
  return isIpv6(literal) || IPV_FUTURE.test(literal)
}

/**
 * Whether `text` is a host with an optional port. The comma, though a sub-delim, is refused: `a, b` in a Host
 * field is a list that somebody merged, not a name.
 *
 * An empty text is a valid (empty) host; who needs a name asks for `text !== ""` besides.
 */
export const isValid = (text: string): boolean => {
  const afterLiteral = text.startsWith("[") ? text.indexOf("]") : 0
  if (afterLiteral === -1) return false
  const colon = text.indexOf(":", afterLiteral)
  if (colon === -1) return isHost(text)
  const port = text.slice(colon + 1)
  return isHost(text.slice(0, colon)) && PORT.test(port) && Number(port) <= 65_535
}

/** Whether `text` is a non-empty host with a port, as CONNECT needs it, RFC 9110 §9.3.6. */
export const isValidWithPort = (text: string): boolean => {
  const colon = text.lastIndexOf(":")
  return colon > 0 && colon < text.length - 1 && isValid(text) && text.indexOf("]", colon) === -1
}
