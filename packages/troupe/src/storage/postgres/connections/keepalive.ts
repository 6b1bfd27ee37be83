/**
 * A connection can be dead without an error: the peer or the network accepts data and never answers. `Keepalive`
 * destroys such a connection, so that its users get an error.
 */
import type { Socket } from 'node:net'
import type { Client } from 'pg'

/**
 * After a pause of the process its timers fire before its sockets are read. Several ticks without data are therefore
 * required.
 */
const ticks = 4

interface Waiting {
  /** The number of bytes that were received at the last tick. */
  read: number
  silent: number
}

/** Watches all waiting connections with one timer, because a transaction is shorter than the setup of a timer. */
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

// The stream has the counter also with TLS.
const socketOf = (client: Client) => client.connection.stream as Socket

/** @throws the error of a lost connection, if no answer arrives within the time */
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

/** Closes a connection. A peer that does not answer is disconnected after `goodbyeMs`. */
export const disconnect = (client: Client): Promise<void> =>
  answerWithin(
    client,
    goodbyeMs,
    client.end().catch(() => {}),
  )
