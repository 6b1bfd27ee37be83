/**
 * Who asks the server: a process of its own, so that neither waits for the other's work. It writes requests to sockets and
 * looks for the end of the answers, no more: a client with objects for each would measure the collection of its own.
 */
import { connect, type Socket } from 'node:net'

export interface Asked {
  readonly url: string
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}
export interface Job {
  /** Asked in turns. */
  readonly asked: readonly Asked[]
  readonly forMs: number
  /** So many, sent on time whatever became of those before; as many as there is room for, where absent. */
  readonly perSecond?: number
}
export interface Reply {
  readonly perSecond: number
  /** ms from when each was due, sorted; where no pace is kept, from when it was sent. */
  readonly times: readonly number[]
}

const concurrency = 16
const maxSockets = 64

/** One at a time on each socket; who finds none free waits. */
class Connections {
  readonly #free: Socket[] = []
  readonly #waiting: (() => void)[] = []
  readonly #port: number
  #open = 0

  constructor(port: number) {
    this.#port = port
  }

  ask(request: Buffer, answered: (problem?: Error) => void): void {
    const socket = this.#free.pop() ?? (this.#open < maxSockets ? this.#connect() : undefined)
    if (!socket) {
      this.#waiting.push(() => this.ask(request, answered))
      return
    }
    let got: Buffer | undefined
    const onData = (chunk: Buffer) => {
      got = got ? Buffer.concat([got, chunk]) : chunk
      const end = got.indexOf('\r\n\r\n')
      const length = end < 0 ? undefined : /content-length: (\d+)/i.exec(got.toString('latin1', 0, end))?.[1]
      if (length === undefined || got.length < end + 4 + Number(length)) return
      socket.off('data', onData)
      this.#free.push(socket)
      const status = got.toString('latin1', 9, 12)
      answered(status < '400' ? undefined : new Error(`${status} of ${request.toString('latin1', 0, 80)}`))
      this.#waiting.shift()?.()
    }
    socket.on('data', onData)
    socket.write(request)
  }

  close(): void {
    for (const socket of this.#free) socket.destroy()
  }

  #connect(): Socket {
    this.#open++
    return connect({ port: this.#port, host: '127.0.0.1', noDelay: true }).on('error', (error) => {
      throw error
    })
  }
}

function encode({ url, method = 'GET', body = '', headers = {} }: Asked): Buffer {
  const { pathname, search, host } = new URL(url)
  const all = {
    host,
    ...headers,
    ...(body ? { 'content-type': 'application/json' } : {}),
    'content-length': body.length,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

async function work({ asked, forMs, perSecond }: Job): Promise<Reply> {
  const requests = asked.map(encode)
  const connections = new Connections(Number(new URL(asked[0]?.url ?? '').port))
  const times: number[] = []
  let n = 0
  const one = (due: number) =>
    new Promise<void>((resolve, reject) => {
      connections.ask(requests[n++ % requests.length] as Buffer, (problem) => {
        times.push(performance.now() - due)
        if (problem) reject(problem)
        else resolve()
      })
    })
  const started = performance.now()
  if (perSecond === undefined) {
    const worker = async () => {
      while (performance.now() - started < forMs) await one(performance.now())
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
  } else {
    const open: Promise<void>[] = []
    for (let i = 0; i < (perSecond * forMs) / 1_000; i++) {
      const due = started + (i * 1_000) / perSecond
      while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve))
      open.push(one(due))
    }
    await Promise.all(open)
  }
  const took = performance.now() - started
  connections.close()
  return { perSecond: (times.length / took) * 1_000, times: times.sort((a, b) => a - b) }
}

process.on('message', (job: Job) => {
  work(job).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
