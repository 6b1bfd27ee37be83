/** Running instances with what they hold, lent one at a time: first come, first served, back on every exit. */
import { AgentPool } from 'troupe'

class Connection {
  closed = false
  readonly id: number
  constructor(id: number) {
    this.id = id
  }
  close(): void {
    this.closed = true
  }
}

export async function main() {
  const made: Connection[] = []
  const pool = new AgentPool<Connection>({
    create: () => {
      const connection = new Connection(made.length + 1)
      made.push(connection)
      return connection
    },
    dispose: (connection) => connection.close(),
    size: 2,
    acquireTimeout: '5s',
  })
  const work = Array.from({ length: 6 }, (_, i) =>
    pool.use(async ({ id }) => {
      if (i === 3) throw new Error('in the middle')
      return id
    }),
  )
  const ids = (await Promise.allSettled(work)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const { inUse } = pool.stats()
  await pool.close()
  return { done: ids.length, instances: new Set(ids).size, inUse, closed: made.every(({ closed }) => closed) }
}

if (import.meta.main) console.log(await main())
