/** Answers the calls over MCP that the shutdown of the server interrupts; the protocol package ends them without an answer. */
import { failure } from '../../core/index.ts'
import { problemDetailsOf } from '../answers/problem-details.ts'
import { isSubscription } from './mcp-calls.ts'

/** The code of JSON-RPC for errors of a server. */
const serverError = -32_000

interface Interruptible {
  readonly draining: AbortSignal
  /** The id of the HTTP request. */
  readonly request: string
  /** The message of the client, or its batch of messages. */
  readonly body: unknown
}

/**
 * Returns the response, with the reason for a call that the shutdown interrupts. A client of the protocol of 2025 has its
 * stream already, and would wait for an answer until its timeout.
 */
export function answerInterrupted(response: Response, { draining, request, body }: Interruptible): Response {
  const problem = () => problemDetailsOf(failure('server.draining'), request)
  if (draining.aborted && !response.ok) {
    const headers = { 'content-type': 'application/problem+json; charset=utf-8' }
    return new Response(JSON.stringify(problem()), { status: problem().status, headers })
  }
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  // A subscription has no answer; its client opens another one.
  if (!response.body || !isStream || isSubscription(body)) return response
  const encoder = new TextEncoder()
  const answering = new TransformStream<Uint8Array, Uint8Array>({
    flush(controller) {
      if (!draining.aborted) return
      // An answer that was sent in the same moment precedes the reason, which the client then ignores.
      for (const id of idsIn(body)) {
        const error = { code: serverError, message: `${problem().code}: ${problem().detail}`, data: problem() }
        controller.enqueue(encoder.encode(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`))
      }
    },
  })
  return new Response(response.body.pipeThrough(answering), { status: response.status, headers: response.headers })
}

/** Returns the ids of the requests; notifications have none. */
const idsIn = (body: unknown): readonly unknown[] =>
  [body].flat().flatMap((message) => {
    const { id, method } = (message ?? {}) as { readonly id?: unknown; readonly method?: unknown }
    return id === undefined || method === undefined ? [] : [id]
  })
