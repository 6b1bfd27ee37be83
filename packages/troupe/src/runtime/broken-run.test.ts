import { expect, it } from 'vitest'
import { defineAgent } from '../agents/index.ts'
import { Orchestra } from '../orchestration/index.ts'
import { openParts } from './parts.ts'
import { Troupe } from './troupe.ts'

it('a broken invariant ends its own run, with the reason, and no other', async () => {
  const parts = await openParts({ storage: 'memory:', log: 'silent' })
  await using _ = new Troupe(parts, { requireUserId: false })
  const orchestra = new Orchestra(parts.orchestra, 'ada')
  const asks = (name: string) => defineAgent({ name, run: (_input, ctx) => ctx.ask({ text: 'Well?' }) })
  const topology = { agents: [asks('A')], flows: ['Start -> A', 'A -> End', 'A -> User', 'User -> A'] }
  const [broken, sound] = await Promise.all([1, 2].map((task) => orchestra.start({ task, topology })))
  const [first, second] = await Promise.all([broken?.result(), sound?.result()])
  expect([first?.status, second?.status]).toEqual(['waiting', 'waiting'])
  const types: string[] = []
  const told = (async () => {
    for await (const event of broken?.events() ?? []) types.push(event.type)
  })()
  // What no release ever wrote.
  const row = parts.inbox.put('ada', `run:${broken?.id}`, 'nobody', 'end', { type: 'gossip' })
  await parts.storage.commit({ id: null, scope: { user: 'ada' }, ...row })
  await told
  expect(await broken?.result()).toMatchObject({ status: 'failed', error: { code: 'invariant.broken' } })
  expect(types).not.toContain('run.completed')
  await sound?.answer(second?.questions[0]?.id as string, 'fine')
  expect(await sound?.result()).toMatchObject({ status: 'completed', response: 'fine' })
})
