/**
 * The team of the trials with several processes: six steps in two branches, with a question in the middle. Its effects
 * leave a line each in a ledger outside, which every process appends to.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json, StepContext } from '../../src/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const { defineAgent, defineMessage, finish } = troupe

const Line = defineMessage<{ readonly from: string }>('line')

export interface Work {
  readonly run: string
  readonly ledger: string
}

/** Who pays when, so that an uncertain payment can be looked up in the ledger. */
export const payment = (run: string, agent: string) => `at-most-once ${run} ${agent}`

export const linesOf = (ledger: string): readonly string[] =>
  existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : []

/** By the clock that all processes of the machine share, ns. */
export const machineTime = (): bigint => process.hrtime.bigint()

export interface Payment {
  readonly payment: string
  readonly beganAt: bigint
}

export const paymentsIn = (ledger: string): readonly Payment[] =>
  linesOf(ledger).map((line) => {
    const [payment = '', beganAt = '0'] = line.split(' began ')
    return { payment, beganAt: BigInt(beganAt) }
  })

/** It happens in its first moment: afterwards the process may be stopped or die as it likes. */
const pay = ({ run, ledger }: Work, ctx: StepContext, agent: string) =>
  ctx.effect(`pay ${run} ${agent}`, { class: 'at-most-once' }, async () => {
    appendFileSync(ledger, `${payment(run, agent)} began ${machineTime()}\n`)
    await sleep(5)
    return `paid by ${agent}`
  })

const working = async (work: Work, ctx: StepContext, agent: string): Promise<string> => {
  await ctx.context.push(`${work.run}.${agent}.begun`, true)
  const paid = await pay(work, ctx, agent)
  await ctx.effect(`look ${agent}`, { class: 'idempotent' }, () => sleep(15))
  await ctx.context.push(`${work.run}.${agent}`, { paid })
  await ctx.messages.send(Line, { from: `${work.run} ${agent}` }, { to: 'Log' })
  return paid
}

const member = (name: string) =>
  defineAgent<Work, Json>({
    name,
    run: async (work, ctx) => ({ ...work, [name]: await working(work, ctx, name) }),
  })

export function createTeam() {
  const collect = defineAgent<Json, Json>({
    name: 'Collect',
    run: (input) => {
      const { results } = input as unknown as { readonly results: readonly { readonly value: Json }[] }
      return Object.assign({}, ...results.map(({ value }) => value)) as Json
    },
  })
  const check = defineAgent<Work, Json>({
    name: 'Check',
    run: async (work, ctx) =>
      ({ ...work, answer: await ctx.ask({ text: `Go on with ${work.run}?` }) }) as unknown as Json,
  })
  const report = defineAgent<Work, Json>({
    name: 'Report',
    run: async ({ ledger, ...work }, ctx) => {
      const paid = await working({ ledger, ...work }, ctx, 'Report')
      return finish({ ...work, Report: paid } as unknown as Json) as unknown as Json
    },
  })
  const agents = [member('Lead'), member('Left'), member('Right'), collect, check, report]
  const flows = ['Lead => {Left, Right}', 'Left -> Collect', 'Right -> Collect', 'Collect -> Check', 'Check -> Report']
  return { agents, topology: { agents, flows } }
}

/** Those who pay, write and send in one run. */
export const payers = ['Lead', 'Left', 'Right', 'Report'] as const
