import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import { createWorld, type Process, user, type World } from '../world.test.fixture.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

type Program = (recorder: Recorder) => Promise<Json>
const undone = (process: Process, program: Program) => world.during(process.steps.undo(world.spec('step:1'), program))

const did = <T>(done: string[], what: string, result: T): T => {
  done.push(what)
  return result
}

/** Books a seat, charges for it, fails to mail; a read and an effect without an undo stand between. */
const trip =
  (done: string[], tell: (what: string) => void = (what) => void done.push(what)): Program =>
  async (recorder) => {
    const seat = await recorder.effect(
      'book',
      { class: 'once', undo: async (_, output) => tell(`release ${(output as { seat: string }).seat}`) },
      () => did(done, 'book', { seat: '12A' }),
    )
    await recorder.effect('look', { class: 'read' }, () => did(done, 'look', 1))
    const paid = recorder.effect(
      'pay',
      { class: 'idempotent', key: 'order-17', input: seat, undo: async (key) => tell(`refund ${key}`) },
      () => did(done, 'pay', 5),
    )
    await recorder.commit()
    await recorder
      .effect('mail', { class: 'once', undo: async () => tell('never') }, () => Promise.reject(new Error('bounced')))
      .catch(() => {})
    return paid
  }

describe('the undo of a step', () => {
  it('takes back what happened, the last first, and does nothing else', async () => {
    const done: string[] = []
    const process = world.process()
    await world.during(process.steps.execute(world.spec('step:1'), trip(done)))
    const before = [...done]
    const effects = await undone(process, trip(done))
    expect(done).toEqual([...before, 'refund order-17', 'release 12A'])
    expect(effects).toEqual([
      { call: '/effect:pay[order-17]#1', name: 'pay[order-17]', status: 'undone' },
      { call: '/effect:book#1', name: 'book', status: 'undone' },
    ])
    // A second time it is known to be done, in another process too.
    const again = await undone(world.process(), trip(done))
    expect(again.map(({ status }) => status)).toEqual(['already', 'already'])
    expect(done).toHaveLength(before.length + 2)
  })

  it('that fails is told, and goes on when it is called again', async () => {
    const done: string[] = []
    const process = world.process()
    await world.during(process.steps.execute(world.spec('step:1'), trip(done)))
    const failing = trip(done, (what) => {
      if (what.startsWith('release')) throw new Error('the airline is closed')
      done.push(what)
    })
    expect(await undone(process, failing)).toMatchObject([
      { name: 'pay[order-17]', status: 'undone' },
      { name: 'book', status: 'failed', error: { message: 'the airline is closed' } },
    ])
    const again = await undone(process, trip(done))
    expect(again.map(({ status }) => status)).toEqual(['already', 'undone'])
    expect(done.filter((what) => what.startsWith('refund'))).toHaveLength(1)
    expect(done.at(-1)).toBe('release 12A')
  })

  it('reaches into bodies, stops at one that fails, and says what brings no undo', async () => {
    const done: string[] = []
    let fails = true
    const undo = (what: string) => async () => {
      if (what === 'inner' && fails) throw new Error('locked')
      done.push(what)
    }
    const program: Program = async (recorder) => {
      await recorder.effect('first', { class: 'once', undo: undo('first') }, () => 1)
      await recorder.effect('plain', { class: 'once' }, () => 1)
      await recorder.body('tool', async (stage) => {
        await stage.effect('inner', { class: 'once', undo: undo('inner') }, () => 1)
        return stage.effect('look', { class: 'read' }, () => 'seen')
      })
      await recorder.commit()
      return recorder.effect('last', { class: 'once', undo: undo('last') }, () => 1)
    }
    const process = world.process()
    await world.during(process.steps.execute(world.spec('step:1'), program))
    const statuses = async () => (await undone(process, program)).map(({ name, status }) => `${name} ${status}`)
    expect(await statuses()).toEqual(['last undone', 'inner failed', 'plain none', 'first left'])
    fails = false
    expect(await statuses()).toEqual(['last already', 'inner undone', 'plain none', 'first undone'])
    expect(done).toEqual(['last', 'inner', 'first'])
  })

  it('that is cut off goes on in another process, and repeats none that is recorded', async () => {
    const done: string[] = []
    const first = world.process()
    await world.during(first.steps.execute(world.spec('step:1'), trip(done)))
    const cut = trip(done, (what) => {
      done.push(what)
      if (what.startsWith('release')) first.mortal.kill()
    })
    await world.during(Promise.race([first.steps.undo(world.spec('step:1'), cut), first.mortal.death]))
    await undone(world.process(), trip(done))
    expect(done.filter((what) => what.startsWith('release'))).toEqual(['release 12A', 'release 12A'])
    expect(done.at(-1)).toBe('release 12A')
  })

  it('is refused while the step goes on, and by code that is another', async () => {
    const process = world.process()
    await expect(process.steps.undo(world.spec('step:1'), async () => null)).rejects.toMatchObject({
      code: 'step.open',
    })
    await world.during(process.steps.execute(world.spec('step:1'), trip([])))
    const other: Program = (recorder) => recorder.effect('fly', { class: 'once' }, () => 'never')
    await expect(undone(process, other)).rejects.toMatchObject({ code: 'code.changed' })
    expect(await process.steps.effects(user, 'step:1')).toHaveLength(4)
  })
})
