/**
 * Removes what must not be recorded: values under names of secrets, headers, configured paths, and registered values
 * anywhere, encoded ones too. Requests and answers are treated alike, so that a value that occurs in both is removed
 * from both.
 */
import { createRedactor, invalidInput, type Json, redacted, shortestSecret, show } from '../../core/index.ts'

export interface CassetteRedaction {
  /** @param under the first part of the paths of the value */
  of(value: { readonly [under: string]: Json }, under: string): Json
  redactSecret(value: string): void
}

const secretName =
  /^(proxy[-_]?)?authorization$|^(set[-_]?)?cookie$|^(x[-_])?api[-_]?key$|^(access|refresh|id|auth|bearer|session)?[-_]?token$|^pass(word|wd|phrase)$|^(client|app)?[-_]?secret$|^private[-_]?key$|^credentials?$/i
/** The headers that decide when a call is retried, and contain nothing else. */
const plainHeaders = new Set(['retry-after', 'retry-after-ms'])

/** @throws ValidationError for an invalid path or secret */
export function createRedaction(options: {
  readonly redact?: readonly string[]
  readonly secrets?: readonly string[]
}): CassetteRedaction {
  const paths = (options.redact ?? []).map(readPath)
  const { addSecret: redactSecret, redact } = createRedactor()
  for (const secret of options.secrets ?? []) {
    if (typeof secret !== 'string' || secret.length < shortestSecret)
      throw invalidInput('A secret of a cassette', `it is not a text of at least ${shortestSecret} characters`)
    redactSecret(secret)
  }

  const text = (value: string): string => withoutFields(redact(value))
  /** Arguments of tools are JSON in a text, whose fields are redacted too. */
  const withoutFields = (value: string): string => {
    if (!/^\s*[[{]/.test(value)) return value
    try {
      const before = JSON.stringify(JSON.parse(value))
      const after = JSON.stringify(walk(JSON.parse(value) as Json, [], false))
      return before === after ? value : after
    } catch {
      return value
    }
  }
  const walk = (value: Json, path: readonly string[], hidden: boolean): Json => {
    if (hidden) return blank(value)
    if (paths.some((pattern) => fits(pattern, path))) {
      // The result of a tool occurs in the next prompt too.
      for (const text of textsIn(value)) redactSecret(text)
      return blank(value)
    }
    if (typeof value === 'string') return text(value)
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, String(i)], false))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const isHeader = path.at(-1) === 'headers' && !plainHeaders.has(key.toLowerCase())
        // The schema of a tool only declares such a field.
        const isSecret = secretName.test(key) && !(path[0] === 'request' && path[1] === 'tools')
        return [text(key), walk(item, [...path, key], isHeader || isSecret)]
      }),
    )
  }
  return { redactSecret, of: (value, under) => walk(value[under] ?? null, [under], false) }
}

/** Removes texts and numbers, and leaves the structure. */
function blank(value: Json): Json {
  if (typeof value === 'string' || typeof value === 'number') return redacted
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(blank)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, blank(item)]))
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : []
}

function readPath(path: string): readonly string[] {
  const segments = String(path).split('.')
  if (
    segments.some((segment) => segment === '') ||
    !['request', 'answer', 'error', '*', '**'].includes(segments[0] ?? '')
  )
    throw invalidInput(
      `The path ${show(path)} of a cassette`,
      'it must begin with request, answer, error or **, and have no empty part',
    )
  return segments
}

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return path.length === 0
  if (first === '**') return fits(rest, path) || (path.length > 0 && fits(pattern, path.slice(1)))
  return path.length > 0 && (first === '*' || first === path[0]) && fits(rest, path.slice(1))
}
