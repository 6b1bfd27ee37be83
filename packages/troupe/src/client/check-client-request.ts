/** Checks the arguments of the client. It does not use the catalogue of errors, which a page would have to load. */
import { isInstance, isPlainObject, show, ValidationError } from '../core/index.ts'
import { operationPaths } from './generated/operation-paths.ts'

type Fields = Readonly<Record<string, unknown>>
type Check = readonly [isRight: (value: unknown) => boolean, wanted: string]

const text: Check = [(value) => typeof value === 'string', 'a text']
// With another text, a request would fail like one to a server that is not there.
const headerText: Check = [
  (value) => typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  'a text of Latin-1 without control characters, which a header carries',
]
const headers: Check = [
  (value) => isPlainObject(value) && areHeaders(value as Readonly<Record<string, string>>),
  'an object of names and values that a request carries',
]
const count: Check = [(value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number from 0']
const fields: Check = [isPlainObject, 'an object']
const code: Check = [(value) => typeof value === 'function', 'a function']
const signal: Check = [(value) => isInstance(value, AbortSignal), 'an AbortSignal']
const anything: Check = [() => true, 'anything']

const serverUrl: Check = [
  (value) => typeof value === 'string' && (/^(\/|$)/.test(value) || isServerUrl(value)),
  'the http or https URL of a server, without credentials, query and fragment, or in a page a path that begins with /',
]

const clientOptions: Readonly<Record<string, Check>> = {
  ...{ url: serverUrl, key: headerText, user: text, agent: text, headers, signal },
  ...{ retries: count, reconnects: count, fetch: code },
}
const request: Readonly<Record<string, Check>> = {
  ...{ path: fields, query: fields, body: anything, signal, headers, idempotencyKey: headerText },
  ...{
    lastEventId: headerText,
    onOpen: code,
    max: [(value) => typeof value === 'number' && value >= 0, 'a number from 0'],
  },
}

export const wrongArgument = (what: string, problem: string): ValidationError =>
  new ValidationError(`${what} is not valid: ${problem}.`, { hint: 'Correct this value.' })

/** @throws ValidationError */
export const checkClientOptions = (options: unknown): void => checkFields('createClient', options, clientOptions)

/** @throws ValidationError for an operation that the server does not have, and for a request that cannot be sent */
export function checkClientRequest(name: unknown, options: unknown): void {
  if (typeof name !== 'string' || !Object.hasOwn(operationPaths, name))
    throw wrongArgument('The operation', `the server has none called ${show(name)}`)
  checkFields(name, options, request)
  const { path, query } = options as { readonly path?: Fields; readonly query?: Fields }
  for (const values of [path, query])
    for (const [field, value] of Object.entries(values ?? {}))
      if (!(Array.isArray(value) ? value : [value]).every(isPrimitive))
        throw wrongArgument(`${name}.${field}`, `it must be a text, a number, or true or false, got ${show(value)}`)
  // Without the value of its last part, a path is that of another operation. The key of an entry may be empty.
  for (const [, field = ''] of operationPaths[name as keyof typeof operationPaths].matchAll(/\{(\w+)\}/g))
    if (path?.[field] === undefined) throw wrongArgument(`${name}.${field}`, 'the path of the operation needs it')
  // A URL takes `.` and `..` for steps in its path, and the request would be another one.
  for (const [field, value] of Object.entries(path ?? {}))
    if (/^\.\.?$/.test(String(value)) || !String(value).isWellFormed())
      throw wrongArgument(`${name}.${field}`, `the path of a URL does not carry ${show(value)}`)
}

/**
 * Checks the user and the agent when a request is sent, since a page may create a client for a name from stored data. A
 * header would lose the spaces at the ends of a name, and so name another user.
 * @throws ValidationError
 */
export function checkHeaderNames(names: Readonly<Record<'user' | 'agent', string | undefined>>): void {
  for (const [option, name = ''] of Object.entries(names))
    if (!name.isWellFormed() || /\p{Cc}|^ | $/u.test(name))
      throw wrongArgument(
        `createClient.${option}`,
        `a header carries no control characters, and no spaces at the ends, got ${show(name)}`,
      )
}

/** The JSON text of a value. @throws ValidationError for a value that JSON does not carry */
export function jsonTextOf(what: string, value: unknown): string {
  try {
    const text = JSON.stringify(value)
    if (typeof text === 'string') return text
  } catch {
    // The value has a BigInt or a cycle, or it cannot be read.
  }
  throw wrongArgument(what, `JSON does not carry it: ${show(value)}`)
}

const isPrimitive = (value: unknown): boolean =>
  value === undefined || ['string', 'number', 'boolean'].includes(typeof value)

function checkFields(what: string, options: unknown, known: Readonly<Record<string, Check>>): void {
  if (!isPlainObject(options))
    throw wrongArgument(
      what,
      `its options must be an object with ${Object.keys(known).join(', ')}, got ${show(options)}`,
    )
  for (const [name, value] of entriesOf(what, options)) {
    if (!Object.hasOwn(known, name))
      throw wrongArgument(what, `it has no option ${show(name)}, only ${Object.keys(known).join(', ')}`)
    const [isRight, wanted] = known[name] as Check
    if (value !== undefined && !isRight(value))
      throw wrongArgument(
        `${what}.${name}`,
        `it must be ${wanted}${isSecret(name, value) ? '' : `, got ${show(value)}`}`,
      )
    if (isPlainObject(value)) entriesOf(`${what}.${name}`, value)
  }
}

/** Headers may have a key, too, and a URL a password. */
const isSecret = (option: string, value: unknown): boolean =>
  option === 'key' || option === 'headers' || (option === 'url' && String(value).includes('@'))

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^https?:$/.test(protocol) && username + password + search + hash === ''
}

function areHeaders(values: Readonly<Record<string, string>>): boolean {
  try {
    return [...new Headers(values)].every(([, value]) => headerText[0](value))
  } catch {
    return false
  }
}

function entriesOf(what: string, value: Fields): readonly (readonly [string, unknown])[] {
  try {
    return Object.entries(value)
  } catch {
    throw wrongArgument(what, 'it cannot be read')
  }
}
