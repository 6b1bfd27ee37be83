/** Writers of one journal that take over from each other and are fenced: only the newest writes, and every record stays. */

import type * as durableModule from '../../src/journal/index.ts'
import type { JournalWriter } from '../../src/journal/index.ts'
import type { Anomaly, SimulationScenario } from '../../src/testing/index.ts'
import { harness, load } from '../reliability/library-under-test.ts'

const durable = (await load('journal/index')) as typeof durableModule
const [user, id] = ['ada', 'run:contested']

interface Body {
  readonly n: number
  readonly epoch: number
}

const scenario: SimulationScenario = async (simulation) => {
  const disk = simulation.disk()
  const server = simulation.node('server', async ({ clock, random, ids, faults }) => {
    const storage = await harness.openStorage({
      url: 'memory:',
      migrations: durable.journalMigrations,
      clock,
      random,
      faults: faults(disk),
    })
    const journals = durable.createJournals({ storage, clock, owner: ids.next() })
    const commit = (statements: Parameters<typeof storage.commit>[0]['statements']) =>
      storage.commit({ id: null, scope: { user }, statements })
    const created = journals.create(user, id, 'run', clock.now(), [{ n: -1, epoch: 0 }])
    await commit(created.fragment.statements)
    return { journals, commit, clock }
  })
  const { random } = simulation
  const [acknowledged, unknown]: [string[], string[]] = [[], []]
  const anomalies: Anomaly[] = []
  let [next, newest, fenced] = [0, 0, 0]
  /** Takes over, then writes until somebody else has done so. */
  const writer = () =>
    server.call(async ({ journals, commit, clock }) => {
      let mine: JournalWriter
      try {
        mine = (await journals.takeOver(user, id, clock.now())).writer
      } catch {
        return simulation.operation(true)
      }
      newest = Math.max(newest, mine.epoch)
      for (let i = 0; i < 6; i++) {
        const n = `${next++}`
        const mark = mine.mark()
        const before = Math.max(newest, fenced)
        const { statements } = mine.append(clock.now(), [{ n: Number(n), epoch: mine.epoch }])
        try {
          const result = await commit(statements)
          simulation.operation(true)
          if (result.ok) {
            acknowledged.push(n)
            if (before > mine.epoch)
              anomalies.push({ rule: 'invented', message: `epoch ${mine.epoch} wrote after ${before} had taken over` })
          } else if (result.code !== 'journal.lost') throw new Error(`refused: ${result.code}`)
          else return
        } catch (error) {
          if ((error as { code?: string }).code === undefined) throw error
          simulation.operation(false)
          unknown.push(n)
          mine.rewind(mark)
          return
        }
        await new Promise<void>((resolve) => void clock.after(30 * random.next(), resolve))
      }
    })
  const fence = async () => {
    for (let i = 0; i < 3; i++) {
      await simulation.sleep(60 * random.next())
      await server.call(async ({ journals, commit }) => {
        const result = await commit(journals.fence(user, [id]).statements).catch(() => undefined)
        const content = result?.ok ? await journals.load(user, id) : undefined
        fenced = Math.max(fenced, content?.epoch ?? 0)
      })
    }
  }
  const late = async () => {
    await simulation.sleep(40 * random.next())
    await writer()
    await writer()
  }
  await Promise.all([writer(), late(), late(), late(), fence()])
  simulation.heal()
  await simulation.sleep(30_000)
  const content = await server.call(({ journals }) => journals.load(user, id))
  const bodies = (content?.records ?? []).map(({ body }) => body as unknown as Body).filter(({ n }) => n >= 0)
  const epochs = bodies.map(({ epoch }) => epoch)
  if (epochs.some((epoch, i) => i > 0 && epoch < (epochs[i - 1] as number)))
    anomalies.push({ rule: 'fifo', message: `epochs in the journal: ${epochs.join(' ')}` })
  anomalies.push(...harness.checkAppends({ acknowledged, unknown, found: bodies.map(({ n }) => `${n}`) }))
  if (anomalies.length > 0) throw new Error(anomalies.map(({ message }) => message).join('\n'))
}
export default scenario
