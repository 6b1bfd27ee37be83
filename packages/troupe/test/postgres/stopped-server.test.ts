/** Callers that follow a run while the server is stopped for longer than a connection is waited for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent, finish } from '../../src/index.ts'
import { binaries } from './binaries.ts'
import { Cluster, freePort } from './cluster.ts'

const bin = binaries()
if (!bin) process.stderr.write('skipped: no programs of PostgreSQL\n')

describe.skipIf(bin === undefined)('runs on a stopped server', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = new Cluster({ bin: bin as string, port: await freePort(), settings: { fsync: 'off' } })
    cluster.start()
  })
  afterAll(() => cluster.dispose())

  test('The events and the output of a run continue after the server was stopped, without loss or repetition.', async () => {
    const asking = defineAgent({ name: 'Asks', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
    const storage = { url: cluster.url, acquireTimeout: '500ms' } as const
    const here = await createTroupe({ storage, agents: [asking], log: 'silent' })
    const there = await createTroupe({ storage, log: 'silent' })
    const run = await here
      .user('ada')
      .orchestra.start({ task: 'x', topology: { agents: [asking], flows: ['Asks -> End'] } })
    const [question] = (await run.result()).questions
    const far = await there.user('ada').orchestra.get(run.id)
    const begun: number[] = []
    const follow = async (events: AsyncIterable<{ readonly seq: number }>) => {
      const seqs: number[] = []
      for await (const { seq } of events) {
        if (seqs.push(seq) === 1) begun.push(seq)
      }
      return seqs
    }
    const outcomes = Promise.allSettled([follow(run.events()), follow(far.events()), run.output(), far.output()])
    await expect.poll(() => begun).toEqual([1, 1])
    cluster.stop()
    await expect(there.user('ada').orchestra.get('none')).rejects.toMatchObject({ code: 'storage.unreachable' })
    await expect(there.user('ada').orchestra.get('none')).rejects.toMatchObject({ code: 'storage.unreachable' })
    cluster.start()
    const answer = () => run.answer(question?.id ?? '', 'red', { id: 'once' })
    await expect.poll(() => answer().catch((error: unknown) => error), { timeout: 30_000 }).toBe(undefined)
    const all = await follow(run.events())
    expect(await outcomes).toEqual([all, all, 'red', 'red'].map((value) => ({ status: 'fulfilled', value })))
    await Promise.all([here.close(), there.close()])
  })
})
