/**
 * What traces and logs add to a turn: the same agent, one model call and one tool call, with neither, with traces kept, and
 * with logs at debug too, in turns, in one run. µs of processor, for a busy machine touches the time more; the least of the
 * rounds, writing of what waits included. Metrics are always counted, and in all three.
 *
 * node --expose-gc bench/observability/main.ts [turns per round] [rounds] [storage]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTroupe, defineTool, LlmAgent, type Troupe, type TroupeConfig } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const sessions = Math.ceil(Number(process.argv[2] ?? 400) / 2)
const rounds = Number(process.argv[3] ?? 15)
const place = process.argv[4] ?? 'memory'
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
    storage: place === 'memory' ? 'memory:' : `sqlite:${join(folder, `${name}.db`)}`,
    alerts: false,
    watchdog: false,
    ...config,
  })
let lines = 0
const destination = { write: () => void lines++ }
const troupes: readonly (readonly [string, Troupe])[] = [
  ['neither', await open('quiet', { log: 'silent', traces: false })],
  ['traces', await open('traced', { log: 'silent' })],
  ['traces, and logs at debug', await open('seen', { log: { level: 'debug', destination } })],
]

/** µs of processor of one turn. */
async function round(troupe: Troupe, kept: boolean): Promise<number> {
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
  if (kept) await ada.traces.list({ limit: 1 })
  const { user, system } = process.cpuUsage(began)
  return (user + system) / (2 * sessions)
}

const least = new Map<string, number>()
for (let i = 0; i < rounds; i++)
  for (const [name, troupe] of troupes)
    least.set(name, Math.min(least.get(name) ?? Number.POSITIVE_INFINITY, await round(troupe, name !== 'neither')))
const linesOfTurns = lines

/** µs of one event that is a span and a line, its writing included; short enough to fit between two turns of other programs. */
async function event(troupe: Troupe, kept: boolean): Promise<number> {
  const { traces } = troupe.user('eve')
  const began = performance.now()
  for (let i = 0; i < 40; i++) await traces.span('bench', () => {})
  if (kept) await traces.list({ limit: 1 })
  return ((performance.now() - began) * 1_000) / 40
}
const one = new Map<string, number>()
for (let i = 0; i < 40 * rounds; i++)
  for (const [name, troupe] of troupes)
    one.set(name, Math.min(one.get(name) ?? Number.POSITIVE_INFINITY, await event(troupe, name !== 'neither')))
for (const [, troupe] of troupes) await troupe.close()
const without = least.get('neither') as number
for (const [name, took] of least)
  console.log(`${name}: ${took.toFixed(0)} µs a turn, ${(took - without).toFixed(0)} more`)
for (const [name, took] of one)
  console.log(`${name}: ${took.toFixed(1)} µs an event, ${(took - (one.get('neither') as number)).toFixed(1)} more`)
console.log(`lines of log per turn: ${(linesOfTurns / (2 * sessions * rounds)).toFixed(1)}`)
