/** Rows about callers of the HTTP API: each route for each caller that has no right to what it names. */
import type { Attack, AttackAction } from './attack.ts'
import { bodies, openRoutes, routes } from './routes.ts'
import { marker, privateMarker, send, targetOf } from './target-user.ts'

/** They sign in as nobody. */
const strangers = [
  'nobody',
  'revoked',
  'cut short',
  'changed secret',
  'upper case',
  'only the id',
  'a pattern',
  'unsigned token',
  'a token with its own key',
  'a token with a foreign kid',
  'a token of another key',
]
/** They hold the key of the owner, and send it, or a name, where no route looks for it. */
const carriers: Readonly<
  Record<string, (key: string) => { readonly query?: string; readonly headers?: Readonly<Record<string, string>> }>
> = {
  'a key in ?key': (key) => ({ query: `key=${key}` }),
  'a key in ?access_token': (key) => ({ query: `access_token=${key}` }),
  'a key in ?api_key': (key) => ({ query: `api_key=${key}` }),
  'a key in ?token': (key) => ({ query: `token=${key}` }),
  'a key in a cookie': (key) => ({ headers: { cookie: `troupe_session=${key}` } }),
  'a key as a password': (key) => ({
    headers: { authorization: `Basic ${Buffer.from(`target:${key}`).toString('base64')}` },
  }),
  'X-Forwarded-User': () => ({
    headers: { 'x-forwarded-user': 'target', 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
  }),
}
const allStrangers = [...strangers, ...Object.keys(carriers)]
const slug = (text: string) => text.replaceAll(/[^\w]+/g, '-')

const row = (route: string, caller: string, rest: Partial<Attack> = {}): Attack => ({
  id: `identity/${slug(caller)}/${slug(route)}`,
  family: 'identity',
  source: 'a caller over HTTP',
  channel: `request by ${caller}`,
  payload: route,
  goal: 'read or change what is of another',
  policy: 'default',
  expected: 'blocked',
  ...rest,
})

/** What tells of runs and of those who act: for callers that are bound to an agent without a step in the run. */
const aboutOthers = routes.filter((route) =>
  /\/(runs|status|result|approvals|usage|schedules|audit|incidents|evaluations|scores|execute|teams|threads|check)\b/.test(
    route,
  ),
)

/** Routes that the operation of the key opens; and each key may read its own rights. */
const operationOfKey: ReadonlySet<string> = new Set([
  'GET /v1/access',
  'GET /metrics',
  'GET /v1/health',
  'GET /v1/doctor',
  'GET /v1/versions',
])
/** They change nothing. */
const forReaders: ReadonlySet<string> = new Set([
  'POST /v1/check',
  'POST /v1/runs/{run}/fork-plan',
  'POST /v1/runs/{run}/verify-replay',
  'POST /v1/audit/verify',
])

/** An agent may start runs and schedules of its own. */
const startsRuns: ReadonlySet<string> = new Set(['POST /v1/runs', 'POST /execute', 'POST /v1/schedules'])

const guarded = routes.filter((route) => !openRoutes.has(route))
export const identity: readonly Attack[] = [
  ...guarded.flatMap((route) => allStrangers.map((caller) => row(route, caller))),
  ...guarded.map((route) => row(route, 'another user')),
  ...guarded.map((route) => row(route, 'no operation')).filter(({ payload }) => !operationOfKey.has(payload)),
  ...guarded
    .filter((route) => !route.startsWith('GET'))
    .map((route) => row(route, 'a reader'))
    .filter(({ payload }) => !forReaders.has(payload)),
  ...aboutOthers.filter((route) => !startsRuns.has(route)).map((route) => row(route, 'another agent')),
  row('GET /v1/context/entries/{key}', 'another agent'),
]

const fill = (path: string, ids: Readonly<Record<string, string>>) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? 'x'))

const request =
  (caller: string): AttackAction =>
  async ({ payload }, testbed) => {
    const target = await targetOf(testbed)
    const [method = '', path = ''] = payload.split(' ')
    const before = await target.fingerprint()
    const body = method === 'POST' || method === 'PUT' ? (bodies[payload] ?? {}) : undefined
    const ids =
      caller === 'another agent' && path.includes('/context/') ? { ...target.ids, key: 'private' } : target.ids
    const { query, headers = {} } = carriers[caller]?.(target.keys.owner as string) ?? {}
    const address = query === undefined ? fill(path, ids) : `${fill(path, ids)}?${query}`
    const { status, text } = await send(testbed.url, method, address, { key: target.keys[caller], body, headers })
    const isStranger = allStrangers.includes(caller)
    // An agent may read the entries that are for everyone, and nothing of runs in which it has no step.
    const readable = caller === 'another agent' && path.includes('/context/')
    const disclosed = text.includes(privateMarker) || (!readable && text.includes(marker))
    const changed = (await target.fingerprint()) !== before
    const entered = status < 400 && (isStranger || caller === 'no operation' || caller === 'a reader')
    return {
      succeeded: disclosed || changed || entered,
      asked: false,
      reached: status !== 404 || caller === 'another user',
      detail: `${status} ${text.slice(0, 80)}`,
    }
  }

export const identityActions: Readonly<Record<string, AttackAction>> = Object.fromEntries(
  [...new Set(identity.map(({ channel }) => channel))].map((channel) => [
    channel,
    request(channel.slice('request by '.length)),
  ]),
)
