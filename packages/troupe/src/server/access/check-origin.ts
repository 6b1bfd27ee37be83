/**
 * Checks the host and the origin of a request, against pages that make a browser call this server (CSRF, DNS
 * rebinding).
 */
import type { FastifyRequest } from 'fastify'
import { failure } from '../../core/index.ts'
import type { ServerSettings } from '../server-options.ts'

/** Headers that a request has once. A proxy and the server may use another of two. */
const single = new Set(['host', 'authorization', 'x-api-key', 'troupe-user', 'troupe-agent'])

/** @throws ValidationError `request.invalid` or AccessDeniedError `request.foreign` */
export function checkOrigin(
  { headers, raw }: FastifyRequest,
  { hosts, origins }: Pick<ServerSettings, 'hosts' | 'origins'>,
): void {
  const host = headers.host ?? ''
  const names = raw.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const repeated = names.find((name, i) => single.has(name) && names.indexOf(name) < i)
  if (repeated !== undefined) throw failure('request.invalid', { problem: `it has the header ${repeated} twice` })
  // With DNS rebinding a foreign name resolves to this address. Such a name is rejected.
  if (hosts && !hosts.includes(host.replace(/:\d{1,5}$/, '').toLowerCase()))
    throw failure('request.foreign', { problem: 'for another host' })
  const { origin } = headers
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return
  const isOwn = URL.canParse(origin) && new URL(origin).host === host
  if (!isOwn) throw failure('request.foreign', { problem: 'from pages of other origins' })
}
