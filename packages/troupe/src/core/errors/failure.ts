/** Creates the error of a code of the catalogue. All modules of Troupe raise their errors so. */
import type { Json } from '../values/json-value.ts'
import { show } from '../values/show.ts'
import { truncateText } from '../values/truncate-text.ts'
import { catalogue, type ErrorCode } from './catalogue.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'
import type { TroupeError } from './troupe-error.ts'

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (jsonOf(value) ?? show(value))
  return text.length > 300 ? `${truncateText(text, 300)}… (${text.length} characters)` : text
}
/** A message is made of whatever was given in place of a value: a BigInt, a cycle, a list that says it has 4 billion items. */
function jsonOf(value: unknown): string | undefined {
  let parts = 0
  const bounded = (_key: string, part: unknown) => {
    if (++parts > 1_000) throw new RangeError('it has too many parts')
    return part
  }
  try {
    return JSON.stringify(value, bounded)
  } catch {
    return undefined
  }
}
/** The arguments of a tool, but not its status, access or analysis. */
const plural = /^The [a-z]+[^isu]s(?:$| of | \S*\/)/
const verbs: Readonly<Record<string, string>> = { is: 'are', has: 'have' }
/** A value that is a sentence, as the message of another error, brings its own full stop. A plural has its own verb, and 1 a singular. */
const fill = (template: string, values: Readonly<Record<string, unknown>>): string =>
  template.replace(
    /\{(\w+)\}(\.?)(?: (is|has)\b| ([a-z]+)s\b)?/g,
    (match, name: string, stop: string, verb?: string, noun?: string) => {
      if (!(name in values)) return match
      const text = shown(values[name])
      const agreed = verb && plural.test(text) ? verbs[verb] : verb
      const counted = noun && `${noun}${values[name] === 1 ? '' : 's'}`
      const end = (agreed ?? counted) ? ` ${agreed ?? counted}` : ''
      return /[.?!]$/.test(text) ? `${text}${end}` : `${text}${stop}${end}`
    },
  )

/**
 * @param code of the catalogue
 * @param values fill the message and stand in `details`; never payloads or secrets
 * @example throw failure('storage.owned', { path, pid, host, since })
 */
export function failure(
  code: ErrorCode,
  values: Readonly<Record<string, Json>> = {},
  options: { readonly cause?: unknown } = {},
): TroupeError {
  const entry: CatalogueEntry = catalogue[code]
  const error = new entry.class(fill(entry.message, values), {
    code,
    details: values,
    hint: fill(entry.hint, values),
    ...(entry.status === undefined ? {} : { status: entry.status }),
    ...(entry.retryable === undefined ? {} : { retryable: entry.retryable }),
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  })
  return markOwn(error)
}

/** The failure `validation.failed`. @param what is invalid @param problem completes "it is invalid:" */
export const invalidInput = (what: string, problem: string): TroupeError =>
  failure('validation.failed', { what, problem })

const own = Symbol('own')

/** Marks an error whose text is Troupe's own, and may therefore be shown to callers of the server. */
export function markOwn<E extends TroupeError>(error: E): E {
  return Object.defineProperty(error, own, { value: true })
}
/** Whether the text of an error is Troupe's own. Code of users throws the same classes, with texts of its own. */
export const isOwn = (error: TroupeError): boolean => own in error
