/** What of a message may be shown in a log. */
import { assert, describe, it } from "@effect/vitest"
import { Redaction } from "@nvo/protocol"

describe("Redaction", () => {
  const targets: ReadonlyArray<readonly [target: string, shown: string]> = [
    ["/", "/"],
    ["/a/b%20c", "/a/b%20c"],
    ["/reset?token=abc", "/reset?<redacted>"],
    ["/reset?", "/reset?"],
    ["/a#b", "/a#<redacted>"],
    ["/@alice", "/@alice"],
    ["*", "*"],
    ["http://a/b?c", "http://a/b?<redacted>"],
    ["http://user:password@a/b", "http://<redacted>@a/b"],
    ["http://user:p@ss@a/b", "http://<redacted>@a/b"],
    ["ftp://user@a", "ftp://<redacted>@a"],
    ["user:password@a:443", "<redacted>@a:443"],
    ["a:443", "a:443"],
    ["", ""]
  ]
  for (const [target, shown] of targets) {
    it(`shows the target ${JSON.stringify(target)} as ${JSON.stringify(shown)}`, () => {
      assert.strictEqual(Redaction.target(target), shown)
    })
  }

  it("shows what frames and routes a message, in any case of its name", () => {
    for (const name of ["Host", "content-length", "Transfer-Encoding", "EXPECT"]) {
      assert.strictEqual(Redaction.fieldValue(name, "x"), "x")
    }
  })

  it("hides what is not known to be harmless", () => {
    for (const name of ["Authorization", "cookie", "Set-Cookie", "X-Api-Key", "X-Anything", "Referer", ""]) {
      assert.strictEqual(Redaction.fieldValue(name, "secret"), Redaction.hidden)
    }
  })

  it("hides the userinfo of a Host, which a request may not have", () => {
    assert.strictEqual(Redaction.fieldValue("host", "user:password@a"), "<redacted>@a")
  })
})
