/** What is said in a room: once as it comes from a client, and once as it is kept and told to the others. */
import { Schema } from "effect"

/** The name of a room is a segment of its address. */
export const Room = Schema.String.check(Schema.isPattern(/^[\w-]{1,40}$/))
export type Room = typeof Room.Type

export const RoomPath = Schema.Struct({ room: Room })

export const Said = Schema.Struct({
  author: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(40)),
  text: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(2000))
})
export type Said = typeof Said.Type

export const Message = Schema.Struct({
  /** Higher than that of all messages before it. */
  id: Schema.Int,
  author: Schema.String,
  text: Schema.String,
  /** Milliseconds since 1970. */
  at: Schema.Int
})
export type Message = typeof Message.Type

/** All that a client is ever sent: first what was said before it came, then what is said, as it is said. */
export const Told = Schema.Array(Message)
