/** Who asks the server: a process of its own, so that neither waits for the other's work. */
import { Agent, request } from 'node:http'

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

const atOnce = 16
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

const ask = ({ url, method = 'GET', body, headers = {} }: Asked) =>
  new Promise<void>((resolve, reject) => {
    const sent = request(
      url,
      { method, agent, headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) } },
      (response) =>
        response.resume().on('end', () => {
          if ((response.statusCode ?? 500) < 400) resolve()
          else reject(new Error(`${response.statusCode} of ${url}`))
        }),
    )
    sent.on('error', reject)
    sent.end(body)
  })

async function work({ asked, forMs, perSecond }: Job): Promise<Reply> {
  const times: number[] = []
  let n = 0
  const one = async (due: number) => {
    await ask(asked[n++ % asked.length] as Asked)
    times.push(performance.now() - due)
  }
  const started = performance.now()
  if (perSecond === undefined) {
    const worker = async () => {
      while (performance.now() - started < forMs) await one(performance.now())
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
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
  return { perSecond: (times.length / took) * 1_000, times: times.sort((a, b) => a - b) }
}

process.on('message', (job: Job) => {
  work(job).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
