import { describe, expect, it } from 'vitest'
import { defineAgent, patterns } from '../index.ts'
import { createVirtualClock } from '../testing/index.ts'
import { troupesOfTests } from './troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()

describe('cached results', () => {
  it('A cached result is returned to the same user, computed once for concurrent callers, a whole run too.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock })
    let runs = 0
    const agent = defineAgent({ name: 'A', run: async () => ++runs })
    const ask = (user: string) => {
      const { orchestra } = troupe.user(user)
      const topology = patterns.pipeline({ stages: [{ agents: [agent] }] })
      return troupe.user(user).cached(() => orchestra.run({ task: 't', topology }), { key: { a: 1, b: 2 }, ttl: '10m' })
    }
    const [one, other] = await Promise.all([ask('ada'), ask('ada')])
    expect([one.response, other.response]).toEqual([1, 1])
    expect((await ask('eve')).response).toBe(2)
    expect(await troupe.user('ada').cached(() => 'unused', { key: { b: 2, a: 1 } })).toMatchObject({ response: 1 })
    await clock.advance('11m')
    expect((await ask('ada')).response).toBe(3)
    await troupe.forget('ada')
    expect((await ask('ada')).response).toBe(4)
    await expect(troupe.user('ada').cached(() => Promise.reject(new Error('no')), { key: 'x' })).rejects.toThrow('no')
    expect(await troupe.user('ada').cached(() => 'yes', { key: 'x' })).toBe('yes')
  })
  it('A cached result is awaited until the signal aborts, which ends only that call.', async () => {
    const ada = (await opened()).user('ada')
    const gone = new AbortController()
    const calls: unknown[] = []
    const first = ada.cached(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(calls.push(signal.reason)))),
      { key: 'x', signal: gone.signal },
    )
    const second = ada.cached(async () => 'asked anew', { key: 'x' })
    const leaving = new AbortController()
    const third = ada.cached(async () => calls.push('asked for nobody'), { key: 'x', signal: leaving.signal })
    leaving.abort()
    await expect(third).rejects.toMatchObject({ code: 'cancelled' })
    gone.abort()
    await expect(first).rejects.toMatchObject({ code: 'cancelled' })
    expect(await second).toBe('asked anew')
    expect(calls).toMatchObject([{ code: 'cancelled' }])
    await expect(ada.cached(() => 1, { key: 'x', signal: gone.signal })).rejects.toMatchObject({ code: 'cancelled' })
    await expect(ada.cached(() => 1, { key: 'x', signal: 1 as never })).rejects.toThrow(/must be an AbortSignal/)
  })
  it('A failure of a cached result reaches all concurrent callers, and a later call executes.', async () => {
    const ada = (await opened()).user('ada')
    let calls = 0
    const ask = () =>
      ada.cached(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          throw new Error(`no ${++calls}`)
        },
        { key: 'x' },
      )
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, ask))
    expect(new Set(outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason)))).toEqual(
      new Set(['Error: no 1']),
    )
    await expect(ask()).rejects.toThrow('no 2')
  })
  it('A cached result is frozen, because all callers get the same lists and objects.', async () => {
    const ada = (await opened()).user('ada')
    const ask = () => ada.cached(() => ({ plans: [{ name: 'a' }], known: new Map([['a', 1]]) }), { key: 'x' })
    const first = await ask()
    expect(() => first.plans.push({ name: 'b' })).toThrow(TypeError)
    expect(() => Object.assign(first.plans[0] as object, { name: 'b' })).toThrow(TypeError)
    expect(await ask()).toEqual({ plans: [{ name: 'a' }], known: new Map([['a', 1]]) })
  })
  it('A cached result whose first caller aborts is computed once for the callers that remain.', async () => {
    const ada = (await opened()).user('ada')
    const gone = new AbortController()
    const aborting = ({ signal }: { readonly signal: AbortSignal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))))
    const first = ada.cached(aborting, { key: 'x', signal: gone.signal })
    let calls = 0
    const others = Array.from({ length: 100 }, () =>
      ada.cached(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          return ++calls
        },
        { key: 'x' },
      ),
    )
    gone.abort()
    await expect(first).rejects.toMatchObject({ code: 'cancelled' })
    expect(new Set(await Promise.all(others))).toEqual(new Set([1]))
  })
  it('A cached result is rejected with a lifetime of zero, without a key, or without a function.', async () => {
    const ada = (await opened()).user('ada')
    await expect(ada.cached(() => 1, { key: 'x', ttl: '0ms' })).rejects.toThrow(/ttl is not valid: .* at least 1ms/)
    await expect(ada.cached(() => 1, {} as never)).rejects.toThrow(/its key is missing/)
    for (const key of [() => 1, { of: new Map() }, Number.NaN])
      await expect(ada.cached(() => 1, { key: key as never })).rejects.toMatchObject({ code: 'json.unsupported' })
    await expect(ada.cached('x' as never, { key: 'x' })).rejects.toThrow(/must be a function, got a string/)
  })
})
