/** The connections of a server: browsers open some ahead of need, which Node never takes for idle. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { clientAddress } from './access/client-address.ts'

export interface TrackedConnections {
  /** Closes those on which nothing is under way. */
  closeIdle(): void
}

/**
 * @param limits `perAddress`: more of one address are closed at once; `exempt`: addresses of proxies, which bring many
 * callers
 */
export function trackConnections(
  server: Server,
  { perAddress, exempt }: { readonly perAddress: number; readonly exempt: (address: string) => boolean },
): TrackedConnections {
  const activeRequests = new Map<Socket, number>()
  const open = new Map<string, number>()
  const add = (socket: Socket, by: number) => {
    const count = activeRequests.get(socket)
    if (count !== undefined) activeRequests.set(socket, count + by)
  }
  server.on('connection', (socket) => {
    const { remoteAddress = '' } = socket
    const address = clientAddress(remoteAddress)
    const count = (open.get(address) ?? 0) + 1
    if (count > perAddress && !exempt(remoteAddress)) return void socket.destroy()
    open.set(address, count)
    activeRequests.set(socket, 0)
    socket.once('close', () => {
      activeRequests.delete(socket)
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
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
