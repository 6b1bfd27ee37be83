import { describe, expect, it } from 'vitest'
import { createVirtualClock, failure, nextMacrotask, sleep } from '../core/index.ts'
import type { StepEntry } from './agent-port.ts'
import { AgentFactory } from './definitions/agent-factory.ts'
import { AgentPool } from './definitions/agent-pool.ts'
import { defineAgent } from './definitions/define-agent.ts'
import { finish } from './definitions/routing.ts'
import { EpisodicIndex } from './memory/episodic-index.ts'
import type { Embed } from './memory/similarity.ts'
import { WorkingMemory } from './memory/working-memory.ts'

describe('a pool', () => {
  const clock = createVirtualClock()
  const pool = (more = {}) => {
    let n = 0
    const disposed: number[] = []
    const made = new AgentPool<number>({
      create: () => ++n,
      dispose: (one) => void disposed.push(one),
      size: 2,
      clock,
      ...more,
    })
    return { pool: made, disposed }
  }

  it('A pool lends a bounded number of instances, and serves waiters in their order.', async () => {
    const { pool: p } = pool()
    const held = [await p.acquire(), await p.acquire()]
    const order: string[] = []
    const waiting = ['a', 'b'].map(async (key) => {
      const lease = await p.acquire({ key })
      order.push(key)
      return lease
    })
    await held[0]?.release()
    await held[0]?.release()
    await waiting[0]
    expect(p.stats()).toMatchObject({ inUse: 2, waiting: 1, created: 2, acquired: 3 })
    await held[1]?.release()
    await waiting[1]
    expect(order).toEqual(['a', 'b'])
  })

  it('A pool gets its instance back after a failure, a cancelled wait and a timeout.', async () => {
    const { pool: p } = pool({ size: 1, acquireTimeout: '2s' })
    await expect(p.use(() => Promise.reject(new Error('in the middle')))).rejects.toThrow('in the middle')
    const held = await p.acquire()
    const controller = new AbortController()
    const cancelled = p.acquire({ signal: controller.signal })
    controller.abort()
    await expect(cancelled).rejects.toMatchObject({ name: 'CancelledError' })
    const late = p.acquire()
    late.catch(() => {})
    await clock.advance('2s')
    await expect(late).rejects.toMatchObject({ code: 'pool.timeout' })
    await held.release()
    await (await p.acquire()).release()
    expect(p.stats()).toMatchObject({ idle: 1, inUse: 0, timeouts: 1 })
  })

  it('A pool creates some instances at once, releases idle ones, and disposes of all when it closes.', async () => {
    const { pool: p, disposed } = pool({ warmStart: 2, maxIdle: '1m' })
    await p.ready()
    expect(p.stats()).toMatchObject({ created: 2, idle: 2 })
    const held = await p.acquire()
    await clock.advance('1m')
    expect(disposed).toHaveLength(1)
    const closing = p.close()
    await held.release()
    await closing
    expect(disposed).toHaveLength(2)
    await expect(p.acquire()).rejects.toMatchObject({ code: 'pool.closed' })
  })

  it('A pool with warmStart creates as many instances at once as its size.', async () => {
    const { pool: full } = pool({ size: 3, warmStart: true })
    await full.ready()
    expect(full.stats()).toMatchObject({ created: 3, idle: 3 })
    const { pool: cold } = pool({ size: 3, warmStart: false })
    await cold.ready()
    expect(cold.stats()).toMatchObject({ created: 0, idle: 0 })
  })

  it('A caller of a pool with a key gets the instance that it had last if that one is idle, and any other if not.', async () => {
    const { pool: p } = pool()
    const [first, second] = [await p.acquire({ key: 'a' }), await p.acquire({ key: 'b' })]
    await first.release()
    await second.release()
    const third = await p.acquire({ key: 'a' })
    const fourth = await p.acquire({ key: 'a' })
    expect([third.instance, fourth.instance]).toEqual([first.instance, second.instance])
    await fourth.release()
    await third.release()
    expect([(await p.acquire()).instance, (await p.acquire({ key: 'b' })).instance]).toEqual([1, 2])
  })

  it('A warm start of a pool that fails leaves the instances that were created, and reports the error.', async () => {
    let made = 0
    const create = async () => {
      if (++made === 1) throw new Error('no')
      return made
    }
    const p = new AgentPool({ create, size: 3, warmStart: true, clock })
    await expect(p.ready()).rejects.toThrow('no')
    expect(p.stats()).toMatchObject({ created: 2, idle: 2, inUse: 0 })
  })

  it('A pool lets the next waiter try if creating an instance failed.', async () => {
    let n = 0
    const p = new AgentPool({
      create: async () => {
        if (++n === 1) throw new Error('no browser')
        return n
      },
      size: 1,
      clock,
    })
    const [first, second] = await Promise.allSettled([p.acquire(), p.acquire()])
    expect(first).toMatchObject({ status: 'rejected' })
    expect(second).toMatchObject({ status: 'fulfilled', value: { instance: 2 } })
  })

  it('A pool does not wait longer for an instance in creation, and gives a late one to the next waiter.', async () => {
    const disposed: number[] = []
    let made = 0
    const p = new AgentPool({
      create: async () => {
        await sleep(clock, 10_000)
        return ++made
      },
      dispose: (one) => void disposed.push(one),
      size: 1,
      acquireTimeout: '2s',
      clock,
    })
    const late = p.acquire().catch((error: { code: string }) => error.code)
    await clock.advance('2s')
    expect(await late).toBe('pool.timeout')
    const controller = new AbortController()
    const gone = p.acquire({ signal: controller.signal }).catch((error: { name: string }) => error.name)
    controller.abort()
    expect(await gone).toBe('CancelledError')
    await clock.advance('7s')
    const next = p.acquire()
    await clock.advance('1s')
    const lease = await next
    expect([lease.instance, p.stats()]).toMatchObject([1, { created: 1, inUse: 1, timeouts: 1 }])
    const closings = [p.close(), p.close()]
    await lease.release()
    await Promise.all(closings)
    expect(disposed).toEqual([1])
  })

  it('A pool acts as its agents in a topology, and takes back the instance of a step that is dropped.', async () => {
    const agent = defineAgent({
      name: 'Member',
      run: async (input) => (input === 'wait' ? new Promise(() => {}) : input),
    })
    const p = new AgentPool({ agent, size: 1, clock })
    const entry = (input: string, signal: AbortSignal) =>
      ({ input, recorder: { step: 's', signal, dropWhenParked: () => {} } }) as unknown as StepEntry
    expect(p.name).toBe('Member')
    const parking = new AbortController()
    void p.step(entry('wait', parking.signal))
    const next = p.step(entry('next', new AbortController().signal))
    await nextMacrotask(clock)
    parking.abort('parked')
    expect(await next).toEqual({ kind: 'value', value: 'next' })
    expect(p.stats()).toMatchObject({ inUse: 0, idle: 1 })
  })

  it('A pool rejects options that contradict each other.', () => {
    expect(() => new AgentPool({ clock })).toThrow(/create or agent/)
    expect(() => new AgentPool({ agent: 1, size: 1, warmStart: 2, clock })).toThrow(/warmStart/)
    expect(() => new AgentPool({ agent: 1, warmStart: 'yes' as never, clock })).toThrow(/warmStart is yes/)
  })
})

describe('memories', () => {
  it('A working memory retains seven items, and removes the least important and oldest first.', () => {
    const memory = new WorkingMemory<string>()
    for (let i = 0; i < 8; i++) memory.add(`thing ${i}`)
    expect(memory.add('urgent', { priority: 9 })).toEqual({ content: 'thing 1', priority: 0 })
    expect(memory.items().map(({ content }) => content)).toEqual([
      'urgent',
      ...[7, 6, 5, 4, 3, 2].map((i) => `thing ${i}`),
    ])
    expect(memory.add('trifle', { priority: -1 })).toEqual({ content: 'trifle', priority: -1 })
  })

  it('An episodic memory retains a hundred episodes and finds the most similar.', async () => {
    const memory = new EpisodicIndex<string>()
    for (let i = 0; i < 120; i++)
      memory.add(`episode ${i} about ${i === 110 ? 'repairing a bicycle chain' : `topic number ${i}`}`)
    expect(memory.size).toBe(100)
    const found = await memory.retrieveSimilar('how do I repair the chain of my bicycle?', { limit: 3 })
    expect(found.length).toBeLessThanOrEqual(3)
    expect(found[0]?.content).toMatch(/bicycle chain/)
    expect(
      (await memory.retrieveSimilar('episode 0 about topic number 0')).some(({ content }) =>
        /episode 0 about/.test(content),
      ),
    ).toBe(false)
    expect(memory.forget((episode) => /bicycle/.test(episode))).toBe(1)
    expect(await memory.retrieveSimilar('bicycle')).toEqual([])
    expect([memory.similarity, found[0]?.similarity]).toEqual(['lexical', 'lexical'])
  })

  it('An episodic memory searches an episode as it was when it was added.', async () => {
    const memory = new EpisodicIndex<{ text: string }>()
    const episode = { text: 'repaired a bicycle chain' }
    memory.add(episode)
    episode.text = 'baked bread'
    expect(await memory.retrieveSimilar('bicycle')).toHaveLength(1)
  })

  it('An episodic memory rejects an episode without JSON, and its later searches work.', async () => {
    const memory = new EpisodicIndex()
    memory.add('repaired a bicycle chain')
    const circular: { self?: unknown } = {}
    circular.self = circular
    for (const episode of [circular, { amount: 1n }])
      expect(() => memory.add(episode)).toThrow(expect.objectContaining({ code: 'validation.failed' }))
    expect([memory.size, await memory.retrieveSimilar('bicycle')]).toMatchObject([1, [{ similarity: 'lexical' }]])
  })
})

describe('episodes with an embedding model', () => {
  const embeddings: Readonly<Record<string, readonly number[]>> = {
    'mended a bike': [1, 0],
    'baked bread': [0, 1],
    'repaired a bicycle': [0.9, 0.1],
  }
  const embed: Embed = async (texts) => ({
    model: 'mock/meaning',
    vectors: texts.map((text) => Float32Array.from(embeddings[text] ?? [0, 0])),
  })

  it('An episodic memory with an embedding model finds episodes by meaning, and names the method.', async () => {
    const memory = new EpisodicIndex<string>({ embed })
    for (const text of ['mended a bike', 'baked bread']) memory.add(text)
    const [first] = await memory.retrieveSimilar('repaired a bicycle', { limit: 1 })
    expect(first).toMatchObject({ content: 'mended a bike', similarity: 'embedding', model: 'mock/meaning' })
    expect(memory.similarity).toBe('embedding')
  })

  it('An episodic memory finds episodes by words while the model is unavailable, and fails with wrong vectors.', async () => {
    const failing = (code: 'model.limited' | 'embedding.wrong') =>
      new EpisodicIndex<string>({
        embed: async () => {
          throw failure(code, { model: 'm', seconds: 1, problem: 'p' })
        },
      })
    const limited = failing('model.limited')
    limited.add('mended a bike')
    expect(await limited.retrieveSimilar('a bike')).toMatchObject([{ similarity: 'lexical' }])
    const wrong = failing('embedding.wrong')
    wrong.add('x')
    await expect(wrong.retrieveSimilar('x')).rejects.toMatchObject({ code: 'embedding.wrong' })
  })
})

describe('a factory', () => {
  it('An agent factory creates registered kinds, and names the known kinds for an unknown one.', async () => {
    const factory = new AgentFactory()
    const made = (name: string) => defineAgent({ name, run: async () => finish(1) })
    factory.register('research', (config: { name: string }) => made(config.name))
    factory.register('writing', () => ({ name: 'w' }))
    expect(await factory.create('research', { name: 'R' })).toMatchObject({ name: 'R' })
    expect(await factory.create({ kind: 'research', config: { name: 'S' } })).toMatchObject({ name: 'S' })
    await expect(factory.create('writing', {})).rejects.toMatchObject({ code: 'agent.wrong' })
    await expect(factory.create({ kind: 'reserch', config: {} })).rejects.toMatchObject({ code: 'agent.kind_unknown' })
    await expect(factory.create('reserch', {})).rejects.toThrow(/reserch.*research, writing.*research/)
    expect(() => factory.register('writing', () => 1)).toThrow(/another agent is registered/)
  })
})
