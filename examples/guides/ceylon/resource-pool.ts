/** So many at most, lent one at a time: who came first is served first, and what was lent comes back on every way out. */
import { AgentPool } from 'troupe'

export async function main() {
  let opened = 0
  let closed = 0
  const pool = new AgentPool({
    create: () => ({ number: ++opened }),
    dispose: () => void closed++,
    size: 2,
    acquireTimeout: '5s',
  })
  let active = 0
  let peak = 0
  const work = async (fails: boolean) => {
    await using _lease = await pool.acquire()
    peak = Math.max(peak, ++active)
    await new Promise(setImmediate)
    active--
    if (fails) throw new Error('the work failed')
  }
  const ends = await Promise.allSettled([work(false), work(true), work(false), work(true), work(false)])
  const { inUse, acquired } = pool.stats()
  await pool.close()
  return { peak, failed: ends.filter(({ status }) => status === 'rejected').length, inUse, acquired, opened, closed }
}

if (import.meta.main) console.log(await main())
