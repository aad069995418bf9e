/**
 * Mutations of the request line.
 */

import * as Characters from "../../Characters.ts"
import type { Mutation } from "../../Mutation.ts"
import { absolute, any, connect, define, insertAt, origin, pick } from "./define.ts"

const line = define("RequestLine")

export const requestLine: ReadonlyArray<Mutation> = [
  line("a delimiter in the method", "InvalidMethod", any, (model, [a, b]) => ({
    ...model,
    method: insertAt(model.method, pick(Characters.DELIMITERS, a), b)
  })),
  line("a control or obs-text octet in the method", "InvalidMethod", any, (model, [a, b]) => ({
    ...model,
    method: insertAt(model.method, pick(`\t${Characters.CONTROL}${Characters.OBS_TEXT}`, a), b)
  })),
  line("white space before the method", "InvalidMethod", any, (model, [a]) => ({
    ...model,
    method: pick([" ", "\t"], a) + model.method
  })),
  line("a tab behind the method", "InvalidMethod", any, (model) => ({ ...model, afterMethod: "\t" })),
  line("a NUL in the method", "NulByte", any, (model, [, b]) => ({
    ...model,
    method: insertAt(model.method, "\0", b)
  })),
  line("a method of 33 octets", "MethodTooLong", any, (model) => ({ ...model, method: "M".repeat(33) })),
  line("five empty lines", "TooManyEmptyLines", any, (model) => ({ ...model, leading: "\r\n".repeat(5) })),
  line("an empty line that is a bare LF", "BareLineFeed", any, (model) => ({ ...model, leading: "\n" })),
  line("an empty line that is a bare CR", "BareCarriageReturn", any, (model) => ({
    ...model,
    leading: "\r"
  })),
  line("two spaces before the target", "InvalidTarget", any, (model) => ({ ...model, afterMethod: "  " })),
  line("a control octet in the target", "InvalidTarget", any, (model, [a, b]) => ({
    ...model,
    target: insertAt(model.target, pick(`\t${Characters.CONTROL}`, a), b)
  })),
  line("a NUL in the target", "NulByte", any, (model, [, b]) => ({
    ...model,
    target: insertAt(model.target, "\0", b)
  })),
  line("an octet outside the target's grammar", "InvalidTarget", origin, (model, [a, b]) => ({
    ...model,
    target: `/${insertAt(model.target.slice(1).replaceAll("%", "_"), pick(`#"<>\\^\`{|}[]${Characters.OBS_TEXT}`, a), b)}`
  })),
  line("broken percent-encoding", "InvalidTarget", origin, (model, [a]) => ({
    ...model,
    target: model.target + pick(["%", "%4", "%zz", "%4g", "%%41", "%u0041"], a)
  })),
  line("a relative reference", "InvalidTarget", origin, (model, [a]) => ({
    ...model,
    target: pick(["index.html", "?q", "a/b", ".", "host", "http:/", "http:", "**"], a)
  })),
  line("a scheme that is not http", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: pick(["ftp", "ws", "xhttp", "httpx", ""], a) + model.target.slice(model.target.indexOf(":"))
  })),
  line("userinfo in the target", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: model.target.replace("://", `://${pick(["user@", "user:pass@", "@", "a%40b@"], a)}`)
  })),
  line("an empty host in the target", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: pick(["http://", "http:///a", "http://:80/", "https://?q", "http://:"], a)
  })),
  line("a host outside its grammar in the target", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: `http://${pick(
      invalidAuthorities.filter((authority) => !authority.includes(" ")),
      a
    )}/`
  })),
  line("an asterisk for another method than OPTIONS", "TargetFormMismatch", origin, (model) => ({
    ...model,
    method: model.method === "OPTIONS" ? "GET" : model.method,
    target: "*"
  })),
  line("CONNECT with another form", "TargetFormMismatch", connect, (model, [a]) => ({
    ...model,
    target: pick(
      ["/", "*", "http://a/", "a", "a:", ":80", "a:80/", "u@a:80", "[::1]", "a:65536", "a,b:80"],
      a
    )
  })),
  line("no version", "MissingVersion", any, (model) => ({ ...model, afterTarget: "", version: "" })),
  line("a malformed version", "InvalidVersion", any, (model, [a]) => ({
    ...model,
    version: pick(
      [
        "",
        "http/1.1",
        "Http/1.1",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/1.10",
        "HTTP/11.1",
        "HTTP/1,1",
        "HTTP 1.1",
        "HTTP/ 1.1",
        "HTTP/1.1 ",
        "HTTP/1.1\t",
        " HTTP/1.1",
        "HTTPS/1.1",
        "HTTP/a.1",
        "HTTP/1.x",
        "HTTP/+1.1",
        "ICY/1.1"
      ],
      a
    )
  })),
  line("a NUL in the version", "NulByte", any, (model, [, b]) => ({
    ...model,
    version: insertAt(model.version, "\0", b)
  })),
  line("a version that is not ours", "UnsupportedVersion", any, (model, [a]) => ({
    ...model,
    version: pick(["HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/1.2", "HTTP/1.9", "HTTP/9.9"], a)
  })),
  line("a request line of more than 8000 octets", "RequestLineTooLong", origin, (model, [, b]) => ({
    ...model,
    target: `/${"a".repeat(8_000 + (b % 20))}`
  })),
  line("a bare LF behind the request line", "BareLineFeed", any, (model) => ({ ...model, lineEnd: "\n" })),
  line("a bare CR behind the request line", "BareCarriageReturn", any, (model) => ({
    ...model,
    lineEnd: "\r"
  }))
]

/** What is no host with an optional port, wherever it stands. */
export const invalidAuthorities: ReadonlyArray<string> = [
  "a b",
  "a,b",
  "a, b",
  "user@a",
  "a:b",
  "a:80:80",
  "a:65536",
  "a:-1",
  "a:+80",
  "a:8 0",
  "a\\b",
  "a%zz",
  "a%4",
  "<a>",
  '"a"',
  "::1",
  "[::1",
  "::1]",
  "[]",
  "[::1]a",
  "[::1]80",
  "[:1]",
  "[1:]",
  "[:::]",
  "[1::2::3]",
  "[12345::]",
  "[g::]",
  "[1:2:3:4:5:6:7]",
  "[1:2:3:4:5:6:7:8:9]",
  "[1:2:3:4:5:6:7::8:9]",
  "[1:2:3:4:5:6:7:8::]",
  "[::1.2.3]",
  "[::1.2.3.256]",
  "[1.2.3.4]",
  "[1.2.3.4::]",
  "[::1%25eth0]",
  "[v1]",
  "[v.a]",
  "[vg.a]",
  "[v1.]"
]
