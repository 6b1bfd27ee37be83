/** Settings from the environment, checked before anything opens: a wrong one is named, and nothing starts. */
import { createTroupe, type TroupeConfig } from 'troupe'
import { z } from 'zod'

const Environment = z.object({
  STORAGE: z.string().default('memory:'),
  CLEANUP: z.templateLiteral([z.number().positive(), z.enum(['ms', 's', 'm', 'h', 'd'])]).default('5m'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().default('development'),
})

/** Indexes, clean-up and the record of every call are always on: there is nothing to switch. */
export function configFrom(environment: Readonly<Record<string, string | undefined>>): TroupeConfig {
  const { STORAGE, CLEANUP, LOG_LEVEL, NODE_ENV } = Environment.parse(environment)
  return {
    storage: STORAGE,
    context: { cleanup: CLEANUP },
    log: LOG_LEVEL,
    // In production nobody works in the scope that is shared by all who name none.
    requireUserId: NODE_ENV === 'production',
  }
}

export async function main() {
  await using troupe = await createTroupe(configFrom({ NODE_ENV: 'production', LOG_LEVEL: 'silent' }))
  const rejected: string[] = []
  const attempts = [
    () => configFrom({ LOG_LEVEL: 'loud' }),
    () => configFrom({ CLEANUP: 'soon' }),
    () => troupe.user('default'),
  ]
  for (const attempt of attempts)
    try {
      attempt()
    } catch (error) {
      rejected.push((error as Error).name)
    }
  // The one call made all of it: a user's context and tools, health, metrics, reports.
  const ada = troupe.user('ada')
  const pushed = await ada.agent('Clerk').tools.call('push_context', { key: 'k', value: 'v' })
  return {
    user: ada.id,
    rejected,
    pushed: [pushed.success, await ada.context.get('k')],
    checked: (await troupe.health()).checks.some(({ name }) => name === 'mesh'),
    calls: troupe.performance.report().operations.find(({ operation }) => operation === 'tool.called')?.calls,
  }
}

if (import.meta.main) console.log(await main())
