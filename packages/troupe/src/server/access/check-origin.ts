/**
 * Checks the host and the origin of a request, against pages that make a browser call this server (CSRF, DNS
 * rebinding).
 */
import type { FastifyRequest } from 'fastify'
import { failure } from '../../core/index.ts'
import type { ServerSettings } from '../server-options.ts'

/** @throws AccessDeniedError `request.foreign` */
export function checkOrigin(
  { headers, raw }: FastifyRequest,
  { hosts, origins }: Pick<ServerSettings, 'hosts' | 'origins'>,
): void {
  const host = headers.host ?? ''
  // A proxy may use either of the two.
  if (raw.rawHeaders.filter((name, i) => i % 2 === 0 && /^host$/i.test(name)).length > 1)
    throw failure('request.invalid', { problem: 'it names its host twice' })
  // With DNS rebinding a foreign name resolves to this address. Such a name is rejected.
  if (hosts && !hosts.includes(host.replace(/:\d{1,5}$/, '').toLowerCase()))
    throw failure('request.foreign', { problem: 'for another host' })
  const { origin } = headers
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return
  const isOwn = URL.canParse(origin) && new URL(origin).host === host
  if (!isOwn) throw failure('request.foreign', { problem: 'from pages of other origins' })
}
