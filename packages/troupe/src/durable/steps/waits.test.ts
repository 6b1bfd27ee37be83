import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
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
let process: Process
beforeEach(async () => {
  world = await createWorld()
  process = world.process()
})
afterEach(() => world.close())

type Program = (recorder: Recorder) => Promise<Json>
const told: string[][] = []
const spec = (more: Partial<StepSpec> = {}) => world.spec('step:1', more)
const run = (on: Process, program: Program, more?: Partial<StepSpec>): Promise<StepEnd> =>
  world.during(on.steps.execute(spec(more), program))
const ask = (on: Process, recorder: Recorder, name: string, timeoutMs?: number) =>
  recorder.wait({
    call: { kind: 'ask', name },
    input: name,
    tell: (address) => on.inbox.put(user, 'run:1', 'step:1', `ask:${address}`, address),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
const answer = (on: Process, call: string, value: Json) =>
  world.storage.commit({ id: null, scope: { user }, ...on.steps.answer(user, 'step:1', call, { value }) })
const pause = () => world.during(new Promise<void>((resolve) => world.clock.after(20, resolve)))

describe('a step that waits', () => {
  it('commits its turn with what asks, and parks', async () => {
    told.length = 0
    const end = await run(
      process,
      async (recorder) => {
        shelfOf(process.storage).push(recorder, 'k', 1)
        return ask(process, recorder, 'q')
      },
      {
        parked: (waits) => {
          told.push([...waits])
          return { statements: [] }
        },
      },
    )
    expect(end).toEqual({ status: 'parked', waits: ['/ask:q#1'] })
    expect(await appliedWrites(world.storage)).toEqual(['k=1'])
    expect((await process.inbox.read(user, 'run:1', 10)).map((row) => row.body)).toEqual(['/ask:q#1'])
    expect(told).toEqual([['/ask:q#1']])
    expect(process.mortal.commits).toBe(1)
  })

  it('goes on by itself while it is kept, and is not run again', async () => {
    let entered = 0
    const program: Program = async (recorder) => {
      entered++
      return ask(process, recorder, 'q')
    }
    await run(process, program)
    await answer(process, '/ask:q#1', 42)
    await pause()
    expect(await run(process, program)).toEqual({ status: 'settled', outcome: 42 })
    expect(entered).toBe(1)
  })

  it('is entered again where its continuation was given up, and told its answer', async () => {
    let entered = 0
    const small = world.process({ limits: { continuations: 0 } })
    let signal: AbortSignal | undefined
    let finallyRan = false
    const program: Program = async (recorder) => {
      entered++
      signal ??= recorder.signal
      try {
        return await ask(small, recorder, 'q')
      } finally {
        finallyRan = entered === 1
      }
    }
    await run(small, program)
    expect(signal?.aborted && signal.reason).toBe('parked')
    await answer(small, '/ask:q#1', 42)
    expect(await run(small, program)).toEqual({ status: 'settled', outcome: 42 })
    expect(entered).toBe(2)
    expect(finallyRan).toBe(false)
  })

  it('is entered again by another process, and told its answer', async () => {
    const program =
      (on: Process): Program =>
      async (recorder) => {
        const first = await ask(on, recorder, 'one')
        const second = await ask(on, recorder, 'two')
        return [first, second]
      }
    await run(process, program(process))
    process.mortal.kill()
    const other = world.process()
    await answer(other, '/ask:one#1', 1)
    expect(await run(other, program(other))).toEqual({ status: 'parked', waits: ['/ask:two#1'] })
    await answer(other, '/ask:two#1', 2)
    await pause()
    const third = world.process()
    expect(await run(third, program(third))).toEqual({ status: 'settled', outcome: [1, 2] })
    expect((await other.inbox.read(user, 'run:1', 10)).map((row) => row.name)).toEqual([
      'ask:/ask:one#1',
      'ask:/ask:two#1',
      'end',
    ])
  })

  it('executed again with nothing new parks again, without a commit', async () => {
    const program: Program = (recorder) => ask(process, recorder, 'q')
    await run(process, program)
    const before = process.mortal.commits
    expect(await run(process, program)).toEqual({ status: 'parked', waits: ['/ask:q#1'] })
    expect(process.mortal.commits).toBe(before)
  })

  it('takes the first answer, and no second one', async () => {
    const program: Program = async (recorder) => {
      const first = await ask(process, recorder, 'q')
      const other = await ask(process, recorder, 'other')
      return [first, other]
    }
    await run(process, program)
    await answer(process, '/ask:q#1', 'first')
    await pause()
    await answer(process, '/ask:q#1', 'second')
    await answer(process, '/ask:other#1', 'other')
    await pause()
    expect(await run(process, program)).toEqual({ status: 'settled', outcome: ['first', 'other'] })
  })

  it('is answered by an error', async () => {
    const program: Program = async (recorder) => ask(process, recorder, 'q').catch((error: Error) => error.message)
    await run(process, program)
    const error = { name: 'AgentError', code: 'agent.failed', message: 'refused', retryable: false }
    await world.storage.commit({
      id: null,
      scope: { user },
      ...process.steps.answer(user, 'step:1', '/ask:q#1', { error }),
    })
    await pause()
    expect(await run(process, program)).toEqual({ status: 'settled', outcome: 'refused' })
  })

  it('times out by a durable timer, also in another process, and not before', async () => {
    const program =
      (on: Process): Program =>
      async (recorder) =>
        ask(on, recorder, 'q', 60_000).catch((error: Error) => `${error.name} ${error.message}`)
    expect(await run(process, program(process))).toMatchObject({ status: 'parked' })
    process.mortal.kill()
    await world.clock.advance('30s')
    const other = world.process()
    expect(await run(other, program(other))).toMatchObject({ status: 'parked' })
    await world.clock.advance('31s')
    expect(await run(other, program(other))).toEqual({
      status: 'settled',
      outcome: expect.stringMatching(/^TimeoutError/),
    })
  })

  it.each([
    ['ask', 'approval', 'The answer to an approval'],
    ['ask', 'question', 'The answer to a question'],
    ['request', 'note to A', 'The request note to A'],
  ])('that asked as %s:%s says in words what took too long', async (kind, name, words) => {
    const program: Program = (recorder) => {
      const tell = () => ({ statements: [] })
      const asked = recorder.child('inner').wait({ call: { kind, name }, input: name, tell, timeoutMs: 60_000 })
      return asked.catch((error: Error) => error.message)
    }
    await run(process, program)
    await world.clock.advance('1m')
    await pause()
    const late = `${words} took longer than its wait timeout of 1m.`
    expect(await run(process, program)).toEqual({ status: 'settled', outcome: late })
  })
  it('clears the timer of a wait that was answered', async () => {
    const program: Program = async (recorder) => {
      const first = await ask(process, recorder, 'q', 1_000)
      const last = await ask(process, recorder, 'last')
      return [first, last]
    }
    await run(process, program)
    await answer(process, '/ask:q#1', 'in time')
    await world.clock.advance('5s')
    expect(await process.inbox.read(user, 'step:1', 10)).toEqual([])
    await answer(process, '/ask:last#1', 'end')
    await pause()
    expect(await run(process, program)).toEqual({ status: 'settled', outcome: ['in time', 'end'] })
  })

  it('does not park while another of its calls goes on, and tells each state once', async () => {
    told.length = 0
    const parked = (waits: readonly string[]) => {
      told.push([...waits])
      return { statements: [] }
    }
    const program: Program = async (recorder) => {
      const slow = recorder.effect('slow', { class: 'idempotent' }, async () => {
        await new Promise<void>((resolve) => world.clock.after(200, resolve))
        return 'slow'
      })
      return Promise.all([ask(process, recorder, 'q'), slow])
    }
    const start = world.clock.now()
    const end = await run(process, program, { parked })
    expect(world.clock.now() - start).toBeGreaterThanOrEqual(200)
    expect(end).toEqual({ status: 'parked', waits: ['/ask:q#1'] })
    expect(told).toEqual([['/ask:q#1']])
    expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done' }])
  })

  it('may be answered after the body that asked has returned, and is entered again all the same', async () => {
    const program =
      (on: Process): Program =>
      async (recorder) => {
        const tool = await recorder.body('tool', async (inner) => {
          const asked = ask(on, inner, 'inner')
          const quick = inner.effect('quick', { class: 'read' }, async () => {
            await new Promise<void>((resolve) => world.clock.after(20, resolve))
            return 'quick'
          })
          return Promise.race([asked, quick])
        })
        return [tool, await ask(on, recorder, 'outer')]
      }
    expect(await run(process, program(process))).toMatchObject({ status: 'parked' })
    await answer(process, 'tool/ask:inner#1', 'late')
    await pause()
    process.mortal.kill()
    const other = world.process()
    await answer(other, '/ask:outer#1', 'outer')
    expect(await run(other, program(other))).toEqual({ status: 'settled', outcome: ['quick', 'outer'] })
  })

  it('in a turn that fails asks only once it commits', async () => {
    await world.storage.commit({ id: null, scope: { user }, ...writeBook('k', 0) })
    let meddled = 0
    const program: Program = async (recorder) => {
      const { version } = await shelfOf(process.storage).get(recorder, 'k')
      if (meddled++ === 0) await world.storage.commit({ id: null, scope: { user }, ...writeBook('k', 1) })
      shelfOf(process.storage).push(recorder, 'k', 'mine', version)
      return ask(process, recorder, 'q')
    }
    expect(await run(process, program)).toMatchObject({ status: 'parked' })
    expect(await process.inbox.read(user, 'run:1', 10)).toHaveLength(1)
    expect(meddled).toBe(2)
  })

  it('refuses to be told another question at its place', async () => {
    const first = world.process()
    await run(first, (recorder) =>
      recorder.wait({ call: { kind: 'ask', name: 'q' }, input: 'one', tell: () => ({ statements: [] }) }),
    )
    first.mortal.kill()
    const other = world.process()
    const end = await run(other, (recorder) =>
      recorder.wait({ call: { kind: 'ask', name: 'q' }, input: 'two', tell: () => ({ statements: [] }) }),
    )
    expect(end).toMatchObject({ status: 'code.changed' })
  })
})

describe('closing', () => {
  it('drops what is parked, records what runs, and loses nothing', async () => {
    const own = world.process()
    const parked = own.steps.execute(spec(), (recorder) => ask(own, recorder, 'q'))
    await world.during(parked)
    const running = own.steps.execute(world.spec('step:2'), (recorder) =>
      recorder.effect('slow', { class: 'once' }, async () => {
        await new Promise<void>((resolve) => world.clock.after(50, resolve))
        return 'slow'
      }),
    )
    await pause()
    await world.during(own.steps.close())
    expect(await running).toEqual({ status: 'parked', waits: [] })
    own.mortal.kill()
    const other = world.process()
    const end = await world.during(
      other.steps.execute(world.spec('step:2'), (recorder) =>
        recorder.effect('slow', { class: 'once' }, () => 'never'),
      ),
    )
    expect(end).toEqual({ status: 'settled', outcome: 'slow' })
    await expect(own.steps.execute(world.spec('step:3'), async () => 1)).rejects.toMatchObject({
      code: 'troupe.closed',
    })
  })
})
