/** Who the request says it is for, and which page makes it: against pages that make a browser call what they must not. */
import type { FastifyRequest } from 'fastify'
import { failure } from '../../core/index.ts'
import type { ServerSettings } from '../server-options.ts'

/** @throws AccessDeniedError `request.foreign` */
export function checkOrigin(
  { headers, raw }: FastifyRequest,
  { hosts, origins }: Pick<ServerSettings, 'hosts' | 'origins'>,
): void {
  const host = headers.host ?? ''
  // What stands before us may have gone by the other one.
  if (raw.rawHeaders.filter((name, i) => i % 2 === 0 && /^host$/i.test(name)).length > 1)
    throw failure('request.invalid', { problem: 'it names its host twice' })
  // A name that somebody lets point here (DNS rebinding) is none of ours.
  if (hosts && !hosts.includes(host.replace(/:\d{1,5}$/, '').toLowerCase()))
    throw failure('request.foreign', { problem: 'that are for another host' })
  const { origin } = headers
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return
  const isOwn = URL.canParse(origin) && new URL(origin).host === host
  if (!isOwn) throw failure('request.foreign', { problem: 'of pages of other origins' })
}
