/** API keys of models that are missing are found when a troupe opens, and by check, health and doctor. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { createTroupe, LlmAgent, patterns, secretRef, type TroupeConfig } from '../index.ts'

afterEach(() => vi.unstubAllEnvs())

const hidden = () => {
  for (const name of ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'AGENT_MODEL', 'AGENT_API_KEY', 'VAULT1'])
    vi.stubEnv(name, '')
}
const asker = (model: string | readonly string[]) => new LlmAgent({ name: 'Asker', instructions: 'i', model } as never)

async function opened(config: Partial<TroupeConfig>) {
  hidden()
  const lines: string[] = []
  const log = { format: 'json' as const, destination: { write: (line: string) => lines.push(line) } }
  const troupe = await createTroupe({ storage: 'memory:', log, ...config })
  return { troupe, lines: lines.map((line) => JSON.parse(line)) }
}

it.each([
  ['a secret that is in no source', { models: { model: 'openai/gpt-5-mini', apiKey: secretRef('VAULT1') } }, 'VAULT1'],
  ['a variable that is not set', { models: { model: 'openai/gpt-5-mini' } }, 'OPENAI_API_KEY'],
  ['the variable of an agent', { agents: [asker('anthropic/claude-sonnet-4-5')] }, 'ANTHROPIC_API_KEY'],
] as const)('In development a troupe warns of a missing API key and is degraded: %s.', async (_, config, name) => {
  const { troupe, lines } = await opened(config as never)
  await using _open = troupe
  expect(lines).toMatchObject([{ level: 40, problem: expect.stringContaining(name) }])
  const { status, checks } = await troupe.health()
  expect(status).toBe('degraded')
  expect(checks.find((check) => check.name === 'models')?.message).toContain(name)
  const { checks: found } = await troupe.doctor()
  expect(found.find(({ id }) => id === 'models.keys')).toMatchObject({
    status: 'fail',
    evidence: expect.stringContaining(name),
  })
})

it('In production a troupe with a missing API key does not open, and the error names the secret.', async () => {
  hidden()
  const keys = { keys: [{ id: 'k1', key: Buffer.alloc(32, 1).toString('base64') }], current: 'k1' }
  const storage = `sqlite:${join(mkdtempSync(join(tmpdir(), 'troupe-keys-')), 't.db')}`
  const base: TroupeConfig = { storage, profile: 'production', encryption: keys, log: 'silent' }
  const apiKey = secretRef('VAULT1')
  await expect(createTroupe({ ...base, models: { model: 'openai/gpt-5-mini', apiKey } })).rejects.toMatchObject({
    code: 'secret.missing',
    message: expect.stringContaining('VAULT1'),
    details: { name: 'VAULT1', stage: 'models' },
  })
  const both = [asker('anthropic/claude-sonnet-4-5')]
  await expect(createTroupe({ ...base, models: { model: 'openai/gpt-5-mini' }, agents: both })).rejects.toMatchObject({
    code: 'config.invalid',
    details: { problems: [{ code: 'model.key_missing' }, { code: 'model.key_missing' }] },
  })
  vi.stubEnv('OPENAI_API_KEY', 'sk-planted-key')
  const chain = asker(['anthropic/claude-sonnet-4-5', 'openai/gpt-5-mini'])
  const troupe = await createTroupe({ ...base, agents: [chain] })
  await troupe.close()
})

it('The check of a team names the API key that its model lacks.', async () => {
  const { troupe } = await opened({})
  await using _open = troupe
  const topology = patterns.pipeline({ stages: [{ agents: [asker('openai/gpt-5-mini')] }] })
  expect(await troupe.user('ada').orchestra.check(topology)).toMatchObject([
    {
      code: 'model.key_missing',
      severity: 'warning',
      location: 'Asker',
      message: expect.stringContaining('OPENAI_API_KEY'),
    },
  ])
})

it("The name of a missing secret is in the error of the model's call, and its value never is.", async () => {
  const { troupe } = await opened({ models: { model: 'openai/gpt-5-mini', apiKey: secretRef('VAULT1') } })
  await using _open = troupe
  const session = troupe.user('ada').session(new LlmAgent({ name: 'A', instructions: 'i' }))
  await expect(session.chat('hello')).rejects.toMatchObject({
    code: 'secret.missing',
    message: expect.stringContaining('VAULT1'),
  })
})
