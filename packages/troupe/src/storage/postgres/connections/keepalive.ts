/**
 * A connection can be gone without a word: its peer, or something between, takes what is sent and answers nothing. Such a
 * one is broken off, so that whoever waits on it hears that it is lost.
 */
import type { Socket } from 'node:net'
import type { Client } from 'pg'

/** A process that was stopped for a while finds its answers after its timers: only ticks that were lived through count. */
const ticks = 4

interface Waiting {
  /** Bytes that had come at the last tick. */
  read: number
  silent: number
}

/** One timer for all who wait, for a transaction is shorter than it takes to set one. */
export class Keepalive {
  readonly #ms: number
  readonly #waiting = new Map<Client, Waiting>()
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#ms = ms
  }

  begin(client: Client): void {
    this.#waiting.set(client, { read: socketOf(client).bytesRead, silent: -1 })
    this.#timer ??= setInterval(() => this.#tick(), this.#ms / ticks).unref()
  }

  end(client: Client): void {
    this.#waiting.delete(client)
  }

  #tick(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    for (const [client, waiting] of this.#waiting) {
      const socket = socketOf(client)
      if (socket.bytesRead !== waiting.read) Object.assign(waiting, { read: socket.bytesRead, silent: 0 })
      else if (++waiting.silent >= ticks) socket.destroy()
    }
  }
}

// With TLS too.
const socketOf = (client: Client) => client.connection.stream as Socket

/** @throws what is thrown for a lost connection, where no answer comes for so long */
export async function answerWithin<T>(client: Client, ms: number, asked: Promise<T>): Promise<T> {
  const watch = new Keepalive(ms)
  watch.begin(client)
  try {
    return await asked
  } finally {
    watch.end(client)
  }
}

const goodbyeMs = 1_000

/** Who does not hear the goodbye is left all the same. */
export const disconnect = (client: Client): Promise<void> =>
  answerWithin(
    client,
    goodbyeMs,
    client.end().catch(() => {}),
  )
