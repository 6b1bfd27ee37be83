/** What every client does: asks, records when it asked and was answered, and tells a refusal from an unknown outcome. */

import type { Troupe } from '../../src/index.ts'
import type { Anomaly, NodeHandle, SimulatedNode, Simulation } from '../../src/testing/index.ts'

export type Server = NodeHandle<Troupe>

export interface Part {
  run(): Promise<void>
  /** When everything is well again. */
  judge(): Promise<readonly Anomaly[]>
}

export type Answer<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Nothing happened. */
  | { readonly kind: 'rejected'; readonly code: string }
  | { readonly kind: 'unknown' }

/** Refusals by which nobody knows whether the change is durable. */
const unknown = new Set(['process.lost', 'storage.io', 'troupe.closed'])
/** Trouble of the world, not an answer. */
const trouble = new Set(['storage.full', 'storage.busy', ...unknown])

/** @throws what has no code, for it is a defect */
export async function ask<T>(
  simulation: Simulation,
  server: Server,
  run: (service: Troupe, node: SimulatedNode) => Promise<T>,
): Promise<Answer<T>> {
  try {
    const value = await server.call(run)
    simulation.operation(true)
    return { kind: 'done', value }
  } catch (error) {
    const { code } = error as { readonly code?: string }
    if (code === undefined || code === 'invariant.broken') throw error
    simulation.operation(!trouble.has(code))
    // A client whose server has trouble waits before it asks again.
    if (trouble.has(code)) await simulation.sleep(500 + 1_500 * simulation.random.next())
    return unknown.has(code) ? { kind: 'unknown' } : { kind: 'rejected', code }
  }
}

/** Again until it is done: for what may be done twice. */
export async function insist<T>(
  simulation: Simulation,
  server: Server,
  run: (service: Troupe) => Promise<T>,
): Promise<T> {
  for (;;) {
    const answer = await ask(simulation, server, run)
    if (answer.kind === 'done') return answer.value
    if (answer.kind === 'rejected' && !trouble.has(answer.code)) throw new Error(`refused: ${answer.code}`)
  }
}
