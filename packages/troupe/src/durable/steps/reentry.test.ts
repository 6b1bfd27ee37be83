import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd } from '../steps-port.ts'
import {
  appliedWrites,
  createWorld,
  type Process,
  shelfOf,
  user,
  type World,
  writeBook,
} from '../world.test.fixture.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

type Program = (recorder: Recorder) => Promise<Json>
const run = (process: Process, program: Program, id = 'step:1'): Promise<StepEnd | 'dead'> =>
  world.during(Promise.race([process.steps.execute(world.spec(id), program), process.mortal.death]))
const never = () => new Promise<never>(() => {})

/** Runs a program that kills its process, leaving a record behind. */
async function begin(
  program: (recorder: Recorder, kill: () => Promise<never>, process: Process) => Promise<Json>,
): Promise<void> {
  const process = world.process()
  const kill = () => {
    process.mortal.kill()
    return never()
  }
  expect(await run(process, (recorder) => program(recorder, kill, process))).toBe('dead')
}

describe('a re-entry', () => {
  it('answers reads from the record though the world has changed', async () => {
    await world.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    const program = (process: Process) => async (recorder: Recorder) => {
      const { value } = await shelfOf(process.storage).get(recorder, 'k')
      const draw = recorder.answerNow({ kind: 'random', name: '' }, () => world.clock.now())
      await recorder.effect('e', { class: 'once' }, () => 1)
      return [value, draw]
    }
    await begin(async (recorder, kill, process) => {
      await program(process)(recorder)
      return kill()
    })
    const then = world.clock.now()
    await world.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'new') })
    await world.clock.advance('1h')
    const second = world.process()
    const end = await run(second, program(second))
    expect(end).toMatchObject({ status: 'settled', outcome: ['old', expect.any(Number)] })
    expect((end as unknown as { outcome: [string, number] }).outcome[1]).toBeLessThanOrEqual(then)
  })

  it('does not stage again what a committed turn holds', async () => {
    const staged: boolean[] = []
    const program = async (recorder: Recorder, process: Process) => {
      staged.push(shelfOf(process.storage).push(recorder, 'k', 1))
      await recorder.commit()
      return null
    }
    await begin(async (recorder, kill, process) => {
      await program(recorder, process)
      return kill()
    })
    const second = world.process()
    expect(await run(second, (recorder) => program(recorder, second))).toEqual({ status: 'settled', outcome: null })
    expect(staged).toEqual([true, false])
    expect(await appliedWrites(world.storage)).toEqual(['k=1'])
  })

  it('gives a race the same winner, though its loser is now faster', async () => {
    const program = (first: number, second: number) => async (recorder: Recorder) => {
      const after = (ms: number, name: string) => () =>
        new Promise<string>((resolve) => world.clock.after(ms, () => resolve(name)))
      const one = recorder.effect('one', { class: 'read' }, after(first, 'one'))
      const two = recorder.effect('two', { class: 'read' }, after(second, 'two'))
      const winner = await Promise.race([one, two])
      await Promise.all([one, two])
      await recorder.effect('paid', { class: 'once' }, () => 1)
      return winner
    }
    await begin(async (recorder, kill) => {
      await program(50, 5)(recorder)
      return kill()
    })
    expect(await run(world.process(), program(5, 50))).toEqual({ status: 'settled', outcome: 'two' })
  })

  it('answers a body whose turn is committed from the record, and runs one again whose turn is not', async () => {
    const ran: string[] = []
    const program = (process: Process) => async (recorder: Recorder) => {
      const shelf = shelfOf(process.storage)
      const tool = (name: string) =>
        recorder.body(name, async (inner) => {
          ran.push(name)
          shelf.push(inner, name, 1)
          return inner.effect(`in ${name}`, { class: 'idempotent' }, () => name)
        })
      const one = await tool('one')
      await recorder.commit()
      const two = await tool('two')
      await recorder.effect('claims', { class: 'once' }, () => 1)
      return [one, two]
    }
    await begin(async (recorder, kill, process) => {
      await program(process)(recorder)
      return kill()
    })
    const second = world.process()
    expect(await run(second, program(second))).toEqual({ status: 'settled', outcome: ['one', 'two'] })
    expect(ran).toEqual(['one', 'two', 'two'])
    expect(await appliedWrites(world.storage)).toEqual(['one=1', 'two=1'])
  })

  it('in which a record is left unread at the end is code.changed, and names it', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'once' }, () => 1)
      return kill()
    })
    const end = await run(world.process(), async () => 'another code')
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('/effect:gone#1') })
    expect(
      await world
        .process()
        .steps.execute(world.spec('step:1'), (recorder) => recorder.effect('gone', { class: 'once' }, () => 2)),
    ).toEqual({
      status: 'settled',
      outcome: 1,
    })
  })

  it('in which the next record is never asked for, while another call waits, is code.changed', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'once' }, () => 1)
      return kill()
    })
    const end = await run(world.process(), async (recorder) => recorder.effect('new', { class: 'once' }, () => 2))
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('/effect:gone#1') })
  })

  it('holds its process until it is known that the next record is never asked for', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'once' }, () => 1)
      return kill()
    })
    const timers = vi.spyOn(world.clock, 'after')
    await run(world.process(), async (recorder) => recorder.effect('new', { class: 'once' }, () => 2))
    const stalled = timers.mock.calls.filter(([ms]) => ms === 10_000)
    expect(stalled.map(([, , options]) => options?.background ?? false)).toEqual([false])
  })

  it('in which a committed write is not made is code.changed', async () => {
    await begin(async (recorder, kill, process) => {
      shelfOf(process.storage).push(recorder, 'k', 1)
      await recorder.commit()
      return kill()
    })
    const end = await run(world.process(), async (recorder) => {
      await recorder.commit()
      return null
    })
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('/push:k#1') })
  })

  it('says when the input is another too', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'once' }, () => 1)
      return kill()
    })
    const end = await world.during(
      world.process().steps.execute(world.spec('step:1', { input: { other: true } }), async () => null),
    )
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('its input is another') })
  })

  it('runs pure effects again, without a record', async () => {
    let pure = 0
    const program = async (recorder: Recorder) => {
      await recorder.effect('count', { class: 'pure' }, () => ++pure)
      await recorder.effect('e', { class: 'once' }, () => 1)
      return null
    }
    await begin(async (recorder, kill) => {
      await program(recorder)
      return kill()
    })
    await run(world.process(), program)
    expect(pure).toBe(2)
  })

  it('refuses a refusal that it had recorded in the same way', async () => {
    let allowed = false
    const claim = () => ({
      statements: allowed
        ? []
        : [
            {
              sql: 'delete from shelf where user_id = ?',
              binds: ['nobody'],
              expect: { rows: 1 },
              otherwise: 'budget.exceeded' as const,
            },
          ],
    })
    const program = async (recorder: Recorder) => {
      const code = await recorder
        .effect('dear', { class: 'idempotent', claim }, () => 'done')
        .catch((error: { code: string }) => error.code)
      await recorder.effect('then', { class: 'once' }, () => 1)
      return code
    }
    await begin(async (recorder, kill) => {
      await program(recorder)
      return kill()
    })
    allowed = true
    expect(await run(world.process(), program)).toEqual({ status: 'settled', outcome: 'budget.exceeded' })
  })
})

describe('a writer', () => {
  it('whose journal was taken over is lost, and changes nothing', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second] = [world.process({ owner: 'one' }), world.process({ owner: 'two' })]
    const program = (process: Process, waits: boolean) => async (recorder: Recorder) => {
      shelfOf(process.storage).push(recorder, 'before', 1)
      await recorder.commit()
      if (waits) await gate.promise
      await recorder.effect('e', { class: 'idempotent' }, () => 1)
      shelfOf(process.storage).push(recorder, 'after', waits ? 'frozen' : 'taken over')
      return waits ? 'frozen' : 'taken over'
    }
    const frozen = first.steps.execute(world.spec('step:1'), program(first, true))
    await world.during(new Promise<void>((resolve) => world.clock.after(20, resolve)))
    expect(await run(second, program(second, false))).toEqual({ status: 'settled', outcome: 'taken over' })
    gate.resolve()
    expect(await world.during(frozen)).toEqual({ status: 'lost' })
    expect(await appliedWrites(world.storage)).toEqual(['before=1', 'after="taken over"'])
    expect(await second.inbox.read(user, 'run:1', 10)).toHaveLength(1)
  })

  it('whose first append comes second is lost', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second] = [world.process(), world.process()]
    const slow = first.steps.execute(world.spec('step:1'), async () => gate.promise.then(() => 'slow'))
    await world.during(new Promise<void>((resolve) => world.clock.after(20, resolve)))
    await run(second, async () => 'quick')
    gate.resolve()
    expect(await world.during(slow)).toEqual({ status: 'lost' })
  })

  it('hears of it by its signal', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second] = [world.process(), world.process()]
    let signal: AbortSignal | undefined
    const frozen = first.steps.execute(world.spec('step:1'), async (recorder) => {
      signal = recorder.signal
      await recorder.effect('a', { class: 'once' }, () => 1)
      await gate.promise
      await recorder.effect('b', { class: 'once' }, () => 1)
      return null
    })
    await world.during(new Promise<void>((resolve) => world.clock.after(20, resolve)))
    await world.during(second.journals.takeOver(user, 'step:1', 1))
    gate.resolve()
    expect(await world.during(frozen)).toEqual({ status: 'lost' })
    expect(signal?.reason).toMatchObject({ code: 'journal.lost' })
  })
})

describe('a cancelled step', () => {
  it('aborts its signal, awaits its effects and records them alone', async () => {
    const process = world.process()
    const cancel = new AbortController()
    let aborted = false
    const end = process.steps.execute(world.spec('step:1', { signal: cancel.signal }), async (recorder) => {
      shelfOf(process.storage).push(recorder, 'k', 1)
      await recorder.effect('e', { class: 'once' }, async ({ signal }) => {
        await new Promise<void>((resolve) => world.clock.after(50, resolve))
        aborted = signal.aborted
        return 'done late'
      })
      return null
    })
    world.clock.after(20, () => cancel.abort())
    expect(await world.during(end)).toEqual({ status: 'cancelled' })
    expect(aborted).toBe(true)
    expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done', output: 'done late' }])
    expect(await appliedWrites(world.storage)).toEqual([])
    expect(await process.inbox.read(user, 'run:1', 10)).toEqual([])
  })

  it('at any moment ends, and nothing of it starts afterwards', async () => {
    for (let moment = 0; moment < 30; moment++) {
      const process = world.process()
      const cancel = new AbortController()
      const started: string[] = []
      const end = process.steps.execute(world.spec(`step:${moment}`, { signal: cancel.signal }), async (recorder) => {
        await shelfOf(process.storage).get(recorder, 'k')
        for (let i = 0; i < 3; i++)
          await Promise.all([
            recorder.effect('paid', { class: 'once' }, () => void started.push('paid')),
            recorder.effect('mail', { class: 'idempotent' }, () => void started.push('mail')),
          ])
        return null
      })
      const cut = (left: number): unknown => (left === 0 ? cancel.abort() : setImmediate(() => cut(left - 1)))
      cut(moment)
      const { status } = await world.during(end)
      const atEnd = started.length
      expect(['cancelled', 'settled']).toContain(status)
      const effects = await process.steps.effects(user, `step:${moment}`)
      expect(
        effects.filter((effect) => effect.state === 'claimed'),
        `moment ${moment}`,
      ).toEqual([])
      await world.clock.advance('1s')
      expect(started.length).toBe(atEnd)
    }
  })

  it('is told so by the calls it has open, and may clean up; what it calls then is refused', async () => {
    const process = world.process()
    const cancel = new AbortController()
    const seen: unknown[] = []
    const end = process.steps.execute(world.spec('step:1', { signal: cancel.signal }), async (recorder) => {
      const slow = () => new Promise<void>((resolve) => world.clock.after(50, resolve))
      try {
        await recorder.effect('slow', { class: 'idempotent' }, slow)
      } catch (error) {
        seen.push((error as { code: string }).code)
        await recorder.commit().catch((refusal: { code: string }) => seen.push(refusal.code))
      }
      return null
    })
    world.clock.after(10, () => cancel.abort())
    expect(await world.during(end)).toEqual({ status: 'cancelled' })
    expect(seen).toEqual(['cancelled', 'cancelled'])
  })

  it('whose run has fenced its journal records its effects all the same', async () => {
    const process = world.process()
    const end = process.steps.execute(world.spec('step:1'), async (recorder) => {
      shelfOf(process.storage).push(recorder, 'k', 1)
      const result = await recorder.effect('e', { class: 'once' }, async () => {
        await new Promise<void>((resolve) => world.clock.after(50, resolve))
        return 'done late'
      })
      shelfOf(process.storage).push(recorder, 'k', 2)
      return result
    })
    world.clock.after(
      20,
      () => void world.storage.commit({ id: null, scope: { user }, ...process.journals.fence(user, ['step:1']) }),
    )
    expect(await world.during(end)).toEqual({ status: 'cancelled' })
    expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done', output: 'done late' }])
    expect(await appliedWrites(world.storage)).toEqual([])
  })

  it('that had not begun cannot begin', async () => {
    const process = world.process()
    await world.storage.commit({ id: null, scope: { user }, ...process.journals.fence(user, ['step:1']) })
    expect(await run(process, async () => 'too late')).toEqual({ status: 'cancelled' })
    expect(await process.inbox.read(user, 'run:1', 10)).toEqual([])
  })

  it('that was cancelled before it was entered does nothing', async () => {
    const process = world.process()
    let ran = false
    const end = await world.during(
      process.steps.execute(world.spec('step:1', { signal: AbortSignal.abort() }), async () => {
        ran = true
        return null
      }),
    )
    expect([end, ran]).toEqual([{ status: 'cancelled' }, false])
  })
})
