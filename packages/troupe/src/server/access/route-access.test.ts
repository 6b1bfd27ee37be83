import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { createVirtualClock } from '../../core/index.ts'
import type { TroupeConfig } from '../../index.ts'
import { parseDataset } from '../../runs/index.ts'
import { operations } from '../../security/index.ts'
import { partsOf } from '../../startup/index.ts'
import { openRoutes } from '../open-route.ts'
import type { Route } from '../route.ts'
import { routes } from '../routes.ts'
import { type CallServer, caller, echo, type Served, Servers } from '../server-testbed.test.fixture.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const jwt = {
  issuer: 'https://issuer.test',
  audience: 'troupe',
  algorithms: ['EdDSA'] as const,
  keys: { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] } as never,
}
/** A body that fits; of routes that name something, one for which only what is named decides. */
const bodies: Readonly<Record<string, unknown>> = {
  'POST /v1/runs': { task: 1 },
  'POST /execute': { task: 1 },
  'POST /v1/evaluations': { runs: { agent: 'Echo' }, change: {}, score: 'exact' },
  'POST /v1/experiments': {
    dataset: { name: 'd', jsonl: '{"input":1}' },
    team: 'solo',
    scorers: { cites: 'citations' },
  },
  'POST /v1/schedules': { team: 'solo', task: 1, every: '1d' },
  'POST /v1/context/batch': { operations: [{ type: 'push', key: 'batched', value: 1 }] },
  'POST /v1/context/subscribe': { topics: ['orders'] },
  'POST /v1/context/unsubscribe': { topics: ['orders'] },
  'POST /v1/messages': { type: 'n', payload: 1, to: 'Box' },
  'POST /v1/messages/broadcast': { type: 'n', payload: 1, to: ['Box'] },
  'POST /v1/messages/publish': { type: 'n', payload: 1, topic: 'orders' },
  'POST /v1/messages/request': { type: 'n', payload: 1, to: '' },
  'POST /v1/api-keys': { name: 'n', users: ['ben'] },
  'POST /v1/runs/:run/answers': { question: 'q', value: 1 },
  'POST /v1/runs/:run/fork': { at: 1 },
  'POST /v1/runs/:run/fork-plan': { at: 1 },
  'POST /v1/runs/:run/steps/:step/tool-call-plan': { call: 'c' },
  'POST /v1/runs/:run/steps/:step/tool-call': { call: 'c', args: {} },
  'POST /v1/runs/:run/edit': { inputs: { x: 1 } },
  'POST /v1/runs/:run/breakpoints': { breakOn: 'error' },
  'POST /v1/runs/:run/effects/resolve': { step: 's', call: 'c', happened: false },
  'POST /v1/approvals/:approval/answers': { question: 'q', value: 1 },
  'POST /v1/approvals/:approval/resolve': { step: 's', call: 'c', happened: false },
  'PUT /v1/context/entries/:key': { value: 'mine', ifVersion: 1 },
  'PUT /v1/topics/:topic/policy': {},
  'POST /v1/mailboxes/:mailbox/read': { ids: ['x'] },
  'POST /v1/mailboxes/:mailbox/ack': { delivery: 'theirs' },
  'POST /v1/mailboxes/:mailbox/nack': { delivery: 'theirs' },
  'POST /v1/mailboxes/:mailbox/reply': { delivery: 'theirs', value: 1 },
  'POST /v1/mailboxes/:mailbox/renew': { delivery: 'theirs' },
}
/** Routes about everybody's: for keys of all users alone. */
const toAll = new Set([
  'GET /v1/api-keys',
  'POST /v1/api-keys',
  'POST /v1/api-keys/:key/rotate',
  'POST /v1/links',
  'DELETE /v1/api-keys/:key',
  'GET /v1/audit/export',
  'POST /v1/audit/verify',
  'GET /v1/health',
  'GET /v1/doctor',
  'GET /v1/operations/runs',
  'GET /v1/versions',
  'GET /metrics',
])
/** What the owner is told where the request as it stands here cannot be done. */
const otherwise: Readonly<Record<string, string>> = {
  'POST /v1/messages/request': 'name.invalid',
  'POST /v1/runs/:run/pause': 'run.over',
  'POST /v1/runs/:run/resume': 'run.over',
  'POST /v1/runs/:run/cancel': 'run.over',
  'POST /v1/runs/:run/answers': 'run.over',
  'POST /v1/runs/:run/step': 'run.over',
  'POST /v1/runs/:run/breakpoints': 'run.over',
  'POST /v1/runs/:run/edit': 'run.over',
  'POST /v1/runs/:run/effects/resolve': 'run.over',
  'POST /v1/approvals/:approval/answers': 'run.over',
  'POST /v1/approvals/:approval/resolve': 'run.over',
  'POST /v1/approvals/:approval/cancel': 'run.over',
  'POST /v1/runs/:run/retry': 'retry.rejected',
  'POST /v1/runs/:run/steps/:step/tool-call-plan': 'call.unknown',
  'POST /v1/runs/:run/steps/:step/tool-call': 'call.unknown',
  // A prompt quotes the errors of tools.
  'GET /v1/runs/:run/steps/:step/prompts': 'request.forbidden',
  'GET /v1/metrics/:metric': 'metric.unknown',
  'POST /v1/mailboxes/:mailbox/ack': 'request.invalid',
  'POST /v1/mailboxes/:mailbox/nack': 'request.invalid',
  'POST /v1/mailboxes/:mailbox/reply': 'request.invalid',
  'POST /v1/mailboxes/:mailbox/renew': 'request.invalid',
  'POST /v1/mailboxes/:mailbox/dead-letters/:message/redrive': 'message.unknown',
}
const missingIds: Readonly<Record<string, string>> = {
  run: 'no-such-run',
  approval: 'run:no-such-run',
  other: 'no-such-other',
  key: 'no-such-key',
  topic: 'no-such-topic',
  mailbox: 'NoSuchBox',
  message: 'no-such-message',
  team: 'none',
  agent: 'None',
  schedule: 'no-such-schedule',
  experiment: 'no-such-experiment',
  thread: 'no-such-thread',
  step: 'no-such-step',
}
const fill = (route: Route, values: Readonly<Record<string, string>>) =>
  route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? '1'))
const title = (route: Route) => `${route.method} ${route.path}`

const missing = await missingServer()
const schema = schemaName('route_access')
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

const storages: readonly { readonly name: string; readonly storage: TroupeConfig['storage'] }[] = [
  { name: 'in memory', storage: 'memory:' },
  { name: 'on PostgreSQL', storage: { url: server, schema } },
]
describe.each(storages.filter(({ storage }) => typeof storage === 'string' || missing === undefined))(
  'the routes $name',
  ({ storage }) => {
    const clock = createVirtualClock()
    const seconds = () => Math.floor(clock.now() / 1_000)
    const tokenOf = (
      claims: Record<string, unknown>,
      { audience = 'troupe', issuer = jwt.issuer, until = 3_600 } = {},
    ) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(seconds() + until)
        .sign(privateKey)
    const servers = new Servers()
    let served: Served
    const keys: Record<string, string> = {}
    let ask: (
      callerName: string | undefined,
      route: Route,
      values: Record<string, string>,
      headers?: object,
    ) => ReturnType<CallServer>

    beforeAll(async () => {
      served = await servers.start(
        { storage, clock, teams: { solo: { agents: [echo], flows: ['Echo -> End'] } } },
        { authentication: 'required', jwt, rateLimit: false },
      )
      const { troupe } = served
      const key = async (name: string, options: object) => {
        const made = await troupe.apiKeys.create({ name, users: ['ada'], role: 'admin', ...options })
        keys[name] = made.key
        return made.id
      }
      await key('ada', {})
      await key('eve', { users: ['eve'] })
      await key('reader', { role: 'readonly' })
      await key('contributor', { role: 'contributor' })
      await key('moderator', { role: 'moderator' })
      await key('nothing', { operations: ['metrics.read'] })
      await key('expired', { expiresIn: '1s' })
      await troupe.apiKeys.revoke(await key('revoked', {}))
      await clock.advance('2s')
      keys.foreign = await tokenOf({ sub: 'ada', role: 'admin' }, { audience: 'others' })
      keys.strange = await tokenOf({ sub: 'ada', role: 'admin' }, { issuer: 'https://other.test' })
      const good = await tokenOf({ sub: 'ada', role: 'admin' })
      const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
      keys.unsigned = `${unsigned}.${good.split('.')[1]}.`
      keys.symmetric = await new SignJWT({ sub: 'ada', role: 'admin' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(jwt.issuer)
        .setAudience(jwt.audience)
        .setExpirationTime(seconds() + 3_600)
        .sign(publicKey.export({ type: 'spki', format: 'der' }))
      keys.forged = `${(await tokenOf({ sub: 'ada' })).slice(0, -4)}AAAA`
      keys.late = await tokenOf({ sub: 'ada' }, { until: -3_600 })
      // Teams and agents are everybody's.
      theirs = { ...(await somethingOf('ada')), team: 'none', agent: 'None' }
      own = await somethingOf('ben')
      ask = (callerName, route, values, headers = {}) =>
        caller(served.url)(
          route.method,
          fill(route, values),
          'body' in route ? (bodies[title(route)] ?? {}) : undefined,
          {
            ...(callerName === undefined ? {} : { authorization: `Bearer ${keys[callerName]}` }),
            ...headers,
          },
        )
    })
    afterAll(() => servers.close())

    /** The resources of ada and of ben, by the name of the parameter. */
    let theirs: Record<string, string> = {}
    let own: Record<string, string> = {}
    async function somethingOf(user: string): Promise<Record<string, string>> {
      const { troupe, url } = served
      const { context, orchestra, schedules, experiments } = troupe.user(user)
      await context.push('secret', { value: `of ${user}` }, { topics: ['orders'] })
      const threadId = `${user}-thread`
      const run = await orchestra.start({ task: `of ${user}`, agent: 'Echo', threadId })
      await run.result()
      const { id: schedule } = await schedules.create({
        team: 'solo',
        task: `of ${user}`,
        every: '1d',
        id: 'nightly',
      } as never)
      const dataset = parseDataset('d', JSON.stringify({ input: `of ${user}` }))
      const { id: experiment } = await experiments.evaluate({ dataset, team: 'solo', scorers: { cites: 'citations' } })
      const { key } = await troupe.apiKeys.create({ name: user, users: [user], role: 'admin' })
      const send = caller(url, { authorization: `Bearer ${key}` })
      const { body } = await send('POST', '/v1/messages', { type: 'n', payload: 1, to: 'Stock' })
      const named = {
        schedule,
        experiment,
        key: 'secret',
        topic: 'orders',
        mailbox: 'Stock',
        team: 'solo',
        agent: 'Echo',
        thread: threadId,
      }
      return { ...named, run: run.id, approval: `run:${run.id}`, other: run.id, message: body.id }
    }
    async function askedByOwner(route: Route) {
      const { troupe, url } = served
      const all = toAll.has(title(route))
      const { id, key } = await troupe.apiKeys.create({ name: 'owner', users: all ? 'all' : ['ben'], role: route.role })
      const named = route.path.startsWith('/v1/api-keys/') ? { key: id } : own
      const body = 'body' in route ? JSON.stringify(bodies[title(route)] ?? {}) : undefined
      const response = await fetch(url + fill(route, named), {
        method: route.method,
        headers: {
          authorization: `Bearer ${key}`,
          'troupe-user': 'ben',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      })
      // A stream would go on.
      if (response.status < 400) await response.body?.cancel()
      else return ((await response.json()) as { code: string }).code
    }

    it('The table of routes contains each route once, with a valid body in this test.', () => {
      expect(new Set(routes.map(title)).size).toBe(routes.length)
      // The other routes ask for no key.
      expect(routes.map(title).filter((name) => name in openRoutes)).toEqual([])
      for (const route of routes.filter(({ path, body }) => path.includes(':') && body))
        expect(route.body?.safeParse(bodies[title(route)] ?? {}).success, title(route)).toBe(true)
      // An approval is an answer, and an operation of its own. Its own rights are for any caller to read.
      const used = new Set<string>(['runs.approve', ...routes.map(({ operation }) => operation)])
      expect(used).toEqual(new Set([...operations, 'access.read']))
    })

    for (const route of routes)
      describe(title(route), () => {
        for (const callerName of [
          undefined,
          'expired',
          'revoked',
          'foreign',
          'strange',
          'forged',
          'unsigned',
          'symmetric',
          'late',
        ])
          it(`A route rejects a caller without valid credentials: ${callerName ?? 'anonymous'}.`, async () => {
            const answer = await ask(callerName, route, theirs)
            expect(answer).toMatchObject({ status: 401, body: { code: 'request.anonymous' } })
            expect(answer.headers.get('www-authenticate')).toContain('Bearer')
            expect(answer.text).not.toContain('of ada')
          })
        it('A route rejects a role below its least role, and a key without its operation.', async () => {
          const lowerRoles = ['reader', 'contributor', 'moderator'].slice(
            0,
            ['readonly', 'contributor', 'moderator', 'admin'].indexOf(route.role),
          )
          const withoutOperation = route.operation === 'access.read' ? [] : ['nothing']
          for (const callerName of [...lowerRoles, ...withoutOperation])
            expect(await ask(callerName, route, theirs)).toMatchObject({
              status: 403,
              body: { code: 'request.forbidden' },
            })
        })
        it('A route rejects the name of another user, whether that user exists or not.', async () => {
          const named = await ask('eve', route, theirs, { 'troupe-user': 'ada' })
          const unknown = await ask('eve', route, theirs, { 'troupe-user': 'nobody' })
          expect(named).toMatchObject({ status: 403, body: { code: 'request.forbidden' } })
          expect({ ...named.body, request: '' }).toEqual({ ...unknown.body, request: '' })
        })
        it("A route accepts its least role, and finds the caller's own resources.", async () => {
          expect(await askedByOwner(route)).toBe(otherwise[title(route)])
        })
        if (route.path.includes(':') && route.operation !== 'api-keys.manage')
          it('A route answers alike for a resource of another user and for one that does not exist.', async () => {
            const found = await ask('eve', route, theirs)
            const missing = await ask('eve', route, missingIds)
            let [one, other] = [found.text, missing.text]
            for (const [name, value] of Object.entries(theirs)) one = one.replaceAll(value, `<${name}>`)
            for (const [name, value] of Object.entries(missingIds)) other = other.replaceAll(value, `<${name}>`)
            const neutral = (text: string) =>
              text.replace(/"request":"[^"]*"/, '').replace(/"(run|task_id|key|topic)":"[^"]*"/g, '')
            expect(found.status).toBe(missing.status)
            expect(neutral(one)).toBe(neutral(other))
            expect(found.text).not.toContain('of ada')
          })
      })

    it('A rejected request is recorded in the audit log of its user alone.', async () => {
      const { troupe, url } = served
      const auditor = await troupe.apiKeys.create({ name: 'auditor', users: ['ada'], role: 'moderator' })
      const call = caller(url, { authorization: `Bearer ${auditor.key}` })
      await troupe[partsOf].security.audit.flush()
      const { body } = await call('GET', '/v1/incidents?operation=api-keys.manage&limit=1')
      expect(body.items).toMatchObject([{ user: 'ada', allowed: false, reason: 'request.forbidden' }])
      expect((await call('GET', '/v1/audit?allowed=false&limit=1')).body.items).toHaveLength(1)
      const eve = caller(url, { authorization: `Bearer ${keys.eve}` })
      for (const { user } of (await eve('GET', '/v1/audit')).body.items) expect(user).toBe('eve')
    })
    it('A rejected request changes nothing of another user.', async () => {
      const ada = served.troupe.user('ada')
      expect(await ada.context.get('secret')).toEqual({ value: 'of ada' })
      expect((await ada.orchestra.list()).items).toHaveLength(2)
      expect((await ada.agent('Stock').mailbox.counts()).waiting).toBe(1)
    })
    it('A valid token is accepted, with the role and the agent that it names.', async () => {
      const call = async (claims: Record<string, unknown>) =>
        caller(served.url, { authorization: `Bearer ${await tokenOf(claims)}` })
      expect((await (await call({ sub: 'ada' }))('GET', '/v1/runs')).body.items).toHaveLength(2)
      expect((await (await call({ sub: 'ada' }))('POST', '/v1/runs', { task: 1 })).status).toBe(403)
      const acting = await call({ sub: 'ada', role: 'contributor', agent: 'Sales' })
      expect((await acting('POST', '/v1/messages', { type: 'n', payload: 1, to: 'Box' })).body.from).toBe('Sales')
      expect((await (await call({ sub: 'ada', role: 'king' }))('GET', '/v1/runs')).status).toBe(401)
      expect((await (await call({ role: 'admin' }))('GET', '/v1/runs')).status).toBe(401)
      // As the host it would read all that is ada's.
      for (const claims of [{ agent: ['Sales'] }, { agent: null }, { role: ['readonly'] }])
        expect((await (await call({ sub: 'ada', ...claims }))('GET', '/v1/runs')).status).toBe(401)
    })
  },
)
