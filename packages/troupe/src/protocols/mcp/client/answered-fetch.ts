/**
 * Fails a request over HTTP at once if its response is complete without the answer. By the protocol a request is answered in
 * its own response, as JSON or in a stream; the client would wait for its timeout.
 */
import type { Fetch } from '../../../security/index.ts'
import { copiedResponse } from './copied-response.ts'

const json = /^application\/json\s*(;|$)/i

interface Message {
  readonly id?: unknown
  readonly method?: unknown
}

/** @param fetch sends one message as JSON text in each POST */
export const answeredFetch =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    const response = await fetch(input, init)
    if (!response.ok || init?.method !== 'POST' || typeof init.body !== 'string') return response
    const isJson = json.test(response.headers.get('content-type') ?? '')
    if (!isJson && response.status !== 202) return response
    const { id, method } = JSON.parse(init.body) as Message
    if (id === undefined || method === undefined) return response
    if (response.status === 202) {
      await response.body?.cancel()
      throw new Error('the server accepted a request with HTTP 202 and gave no answer to it')
    }
    const text = await response.text()
    if (!isAnsweredBy(text, id)) throw new Error('the server answered a request with JSON that has no answer to it')
    return copiedResponse(response, text)
  }

/** Returns true also for text that is no JSON, with which the client fails at once. */
function isAnsweredBy(text: string, id: unknown): boolean {
  try {
    const body: unknown = JSON.parse(text)
    const messages = (Array.isArray(body) ? body : [body]) as readonly (Message | null)[]
    return messages.some((message) => message?.id === id && message?.method === undefined)
  } catch {
    return true
  }
}
