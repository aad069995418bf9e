// The floor: no HTTP at all. Octets come, and a fixed answer goes; whoever asks sees to it that it fits.
import net from "node:net"
import { HELLO, listening, PIECE, PIECES, port } from "./lib/app.js"

const head = (type, length) =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: ${length}\r\n\r\n`

const END = "\r\n\r\n"

const hello = head("text/plain", HELLO.length) + HELLO
const bytesHead = head("application/octet-stream", PIECE.length)
const downloadHead = head("application/octet-stream", PIECE.length * PIECES)
const uploaded = `${head("application/json", 19)}{"bytes":104857600}`

const download = (socket) => {
  let left = PIECES
  const more = () => {
    while (left > 0) {
      left--
      if (!socket.write(PIECE)) return
    }
    socket.off("drain", more)
  }
  socket.write(downloadHead, "latin1")
  socket.on("drain", more)
  more()
}

const upload = (socket) => {
  let left = PIECE.length * PIECES
  return (chunk) => {
    left -= chunk.length
    if (left <= 0) {
      socket.state = undefined
      socket.write(uploaded, "latin1")
    }
  }
}

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {})
  socket.on("data", (chunk) => {
    if (socket.state !== undefined) return socket.state(chunk)
    // "GET /b…", "GET /d…", "POST /up…": one octet tells them apart.
    const mark = chunk[5]
    if (mark === 0x62) {
      socket.write(bytesHead, "latin1")
      socket.write(PIECE)
    } else if (mark === 0x64) {
      download(socket)
    } else if (chunk[0] === 0x50) {
      socket.state = upload(socket)
      const body = chunk.indexOf("\r\n\r\n") + 4
      if (body < chunk.length) socket.state(chunk.subarray(body))
    } else {
      let answers = ""
      for (let at = chunk.indexOf(END); at !== -1; at = chunk.indexOf(END, at + 1)) answers += hello
      socket.write(answers, "latin1")
      if (chunk.includes("Connection: close")) socket.end()
    }
  })
})
server.listen(port, "127.0.0.1", listening)
