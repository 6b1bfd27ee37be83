import { expect, it, vi } from 'vitest'
import { createTroupe, defineAgent, finish } from '../../index.ts'
import { partsOf } from '../../startup/index.ts'

it('The events of a run end with its last event, also if the run ends between two reads of the stream.', async () => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const gate = Promise.withResolvers<void>()
  const asker = defineAgent({
    name: 'Asker',
    run: async (_, ctx) => {
      const answer = await ctx.ask({ text: 'Which row?' })
      await gate.promise
      return finish(answer)
    },
  })
  const run = await troupe
    .user('ada')
    .orchestra.start({ task: 't', topology: { agents: [asker], flows: ['Asker -> End'] } })
  const { questions } = await run.result()
  const host = troupe[partsOf].runs.orchestra
  const records = host.records.bind(host)
  let reads = 0
  const read = vi.spyOn(host, 'records').mockImplementation(async (...args) => {
    if (++reads !== 2) return records(...args)
    // The records as they were before the run ended.
    const page = await records(...args)
    gate.resolve()
    await run.result()
    return page.slice(0, 0)
  })
  const types: string[] = []
  const reading = (async () => {
    for await (const { type } of run.events()) types.push(type)
  })()
  await vi.waitFor(() => expect(reads).toBe(1))
  await run.answer(questions[0]?.id ?? '', '4')
  await reading
  read.mockRestore()
  expect(types.at(-1)).toBe('run.completed')
  await troupe.close()
})
