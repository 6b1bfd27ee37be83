/** Loads parts of the page that are not in its first load. */

import { lazy } from 'react'

const attempts = 12
const firstDelayMs = 500
const maxDelayMs = 10_000

/**
 * Returns a loader that repeats a failed load for some 90 s, because a part that cannot be loaded would take its view with it
 * while the server is away.
 */
export function repeatedly<Part>(load: () => Promise<Part>): () => Promise<Part> {
  return async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await load()
      } catch (error) {
        if (attempt === attempts) throw error
        await new Promise((resolve) => setTimeout(resolve, Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))))
      }
    }
  }
}

/** A component that is loaded with its first use. */
export const lazyPart: typeof lazy = (load) => lazy(repeatedly(load))
