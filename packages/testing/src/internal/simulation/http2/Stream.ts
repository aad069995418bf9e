/** A stream as its client knows it, and the frames of its data. */
import type { ErrorCode, Http2Frame } from "@nvo/protocol"
import type { FieldLine } from "../../../ResponseReader.ts"
import type { StreamAsk } from "./Script.ts"
import type { Tunnel } from "./Tunnel.ts"

/** What a client knows of one of its streams. */
export interface Stream {
  readonly id: number
  readonly ask: StreamAsk
  /** The WebSocket that it is, if it is one. */
  readonly tunnel: Tunnel | undefined
  /** The final head. */
  status: number | undefined
  fields: ReadonlyArray<FieldLine>
  readonly interim: Array<{ readonly status: number; readonly fields: ReadonlyArray<FieldLine> }>
  body: string
  /** Octets of the request's body that were sent. */
  sent: number
  sentEnd: boolean
  receivedEnd: boolean
  /** Whether this side has reset it. */
  isReset: boolean
  /** The code with which the server has. */
  resetCode: ErrorCode.ErrorCode | undefined
  /** What may be sent. */
  sendWindow: number
  /** What the server may send. */
  receiveWindow: number
  /** What came, and was not given back. */
  owed: number
}

/** A frame of data, padded or not. */
export const dataFrame = (
  streamId: number,
  endStream: boolean,
  bytes: Uint8Array,
  padding: number | undefined
): Http2Frame.Data =>
  ({
    _tag: "Data",
    streamId,
    endStream,
    bytes,
    padding,
    flowBytes: bytes.length + (padding === undefined ? 0 : padding + 1)
  }) as Http2Frame.Data
