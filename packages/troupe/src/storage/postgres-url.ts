/** The parts of a URL of PostgreSQL. */
import { invalidInput } from '../core/index.ts'
import type { PostgresOptions } from './postgres-options.ts'

/** The options that a URL contains. */
export type PostgresParts = Omit<Partial<PostgresOptions>, 'url' | 'migrateUrl' | 'listenUrl'>

/** An error never repeats a URL, because it may contain a password. */
export const wrongPostgres = (problem: string) => invalidInput('The configuration of PostgreSQL', problem)

/**
 * Returns the parts of a PostgreSQL URL. Parses it without `URL`, because a password may contain any character, also `@`,
 * `/`, `#` and `%`, encoded or not. The last `@` before the database ends the password.
 */
export function partsOfUrl(url: string): PostgresParts {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(url)?.[1]
  if (rest === undefined) throw wrongPostgres('it does not begin with postgres://')
  const at = rest.lastIndexOf('@')
  const found = /^(\[[^\]]*\]|[^:/?]*)(?::(\d+))?(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest.slice(at + 1))
  if (!found) throw wrongPostgres('after the last @ it is not host:port/database')
  const [, host, port, database, query] = found
  const secrets = at < 0 ? '' : rest.slice(0, at)
  const colon = secrets.indexOf(':')
  const user = colon < 0 ? secrets : secrets.slice(0, colon)
  return {
    ...(host ? { host: decoded(host.replace(/^\[|\]$/g, '')) } : {}),
    ...(port ? { port: Number(port) } : {}),
    ...(database ? { database: decoded(database) } : {}),
    ...(user ? { user: decoded(user) } : {}),
    ...(colon < 0 ? {} : { password: decoded(secrets.slice(colon + 1)) }),
    ...queried(query ?? ''),
  }
}

function queried(query: string): PostgresParts {
  const parts: { -readonly [Name in 'schema' | 'tls' | 'host']?: PostgresParts[Name] } = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'schema' || name === 'host') parts[name] = value
    else if (name !== 'sslmode') throw wrongPostgres(`${JSON.stringify(name)} is not one of schema, host, sslmode`)
    else if (value === 'disable') parts.tls = false
    else if (value === 'none') parts.tls = 'none'
    else if (value === 'verify-full') parts.tls = true
    else if (value === 'require') parts.tls = { check: false }
    else throw wrongPostgres('sslmode is disable, none, require or verify-full')
  }
  return parts
}

/** Returns the text unchanged if it is not valid percent-encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
