/** A client that repeats a call until its server answers. */

import type { NodeHandle, Simulation } from '../../src/testing/index.ts'

const troubleCodes = new Set([
  'process.lost',
  'storage.io',
  'storage.full',
  'storage.busy',
  'troupe.closed',
  'journal.lost',
])

/** Returns whether the server or its storage failed, so that the same call may succeed later. */
export const isTrouble = (error: unknown): boolean =>
  troubleCodes.has((error as { readonly code?: string } | undefined)?.code ?? '')

/** Waits for about a second. */
export const pause = (simulation: Simulation): Promise<void> => simulation.sleep(500 + 1_000 * simulation.random.next())

/** @returns a function that repeats a call after each such failure */
export const insistOn =
  <Service>(simulation: Simulation, server: NodeHandle<Service>) =>
  async <T>(run: (service: Service) => Promise<T>): Promise<T> => {
    for (;;)
      try {
        return await server.call(run)
      } catch (error) {
        if (!isTrouble(error)) throw error
        await pause(simulation)
      }
  }
