/** Clients that commit numbered changes while the process that serves them is killed and its disk fails. */
import type { Migration, SimulationScenario } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'

const migrations: readonly Migration[] = [
  {
    module: 'numbers',
    version: 1,
    name: 'numbers',
    lowestReader: 1,
    up: {
      sqlite: [
        'create table numbers (n integer primary key) strict',
        'create table echoes (n integer primary key) strict',
      ],
      postgres: [],
    },
  },
]

/** The world's trouble, not an answer. */
const trouble = (error: { readonly code?: string }): undefined => {
  if (error.code === undefined || error.code === 'invariant.broken') throw error
}

const scenario: SimulationScenario = async (simulation) => {
  const disk = simulation.disk()
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      harness.openStorage({ url: 'memory:', migrations, clock, random, faults: faults(disk) }),
    { kills: 2, within: 120 },
  )
  const [acknowledged, unknown]: [string[], string[]] = [[], []]
  let next = 0
  const change = (n: number, id: string) => ({
    id,
    scope: { user: `user-${n % 3}` },
    statements: [
      { sql: 'insert into numbers values (?)', binds: [n], expect: { rows: 1 } },
      { sql: 'insert into echoes values (?)', binds: [n] },
    ],
    feed: [{ kind: 'put' as const, key: `${n}`, data: '{}' }],
  })
  /** Refused by its last statement: nothing of it may stay, and nobody else may feel it. */
  const doomed = (n: number) => {
    const { statements, ...rest } = change(n, `doomed-${n}`)
    const impossible = { sql: 'delete from numbers where n = ?', binds: [-1], expect: { rows: 1 } }
    return { ...rest, statements: [...statements, impossible] }
  }
  const fail = async () => {
    for (let i = 0; i < 8; i++) {
      const result = await server.call((storage) => storage.commit(doomed(1_000 + i))).catch(trouble)
      if (result && (result.ok || result.statement !== 2))
        throw new Error(`a doomed change gave ${JSON.stringify(result)}`)
      simulation.operation(result !== undefined)
      if (!result) await simulation.sleep(1_000 * simulation.random.next())
    }
  }
  const client = async () => {
    for (let i = 0; i < 12; i++) {
      const n = next++
      for (let attempt = 0; ; attempt++) {
        try {
          const result = await server.call((storage) => storage.commit(change(n, `change-${n}`)))
          if (!result.ok) throw new Error(`change ${n} was refused: ${result.code}`)
          acknowledged.push(`${n}`)
          break
        } catch (error) {
          if ((error as { code?: string }).code === undefined) throw error
          // The same id again: it must not commit twice.
          if (attempt === 3) {
            unknown.push(`${n}`)
            break
          }
          await simulation.sleep(300 * simulation.random.next())
        }
      }
      simulation.operation(acknowledged.at(-1) === `${n}`)
    }
  }
  await Promise.all([client(), client(), client(), fail()])
  simulation.heal()
  await simulation.sleep(15_000)
  const last = await server.call((storage) => storage.commit(change(next, 'last')))
  if (!last.ok) throw new Error(`when all was well again a change was refused: ${last.code}`)
  acknowledged.push(`${next}`)
  const [rows, feed] = await server.call(async (storage) => {
    const sql = 'select numbers.n as n, echoes.n as e from numbers full join echoes on numbers.n = echoes.n'
    const [found] = await storage.read({ work: true }, [{ sql, binds: [], returns: true }])
    const pages = await Promise.all([0, 1, 2].map((user) => storage.feed(`user-${user}`, 0, 1_000)))
    return [found ?? [], pages] as const
  })
  const halves = rows.filter(({ n, e }) => n !== e)
  if (halves.length > 0) throw new Error(`half of a change is there: ${JSON.stringify(halves)}`)
  const anomalies = harness.checkAppends({ acknowledged, unknown, found: rows.map(({ n }) => String(n)) })
  for (const { items, head } of feed) {
    const revisions = items.map(({ revision }) => revision)
    const gapless = revisions.every((revision, i) => revision === i + 1) && head === revisions.length
    if (!gapless) throw new Error(`revisions have gaps: ${revisions.join(' ')} to ${head}`)
  }
  const fed = feed.flatMap(({ items }) => items.map(({ key }) => key))
  const all = [...anomalies, ...harness.checkAppends({ acknowledged, unknown, found: fed })]
  if (all.length > 0) throw new Error(all.map(({ message }) => message).join('\n'))
}
export default scenario
