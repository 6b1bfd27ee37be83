/** Helpers of both listeners: the check of a port, the start on it, and an option of Fastify. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { failure, invalidInput } from '../core/index.ts'

const problems: Readonly<Record<string, string>> = {
  EACCES: 'this user may not take that port',
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'it is not an address of this machine',
  ENOTFOUND: 'the name has no address',
}

/** @throws ValidationError */
export function checkPort(what: string, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalidInput(what, 'it must be a whole number from 0 to 65,535')
}

/** @throws ConflictError `server.address_in_use`; the app is closed then */
export async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
): Promise<{ readonly url: string; readonly port: number }> {
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
  const bound = (app.server.address() as AddressInfo).port
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, port: bound }
}

const unused = (): never => {
  throw failure('invariant.broken', { rule: 'the compilers of schemas are set before the routes' })
}

/**
 * Fastify loads its own compilers of schemas unless it has these functions. They take 50 ms of processor time, and the
 * plugin sets those of zod.
 */
export const withoutCompilers = { compilersFactory: { buildValidator: unused, buildSerializer: unused } }
