/** The location of a PostgreSQL database, from the environment of the process. */
import { invalidInput, isObject, readable } from '../core/index.ts'
import type { PostgresOptions } from '../storage/index.ts'

const parts = { DB_HOST: 'host', DB_NAME: 'database', DB_USER: 'user', DB_PASSWORD: 'password' } as const

/**
 * Reads `DATABASE_URL` and `DB_HOST`, `DB_PORT`, `DB_NAME`, `DB_USER`, `DB_PASSWORD`: each of these goes before what the
 * URL says, and an empty one counts as not set.
 * @param environment that of the process by default
 * @throws ValidationError `validation.failed` where none of them is set, and for a wrong port; never with values
 * @example
 * const storage = { ...postgresFromEnvironment({ DB_HOST: 'db', DB_NAME: 'shop', DB_USER: 'app' }), poolSize: 20 }
 */
export function postgresFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): PostgresOptions {
  const wrong = (problem: string) => invalidInput('The environment', problem)
  if (!isObject(environment)) throw wrong('it is not an object')
  // Read once: the environment of a caller may be anything.
  const names = ['DATABASE_URL', 'DB_PORT', ...Object.keys(parts)]
  const values = readable('The environment', () => Object.fromEntries(names.map((name) => [name, environment[name]])))
  for (const name of names)
    if (values[name] !== undefined && typeof values[name] !== 'string') throw wrong(`${name} is not a text`)
  const { DATABASE_URL: url, DB_PORT: port } = values
  if (port && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) throw wrong('DB_PORT is not a number of a port')
  const found: PostgresOptions = {
    ...(url ? { url } : {}),
    ...(port ? { port: Number(port) } : {}),
    ...Object.fromEntries(
      Object.entries(parts).flatMap(([name, part]) => (values[name] ? [[part, values[name]]] : [])),
    ),
  }
  if (Object.keys(found).length === 0)
    throw wrong(`none of DATABASE_URL, DB_PORT, ${Object.keys(parts).join(', ')} is set`)
  return found
}
