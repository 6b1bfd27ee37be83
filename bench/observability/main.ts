/**
 * What traces and logs add to a turn: the same agent, one model call and one tool call, with neither, with traces kept, and
 * with logs at debug too, in turns, in one run. µs of processor, for a busy machine touches the time more, writing of what
 * waits included: the median of what a round took more than those with neither beside it, of which there are two, to
 * show how much of it is chance. Metrics are always counted, and in all of them.
 *
 * node --expose-gc bench/observability/main.ts [turns per round] [rounds] [storage]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTroupe, defineTool, LlmAgent, type Troupe, type TroupeConfig } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const sessions = Math.ceil(Number(process.argv[2] ?? 120) / 2)
const rounds = Number(process.argv[3] ?? 100)
const warmUp = 20
const storageKind = process.argv[4] ?? 'memory'
const folder = mkdtempSync(join(resolve('.'), '.bench-observability-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const search = defineTool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: ({ q }) => `found ${q}`,
})
const open = (name: string, config: Partial<TroupeConfig>) =>
  createTroupe({
    storage: storageKind === 'memory' ? 'memory:' : `sqlite:${join(folder, `${name}.db`)}`,
    alerts: false,
    watchdog: false,
    ...config,
  })
let lines = 0
const destination = { write: () => void lines++ }
const troupes: readonly (readonly [string, Troupe])[] = [
  ['neither', await open('quiet', { log: 'silent', traces: false })],
  ['neither, again', await open('again', { log: 'silent', traces: false })],
  ['traces', await open('traced', { log: 'silent' })],
  ['traces, and logs at debug', await open('seen', { log: { level: 'debug', destination } })],
]

/** µs of processor of one turn. */
async function round(troupe: Troupe, hasTraces: boolean): Promise<number> {
  const answers = Array.from({ length: sessions }, () => [
    { toolCalls: [{ name: 'search', args: { q: 'x' } }] },
    { text: 'done' },
  ])
  const model = new MockModel({ responses: answers.flat() })
  const agent = new LlmAgent({ name: 'A', instructions: 'Ask.', model, tools: { search } })
  const ada = troupe.user('ada')
  globalThis.gc?.()
  const began = process.cpuUsage()
  // Two turns each: one asks for the tool, one answers.
  for (let i = 0; i < sessions; i++) await ada.session(agent).generate('go')
  // Has what waits written.
  if (hasTraces) await ada.traces.list({ limit: 1 })
  const { user, system } = process.cpuUsage(began)
  return (user + system) / (2 * sessions)
}

const took = new Map<string, number[]>(troupes.map(([name]) => [name, []]))
for (let i = -warmUp; i < rounds; i++)
  // Whoever comes after another finds what that one has left behind: each has every place as often.
  for (let offset = 0; offset < troupes.length; offset++) {
    const [name, troupe] = troupes[Math.abs(i + offset) % troupes.length] as (typeof troupes)[number]
    const µs = await round(troupe, !name.startsWith('neither'))
    if (i >= 0) took.get(name)?.push(µs)
  }
const linesOfTurns = lines

/** µs of one event that is a span and a line, its writing included; short enough to fit between two turns of other programs. */
async function event(troupe: Troupe, hasTraces: boolean): Promise<number> {
  const { traces } = troupe.user('eve')
  const began = performance.now()
  for (let i = 0; i < 40; i++) await traces.span('bench', () => {})
  if (hasTraces) await traces.list({ limit: 1 })
  return ((performance.now() - began) * 1_000) / 40
}
const one = new Map<string, number>()
for (let i = 0; i < 40 * rounds; i++)
  for (const [name, troupe] of troupes)
    one.set(name, Math.min(one.get(name) ?? Number.POSITIVE_INFINITY, await event(troupe, !name.startsWith('neither'))))
for (const [, troupe] of troupes) await troupe.close()
const quartiles = (values: readonly number[]) =>
  [0.25, 0.5, 0.75].map((part) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0)
const [first, repeated] = [took.get('neither') ?? [], took.get('neither, again') ?? []]
const without = first.map((µs, i) => (µs + (repeated[i] ?? µs)) / 2)
for (const [name, each] of took) {
  const [low, middle, high] = quartiles(each.map((µs, i) => µs - (without[i] ?? 0))).map((µs) => µs.toFixed(0))
  console.log(
    `${name}: ${quartiles(each)[1]?.toFixed(0)} µs a turn, ${middle} more (a half of the rounds ${low} to ${high})`,
  )
}
for (const [name, least] of one)
  console.log(`${name}: ${least.toFixed(1)} µs an event, ${(least - (one.get('neither') as number)).toFixed(1)} more`)
console.log(`lines of log per turn: ${(linesOfTurns / (2 * sessions * (rounds + warmUp))).toFixed(1)}`)
