/**
 * The protocols, pure: bytes in, events out; events in, bytes out.
 */
export * as Authority from "./http/Authority.ts"
export * as BodyFraming from "./http/BodyFraming.ts"
export * as ByteBuffer from "./http/ByteBuffer.ts"
export * as ConnectionId from "./http/ConnectionId.ts"
export * as FieldSection from "./http/FieldSection.ts"
export * as Grammar from "./http/Grammar.ts"
export * as HttpDate from "./http/HttpDate.ts"
export * as Latin1 from "./http/Latin1.ts"
export * as Limits from "./http/Limits.ts"
export * as RequestTarget from "./http/RequestTarget.ts"
export * as Status from "./http/Status.ts"
export * as Http1Error from "./http1/Http1Error.ts"
export * as RequestDecoder from "./http1/RequestDecoder.ts"
export * as RequestEvent from "./http1/RequestEvent.ts"
export * as ResponseEncoder from "./http1/ResponseEncoder.ts"
export * as ResponseEvent from "./http1/ResponseEvent.ts"
