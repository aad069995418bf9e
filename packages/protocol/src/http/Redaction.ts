/**
 * What of a message may be shown to people who read logs: names, framing and routing, never what a peer or an
 * application keeps secret.
 *
 * What is not known to be harmless is hidden: a field that nobody thought of may hold a key. Add a name to
 * `shownFields` only if no application puts a secret into it.
 */

/** What stands in place of what is hidden. */
export const hidden = "<redacted>"

// Fields that frame or route a message, which is what a refused message is refused for.
const shownFields: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "via"
])

/** Whether the value of a field may be shown. Its name, in any case, always may. */
export const showsField = (name: string): boolean => shownFields.has(name.toLowerCase())

/** An authority without its userinfo, RFC 9110 §4.2.4: `user:password@host` is `<redacted>@host`. */
export const authority = (text: string): string => {
  const at = text.lastIndexOf("@")
  return at === -1 ? text : `${hidden}${text.slice(at)}`
}

/**
 * A request target without userinfo and without its query.
 *
 * @example
 * ```ts
 * import * as Redaction from "@nvo/protocol/http/Redaction"
 *
 * Redaction.target("/reset?token=abc") // "/reset?<redacted>"
 * ```
 */
export const target = (text: string): string => {
  const query = text.search(/[?#]/)
  const path = query === -1 ? text : text.slice(0, query + 1)
  const shown = path.startsWith("/")
    ? path
    : path.replace(
        /^([a-z][a-z0-9+.-]*:\/\/)?[^/?#]*/i,
        (start, scheme: string | undefined) => `${scheme ?? ""}${authority(start.slice(scheme?.length ?? 0))}`
      )
  return query === -1 || query === text.length - 1 ? shown : `${shown}${hidden}`
}

/** The value of a field as far as it may be shown. */
export const fieldValue = (name: string, value: string): string => {
  if (!showsField(name)) return hidden
  return name.toLowerCase() === "host" ? authority(value) : value
}
