/** Transaction pooling: what one user's transaction sets must not be there for the next, on the same few connections. */
import { createTroupe } from '../../../src/index.ts'
import { freePort } from '../../postgres/cluster.ts'
import { Pooler, pgbouncer } from '../../postgres/pooler.ts'
import { server, withClient } from '../../postgres/postgres-server.ts'
import { NotTried } from '../attack.ts'
import { codeOf, expectHarmless, type OwnAttack, ownRows } from './own-storage.ts'

const program = pgbouncer()

/** Through a pgbouncer of two connections; elsewhere, and without the program, nothing is tried. */
const pooled =
  (attack: (own: { readonly url: string; readonly schema: string }) => Promise<string | undefined>): OwnAttack =>
  async ({ storage }) => {
    if (typeof storage !== 'object' || !('schema' in storage)) throw new NotTried('only PostgreSQL has pools')
    if (!program) throw new NotTried('there is no pgbouncer here')
    const { username } = new URL(server)
    const pooler = new Pooler({ url: server, port: await freePort(), roles: [username], connections: 2 })
    await pooler.start()
    try {
      return await attack({ url: pooler.url, schema: String(storage.schema) })
    } finally {
      await pooler.dispose()
    }
  }

const users = ['ada', 'eve', "o'brien", 'all', '%']
const failing = async (troupe: Awaited<ReturnType<typeof createTroupe>>, user: string) => {
  const { context } = troupe.user(user)
  await codeOf(() => context.push('same', 1, { ifVersion: 999 }))
  await codeOf(() => context.push('big', 'x'.repeat(9 * 1_048_576)))
  await codeOf(() => context.list({ signal: AbortSignal.abort() } as never))
}

export const poolers = ownRows(
  'pooled',
  { family: 'disclosure', source: 'another user of a pooled connection', goal: 'read or write as another user' },
  {
    'reads between transactions of others that fail': pooled(async ({ url, schema }) => {
      const troupe = await createTroupe({ storage: { url, schema, poolSize: 4 }, log: 'silent' })
      const wrong: string[] = []
      const work = async (user: string) => {
        const { context } = troupe.user(user)
        for (let i = 0; i < 15; i++) {
          await context.push('same', `${user} ${i}`)
          await failing(troupe, user)
          const value = await context.get('same')
          const { items } = await context.list()
          if (value !== `${user} ${i}`) wrong.push(`${user} read ${String(value)}`)
          for (const entry of items)
            if (!String(entry.value).startsWith(`${user} `)) wrong.push(`${user} lists ${entry.key}`)
        }
      }
      await Promise.all(users.map(work))
      await troupe.close()
      return wrong[0]
    }),
    'settings and roles that stay on a connection': pooled(async ({ url, schema }) => {
      const troupe = await createTroupe({ storage: { url, schema, poolSize: 4 }, log: 'silent' })
      for (const user of users) await troupe.user(user).context.push('same', `of ${user}`)
      const left: string[] = []
      for (let i = 0; i < 12; i++) {
        await failing(troupe, users[i % users.length] as string)
        await withClient(async (client) => {
          const text =
            "select current_user as role, session_user as login, current_setting('troupe.user', true) as user_name"
          const { rows } = await client.query(text)
          const { role, login, user_name } = rows[0]
          if (role !== login || (user_name ?? '') !== '') left.push(`${role} ${user_name}`)
        }, url)
      }
      await troupe.close()
      return left[0]
    }),
    'a session setting of another client': pooled(async ({ url, schema }) => {
      const troupe = await createTroupe({ storage: { url, schema, poolSize: 2 }, log: 'silent' })
      await troupe.user('ada').context.push('same', 'of ada')
      // Whoever shares the pool leaves settings behind for the session, on both connections.
      for (let i = 0; i < 6; i++)
        await withClient((client) => client.query("select set_config('troupe.user', 'ada', false)"), url)
      const { items } = await troupe.user('eve').context.list()
      const mine = await troupe.user('ada').context.get('same')
      expectHarmless(mine === 'of ada', 'ada does not read her own')
      await troupe.close()
      return items.length > 0 ? JSON.stringify(items).slice(0, 100) : undefined
    }),
  },
)
