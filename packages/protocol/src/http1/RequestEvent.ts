/**
 * What a request decoder says: a head, then body data in order, then an end.
 */
import type { BodyFraming } from "../http/BodyFraming.ts"
import * as FieldSection from "../http/FieldSection.ts"
import * as RequestTarget from "../http/RequestTarget.ts"

export type RequestEvent = RequestHead | BodyData | RequestEnd

/** A request line and its field section, checked. */
export class RequestHead {
  readonly _tag = "RequestHead"
  /** A token, in the case in which it was sent: methods are case-sensitive, RFC 9110 §9.1. */
  readonly method: string
  /** The request target as it was sent. */
  readonly rawTarget: string
  readonly form: RequestTarget.Form
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: 0 | 1
  readonly fields: FieldSection.FieldSection
  readonly framing: BodyFraming
  /** Whether the peer wants the connection to go on after this exchange, RFC 9112 §9.3. */
  readonly persistent: boolean
  /** Whether the peer waits for 100 (Continue) before it sends the body, RFC 9110 §10.1.1. */
  readonly expectContinue: boolean
  /** The Upgrade field, where the Connection options name it; `undefined` otherwise. RFC 9110 §7.8. */
  readonly upgrade: string | undefined

  constructor(
    method: string,
    rawTarget: string,
    form: RequestTarget.Form,
    minorVersion: 0 | 1,
    fields: FieldSection.FieldSection,
    framing: BodyFraming,
    persistent: boolean,
    expectContinue: boolean,
    upgrade: string | undefined
  ) {
    this.method = method
    this.rawTarget = rawTarget
    this.form = form
    this.minorVersion = minorVersion
    this.fields = fields
    this.framing = framing
    this.persistent = persistent
    this.expectContinue = expectContinue
    this.upgrade = upgrade
  }

  /** The request target, taken apart. */
  get target(): RequestTarget.RequestTarget {
    return RequestTarget.fromValid(this.form, this.rawTarget)
  }
}

/** Octets of a body: a slice of the chunk that was fed, not a copy. Never empty. */
export class BodyData {
  readonly _tag = "BodyData"
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** The end of a request, with the trailer section of a chunked body. */
export class RequestEnd {
  readonly _tag = "RequestEnd"
  readonly trailers: FieldSection.FieldSection

  constructor(trailers: FieldSection.FieldSection) {
    this.trailers = trailers
  }
}

/** The end of a request without trailers. */
export const end: RequestEnd = new RequestEnd(FieldSection.empty)
