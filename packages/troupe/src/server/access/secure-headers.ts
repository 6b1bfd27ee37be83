/** The headers of all answers. Those of Helmet are equal for all, so they are computed once. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { studioPolicy } from '../add-studio.ts'

export async function secureHeaders(): Promise<Readonly<Record<string, string>>> {
  const { default: helmet } = await import('helmet')
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  const put = helmet({ referrerPolicy: { policy: 'no-referrer' }, contentSecurityPolicy: studioPolicy })
  put(request, response, (error) => {
    if (error) throw error
  })
  // Answers belong to one caller. A cache does not know that a key may be in X-API-Key or a cookie.
  return { ...(response.getHeaders() as Record<string, string>), 'cache-control': 'no-store' }
}
