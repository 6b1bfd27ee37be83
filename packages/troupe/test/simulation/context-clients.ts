/** Clients of the context mesh: registers, counters, growing sets, atomic pairs. */

import type { ContextClient, Json } from '../../src/index.ts'
import type { HistoryOperation, RegisterInput, RegisterOutput, Simulation, Update } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { ask, insist, type Part, type Server } from './simulated-client.ts'

const clientOf =
  (name: string) => (service: { user(id: string): { agent(name: string): { context: ContextClient } } }) =>
    service.user('ada').agent(name).context

/** Reads, writes, conditional writes and deletes of a few keys, judged for linearizability. */
export function registerClients(simulation: Simulation, server: Server): Part {
  const { random } = simulation
  const history: HistoryOperation<RegisterInput, RegisterOutput>[] = []
  const pick = (n: number) => Math.floor(random.next() * n)
  let [tick, value] = [0, 0]
  const once = async (client: string, key: string, input: RegisterInput) => {
    const called = tick++
    // One agent owns the keys: who may write what is judged elsewhere.
    const answer = await ask(simulation, server, (service) => carryOut(clientOf('Owner')(service), key, input))
    const returned = tick++
    const operation = { key, client, input, called }
    if (answer.kind === 'done') history.push({ ...operation, returned, output: answer.value })
    else if (answer.kind === 'rejected' && answer.code === 'context.conflict')
      history.push({ ...operation, returned, output: { conflict: true } })
    else if (answer.kind === 'unknown' && input.do !== 'read') history.push({ ...operation, returned: undefined })
    else if (answer.kind === 'rejected' && answer.code !== 'storage.full') throw new Error(`refused: ${answer.code}`)
  }
  const client = async (name: string) => {
    for (let i = 0; i < 12; i++) {
      const key = `register.${pick(3)}`
      const inputs: RegisterInput[] = [
        { do: 'read' },
        { do: 'read' },
        { do: 'write', value: `v${value++}` },
        { do: 'write-if', version: pick(8), value: `w${value++}` },
        { do: 'delete' },
      ]
      await once(name, key, inputs[pick(inputs.length)] as RegisterInput)
      if (random.next() < 0.3) await simulation.sleep(20 * random.next())
    }
  }
  return {
    run: async () => void (await Promise.all(['a', 'b', 'c'].map(client))),
    async judge() {
      for (const key of ['register.0', 'register.1', 'register.2']) await once('judge', key, { do: 'read' })
      return harness.checkLinearizability(history, harness.registerModel)
    },
  }
}

async function carryOut(context: ContextClient, key: string, input: RegisterInput): Promise<RegisterOutput> {
  if (input.do === 'read') {
    const entry = await context.getEntry(key)
    return { value: entry?.value as Json | undefined, version: entry?.version }
  }
  if (input.do === 'delete') return { deleted: await context.delete(key) }
  const options = input.do === 'write-if' ? { ifVersion: input.version } : {}
  const { version } = await context.push(key, input.value, options)
  return { version: version as number }
}

/** Increments by `update`, judged for lost ones. */
export function counterClients(simulation: Simulation, server: Server): Part {
  const keys = ['counter.0', 'counter.1']
  const counted = new Map(keys.map((key) => [key, { acknowledged: 0, unknown: 0 }]))
  const updates: Update[] = []
  const client = async () => {
    for (let i = 0; i < 10; i++) {
      const key = keys[Math.floor(simulation.random.next() * 2)] as string
      const answer = await ask(simulation, server, async (service) => {
        let read = 0
        const { version } = await clientOf('Counter')(service).update(key, (now) => {
          read = (now as number | undefined) ?? 0
          return read + 1
        })
        return { key, read, wrote: version as number }
      })
      const counter = counted.get(key) as { acknowledged: number; unknown: number }
      if (answer.kind === 'unknown') counter.unknown++
      if (answer.kind !== 'done') continue
      counter.acknowledged++
      updates.push(answer.value)
    }
  }
  return {
    run: async () => void (await Promise.all([client(), client(), client()])),
    async judge() {
      const finals = await Promise.all(
        keys.map((key) => insist(simulation, server, (service) => clientOf('Counter')(service).get(key))),
      )
      const counters = keys.map((key, i) => ({
        key,
        ...(counted.get(key) as { acknowledged: number; unknown: number }),
        final: (finals[i] as number | undefined) ?? 0,
      }))
      return [...harness.checkUpdates(updates), ...harness.checkCounters(counters)]
    },
  }
}

/** Adds pairs of entries atomically: all that was acknowledged is listed, and never half of a pair. */
export function setClients(simulation: Simulation, server: Server): Part {
  const [acknowledged, unknown]: [string[], string[]] = [[], []]
  let next = 0
  const client = async () => {
    for (let i = 0; i < 8; i++) {
      const n = `${next++}`.padStart(3, '0')
      const pair = ['left', 'right'].map((side) => ({ type: 'push' as const, key: `pair.${side}.${n}`, value: n }))
      const answer = await ask(simulation, server, (service) =>
        clientOf('Adder')(service).batch(pair, { atomic: true }),
      )
      if (answer.kind === 'done') acknowledged.push(n)
      if (answer.kind === 'unknown') unknown.push(n)
    }
  }
  const listed = async (side: string) => {
    const prefix = `pair.${side}.`
    const keys = await insist(simulation, server, async (service) => {
      const found: string[] = []
      for await (const key of await clientOf('Reader')(service).keys({ prefix, limit: 7 })) found.push(key)
      return found
    })
    return keys.map((key) => key.slice(prefix.length))
  }
  return {
    run: async () => void (await Promise.all([client(), client()])),
    async judge() {
      const [left, right] = [await listed('left'), await listed('right')]
      if (left.join() !== right.join()) throw new Error(`half of a batch is there: ${left.join()} | ${right.join()}`)
      return harness.checkAppends({ acknowledged, unknown, found: left })
    },
  }
}
