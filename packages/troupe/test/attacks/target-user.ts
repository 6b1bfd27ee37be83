/** What attacks over HTTP aim at: a user with something of every kind, and callers that have no right to it. */
import { defineAgent, finish } from '../../src/index.ts'
import { parseDataset } from '../../src/operations.ts'
import { foreignJwk, type Testbed } from './testbed.ts'

/** Stands in everything of the user, and nowhere else. */
export const marker = 'TARGET-CONTENT-31'
/** Stands in what only the agent Inner may read. */
export const privateMarker = 'INNER-CONTENT-47'
const owner = 'target'

export interface TargetUser {
  readonly ids: Readonly<Record<string, string>>
  /** API keys by the name of their holder. */
  readonly keys: Readonly<Record<string, string>>
  /** Changes if anybody changed something of the user. */
  fingerprint(): Promise<string>
}

const targets = new WeakMap<Testbed, Promise<TargetUser>>()
export function targetOf(testbed: Testbed): Promise<TargetUser> {
  const known = targets.get(testbed) ?? build(testbed)
  targets.set(testbed, known)
  return known
}

async function build({ troupe, token, url }: Testbed): Promise<TargetUser> {
  const ada = troupe.user(owner)
  await ada.context.push('secret', marker, { topics: ['orders'] } as never)
  await ada.context
    .push('private', privateMarker, { subscribers: ['Inner'], audience: 'private' } as never)
    .catch(() => ada.context.push('private', privateMarker, { subscribers: ['Inner'] } as never))
  const inner = defineAgent({
    name: 'Inner',
    run: async (_, ctx) => finish([marker, await ctx.context.get('private')]),
  })
  const topology = { agents: [inner], flows: ['Start -> Inner', 'Inner -> End'] }
  const run = await ada.orchestra.start({ id: 'run-of-the-target', task: marker, topology })
  await run.result()
  await ada.schedules.create({ id: 'nightly', topology, task: marker, every: '1d' } as never)
  const dataset = parseDataset(marker, JSON.stringify({ id: marker, input: marker }))
  await ada.experiments.evaluate({ id: 'nightly', dataset, topology, scorers: { cites: 'citations' } })
  const keys: Record<string, string> = {}
  const key = async (name: string, options: object) => {
    const made = await troupe.apiKeys.create({ name, users: [owner], role: 'admin', ...options } as never)
    keys[name] = made.key
    return made.id
  }
  const own = await key('owner', {})
  await key('the caller', { users: ['caller'] })
  await key('another user', { users: ['eve'] })
  await key('another agent', { agent: 'Outer', role: 'contributor' })
  await key('no operation', { operations: ['metrics.read'] })
  await key('a reader', { role: 'readonly' })
  await troupe.apiKeys.revoke(await key('revoked', {}))
  keys['cut short'] = (keys.owner as string).slice(0, -1)
  keys['changed secret'] = `${(keys.owner as string).slice(0, -4)}AAAA`
  keys['upper case'] = (keys.owner as string).toUpperCase()
  keys['only the id'] = own
  keys['a pattern'] = 'tk_%'
  keys['unsigned token'] =
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"target","role":"admin"}').toString('base64url')}.`
  const claims = { sub: owner, role: 'admin' }
  keys['a token with its own key'] = await token(claims, { jwk: foreignJwk as never })
  keys['a token with a foreign kid'] = await token(claims, { kid: '../../dev/null' })
  keys['a token of another key'] = await token(claims, {})
  const accepted = await send(url, 'GET', '/v1/runs', { key: await token(claims) })
  if (accepted.status !== 200) throw new Error(`a token of the issuer is rejected: ${accepted.status}`)
  const sent = await ada
    .agent('Support')
    .messages.send({ name: 'n' } as never, marker as never, { to: 'Stock' })
    .catch(() => undefined)
  const ids = {
    run: run.id,
    other: run.id,
    schedule: 'nightly',
    experiment: 'nightly',
    key: 'secret',
    topic: 'orders',
    mailbox: 'Stock',
    team: 'solo',
    step: '1#1',
    seq: '1',
    message: (sent as { id?: string } | undefined)?.id ?? 'none',
  }
  const fingerprint = async () =>
    JSON.stringify([
      await ada.context.get('secret'),
      (await ada.orchestra.list()).items.length,
      (await ada.schedules.list()).items.length,
      await ada.agent('Stock').mailbox.counts(),
    ])
  return { ids, keys, fingerprint }
}

/** One request; of a stream, what comes within a moment. */
export async function send(
  url: string,
  method: string,
  path: string,
  {
    key,
    body,
    headers = {},
  }: {
    readonly key?: string | undefined
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>>
  },
) {
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const isStream = (response.headers.get('content-type') ?? '').includes('event-stream')
  return {
    status: response.status,
    text: isStream ? await beginning(response, method === 'GET' ? followedMs : streamMs) : await response.text(),
  }
}

/** Evaluations end their stream; streams that are followed go on. */
const streamMs = 3_000
const followedMs = 300
async function beginning(response: Response, forMs: number): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  const over = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), forMs))
  for (;;) {
    const part = await Promise.race([reader.read(), over])
    if (part?.value === undefined) break
    text += Buffer.from(part.value).toString()
  }
  await reader.cancel().catch(() => {})
  return text
}
