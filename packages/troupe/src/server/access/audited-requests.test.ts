/** What the audit log holds of those who call: by which key, and what they were refused. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyAudit } from '../../operations/index.ts'
import type { Checkpoint } from '../../security/index.ts'
import { caller, type Served, Servers } from '../server-testbed.test.fixture.ts'

describe('the audit log over HTTP', () => {
  const servers = new Servers()
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const checkpoints: Checkpoint[] = []
  let served: Served
  const made: Record<string, { readonly id: string; readonly key: string }> = {}
  beforeAll(async () => {
    const to = (checkpoint: Checkpoint) => void checkpoints.push(checkpoint)
    const audit = { checkpoints: { key: { id: 'one', privateKey }, to } }
    served = await servers.start({ audit }, { authentication: 'required', rateLimit: false })
    const { apiKeys: keys } = served.troupe
    made.ada = await keys.create({ name: 'ada', users: ['ada'], role: 'admin' })
    made.all = await keys.create({ name: 'all', users: 'all', role: 'admin' })
  })
  afterAll(() => servers.close())
  const as = (callerName: string) =>
    caller(served.url, {
      authorization: `Bearer ${made[callerName]?.key}`,
      ...(callerName === 'all' ? { 'troupe-user': 'ada' } : {}),
    })

  it('The audit log over HTTP names the API key of each action.', async () => {
    await as('ada')('PUT', '/v1/context/entries/plan', { value: 1 })
    const created = await as('all')('POST', '/v1/api-keys', { name: 'third', users: ['bob'] })
    const { body } = await as('ada')('GET', '/v1/audit?operation=push_context')
    expect(body.items).toMatchObject([{ user: 'ada', actor: 'host', resource: 'plan', key: made.ada?.id }])
    const mine = await as('all')('GET', `/v1/audit?allUsers=true&resource=${created.body.id}`)
    expect(mine.body.items).toMatchObject([{ operation: 'key.create', key: made.all?.id }])
  })

  it('The audit log over HTTP records what a route rejected after authentication.', async () => {
    for (const path of ['/v1/api-keys', '/v1/audit?allUsers=true', '/v1/audit/export'])
      expect(await as('ada')('GET', path), path).toMatchObject({ status: 403, body: { code: 'request.forbidden' } })
    await served.troupe.audit.flush()
    const { items } = (await as('ada')('GET', '/v1/incidents')).body
    expect(items.map(({ operation, key }: { operation: string; key: string }) => [operation, key]).sort()).toEqual(
      ['api-keys.read', 'audit.read', 'audit.read'].map((operation) => [operation, made.ada?.id]),
    )
  })

  it('The audit log over HTTP records each refusal once, whichever code rejects the request.', async () => {
    const { apiKeys, audit, user } = served.troupe
    await user.call(served.troupe, 'eve').agent('B').context.push('of-b', 1)
    const { id, key } = await apiKeys.create({ name: 'bound', users: ['eve'], role: 'admin', agent: 'A' })
    const call = caller(served.url, { authorization: `Bearer ${key}` })
    const delivery = { delivery: 'none' }
    const rejected = [
      ['GET', '/v1/mailboxes/B', undefined, 'messages.read'],
      ['POST', '/v1/mailboxes/B/receive', {}, 'messages.receive'],
      ['POST', '/v1/mailboxes/B/ack', delivery, 'messages.receive'],
      ['POST', '/v1/mailboxes/B/dead-letters/none/redrive', undefined, 'messages.redrive'],
      ['GET', '/v1/context/stats', undefined, 'context.read'],
      ['DELETE', '/v1/context/entries', undefined, 'context.clear'],
      ['PUT', '/v1/topics/orders/policy', {}, 'topics.manage'],
      ['GET', '/v1/schedules', undefined, 'schedules.read'],
    ] as const
    for (const [method, path, body] of rejected)
      expect(await call(method, path, body), path).toMatchObject({ status: 403 })
    const other = await apiKeys.create({ name: 'other', users: ['eve', 'ada'], agent: 'C' })
    const push = caller(served.url, { authorization: `Bearer ${other.key}`, 'troupe-user': 'eve' })
    expect((await push('PUT', '/v1/context/entries/of-b', { value: 2 })).status).toBe(403)
    await audit.flush()
    const { items } = await audit.incidents({ user: 'eve' })
    expect(items.map(({ operation, actor, key: by }) => [operation, actor, by]).sort()).toEqual(
      [...rejected.map(([, , , operation]) => [operation, 'A', id]), ['push_context', 'C', other.id]].sort(),
    )
  })

  it('The audit log over HTTP is exported completely to a caller with all rights, and verified from that.', async () => {
    await served.troupe.audit.checkpoint()
    const { status, headers, text } = await as('all')('GET', '/v1/audit/export')
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8'])
    const report = await verifyAudit({ export: text.trim().split('\n'), checkpoints, publicKey })
    expect(report).toMatchObject({ ok: true, findings: [] })
    expect(report.covered).toBeGreaterThan(4)
    const tampered = text.replace('push_context', 'drop_context')
    const found = await verifyAudit({ export: tampered.trim().split('\n'), checkpoints, publicKey })
    expect(found.findings.map(({ kind }) => kind)).toContain('changed')
  })
})
