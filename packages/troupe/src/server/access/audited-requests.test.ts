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
