/**
 * A connection can be gone without a word: its peer, or something between, takes what is sent and answers nothing. Such a
 * one is broken off, so that whoever waits on it hears that it is lost.
 */
import type { Client } from 'pg'

export interface Silence {
  /** It begins anew. */
  heard(): void
  end(): void
}

/** A process that was stopped for a while finds its answers after its timers: only ticks that were lived through count. */
const ticks = 4

export function breakOffWhenSilent(client: Client, ms: number): Silence {
  let silent = 0
  const timer = setInterval(() => {
    if (++silent === ticks) client.connection.stream.destroy()
  }, ms / ticks)
  return {
    heard() {
      silent = 0
    },
    end: () => clearInterval(timer),
  }
}

/** @throws what is thrown for a lost connection, where no answer comes for so long */
export async function answered<T>(client: Client, ms: number, asked: Promise<T>): Promise<T> {
  const silence = breakOffWhenSilent(client, ms)
  try {
    return await asked
  } finally {
    silence.end()
  }
}

const goodbyeMs = 1_000

/** Who does not hear the goodbye is left all the same. */
export const disconnect = (client: Client): Promise<void> =>
  answered(
    client,
    goodbyeMs,
    client.end().catch(() => {}),
  )
