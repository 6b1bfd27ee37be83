/**
 * One step that fans out widely or stages many messages, long log lines, an array of 100,000 values as options, and four
 * teams that invoke themselves without end: each ends as it must, and the event loop turns meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledTopology, RunConfig, Troupe } from '../../../src/index.ts'
import { troupe } from '../troupe-under-test.ts'
import type { Program } from './program.ts'

/** Processor time of one iteration of the event loop, with the collector's pauses of a large heap. */
const maxIterationMs = 250

const { defineAgent, defineMessage, invoke, patterns } = troupe
const Note = defineMessage('note')

const fanOut = (count: number) => {
  const targets = Array.from({ length: count }, (_, input) => ({ agent: 'Spoke', input }))
  const hub = defineAgent({ name: 'Hub', run: () => invoke(targets) })
  const spokes = [defineAgent({ name: 'Spoke', run: (input) => input })]
  return patterns.hubAndSpoke({ hub, spokes, parallelSpokes: true })
}
const messages = (count: number) => {
  const sender = defineAgent({
    name: 'Sender',
    run: async (_, ctx) => {
      for (let i = 0; i < count; i++) await ctx.messages.send(Note, i, { to: 'Reader' })
    },
  })
  return patterns.pipeline({ stages: [{ agents: [sender] }] })
}
const eightFold = (name: string, other: string) =>
  defineAgent({ name, run: () => invoke(Array.from({ length: 8 }, () => ({ agent: other, input: Math.random() }))) })
const runaway = () => {
  const entry = eightFold('A', 'B')
  return patterns.mesh({ agents: [entry, eightFold('B', 'A')], entry })
}
const endOf = async (service: Troupe, user: string, topology: CompiledTopology<unknown>, config: RunConfig = {}) => {
  const { status, guard } = await service.user(user).orchestra.run({ task: 't', topology, config })
  return guard ? `${status} by ${guard.name}` : status
}

interface Case {
  readonly name: string
  readonly end: string
  play(service: Troupe): Promise<string>
}
const casesOf = (scale: number): readonly Case[] => [
  ...[500, 2_000, 4_000].slice(0, scale).map((count) => ({
    name: `a fan-out of ${count} under a budget of 50 steps`,
    end: 'failed by steps',
    play: (service: Troupe) => endOf(service, 'ada', fanOut(count), { budget: { steps: 50, branches: 5_000 } }),
  })),
  ...[2_500, 20_000].slice(0, scale).map((count) => ({
    name: `a step that stages ${count} messages`,
    end: 'completed',
    play: (service: Troupe) => endOf(service, 'ada', messages(count)),
  })),
  {
    name: 'a log line of 1,000,000 characters',
    end: 'logged',
    play: async (service) => {
      service.log.error('x'.repeat(1_000_000))
      return 'logged'
    },
  },
  {
    name: 'an array of 100,000 values as options',
    end: 'ValidationError',
    play: () => troupe.createTroupe(new Array(100_000).fill(0) as never).then(String, ({ name }) => name),
  },
  {
    name: 'four teams that invoke themselves without end',
    end: 'failed by branches',
    play: async (service) => {
      const users = ['ada', 'bob', 'cyd', 'dan']
      return [...new Set(await Promise.all(users.map((user) => endOf(service, user, runaway()))))].join(', ')
    },
  },
]

/** @returns the result, and the longest iteration of the event loop in ms of processor time */
async function timed(work: () => Promise<string>): Promise<{ readonly end: string; readonly ms: number }> {
  let longest = 0
  let before: number | undefined
  let isOver = false
  const look = () => {
    const { user, system } = process.threadCpuUsage()
    const now = (user + system) / 1_000
    if (before !== undefined) longest = Math.max(longest, now - before)
    before = now
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  await sleep(20)
  const end = await work()
  await sleep(20)
  isOver = true
  return { end, ms: longest }
}

export const program: Program = {
  name: 'wide',
  promise: 'Wide fan-outs, floods of messages and runaway teams end as they must, and do not block the process.',
  async run({ scale, report }) {
    const problems: string[] = []
    for (const { name, end: expected, play } of casesOf(scale)) {
      const log = { destination: { write: () => {} } }
      const service = await troupe.createTroupe({ storage: 'memory:', log })
      const { end, ms } = await timed(() => play(service))
      await service.close()
      report(`${name}: ${end}, longest iteration ${Math.round(ms)} ms`)
      if (end !== expected) problems.push(`${name}: ${end}, not ${expected}`)
      if (ms > maxIterationMs) problems.push(`${name}: an iteration of the event loop took ${Math.round(ms)} ms`)
    }
    return problems
  },
}
