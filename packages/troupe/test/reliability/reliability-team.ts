/**
 * The team of the trials: 40 steps, four branches of nine in parallel between one that starts and three that end. Its
 * steps do everything a step can do, and tell a ledger outside what reached the world.
 */
import type { Json, StartSpec, StepContext, Troupe } from '../../src/index.ts'
import { troupe } from './troupe-under-test.ts'

/** The world outside: it survives the process. */
export interface Ledger {
  /** It happens, now. */
  happen(key: string): void
  has(key: string): boolean
  /** Nobody can ask it afterwards. */
  readonly blind?: boolean
}

const { defineAgent, defineMessage } = troupe
export const branches = ['A', 'B', 'C', 'D'] as const
export const branchLength = 9
export const totalSteps = 1 + branches.length * branchLength + 3

const Line = defineMessage<{ readonly from: string; readonly n: number }>('line')

interface Work {
  readonly trail: readonly string[]
}

/** What an `at-most-once` effect leaves behind can be looked up, so that a person need not be asked; in a blind ledger it can't. */
const once = (ctx: StepContext, ledger: Ledger, name: string) => {
  const reconcile = async (key: string) => {
    ledger.happen(`asked ${key}`)
    return ledger.has(`at-most-once ${key}`) ? ({ happened: true, output: `did ${name}` } as const) : 'not'
  }
  // The moment is an answer of `ctx`: entered again, the step must be given the same one.
  const input = { at: ctx.now() }
  return ctx.effect(name, { class: 'at-most-once', input, ...(ledger.blind ? {} : { reconcile }) }, async ({ key }) => {
    ledger.happen(`at-most-once ${key}`)
    return `did ${name}`
  })
}

const duties: readonly ((ctx: StepContext, ledger: Ledger, name: string) => Promise<Json>)[] = [
  async (ctx, _, name) => {
    const before = await ctx.context.get(`seen.${name}`)
    await ctx.context.push(`seen.${name}`, { before: before ?? null, at: ctx.now() > 0 })
    // A step reads what it has staged.
    return (await ctx.context.get(`seen.${name}`)) === undefined ? 'unseen' : 'pushed'
  },
  (ctx, ledger, name) => once(ctx, ledger, `act.${name}`),
  async (ctx, ledger, name) => {
    await ctx.context.push(`early.${name}`, 1)
    await ctx.commit()
    return ctx.effect(`call.${name}`, { class: 'idempotent' }, async ({ key }) => {
      ledger.happen(`call ${key}`)
      return `called ${name}`
    })
  },
  async (ctx, ledger, name) => {
    // All branches meet here: the turn that loses reads again, and does not act again.
    await once(ctx, ledger, `count.${name}`)
    await ctx.effect(`price.${name}`, { class: 'idempotent' }, async ({ key }) => ledger.happen(`call ${key}`))
    await ctx.context.update('shared.count', (now) => ((now as number | undefined) ?? 0) + 1)
    return 'counted'
  },
  async (ctx, ledger, name) => {
    await ctx.messages.send(Line, { from: name, n: 1 }, { to: 'Log' })
    const done = await once(ctx, ledger, `tell.${name}`)
    await ctx.messages.send(Line, { from: name, n: 2 }, { to: 'Log' })
    return done
  },
  async (ctx, ledger, name) => {
    const [a, b] = await Promise.all([once(ctx, ledger, `left.${name}`), once(ctx, ledger, `right.${name}`)])
    await ctx.context.push(`both.${name}`, [a, b])
    return `${a} ${b}`
  },
]

function member(ledger: Ledger, name: string, duty: number) {
  return defineAgent<Json, Json>({
    name,
    run: async (input, ctx) => {
      const { trail = [] } = (input ?? {}) as unknown as Partial<Work>
      const done = await (duties[duty % duties.length] as (typeof duties)[number])(ctx, ledger, name)
      await ctx.context.push(`done.${name}`, done)
      return { trail: [...trail, name] }
    },
  })
}

export function createTeam(ledger: Ledger) {
  const names = branches.flatMap((branch) => Array.from({ length: branchLength }, (_, i) => `${branch}${i + 1}`))
  const members = names.map((name, i) => member(ledger, name, i + Math.floor(i / branchLength)))
  const lead = defineAgent<Json, Json>({
    name: 'Lead',
    run: async (_, ctx) => {
      await ctx.context.push('shared.count', 0, { writers: 'readers' })
      return { trail: [] }
    },
  })
  const collect = defineAgent<Json, Json>({
    name: 'Collect',
    run: (input) => {
      const { results } = input as unknown as { readonly results: readonly { readonly value: Work }[] }
      return { trail: results.flatMap(({ value }) => value.trail).sort() }
    },
  })
  const check = defineAgent<Json, Json>({
    name: 'Check',
    run: async (input, ctx) => {
      const answer = await ctx.ask({ text: 'Go on?' })
      await once(ctx, ledger, 'check')
      return { ...(input as object), answer } as unknown as Json
    },
  })
  const report = member(ledger, 'Report', 1)
  const flows = [
    `Lead => {${branches.map((branch) => `${branch}1`).join(', ')}}`,
    ...branches.flatMap((branch) => [
      ...Array.from({ length: branchLength - 1 }, (_, i) => `${branch}${i + 1} -> ${branch}${i + 2}`),
      `${branch}${branchLength} -> Collect`,
    ]),
    'Collect -> Check',
    'Check -> Report',
  ]
  const agents = [lead, ...members, collect, check, report]
  const spec: StartSpec = {
    id: 'trial',
    task: 'try',
    topology: { agents, flows },
    config: { guards: { noProgress: false, repetition: false } },
  }
  return { agents, names, spec }
}

/** Once per step of the branches that counts. */
const counting = (names: readonly string[]) =>
  names.filter((_, i) => (i + Math.floor(i / branchLength)) % duties.length === 3).length
const notifying = (names: readonly string[]) =>
  names.filter((_, i) => (i + Math.floor(i / branchLength)) % duties.length === 4)

/**
 * What is wrong with a run that is over, and with what it left.
 * @param happened the ledger, line by line
 */
export async function judgeRun(
  service: Troupe,
  names: readonly string[],
  happened: readonly string[],
): Promise<string[]> {
  const problems: string[] = []
  const ada = service.user('ada')
  const run = await ada.orchestra.get('trial')
  const result = await run.result()
  if (result.status !== 'completed')
    problems.push(`the run is ${result.status}: ${result.reason ?? result.error?.message}`)
  const trail = (result.response as { readonly trail?: readonly string[] } | undefined)?.trail ?? []
  if (trail.join() !== [...[...names].sort(), 'Report'].join()) problems.push(`the trail is ${trail.join(' ')}`)
  if (result.totalSteps !== totalSteps) problems.push(`${result.totalSteps} steps in place of ${totalSteps}`)
  for (const name of [...names, 'Report']) {
    const done = await ada.context.getEntry(`done.${name}`)
    if (done?.value === undefined || done.value === 'unseen' || done.version !== 1)
      problems.push(`done.${name} is ${JSON.stringify(done?.value)}, version ${done?.version}`)
  }
  const count = await ada.context.getEntry('shared.count')
  if (count?.value !== counting(names)) problems.push(`${String(count?.value)} counted in place of ${counting(names)}`)
  problems.push(...repeated(happened))
  const box = ada.agent('Log').mailbox
  const lines: string[] = []
  for (;;) {
    const deliveries = await box.receive({ max: 100 })
    for (const delivery of deliveries) {
      const { from, n } = delivery.message.payload as { from: string; n: number }
      lines.push(`${from}.${n}`)
      await delivery.ack()
    }
    if (deliveries.length === 0) break
  }
  const expected = notifying(names).flatMap((name) => [`${name}.1`, `${name}.2`])
  if (lines.sort().join() !== expected.sort().join())
    problems.push(`messages ${lines.join(' ')}, not ${expected.join(' ')}`)
  const replayed = await ada.orchestra.verifyReplay('trial')
  if (!replayed.identical) problems.push(`the replay differs: ${JSON.stringify(replayed)}`)
  return problems
}

/** @param kind `call` where nothing went wrong, so that no call was made again either */
export const repeated = (happened: readonly string[], kind: 'at-most-once' | 'call' = 'at-most-once'): string[] =>
  [...Map.groupBy(happened, (line) => line)].flatMap(([line, same]) =>
    line.startsWith(`${kind} `) && same.length > 1 ? [`${line} happened ${same.length} times`] : [],
  )
