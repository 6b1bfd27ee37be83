import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { failure } from '../../../core/index.ts'
import { createTroupe, defineAgent } from '../../../index.ts'
import { openParts } from '../../../startup/open-parts.ts'
import { partsOf, Troupe } from '../../../startup/troupe.ts'
import type { Change } from '../../../storage/index.ts'

it('A claim with the code of a run succeeds although it came during a claim without that code.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-claims-'))
  const config = { storage: `sqlite:${join(folder, 'troupe.db')}`, log: 'silent' } as const
  const agent = defineAgent({ name: 'A', run: async (_, ctx) => String(await ctx.ask({ text: 'Continue?' })) })
  try {
    const before = await createTroupe(config)
    const run = await before.user('ada').orchestra.start({ id: 'r', agent, task: 'x' })
    const { questions } = await run.result()
    await before.close()
    await using troupe = await createTroupe(config)
    const { orchestra } = troupe[partsOf].runs
    const claims = await Promise.allSettled([
      orchestra.own('ada', 'r'),
      orchestra.own('ada', 'r', new Map([['A', agent]])),
      orchestra.own('ada', 'r'),
    ])
    expect(claims).toMatchObject([
      { status: 'rejected', reason: { code: 'run.agents_missing' } },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'run.agents_missing' } },
    ])
    const resumed = await troupe.user('ada').orchestra.get('r')
    await resumed.answer(questions[0]?.id ?? '', 'yes')
    expect(await resumed.result()).toMatchObject({ status: 'completed', response: 'yes' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('A claim takes over a run whose repeated start was rejected meanwhile.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-claims-'))
  const config = { storage: `sqlite:${join(folder, 'troupe.db')}`, log: 'silent' } as const
  let isBefore = true
  const agent = defineAgent({
    name: 'A',
    run: (_, ctx) =>
      isBefore ? new Promise<never>((_resolve, reject) => ctx.signal.addEventListener('abort', reject)) : 'done',
  })
  try {
    const before = await createTroupe(config)
    await before.user('ada').orchestra.start({ id: 'r', agent, task: 'x' })
    await before.close()
    isBefore = false
    const parts = await openParts({ ...config, agents: [agent] })
    await using troupe = new Troupe(parts, {
      requireUserId: false,
      openEvaluationTroupe: () => Promise.reject(new Error('nothing is evaluated here')),
    })
    const ada = troupe.user('ada')
    const started = parts.runs.orchestra.start('ada', { id: 'r', agent, task: 'y' })
    // The change of the start is in progress after some microtasks.
    for (let i = 0; i < 20; i++) await Promise.resolve()
    const outcomes = await Promise.allSettled([started, parts.runs.orchestra.own('ada', 'r')])
    expect(outcomes).toMatchObject([{ status: 'rejected', reason: { code: 'run.repeated' } }, { status: 'fulfilled' }])
    await expect.poll(async () => (await ada.orchestra.list()).items.map(({ status }) => status)).toEqual(['completed'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('A run whose start was committed although it failed continues after an earlier failed start.', async () => {
  const agent = defineAgent({ name: 'A', run: () => 'done' })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [agent] })
  const { orchestra } = troupe[partsOf].runs
  const { storage } = orchestra.parts.stores
  const commit = storage.commit.bind(storage)
  const committing = Promise.withResolvers<void>()
  const lostAnswer = failure('storage.io', { database: 'memory', reason: 'no answer' })
  let starts = 0
  Object.assign(storage, {
    async commit(change: Change) {
      if (!change.statements.some(({ sql }) => /insert into runs /.test(sql))) return commit(change)
      if (++starts === 1) throw lostAnswer
      if (starts > 2) return commit(change)
      await committing.promise
      await commit(change)
      throw lostAnswer
    },
  })
  const ada = troupe.user('ada')
  const start = () => ada.orchestra.start({ id: 'r', agent: 'A', task: 'x' })
  await expect(start()).rejects.toMatchObject({ code: 'storage.io' })
  const second = start()
  const claimed = orchestra.own('ada', 'r').catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 50))
  committing.resolve()
  await expect(second).rejects.toMatchObject({ code: 'storage.io' })
  await claimed
  await expect.poll(async () => (await (await ada.orchestra.get('r')).status()).status).toBe('completed')
})
