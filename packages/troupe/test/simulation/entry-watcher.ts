/** A watcher of the simulation `entries`: it resumes from its position after each loss of its process. */

import type { Troupe } from '../../src/index.ts'
import type { NodeHandle, Simulation } from '../../src/testing/index.ts'
import { clientOf } from './entry-clients.ts'
import { insistOn, isTrouble, pause } from './repeating-client.ts'

export function createEntryWatcher(simulation: Simulation, server: NodeHandle<Troupe>, agent: string) {
  const state = new Map<string, string>()
  const problems: string[] = []
  const arrivals = new Map<string, number>()
  let position: string | undefined
  let revision = 0
  let over = false
  const read = async (service: Troupe) => {
    const found = new Map<string, string>()
    for await (const { key, value } of await clientOf(service, agent).list()) found.set(key, JSON.stringify(value))
    return found
  }
  /** Watches for a while. What it has seen counts even if the process is killed. */
  const poll = (service: Troupe) =>
    new Promise<void>((resolve, reject) => {
      const stop = new AbortController()
      simulation.clock.after(500 + 3_000 * simulation.random.next(), () => stop.abort())
      const options = { signal: stop.signal, from: position ?? 0 }
      const watch = async () => {
        for await (const item of clientOf(service, agent).watch(options)) {
          if (item.revision < revision) problems.push(`${agent} saw revision ${item.revision} after ${revision}`)
          position = item.position
          revision = item.revision
          arrivals.set(item.type === 'resync' ? 'resync' : item.key, simulation.clock.monotonic())
          if (item.type === 'resync') problems.push(`${agent} has to read all entries`)
          else if (item.type === 'put') state.set(item.key, JSON.stringify(item.value))
          else state.delete(item.key)
        }
      }
      watch().then(resolve, reject)
    })
  return {
    async run() {
      while (!over)
        await server.call(poll).catch((error: unknown) => {
          if (!isTrouble(error)) throw error
          return pause(simulation)
        })
    },
    stop() {
      over = true
    },
    /** The time of the last change of a key that it saw. */
    arrival: (key: string) => arrivals.get(key),
    async judge(): Promise<readonly string[]> {
      const found = await insistOn(simulation, server)(read)
      const keys = new Set([...found.keys(), ...state.keys()])
      const different = [...keys].filter((key) => found.get(key) !== state.get(key))
      return [
        ...problems,
        ...different.map((key) => `${agent} saw ${state.get(key)} of ${key}, which is ${found.get(key)}`),
      ]
    },
  }
}
