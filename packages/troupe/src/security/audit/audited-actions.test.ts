/** Deeds of the host and of people that the audit log holds besides writes: who, what, when, on what, and why not. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  createTroupe,
  defineAgent,
  defineTool,
  LlmAgent,
  patterns,
  type Troupe,
  type TroupeConfig,
} from '../../index.ts'
import { restoreBackup } from '../../operations.ts'
import { MockModel } from '../../testing/index.ts'

const keyRing = (...ids: string[]) => ids.map((id, i) => ({ id, key: Buffer.alloc(32, i + 1).toString('base64') }))

let folder: string
let open: Troupe[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-actions-'))
})
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  open = []
  rmSync(folder, { recursive: true, force: true })
})
const opened = async (config: Partial<TroupeConfig> = {}) => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
/** By their words: what is recorded within one millisecond has no order. */
const recorded = async (troupe: Troupe, query: Parameters<Troupe['audit']['list']>[0] = {}) => {
  await troupe.audit.flush()
  const { items } = await troupe.audit.list({ limit: 1_000, ...query })
  const records = items.map(({ user, actor, operation, resource, allowed, reason }) => ({
    ...(user === undefined ? {} : { user }),
    action: [actor, operation, ...(resource === undefined ? [] : [resource])].join(' '),
    ...(allowed ? {} : { reason }),
  }))
  const text = ({ action, reason = '' }: (typeof records)[number]) => `${action} ${reason}`
  return records.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

describe('deeds of the host', () => {
  it('The audit log records the creation, rotation and revocation of API keys by id, without a secret.', async () => {
    const troupe = await opened()
    const { id, key } = await troupe.apiKeys.create({ name: 'billing', users: ['ada'] })
    const next = await troupe.apiKeys.rotate(id)
    await troupe.apiKeys.revoke(next.id)
    await expect(troupe.apiKeys.revoke('none')).rejects.toMatchObject({ code: 'key.unknown' })
    expect(await recorded(troupe)).toEqual([
      { action: `host key.create ${id}` },
      { action: `host key.revoke ${next.id}` },
      { action: `host key.rotate ${id}` },
    ])
    const lines: string[] = []
    for await (const line of troupe.audit.export()) lines.push(line)
    for (const secret of [key, next.key]) expect(lines.join()).not.toContain(secret.slice(30))
  })

  it('The audit log records the rotation of encryption keys and changes of signing keys.', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const troupe = await opened({
      encryption: { keys: keyRing('old', 'new'), current: 'old' },
      messaging: { signatures: { keys: [{ id: 'first', privateKey }] } },
    })
    await troupe.encryption.rotate({ to: 'new', data: true })
    await expect(troupe.encryption.rotate({ to: 'none' })).rejects.toThrow()
    troupe.signatures.rotate({ id: 'second', privateKey: generateKeyPairSync('ed25519').privateKey })
    await troupe.signatures.revoke('first')
    expect(await recorded(troupe)).toEqual([
      { action: 'host encryption.rotate new data' },
      { action: 'host encryption.rotate none' },
      { action: 'host encryption.rotate none', reason: 'encryption.key_missing' },
      { action: 'host signature.revoke first' },
      { action: 'host signature.rotate second' },
    ])
  })

  it('The audit log records changes of the access of an agent.', async () => {
    const troupe = await opened()
    const { tools } = troupe.user('ada').agent('Support')
    tools.setRole('moderator')
    tools.setAllow(['get_context'])
    tools.setDeny(['push_context'])
    tools.setAllow(undefined)
    expect(() => tools.setRole('emperor')).toThrow()
    expect(await recorded(troupe, { user: 'ada' })).toEqual(
      ['allow all of the role', 'allow get_context', 'deny push_context', 'role moderator'].map((what) => ({
        user: 'ada',
        action: `host access.change Support: ${what}`,
      })),
    )
  })

  it('The audit log records backups and restores.', async () => {
    const storage = `sqlite:${join(folder, 'one.db')}`
    const troupe = await opened({ storage })
    const to = join(folder, 'backup')
    await troupe.backup(to)
    await expect(troupe.backup(to)).rejects.toThrow()
    const made = { action: `host backup.make ${to}` }
    expect(await recorded(troupe)).toEqual([made, made, { ...made, reason: expect.any(String) }])
    const copy = `sqlite:${join(folder, 'two.db')}`
    const { installation } = await restoreBackup({ from: to, to: copy })
    const first = await opened({ storage: copy })
    await first.audit.flush()
    await first.close()
    const second = await opened({ storage: copy })
    await second.resumeRestored()
    const restored = (await recorded(second)).filter(({ action }) => !action.includes('backup.make'))
    expect(restored).toEqual([
      { action: `host backup.restore ${installation}` },
      { action: `host backup.resume ${installation}` },
    ])
  })

  it('The audit log records a changed configuration by the names of what differs.', async () => {
    const storage = `sqlite:${join(folder, 'one.db')}`
    const under = async (config: Partial<TroupeConfig>) => {
      const troupe = await opened({ storage, ...config })
      const found = (await recorded(troupe)).map(({ action }) => action)
      await troupe.close()
      return found
    }
    expect(await under({})).toEqual([])
    expect(await under({})).toEqual([])
    const egress = { allow: ['api.example.com'] }
    const change = 'troupe config.change egress policy'
    expect(await under({ policy: { taint: 'report' }, egress })).toEqual([change])
    expect(await under({ policy: { taint: 'report' }, egress, models: { apiKey: 'sk-one' } })).toHaveLength(2)
    // A secret that is replaced is no other configuration.
    expect(await under({ policy: { taint: 'report' }, egress, models: { apiKey: 'sk-two' } })).toHaveLength(2)
  })
})

describe('approvals', () => {
  const paid: unknown[] = []
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    inputSchema: z.object({ to: z.string(), amount: z.number() }),
    effect: 'at-most-once',
    needsApproval: true,
    execute: (input) => {
      paid.push(input)
      return 'paid'
    },
  })
  const payer = (name: string) =>
    new LlmAgent({
      name,
      model: new MockModel({
        responses: [{ toolCalls: [{ name: 'pay', args: { to: 'Bob', amount: 5 } }] }, 'It is done.'],
      }),
      tools: { pay },
    })
  const other = 'f'.repeat(64)
  beforeEach(() => void paid.splice(0))

  /** At each depth: the same question comes up, and is answered through what the host holds. */
  const surfaces: Record<
    string,
    (troupe: Troupe) => Promise<(hash: (own: string) => string, approve: boolean) => Promise<unknown>>
  > = {
    'in a session': async (troupe) => {
      const session = troupe.user('ada').session(payer('Payer'))
      const { questions = [] } = await session.generate('Pay Bob.')
      const [question] = questions
      return (hash, approve) => session.answer(question?.id ?? '', { approve, hash: hash(question?.hash ?? '') })
    },
    'by a helper of a helper': async (troupe) => {
      const call = (name: string): MockModel =>
        new MockModel({ responses: [{ toolCalls: [{ name, args: { request: 'Pay Bob.' } }] }, 'Done.'] })
      const clerk = new LlmAgent({ name: 'Clerk', model: call('Payer'), agents: { Payer: payer('Payer') } })
      const boss = new LlmAgent({ name: 'Boss', model: call('Clerk'), agents: { Clerk: clerk } })
      const session = troupe.user('ada').session(boss)
      const { questions = [] } = await session.generate('Pay Bob.')
      const [question] = questions
      return (hash, approve) => session.answer(question?.id ?? '', { approve, hash: hash(question?.hash ?? '') })
    },
    'in a run': async (troupe) => {
      const run = await troupe
        .user('ada')
        .orchestra.start({ task: 'Pay Bob.', topology: patterns.pipeline({ stages: [{ agents: [payer('Payer')] }] }) })
      const [question] = (await run.result()).questions ?? []
      return (hash, approve) =>
        run.answer(question?.id ?? '', { approve, hash: hash(question?.hash ?? '') }).then(() => run.result())
    },
    'in a run that a step of a run has started': async (troupe) => {
      const starter = (name: string, topology: object) =>
        defineAgent({
          name,
          run: async (_, ctx) => (await (await ctx.startRun({ task: 'Pay Bob.', topology })).result()).response ?? null,
        })
      const inner = patterns.pipeline({ stages: [{ agents: [payer('Payer')] }] })
      const middle = patterns.pipeline({ stages: [{ agents: [starter('Middle', inner)] }] })
      const topology = patterns.pipeline({ stages: [{ agents: [starter('Outer', middle)] }] })
      const run = await troupe.user('ada').orchestra.start({ task: 'go', topology })
      const [question] = (await run.result()).questions ?? []
      return (hash, approve) =>
        run.answer(question?.id ?? '', { approve, hash: hash(question?.hash ?? '') }).then(() => run.result())
    },
  }
  const incidents = async (troupe: Troupe) => {
    await troupe.audit.flush()
    return (await troupe.audit.incidents({ user: 'ada' })).items.map(({ actor, operation, reason }) => [
      actor,
      operation,
      reason,
    ])
  }
  const approvals = async (troupe: Troupe) =>
    (await recorded(troupe, { user: 'ada' }))
      .map(({ action }) => action)
      .filter((action) => action.includes(' approval.'))

  it.each(Object.keys(surfaces))(
    'Approvals that are asked for %s are given for the exact arguments, once, and are in the audit log.',
    async (where) => {
      const troupe = await opened()
      const answer = await (surfaces[where] as (typeof surfaces)[string])(troupe)
      await expect(answer(() => other, true)).rejects.toMatchObject({
        name: 'ConflictError',
        code: 'approval.mismatch',
      })
      await expect(answer(() => '', true)).rejects.toMatchObject({ code: 'approval.mismatch' })
      expect(paid).toEqual([])
      expect(await incidents(troupe)).toEqual([
        ['Payer', 'pay', 'approval.mismatch'],
        ['Payer', 'pay', 'approval.mismatch'],
      ])
      expect(await approvals(troupe)).toEqual([])
      let bound = ''
      await answer((own) => {
        bound = own
        return own
      }, true)
      expect(paid).toEqual([{ to: 'Bob', amount: 5 }])
      expect(await approvals(troupe)).toEqual([`host approval.give pay ${bound}`])
      await expect(answer((own) => own, true)).rejects.toMatchObject({ name: 'ConflictError' })
      expect(paid).toHaveLength(1)
    },
  )

  it.each(Object.keys(surfaces))(
    'Approvals that are asked for %s are in the audit log also if writes are not.',
    async (where) => {
      const troupe = await opened({ audit: { writes: false } })
      const answer = await (surfaces[where] as (typeof surfaces)[string])(troupe)
      await answer((own) => own, true)
      expect((await recorded(troupe, { user: 'ada' })).map(({ action }) => action)).toEqual([
        expect.stringMatching(/^host approval\.give pay /),
      ])
    },
  )

  it.each(Object.keys(surfaces))(
    'Approvals that are asked for %s can be refused, and the refusal is in the audit log.',
    async (where) => {
      const troupe = await opened()
      const answer = await (surfaces[where] as (typeof surfaces)[string])(troupe)
      await answer((own) => own, false)
      expect(paid).toEqual([])
      expect((await approvals(troupe))[0]).toMatch(/^host approval\.refuse pay /)
      expect(await incidents(troupe)).toEqual([['Payer', 'pay', 'approval.denied']])
    },
  )
})
