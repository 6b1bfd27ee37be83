import { afterEach, describe, expect, it } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../core/index.ts'
import { defineMessage, Worker } from '../messaging/index.ts'
import { createTroupe } from './create-troupe.ts'
import type { Troupe } from './troupe.ts'

const Note = defineMessage<string>('note')

let clock: VirtualClock
let troupe: Troupe
afterEach(() => troupe.close())
async function open() {
  clock = createVirtualClock()
  troupe = await createTroupe({ storage: 'memory:', log: 'silent', clock, health: { memory: 1, disk: 1, lag: '1h' } })
  return troupe.user('ada')
}
async function until(holds: () => boolean | Promise<boolean>) {
  for (let i = 0; i < 2_000; i++) {
    if (await holds()) return
    await clock.advance('100ms')
  }
  throw new Error('it never came true')
}
const agents = async () => {
  await clock.advance('30s')
  return (await troupe.health()).checks.find(({ name }) => name === 'agents')
}
const idle = (name: string, log: string[] = []) =>
  Object.assign(
    new Worker(name).on(Note, () => undefined),
    { onStop: () => log.push(name) },
  )

describe('supervised workers of a troupe', () => {
  it('A supervised worker that is down degrades the health report, and the metrics count an escalated supervisor.', async () => {
    const ada = await open()
    let broken = false
    const fragile = () =>
      Object.assign(
        new Worker('Fragile').on(Note, () => {
          throw new Error('x')
        }),
        {
          onStart: () => {
            if (broken) throw new Error('it has no connection')
          },
        },
      )
    const seen: Error[] = []
    const supervision = await ada.supervise([() => idle('Steady'), fragile], {
      failures: 1,
      backoff: '1h',
      maxBackoff: '1h',
      restarts: { max: 1, within: '1d' },
      onEscalated: (error) => seen.push(error),
    })
    expect(await agents()).toMatchObject({ status: 'healthy', details: { workers: 2, down: 0 } })

    broken = true
    await ada.agent('Host').messages.send(Note, 'x', { to: 'Fragile' })
    await until(() => supervision.status === 'restarting')
    expect(await agents()).toMatchObject({
      status: 'degraded',
      message: 'the worker Fragile is down',
      details: { workers: 1, down: 1 },
    })
    expect(
      troupe.metrics.summary('worker.crashed', { labels: { agent: 'Fragile', code: 'worker.failing' } }).count,
    ).toBe(1)

    await clock.advance('2h')
    expect(await supervision.ended).toMatchObject({ status: 'escalated', error: { code: 'supervision.escalated' } })
    expect(seen).toHaveLength(1)
    expect(await agents()).toMatchObject({ status: 'degraded', details: { workers: 0, down: 2 } })
    expect(troupe.metrics.summary('supervision.escalated', { labels: { code: 'agent.failed' } }).count).toBe(1)
  })

  it('user.supervise rejects misspelt options, an aborted signal, and a closed troupe.', async () => {
    const ada = await open()
    await expect(ada.supervise([() => idle('A')], { stratgy: 'x' } as never)).rejects.toThrow(/stratgy/)
    await expect(ada.supervise([() => idle('A')], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    })
    await troupe.close()
    await expect(ada.supervise([() => idle('A')])).rejects.toMatchObject({ code: 'troupe.closed' })
  })

  it('A supervisor stops with its signal, with its user, and with the troupe.', async () => {
    const ada = await open()
    const log: string[] = []
    const stop = new AbortController()
    const one = await ada.supervise([() => idle('A', log), () => idle('B', log)], { signal: stop.signal })
    stop.abort()
    await one.ended
    expect(log).toEqual(['B', 'A'])

    const two = await troupe.user('bob').supervise([() => idle('C', log)])
    const three = await ada.supervise([() => idle('D', log)])
    const erased = troupe.forget('bob')
    await until(() => two.status === 'stopped')
    await erased
    expect(three.status).toBe('running')
    await troupe.close()
    expect(await three.ended).toEqual({ status: 'stopped' })
    expect(log).toEqual(['B', 'A', 'C', 'D'])
  })
})
