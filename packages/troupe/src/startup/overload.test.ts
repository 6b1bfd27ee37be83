import { afterEach, describe, expect, it } from 'vitest'
import { defineAgent } from '../index.ts'
import { createTroupe } from './create-troupe.ts'
import type { Troupe } from './troupe.ts'

let troupe: Troupe | undefined
afterEach(() => troupe?.close())

describe('a troupe under five times its capacity', () => {
  it('An overloaded troupe rejects at once with typed errors, loses no accepted work, and serves a quiet user.', async () => {
    const ended: string[] = []
    const gate = Promise.withResolvers<void>()
    const agent = defineAgent({
      name: 'Answers',
      run: async (text: string) => {
        await gate.promise
        ended.push(text)
        return text
      },
    })
    troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      policies: { agents: { '*': { bulkhead: { concurrent: 2, queue: 8 }, rateLimit: { limit: 30, window: '1h' } } } },
    })
    const ask = (user: string, text: string) => (troupe as Troupe).user(user).session(agent).generate(text)
    const noisy = Array.from({ length: 50 }, (_, i) => ask('noisy', `n${i}`))
    // All but those that found a place are refused while nobody has ended.
    let rejections = 0
    for (const call of noisy) call.catch(() => rejections++)
    await expect.poll(() => rejections).toBe(40)
    // Whom there is no room for now costs no step.
    let steps = 0
    troupe.on('step.released', () => void steps++)
    for (const user of ['noisy', 'noisy']) await expect(ask(user, 'more')).rejects.toMatchObject({ status: 429 })
    expect(steps).toBe(0)
    const isolated = ask('isolated', 'q')
    gate.resolve()
    expect((await isolated).output).toBe('q')
    const outcomes = await Promise.allSettled(noisy)
    const accepted = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [String(one.value.output)] : []))
    expect([...ended].sort()).toEqual([...accepted, 'q'].sort())
    const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    const codes = new Set(reasons.map(({ code }) => code))
    expect(codes).toEqual(new Set(['bulkhead.full', 'rate.limited']))
    for (const reason of reasons) expect(reason).toMatchObject({ status: 429, retryable: true })
    for (const reason of reasons.filter(({ code }) => code === 'rate.limited'))
      expect(reason.details.retryAfterMs).toBeGreaterThan(0)
  })
})
