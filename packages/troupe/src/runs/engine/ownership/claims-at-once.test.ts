import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createTroupe, defineAgent } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'

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
