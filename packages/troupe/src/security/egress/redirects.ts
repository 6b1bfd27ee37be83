/** Returns the request that follows a redirect. A header that could be a credential never goes to another origin. */
import { failure } from '../../core/index.ts'

/** A request as it is sent; its body can be sent again, or it is not redirected. */
export interface OutgoingRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: NonNullable<RequestInit['body']> | null
}

/** The headers that go to another origin; any other header may be a key. */
const plainHeaders: readonly string[] = ['accept', 'accept-language', 'content-type', 'user-agent']
const ofBody: readonly string[] = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-type',
]

export const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/**
 * @returns undefined if the response has no location
 * @throws AccessDeniedError `egress.denied` for an invalid location, from https to http, and for a body that cannot be
 * sent again
 */
export function redirected(
  { url, method, headers, body }: OutgoingRequest,
  response: Response,
): OutgoingRequest | undefined {
  const location = response.headers.get('location')
  if (location === null) return undefined
  const deny = (problem: string) => failure('egress.denied', { host: url.host, problem })
  const next = URL.parse(location, url.href)
  if (!next) throw deny('it redirects to what is not a URL')
  if (url.protocol === 'https:' && next.protocol !== 'https:') throw deny('it redirects from https to http')
  const { status } = response
  const asGet = (status === 303 && method !== 'HEAD') || ((status === 301 || status === 302) && method === 'POST')
  if (!asGet && body instanceof ReadableStream) throw deny('it redirects a body that cannot be sent twice')
  const forwarded = new Headers(
    [...headers].filter(
      ([name]) => (next.origin === url.origin || plainHeaders.includes(name)) && !(asGet && ofBody.includes(name)),
    ),
  )
  return asGet
    ? { url: next, method: 'GET', headers: forwarded, body: null }
    : { url: next, method, headers: forwarded, body }
}
