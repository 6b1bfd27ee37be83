import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as macrotask } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { defineAgent, type Orchestra, type Run } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()
const folder = mkdtempSync(join(tmpdir(), 'troupe-found-early-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const echo = defineAgent({ name: 'Echo', run: async (input: number) => input })

async function find(orchestra: Orchestra, id: string): Promise<Run> {
  for (;;) {
    const run = await orchestra.get(id).catch(() => undefined)
    if (run) return run
    await macrotask()
  }
}

it('A run that is awaited before its start has returned starts once, and completes.', async () => {
  const { orchestra } = await ada({ storage: `sqlite:${join(folder, 'runs.db')}`, agents: [echo] })
  for (let n = 0; n < 30; n++) {
    const id = `run-${n}`
    const [, result] = await Promise.all([
      orchestra.start({ id, task: n, agent: echo }),
      find(orchestra, id).then((run) => run.result()),
    ])
    expect(result).toMatchObject({ status: 'completed', response: n, totalSteps: 1 })
  }
})

it('A start that is repeated at once gives the run that the first one made.', async () => {
  const { orchestra } = await ada({ agents: [echo] })
  const starts = await Promise.all([1, 2, 3].map(() => orchestra.start({ id: 'one', task: 1, agent: echo })))
  for (const run of starts) expect(await run.result()).toMatchObject({ status: 'completed', totalSteps: 1 })
})
