import { expect, it } from 'vitest'
import { createTroupe, defineAgent } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'

it('The open child runs of a run are read without the child runs of other runs and those that have ended.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const line = (...agents: ReturnType<typeof defineAgent>[]) => ({
    agents,
    flows: agents.flatMap(({ name }) => [`Start -> ${name}`, `${name} -> End`]),
  })
  const child = defineAgent({ name: 'Child', run: async (day, ctx) => day ?? ctx.ask({ text: 'Which day?' }) })
  const parent = defineAgent({
    name: 'Parent',
    run: async (_, ctx) => {
      const runs = [null, null, 'Monday'].map((task) => ctx.startRun({ task, topology: line(child) }))
      return Promise.all(runs.map(async (run) => (await (await run).result()).response ?? null))
    },
  })
  const { orchestra } = troupe.user('ada')
  const parents = await Promise.all([1, 2].map((task) => orchestra.start({ task, topology: line(parent) })))
  for (const run of parents) expect((await run.result()).questions).toHaveLength(2)
  const { store } = troupe[partsOf].runs.orchestra.parts.stores
  expect(await store.children('ada')).toHaveLength(4)
  for (const { id } of parents)
    expect((await store.children('ada', id)).map((row) => row.parent?.run)).toEqual([id, id])
  expect(await store.children('ada', 'none')).toEqual([])
  expect(await store.children('bob', parents[0]?.id)).toEqual([])
})
