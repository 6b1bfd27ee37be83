/** Settings from the environment: `loadConfig` reads the variables of the guides and reports every wrong value at once. */
import { tmpdir } from 'node:os'
import { createTroupe, loadConfig } from 'troupe'

/** The folder has no configuration file. */
const load = (env: Record<string, string>) => loadConfig({ cwd: tmpdir(), env })

export async function main() {
  const { config } = await load({ SYNTHA_CLEANUP_INTERVAL: '300', SYNTHA_LOG_LEVEL: 'ERROR', MARSYS_ENV: 'test' })
  const database = { DB_HOST: 'db', DB_NAME: 'syntha', DB_USER: 'app', DB_PASSWORD: 'p@ss:word' }
  const { config: onServer } = await load(database)
  // Indexes, clean-up and the record of every call are always on.
  const wrong = { SYNTHA_ENABLE_INDEXING: 'false', SYNTHA_LOG_LEVEL: 'loud', SYNTHA_CLEANUP_INTERVAL: 'soon' }
  const { problems } = await load(wrong)
  await using troupe = await createTroupe({ ...config, storage: 'memory:', requireUserId: true })
  const shared = await Promise.try(() => troupe.user('default')).catch(({ code }) => code)
  const ada = troupe.user('ada')
  await ada.agent('Clerk').tools.call('push_context', { key: 'k', value: 'v' })
  return {
    cleanup: config.context?.cleanup,
    database: onServer.storage,
    rejected: problems.map(({ name, message }) => [name, Object.keys(wrong).find((one) => message.includes(one))]),
    shared,
    pushed: await ada.context.get('k'),
    checked: (await troupe.health()).checks.some(({ name }) => name === 'mesh'),
    calls: troupe.performance.report().operations.find(({ operation }) => operation === 'tool.called')?.calls,
  }
}

if (import.meta.main) console.log(await main())
