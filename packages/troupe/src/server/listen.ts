/** Listens on a port, or reports why it cannot. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { failure } from '../core/index.ts'

const problems: Readonly<Record<string, string>> = {
  EACCES: 'this user may not take that port',
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'it is not an address of this machine',
  ENOTFOUND: 'there is no address of that name',
}

/**
 * @returns the number of the port
 * @throws ConflictError `server.address_in_use`; the app is closed then
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    const { code = '', message } = error as NodeJS.ErrnoException
    throw failure(
      'server.address_in_use',
      { host, port, problem: code in problems ? `${problems[code]} (${code})` : message },
      { cause: error },
    )
  }
  return (app.server.address() as AddressInfo).port
}
