/**
 * A step that uses everything, an outside world that counts what was done to it, and a loop that enters the step again
 * and again while its processes are killed.
 */
import { type Json, seededRandom } from '../../core/index.ts'
import { createInbox } from '../inbox/create-inbox.ts'
import {
  appliedWrites,
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  keyValuesOf,
  resolveEffect,
  user,
  writeBook,
} from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
import type { StepsOptions } from './steps-context.ts'

export const step = 'step:run/branch/A#1'

/** What is outside and is never killed. */
export class Outside {
  /** Per key: how often it was done, and when its result was known to the step's process. */
  readonly done = new Map<string, number>()
  readonly violations: string[] = []
  readonly names = new Map<string, string>()
  /** Waits that somebody has answered. */
  readonly answered = new Set<string>()
  readonly latency: () => number

  constructor(seed: string) {
    const random = seededRandom(seed)
    this.latency = () => random.next() * 8
  }

  count(name: string): number {
    let sum = 0
    for (const [key, times] of this.done) if (this.names.get(key) === name) sum += times
    return sum
  }
}

export interface Stage {
  readonly testbed: JournalTestbed
  readonly outside: Outside
  readonly instance: Instance
}

type Class = 'pure' | 'read' | 'idempotent' | 'at-most-once'

/** An effect as a program of `stage` makes it: its result depends on its name and input alone. */
export function effectOf({ testbed, outside, instance }: Stage) {
  return (recorder: Recorder, name: string, of: Class, input: Json = null, reconciles = false): Promise<string> =>
    recorder.effect(
      name,
      {
        class: of,
        input,
        ...(reconciles
          ? { reconcile: async (key: string) => (outside.done.has(key) ? { happened: true, output: name } : 'not') }
          : {}),
      },
      async ({ key }) => {
        await new Promise<void>((resolve) => testbed.clock.after(outside.latency(), resolve))
        if (instance.mortal.dead) return new Promise<string>(() => {})
        const durable = await instance.steps.effects(user, step)
        if (durable.some((effect) => effect.key === key && effect.state === 'done'))
          outside.violations.push(`${name} was repeated`)
        if (instance.mortal.dead) return new Promise<string>(() => {})
        outside.names.set(key, name)
        outside.done.set(key, (outside.done.get(key) ?? 0) + 1)
        await new Promise<void>((resolve) => testbed.clock.after(outside.latency(), resolve))
        return instance.mortal.dead ? new Promise<string>(() => {}) : name
      },
    )
}

/** Reads, parallel effects of all classes, bodies with effects and writes inside, commits, races, chains, waits. */
export function sampleProgram(stage: Stage): (recorder: Recorder) => Promise<Json> {
  const { instance } = stage
  const keyValues = keyValuesOf(instance.storage)
  const { inbox } = instance
  const effect = effectOf(stage)
  const ask = (recorder: Recorder, name: string, timeoutMs?: number) =>
    recorder.wait({
      call: { kind: 'request', name },
      input: name,
      notify: (address) => inbox.put(user, 'run:1', step, `ask ${address}`, { ask: name, address }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
  const tool = (recorder: Recorder, name: string, of: Class, commits: boolean) =>
    recorder.body(name, async (inner) => {
      const seen = await keyValues.get(inner, `for ${name}`)
      const output = await effect(inner, `inside ${name}`, of, seen.value, of === 'at-most-once')
      keyValues.push(inner, `of ${name}`, output)
      if (commits) await inner.commit()
      keyValues.push(inner, 'shared', name)
      return { name, output, version: seen.version }
    })
  return async (recorder) => {
    const start = recorder.answerNow({ kind: 'now', name: '' }, () => 1)
    const first = await keyValues.get(recorder, 'a')
    const four = await Promise.all([
      effect(recorder, 'pure', 'pure'),
      effect(recorder, 'read', 'read', first.value),
      effect(recorder, 'again', 'idempotent', first.value),
      effect(recorder, 'paid', 'at-most-once', first.value, true),
    ])
    keyValues.push(recorder, 'b', [first.value, four.length])
    const tools = await Promise.all([
      tool(recorder, 't1', 'at-most-once', false),
      tool(recorder, 't2', 'idempotent', true),
      tool(recorder, 't3', 'read', false),
    ])
    await recorder.commit()
    const race = await Promise.race([
      effect(recorder, 'slow', 'idempotent'),
      keyValues.get(recorder, 'b').then(() => keyValues.get(recorder, 'c').then(() => 'chain')),
      effect(recorder, 'other', 'read'),
    ])
    const conflicting = await keyValues.get(recorder, 'conflicting')
    await effect(recorder, 'before', 'at-most-once', 'fixed', true)
    keyValues.push(recorder, 'conflicting', [start, 'mine'], conflicting.version)
    const answer = await ask(recorder, 'question')
    keyValues.push(recorder, 'answered', answer)
    const [late, during] = await Promise.all([
      ask(recorder, 'nobody answers', 500).catch((error: { code: string }) => error.code),
      effect(recorder, 'during', 'at-most-once', null, true),
    ])
    await ask(recorder, 'last')
    keyValues.push(recorder, 'end', late)
    return { first: first.value, four, tools, race, answer, late, during }
  }
}

/** As the run would do: answers what was asked, once. */
async function answerAll({ testbed, instance, outside }: Stage): Promise<void> {
  const inbox = createInbox(testbed)
  for (const row of await inbox.read(user, 'run:1', 100)) {
    const { ask, address } = row.body as { ask?: string; address: string }
    if (ask === undefined || ask === 'nobody answers' || outside.answered.has(address)) continue
    const answer = instance.steps.answer(user, step, address, { value: `answer to ${ask}` })
    await testbed.storage.commit({ id: null, scope: { user }, ...answer })
    outside.answered.add(address)
  }
}

export interface Kill {
  readonly at: number
  readonly when: 'before' | 'after'
}

export interface Course {
  readonly end: StepEnd
  readonly commits: readonly number[]
  readonly writes: readonly string[]
  readonly reported: readonly Json[]
  readonly outside: Outside
}

export interface Trial {
  readonly url?: string
  /** One per life; none left: the last life is not killed. */
  readonly kills: readonly (Kill | { readonly macrotasks: number })[]
  /** Happens between two lives. */
  readonly meddle?: (testbed: JournalTestbed, incarnation: number) => Promise<void>
  readonly programFor?: (stage: Stage) => (recorder: Recorder) => Promise<Json>
  readonly seed?: string
  readonly limits?: StepsOptions['limits']
  readonly spec?: Partial<StepSpec>
}

export async function carryOut({
  url,
  kills,
  meddle,
  programFor = sampleProgram,
  seed = 'outside',
  limits,
  spec,
}: Trial): Promise<Course> {
  const testbed = await createJournalTestbed(url)
  const outside = new Outside(seed)
  await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('a', 'A') })
  await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('conflicting', 'theirs') })
  const commits: number[] = []
  try {
    for (let incarnation = 0; ; incarnation++) {
      const kill = kills[incarnation]
      const instance = testbed.instance({ ...(kill && 'at' in kill ? { kill } : {}), ...(limits ? { limits } : {}) })
      if (kill && 'macrotasks' in kill) afterMacrotasks(kill.macrotasks, () => instance.mortal.kill())
      const stage = { testbed, outside, instance }
      const end = await testbed.during(Promise.race([runOnce(stage, programFor(stage), spec), instance.mortal.death]))
      commits.push(instance.mortal.commits)
      if (end !== 'dead') {
        const inbox = await createInbox(testbed).read(user, 'run:1', 100)
        const reported = inbox.filter((row) => row.name === 'end').map((row) => row.body)
        return { end, commits, writes: await appliedWrites(testbed.storage), reported, outside }
      }
      if (incarnation > 50) throw new Error('the step never ends')
      await meddle?.(testbed, incarnation)
    }
  } finally {
    await testbed.close()
  }
}

function afterMacrotasks(count: number, run: () => void): void {
  if (count <= 0) run()
  else setImmediate(() => afterMacrotasks(count - 1, run))
}

/** As an executor would do: executes it again when something arrived, settles what is uncertain by asking outside. */
async function runOnce(
  stage: Stage,
  program: (recorder: Recorder) => Promise<Json>,
  more: Partial<StepSpec> = {},
): Promise<StepEnd> {
  const { testbed, instance, outside } = stage
  const spec = testbed.spec(step, more)
  for (let round = 0; ; round++) {
    const end = await instance.steps.execute(spec, program)
    if (end.status === 'uncertain') {
      const effects = await instance.steps.effects(user, step)
      const effect = effects.find((each) => each.call === end.call)
      const happened = outside.done.has(effect?.key ?? '')
      await resolveEffect(instance, step, end.call, happened ? { happened, output: end.effect } : { happened: false })
    } else if (end.status === 'parked') {
      await answerAll(stage)
      await new Promise<void>((resolve) => testbed.clock.after(20, resolve))
    } else return end
    if (round > 500) throw new Error('the step never ends')
  }
}

export { writeBook }
