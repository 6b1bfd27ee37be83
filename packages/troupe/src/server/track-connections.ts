/** The connections of a server: browsers open some ahead of need, which Node never takes for idle. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface TrackedConnections {
  /** Closes those on which nothing is under way. */
  closeIdle(): void
}

export function trackConnections(server: Server): TrackedConnections {
  const activeRequests = new Map<Socket, number>()
  const add = (socket: Socket, by: number) => {
    const count = activeRequests.get(socket)
    if (count !== undefined) activeRequests.set(socket, count + by)
  }
  server.on('connection', (socket) => {
    activeRequests.set(socket, 0)
    socket.once('close', () => activeRequests.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    add(socket, 1)
    response.once('close', () => add(socket, -1))
  })
  return {
    closeIdle() {
      for (const [socket, count] of activeRequests) if (count === 0) socket.destroy()
    },
  }
}
