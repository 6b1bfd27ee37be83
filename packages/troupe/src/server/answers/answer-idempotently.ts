/** Idempotency-Key: a repeated request gets the first answer, also from another process. */
import type { FastifyReply } from 'fastify'
import { canonicalJson, failure, hashText, type Json } from '../../core/index.ts'
import type { Call, Route } from '../route.ts'

interface StoredAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const storedHeaders = ['location', 'etag']
/** A larger answer is not stored, and a repeated request is executed again. */
const maxStoredLength = 1_048_576

/** @throws ValidationError for an invalid key; ConflictError `request.reused`, `request.running` */
export async function answerIdempotently(
  route: Route,
  call: Call<unknown, unknown, unknown>,
  reply: FastifyReply,
  handle: () => Promise<unknown>,
): Promise<unknown> {
  const key = call.header('idempotency-key')
  if (route.method !== 'POST' || key === undefined) return handle()
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw failure('request.invalid', { problem: 'Idempotency-Key is 1 to 255 visible characters of ASCII' })
  if (route.operation === 'api-keys.manage')
    throw failure('request.invalid', { problem: 'an API key is shown once, so this request takes no Idempotency-Key' })
  const { parts, user, principal, agent } = call
  const { request } = reply
  const name = hashText(JSON.stringify([principal.id, key]))
  const asked = [request.method, request.url, agent ?? null, (request.body ?? null) as Json]
  const begun = await parts.stores.requests.begin(user, name, hashText(canonicalJson(asked)))
  if (begun.state === 'other') throw failure('request.reused', { key })
  if (begun.state === 'running') throw failure('request.running', { key })
  const send = ({ status, headers, text }: StoredAnswer) =>
    reply
      .code(status)
      .headers(headers)
      .header('content-type', 'application/json; charset=utf-8')
      .serializer((body: unknown) => body as string)
      .send(text)
  if (begun.state === 'answered') {
    reply.header('idempotency-replayed', 'true')
    return send(JSON.parse(begun.answer) as StoredAnswer)
  }
  let stored: StoredAnswer | undefined
  try {
    const answer = await handle()
    const headers = Object.fromEntries(
      storedHeaders.flatMap((header) => {
        const value = reply.getHeader(header)
        return value === undefined ? [] : [[header, String(value)]]
      }),
    )
    stored = { status: reply.statusCode, headers, text: reply.serialize(answer) as string }
  } finally {
    const text = stored && JSON.stringify(stored)
    await begun.claim.end(text !== undefined && text.length <= maxStoredLength ? text : undefined)
  }
  return send(stored)
}
